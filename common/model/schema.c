#include "model/schema.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/schema_parts.h"

static const char ref_base[] = "#/components/schemas/";

const json_t *schema_resolve(const struct schema *s, const json_t *node)
{
	for (int i = 0; node && i < SCHEMA_DEPTH_MAX; i++) {
		const char *ref = json_string_value(json_object_get(node, "$ref"));
		if (!ref)
			return node;
		if (strncmp(ref, ref_base, sizeof(ref_base) - 1) != 0)
			return NULL;
		node = json_object_get(s->components, ref + sizeof(ref_base) - 1);
	}
	return NULL;
}

static void free_pattern(void *value)
{
	regfree(value);
	free(value);
}

int schema_load(json_t *openapi, struct schema **ret_schema, struct err *err)
{
	CLEAN(schema_free_ptr) struct schema *s = calloc(1, sizeof(*s));
	if (!s)
		return err_set(err, -ENOMEM, "out of memory");
	s->document = json_incref(openapi);
	s->components = json_object_get(json_object_get(openapi, "components"), "schemas");
	if (!json_is_object(s->components))
		return err_set(err, -EINVAL,
			       "components.schemas is missing in the API description");
	s->patterns = map_new(free_pattern);
	if (!s->patterns)
		return err_set(err, -ENOMEM, "out of memory");
	int r = schema_verify(s, err);
	if (r < 0)
		return r;
	*ret_schema = take_ptr(&s);
	return 0;
}

void schema_free(struct schema *s)
{
	if (!s)
		return;
	if (s->patterns)
		map_free(s->patterns);
	json_decref(s->document);
	free(s);
}

const json_t *schema_get(const struct schema *s, const char *name)
{
	return json_object_get(s->components, name);
}

static int fill(const struct schema *s, const json_t *node, json_t *value, int depth);

static int fill_object(const struct schema *s, const json_t *node, json_t *value, int depth)
{
	const char *key;
	json_t *child;
	json_object_foreach(json_object_get(node, "properties"), key, child)
	{
		const json_t *property = schema_resolve(s, child);
		const json_t *standard = json_object_get(property, "default");
		json_t *present = json_object_get(value, key);
		int r = 0;
		if (present)
			r = fill(s, property, present, depth);
		else if (standard)
			r = json_object_set_new(value, key, json_deep_copy(standard)) < 0 ? -ENOMEM
											  : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

// The members that additionalProperties describes.
static int fill_members(const struct schema *s, const json_t *node, json_t *value, int depth)
{
	const json_t *other = json_object_get(node, "additionalProperties");
	const json_t *properties = json_object_get(node, "properties");
	const char *key;
	json_t *child;
	if (!json_is_object(other))
		return 0;
	json_object_foreach(value, key, child)
	{
		int r = json_object_get(properties, key) ? 0 : fill(s, other, child, depth);
		if (r < 0)
			return r;
	}
	return 0;
}

static int fill(const struct schema *s, const json_t *node, json_t *value, int depth)
{
	node = schema_resolve(s, node);
	if (!node || depth > SCHEMA_DEPTH_MAX)
		return 0;
	size_t i;
	json_t *part;
	json_array_foreach(json_object_get(node, "allOf"), i, part)
	{
		int r = fill(s, part, value, depth + 1);
		if (r < 0)
			return r;
	}
	if (json_is_object(value)) {
		int r = fill_object(s, node, value, depth + 1);
		return r < 0 ? r : fill_members(s, node, value, depth + 1);
	}
	json_array_foreach(value, i, part)
	{
		int r = fill(s, json_object_get(node, "items"), part, depth + 1);
		if (r < 0)
			return r;
	}
	return 0;
}

int schema_fill_defaults(const struct schema *s, const char *name, json_t *value, struct err *err)
{
	if (fill(s, schema_get(s, name), value, 0) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	return 0;
}
