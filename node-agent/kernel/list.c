#include "kernel/list.h"

#include <stdlib.h>
#include <string.h>

void *list_add(void *items, size_t *len, size_t item_size)
{
	char *data;

	memcpy(&data, items, sizeof data);
	if ((*len & (*len - 1)) == 0) { // 0 and every power of two: the array is full
		size_t cap = *len ? *len * 2 : 1;
		char *grown = reallocarray(data, cap, item_size);

		if (!grown)
			return NULL;
		data = grown;
		memcpy(items, &data, sizeof data);
	}
	void *item = data + *len * item_size;
	memset(item, 0, item_size);
	(*len)++;
	return item;
}
