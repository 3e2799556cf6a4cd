#include "model/json.h"

#include <stdlib.h>

char *json_canonical(const json_t *value)
{
	return json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
}

// Puts `patch` over `target`, which is an object of our own.
static int merge_into(json_t *target, const json_t *patch)
{
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)patch, key, value)
	{
		int r = 0;
		if (json_is_null(value))
			(void)json_object_del(target, key);
		else
			r = json_object_set_new(
				target, key, json_merge_patch(json_object_get(target, key), value));
		if (r < 0)
			return -1;
	}
	return 0;
}

json_t *json_merge_patch(const json_t *target, const json_t *patch)
{
	if (!json_is_object(patch))
		return json_deep_copy(patch);
	json_auto_t *result = json_is_object(target) ? json_deep_copy(target) : json_object();
	if (!result || merge_into(result, patch) < 0)
		return NULL;
	return json_incref(result);
}
