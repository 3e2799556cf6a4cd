#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "model/schema_parts.h"

static int verify(struct schema *s, const json_t *node, const char *where, int depth,
		  struct err *err);

// Keywords that only describe.
static const char *const annotations[] = { "description", "title",     "default",  "example",
					   "examples",    "writeOnly", "readOnly", "deprecated",
					   "x-kind",      "x-later",   "x-form",   NULL };

// Keywords that restrict and are checked as they stand, without anything to prepare.
static const char *const plain_keywords[] = {
	"type",      "enum",     "minimum",     "maximum",  "minLength",         "maxLength",
	"minItems",  "maxItems", "uniqueItems", "required", "dependentRequired", "x-minimum",
	"x-maximum", "x-step",   NULL
};

static bool is_among(const char *word, const char *const *list)
{
	for (; *list; list++) {
		if (strcmp(word, *list) == 0)
			return true;
	}
	return false;
}

static void free_regex(regex_t **re)
{
	free(*re);
}

static int verify_pattern(struct schema *s, const json_t *value, const char *where, struct err *err)
{
	const char *pattern = json_string_value(value);
	if (!pattern)
		return err_set(err, -EINVAL, "%s: the pattern is no string", where);
	if (map_get(s->patterns, pattern))
		return 0;
	CLEAN(free_regex) regex_t *re = malloc(sizeof(*re));
	if (!re)
		return err_set(err, -ENOMEM, "out of memory");
	if (regcomp(re, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return err_set(err, -EINVAL, "%s: the pattern %s is no POSIX extended expression",
			       where, pattern);
	if (map_set(s->patterns, pattern, re) < 0) {
		regfree(re);
		return err_set(err, -ENOMEM, "out of memory");
	}
	re = NULL;
	return 0;
}

static int verify_format(const json_t *value, const char *where, struct err *err)
{
	const char *format = json_string_value(value);
	if (!format || !schema_format_is_known(format))
		return err_set(err, -EINVAL, "%s: the format %s is unknown", where,
			       format ? format : "(no string)");
	return 0;
}

static int verify_children(struct schema *s, const json_t *children, const char *where, int depth,
			   struct err *err)
{
	char path[256];
	const char *key;
	json_t *child;
	size_t i;
	json_object_foreach((json_t *)children, key, child)
	{
		(void)snprintf(path, sizeof(path), "%s.%s", where, key);
		int r = verify(s, child, path, depth + 1, err);
		if (r < 0)
			return r;
	}
	json_array_foreach(children, i, child)
	{
		(void)snprintf(path, sizeof(path), "%s[%zu]", where, i);
		int r = verify(s, child, path, depth + 1, err);
		if (r < 0)
			return r;
	}
	return 0;
}

// `not` is only understood around a list of names that may not stand together.
static int verify_not(const json_t *value, const char *where, struct err *err)
{
	if (json_object_size(value) == 1 && json_is_array(json_object_get(value, "required")))
		return 0;
	return err_set(err, -EINVAL, "%s: `not` is only understood with `required`", where);
}

static int verify_keyword(struct schema *s, const char *key, const json_t *value, const char *where,
			  int depth, struct err *err)
{
	if (is_among(key, annotations) || is_among(key, plain_keywords))
		return 0;
	if (strcmp(key, "pattern") == 0)
		return verify_pattern(s, value, where, err);
	if (strcmp(key, "format") == 0)
		return verify_format(value, where, err);
	if (strcmp(key, "not") == 0)
		return verify_not(value, where, err);
	if (strcmp(key, "properties") == 0 || strcmp(key, "allOf") == 0 ||
	    strcmp(key, "anyOf") == 0)
		return verify_children(s, value, where, depth, err);
	if (strcmp(key, "additionalProperties") == 0 && json_is_boolean(value))
		return 0;
	if (strcmp(key, "items") == 0 || strcmp(key, "additionalProperties") == 0)
		return verify(s, value, where, depth + 1, err);
	return err_set(err, -EINVAL, "%s: the keyword %s is not understood", where, key);
}

static int verify(struct schema *s, const json_t *node, const char *where, int depth,
		  struct err *err)
{
	const char *key;
	json_t *value;
	if (!json_is_object(node) || depth > SCHEMA_DEPTH_MAX)
		return err_set(err, -EINVAL, "%s: this is no schema", where);
	if (json_object_get(node, "$ref")) {
		if (json_object_size(node) == 1 && schema_resolve(s, node))
			return 0;
		return err_set(err, -EINVAL, "%s: $ref leads nowhere or does not stand alone",
			       where);
	}
	json_object_foreach((json_t *)node, key, value)
	{
		int r = verify_keyword(s, key, value, where, depth, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int schema_verify(struct schema *s, struct err *err)
{
	return verify_children(s, s->components, "schemas", 0, err);
}
