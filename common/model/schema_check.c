#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/text.h"
#include "model/json.h"
#include "model/schema_parts.h"

struct check {
	const struct schema *schema;
	struct problem_list *problems;
	struct text path;
	int depth;
};

static void check_value(struct check *c, const json_t *node, const json_t *value);

#define complain(c, ...)                                                                           \
	problem_add((c)->problems, (c)->path.data ? (c)->path.data : "", __VA_ARGS__)

// A name from outside may be of any length; the path only has to be recognised.
enum { NAME_SHOWN = 80 };

static size_t path_push_name(struct check *c, const char *name)
{
	size_t base = c->path.len;
	text_addf(&c->path, "%s%.*s", base > 0 ? "." : "", NAME_SHOWN, name);
	return base;
}

static size_t path_push_index(struct check *c, size_t index)
{
	size_t base = c->path.len;
	text_addf(&c->path, "[%zu]", index);
	return base;
}

static void path_pop(struct check *c, size_t base)
{
	c->path.len = base;
	if (c->path.data)
		c->path.data[base] = '\0';
}

// The value as it was written, short enough for a sentence.
static void show(const json_t *value, char *buf, size_t size)
{
	CLEAN(free_ptr)
	char *text = json_is_object(value) || json_is_array(value) ? NULL : json_canonical(value);
	if (!text)
		(void)snprintf(buf, size, "%s", json_is_array(value) ? "a list" : "a mapping");
	else
		(void)snprintf(buf, size, strlen(text) >= size ? "%.60s…\"" : "%s", text);
}

static const char *type_article(const char *type)
{
	static const char *const words[][2] = {
		{ "string", "a string" }, { "integer", "a whole number" },
		{ "number", "a number" }, { "boolean", "true or false" },
		{ "array", "a list" },    { "object", "a mapping" },
		{ "null", "null" },
	};
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(words[i][0], type) == 0)
			return words[i][1];
	}
	return type;
}

static bool has_type(const json_t *value, const char *type)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return strcmp(type, "object") == 0;
	case JSON_ARRAY:
		return strcmp(type, "array") == 0;
	case JSON_STRING:
		return strcmp(type, "string") == 0;
	case JSON_INTEGER:
		return strcmp(type, "integer") == 0 || strcmp(type, "number") == 0;
	case JSON_REAL:
		return strcmp(type, "number") == 0;
	case JSON_TRUE:
	case JSON_FALSE:
		return strcmp(type, "boolean") == 0;
	case JSON_NULL:
		return strcmp(type, "null") == 0;
	}
	return false;
}

static bool check_type(struct check *c, const json_t *type, const json_t *value)
{
	char shown[80];
	json_t *one;
	size_t i;
	if (!type || (json_is_string(type) && has_type(value, json_string_value(type))))
		return true;
	json_array_foreach(type, i, one)
	{
		if (has_type(value, json_string_value(one)))
			return true;
	}
	const char *wanted =
		json_string_value(json_is_array(type) ? json_array_get(type, 0) : type);
	show(value, shown, sizeof(shown));
	complain(c, "%s is not %s", shown, type_article(wanted ? wanted : "?"));
	return false;
}

static void check_enum(struct check *c, const json_t *allowed, const json_t *value)
{
	CLEAN(text_free) struct text list = { 0 };
	char shown[80], one_shown[80];
	json_t *one;
	size_t i;
	json_array_foreach(allowed, i, one)
	{
		if (json_equal(one, value))
			return;
		show(one, one_shown, sizeof(one_shown));
		const char *plain = json_string_value(one);
		text_addf(&list, "%s%s", i ? ", " : "", plain ? plain : one_shown);
	}
	show(value, shown, sizeof(shown));
	if (json_array_size(allowed) > 0)
		complain(c, "%s is not one of %s", shown,
			 list.data ? list.data : "the allowed values");
}

static void check_number(struct check *c, const json_t *node, const json_t *value)
{
	const json_t *min = json_object_get(node, "minimum"),
		     *max = json_object_get(node, "maximum");
	char shown[80], low[80], high[80];
	bool is_below = min && json_number_value(value) < json_number_value(min);
	bool is_above = max && json_number_value(value) > json_number_value(max);
	if (!is_below && !is_above)
		return;
	show(value, shown, sizeof(shown));
	if (min)
		show(min, low, sizeof(low));
	if (max)
		show(max, high, sizeof(high));
	if (min && max)
		complain(c, "%s is not in %s..%s", shown, low, high);
	else
		complain(c, is_below ? "%s is less than %s" : "%s is more than %s", shown,
			 is_below ? low : high);
}

