#include "later.h"

#include <stdlib.h>

#include "base/text.h"

char *later_field(const char *object, size_t len)
{
	char *longer =
		text_format("%.*s,\"later\":{\"since\":[1,\"two\",null]}}", (int)(len - 1), object);

	if (!longer)
		abort();
	return longer;
}