// Characters, not bytes.
static size_t utf8_count(const char *s)
{
	size_t n = 0;
	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

// Says what is wrong with a length; true when nothing is.
static bool check_length(struct check *c, const json_t *node, const char *keywords[2], size_t len,
			 const char *what)
{
	const json_t *min = json_object_get(node, keywords[0]),
		     *max = json_object_get(node, keywords[1]);
	json_int_t low = min ? json_integer_value(min) : 0;
	json_int_t high = max ? json_integer_value(max) : INT64_MAX;
	if ((json_int_t)len >= low && (json_int_t)len <= high)
		return true;
	if (low == high)
		complain(c, "it needs exactly %" PRId64 " %s, not %zu", (int64_t)low, what, len);
	else if ((json_int_t)len < low && len == 0)
		complain(c, "it may not be empty");
	else if ((json_int_t)len < low)
		complain(c, "it has %zu %s and needs at least %" PRId64, len, what, (int64_t)low);
	else
		complain(c, "it has %zu %s and may have at most %" PRId64, len, what,
			 (int64_t)high);
	return false;
}

static void check_string(struct check *c, const json_t *node, const json_t *value)
{
	static const char *length_keywords[2] = { "minLength", "maxLength" };
	const char *text = json_string_value(value);
	const char *pattern = json_string_value(json_object_get(node, "pattern"));
	struct err err = { 0 };
	if (strlen(text) != json_string_length(value)) {
		complain(c, "it holds a NUL character");
		return;
	}
	if (!check_length(c, node, length_keywords, utf8_count(text), "characters"))
		return;
	if (schema_format_check(node, text, &err) < 0) {
		complain(c, "%s", err.text);
		return;
	}
	const regex_t *re = pattern ? map_get(c->schema->patterns, pattern) : NULL;
	const char *form = json_string_value(json_object_get(node, "x-form"));
	if (re && regexec(re, text, 0, NULL, 0) != 0)
		complain(c, "\"%.60s\" %s %s", text, form ? "is no" : "does not have the form",
			 form ? form : pattern);
}

static void check_unique(struct check *c, const json_t *list)
{
	struct map *seen = map_new(NULL);
	json_t *item;
	size_t i;
	char shown[80];
	json_array_foreach(list, i, item)
	{
		CLEAN(free_ptr) char *text = json_canonical(item);
		if (!seen || !text) {
			c->problems->is_cut = true;
			break;
		}
		size_t base = path_push_index(c, i);
		if (map_get(seen, text)) {
			show(item, shown, sizeof(shown));
			complain(c, "%s is in the list twice", json_is_array(item) ? text : shown);
		} else if (map_set(seen, text, (void *)(uintptr_t)(i + 1)) < 0) {
			c->problems->is_cut = true;
		}
		path_pop(c, base);
	}
	if (seen)
		map_free(seen);
}

static void check_array(struct check *c, const json_t *node, const json_t *value)
{
	static const char *length_keywords[2] = { "minItems", "maxItems" };
	const json_t *items = json_object_get(node, "items");
	json_t *item;
	size_t i;
	if (!check_length(c, node, length_keywords, json_array_size(value), "items"))
		return;
	json_array_foreach(value, i, item)
	{
		size_t base = path_push_index(c, i);
		if (items)
			check_value(c, items, item);
		path_pop(c, base);
	}
	if (json_is_true(json_object_get(node, "uniqueItems")))
		check_unique(c, value);
}

// `x-later`: what the model has and this version has not, field -> what it would be for.
static void check_unknown(struct check *c, const json_t *node, const char *key)
{
	const char *later =
		json_string_value(json_object_get(json_object_get(node, "x-later"), key));
	if (later) {
		complain(c, "this version does not serve %s", later);
		return;
	}
	json_t *properties = json_object_get(node, "properties");
	CLEAN(free_ptr)
	const char **names = calloc(json_object_size(properties) + 1, sizeof(*names));
	size_t len = 0;
	const char *name;
	json_t *value;
	json_object_foreach(properties, name, value)
	{
		if (names)
			names[len++] = name;
	}
	const char *nearest = names ? text_nearest(key, names) : NULL;
	if (nearest)
		complain(c, "there is no such field, did you mean %s?", nearest);
	else
		complain(c, "there is no such field");
}

static void check_member(struct check *c, const json_t *node, const char *key, const json_t *value)
{
	const json_t *property = json_object_get(json_object_get(node, "properties"), key);
	const json_t *other = json_object_get(node, "additionalProperties");
	size_t base = path_push_name(c, key);
	if (property)
		check_value(c, property, value);
	else if (json_is_false(other))
		check_unknown(c, node, key);
	else if (json_is_object(other))
		check_value(c, other, value);
	path_pop(c, base);
}

static void check_required(struct check *c, const json_t *names, const json_t *value,
			   const char *because)
{
	json_t *name;
	size_t i;
	json_array_foreach(names, i, name)
	{
		const char *key = json_string_value(name);
		if (json_object_get(value, key))
			continue;
		size_t base = path_push_name(c, key);
		if (because)
			complain(c, "it is missing and needed beside %s", because);
		else
			complain(c, "it is missing");
		path_pop(c, base);
	}
}

// `not: {required: [a, b]}`: the two may not stand together.
static void check_exclusive(struct check *c, const json_t *names, const json_t *value)
{
	CLEAN(text_free) struct text list = { 0 };
	json_t *name;
	size_t i;
	json_array_foreach(names, i, name)
	{
		if (!json_object_get(value, json_string_value(name)))
			return;
		text_addf(&list, "%s%s", i ? " and " : "", json_string_value(name));
	}
	if (list.data)
		complain(c, "%s may not stand together", list.data);
}

// What is there although one of `names` may not stand beside it; NULL: they could be added.
static const char *found_instead(const json_t *names, const json_t *excluded, const json_t *value)
{
	json_t *name, *other;
	size_t i, k;
	json_array_foreach(names, i, name)
	{
		bool is_excluded = false;
		const char *found = NULL;
		json_array_foreach(excluded, k, other)
		{
			if (json_equal(name, other))
				is_excluded = true;
			else if (json_object_get(value, json_string_value(other)))
				found = json_string_value(other);
		}
		if (is_excluded && found && !json_object_get(value, json_string_value(name)))
			return found;
	}
	return NULL;
}

// `dependentRequired`, of a field that is there.
static void check_dependent(struct check *c, const json_t *node, const json_t *value,
			    const char *key, const json_t *names)
{
	const char *found = found_instead(
		names, json_object_get(json_object_get(node, "not"), "required"), value);
	if (!found) {
		check_required(c, names, value, key);
		return;
	}
	const size_t base = path_push_name(c, key);
	complain(c, "it does not go with %s", found);
	path_pop(c, base);
}

static void check_object(struct check *c, const json_t *node, const json_t *value)
{
	const char *key;
	json_t *member;
	json_object_foreach((json_t *)value, key, member) check_member(c, node, key, member);
	check_required(c, json_object_get(node, "required"), value, NULL);
	check_exclusive(c, json_object_get(json_object_get(node, "not"), "required"), value);
	json_object_foreach(json_object_get(node, "dependentRequired"), key, member)
	{
		if (json_object_get(value, key))
			check_dependent(c, node, value, key, member);
	}
}

// The value must fit one of the alternatives; what is wrong with the first is told otherwise.
static void check_any(struct check *c, const json_t *alternatives, const json_t *value)
{
	json_t *one;
	size_t i;
	json_array_foreach(alternatives, i, one)
	{
		CLEAN(problem_list_done) struct problem_list found = { 0 };
		struct check trial = { .schema = c->schema, .problems = &found, .depth = c->depth };
		check_value(&trial, one, value);
		text_free(&trial.path);
		if (!problem_list_any(&found))
			return;
	}
	if (json_array_size(alternatives) > 0)
		check_value(c, json_array_get(alternatives, 0), value);
}

static void check_keywords(struct check *c, const json_t *node, const json_t *value)
{
	json_t *part;
	size_t i;
	if (!check_type(c, json_object_get(node, "type"), value))
		return;
	json_array_foreach(json_object_get(node, "allOf"), i, part) check_value(c, part, value);
	check_any(c, json_object_get(node, "anyOf"), value);
	if (json_object_get(node, "enum"))
		check_enum(c, json_object_get(node, "enum"), value);
	if (json_is_object(value))
		check_object(c, node, value);
	else if (json_is_array(value))
		check_array(c, node, value);
	else if (json_is_string(value))
		check_string(c, node, value);
	else if (json_is_number(value))
		check_number(c, node, value);
}

static void check_value(struct check *c, const json_t *node, const json_t *value)
{
	if (c->problems->is_cut)
		return;
	node = schema_resolve(c->schema, node);
	if (!node || c->depth >= SCHEMA_DEPTH_MAX) {
		complain(c, node ? "it is nested too deeply" : "there is no schema for it");
		return;
	}
	c->depth++;
	check_keywords(c, node, value);
	c->depth--;
}

void schema_check(const struct schema *s, const char *name, const json_t *value, const char *prefix,
		  struct problem_list *problems)
{
	struct check c = { .schema = s, .problems = problems };
	text_add(&c.path, prefix);
	check_value(&c, schema_get(s, name), value);
	if (c.path.failed)
		problems->is_cut = true;
	text_free(&c.path);
}
