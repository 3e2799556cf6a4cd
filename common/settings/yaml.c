#include "settings/yaml.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

#include "base/file.h"
#include "base/text.h"
#include "settings/yaml_scalar.h"

#define KEY_MAX 256 // a host name fits

const struct yaml_limits yaml_limits_default = {
	.bytes = (size_t)8 << 20,
	.depth = 32,
	.nodes = 500000,
};

struct loader {
	yaml_parser_t parser;
	const struct yaml_limits *limits;
	size_t nodes;
	const char *name;
	struct err *err;
};

static int load_value(struct loader *l, const yaml_event_t *event, size_t depth,
		      json_t **ret_value);

static void event_done(yaml_event_t *event)
{
	yaml_event_delete(event);
}

// "fleet.yaml: line 3, column 5: sentence". Marks count from zero.
__attribute__((format(printf, 4, 5))) static int fail(struct loader *l, int code, yaml_mark_t mark,
						      const char *fmt, ...)
{
	CLEAN(text_free) struct text sentence = { 0 };
	va_list args;
	va_start(args, fmt);
	text_vaddf(&sentence, fmt, args);
	va_end(args);
	return err_set(l->err, code, "%s%sline %zu, column %zu: %s", l->name ? l->name : "",
		       l->name ? ": " : "", mark.line + 1, mark.column + 1,
		       sentence.data ? sentence.data : "it cannot be read");
}

static int fail_memory(struct loader *l)
{
	return err_set(l->err, -ENOMEM, "out of memory");
}

// What libyaml says, in one sentence. The reader's errors (bytes that are no UTF-8) come without a
// mark.
static int fail_parser(struct loader *l)
{
	const yaml_parser_t *p = &l->parser;
	const char *problem = p->problem ? p->problem : "it cannot be read";
	if (p->error == YAML_MEMORY_ERROR)
		return fail_memory(l);
	if (p->error == YAML_READER_ERROR)
		return err_set(l->err, -EINVAL, "%s%sbyte %zu: %s", l->name ? l->name : "",
			       l->name ? ": " : "", p->problem_offset, problem);
	if (p->context)
		return fail(l, -EINVAL, p->problem_mark, "%s (%s from line %zu)", problem,
			    p->context, p->context_mark.line + 1);
	return fail(l, -EINVAL, p->problem_mark, "%s", problem);
}

static int next_event(struct loader *l, yaml_event_t *ret_event)
{
	if (!yaml_parser_parse(&l->parser, ret_event))
		return fail_parser(l);
	return 0;
}

static int load_scalar(struct loader *l, const yaml_event_t *event, json_t **ret_value)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;
	if (strlen(text) != len)
		return fail(l, -EINVAL, event->start_mark, "a text holds a NUL character");
	bool is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	json_t *value = is_plain ? yaml_scalar_value(text, len) : json_stringn(text, len);
	if (!value)
		return fail(l, -EINVAL, event->start_mark, "%.60s is a number that cannot be held",
			    text);
	*ret_value = value;
	return 0;
}

static int load_sequence(struct loader *l, size_t depth, json_t **ret_value)
{
	json_auto_t *list = json_array();
	if (!list)
		return fail_memory(l);
	for (;;) {
		CLEAN(event_done) yaml_event_t event = { 0 };
		json_t *item;
		int r = next_event(l, &event);
		if (r < 0)
			return r;
		if (event.type == YAML_SEQUENCE_END_EVENT)
			break;
		r = load_value(l, &event, depth, &item);
		if (r < 0)
			return r;
		if (json_array_append_new(list, item) < 0)
			return fail_memory(l);
	}
	*ret_value = json_incref(list);
	return 0;
}

// A key is one plain or quoted scalar without anchor and tag, and stands once.
static int check_key(struct loader *l, const yaml_event_t *event, const json_t *map)
{
	if (event->type == YAML_ALIAS_EVENT)
		return fail(l, -EINVAL, event->start_mark, "aliases are not allowed");
	if (event->type != YAML_SCALAR_EVENT)
		return fail(l, -EINVAL, event->start_mark, "a key must be a word");
	const char *key = (const char *)event->data.scalar.value;
	if (event->data.scalar.anchor || event->data.scalar.tag)
		return fail(l, -EINVAL, event->start_mark, "anchors and tags are not allowed");
	if (strlen(key) != event->data.scalar.length)
		return fail(l, -EINVAL, event->start_mark, "a key holds a NUL character");
	// libyaml reads keys of up to 1024 characters, and written again a key may be longer.
	if (event->data.scalar.length > KEY_MAX)
		return fail(l, -EINVAL, event->start_mark, "a key is longer than %d bytes",
			    KEY_MAX);
	if (strcmp(key, "<<") == 0)
		return fail(l, -EINVAL, event->start_mark, "merge keys are not allowed");
	if (json_object_get(map, key))
		return fail(l, -EINVAL, event->start_mark, "the key %.80s is there twice", key);
	return 0;
}

static int load_mapping(struct loader *l, size_t depth, json_t **ret_value)
{
	json_auto_t *map = json_object();
	if (!map)
		return fail_memory(l);
	for (;;) {
		CLEAN(event_done) yaml_event_t key = { 0 };
		CLEAN(event_done) yaml_event_t event = { 0 };
		json_t *value;
		int r = next_event(l, &key);
		if (r < 0)
			return r;
		if (key.type == YAML_MAPPING_END_EVENT)
			break;
		r = check_key(l, &key, map);
		if (r == 0)
			r = next_event(l, &event);
		if (r == 0)
			r = load_value(l, &event, depth, &value);
		if (r < 0)
			return r;
		if (json_object_set_new(map, (const char *)key.data.scalar.value, value) < 0)
			return fail_memory(l);
	}
	*ret_value = json_incref(map);
	return 0;
}

// Anchors make aliases possible and tags make types; neither is part of what Weft reads.
static bool has_extra(const yaml_event_t *event)
{
	if (event->type == YAML_SCALAR_EVENT)
		return event->data.scalar.anchor || event->data.scalar.tag;
	if (event->type == YAML_SEQUENCE_START_EVENT)
		return event->data.sequence_start.anchor || event->data.sequence_start.tag;
	return event->type == YAML_MAPPING_START_EVENT &&
	       (event->data.mapping_start.anchor || event->data.mapping_start.tag);
}

static int load_value(struct loader *l, const yaml_event_t *event, size_t depth, json_t **ret_value)
{
	if (event->type == YAML_ALIAS_EVENT)
		return fail(l, -EINVAL, event->start_mark, "aliases are not allowed");
	if (has_extra(event))
		return fail(l, -EINVAL, event->start_mark, "anchors and tags are not allowed");
	if (++l->nodes > l->limits->nodes)
		return fail(l, -EFBIG, event->start_mark, "there are more than %zu values",
			    l->limits->nodes);
	if (event->type == YAML_SCALAR_EVENT)
		return load_scalar(l, event, ret_value);
	if (depth >= l->limits->depth)
		return fail(l, -EFBIG, event->start_mark, "it is nested more than %zu deep",
			    l->limits->depth);
	if (event->type == YAML_SEQUENCE_START_EVENT)
		return load_sequence(l, depth + 1, ret_value);
	return load_mapping(l, depth + 1, ret_value);
}

// Skips to what `wanted` or the stream's end says.
static int expect_event(struct loader *l, yaml_event_type_t wanted, bool *ret_is_wanted)
{
	CLEAN(event_done) yaml_event_t event = { 0 };
	int r = next_event(l, &event);
	if (r < 0)
		return r;
	*ret_is_wanted = event.type == wanted;
	if (!*ret_is_wanted && event.type == YAML_DOCUMENT_START_EVENT)
		return fail(l, -EINVAL, event.start_mark, "only one document is allowed");
	return 0;
}

static int load_document(struct loader *l, json_t **ret_value)
{
	CLEAN(event_done) yaml_event_t event = { 0 };
	json_auto_t *value = NULL;
	bool is_there;
	int r = expect_event(l, YAML_STREAM_START_EVENT, &is_there);
	if (r == 0)
		r = expect_event(l, YAML_DOCUMENT_START_EVENT, &is_there);
	if (r < 0)
		return r;
	if (!is_there) {
		*ret_value = json_null();
		return 0;
	}
	r = next_event(l, &event);
	if (r == 0)
		r = load_value(l, &event, 0, &value);
	if (r == 0)
		r = expect_event(l, YAML_DOCUMENT_END_EVENT, &is_there);
	if (r == 0)
		r = expect_event(l, YAML_STREAM_END_EVENT, &is_there);
	if (r < 0)
		return r;
	*ret_value = json_incref(value);
	return 0;
}

int yaml_parse(const char *text, size_t len, const char *name, const struct yaml_limits *limits,
	       json_t **ret_value, struct err *err)
{
	struct loader l = { .limits = limits ? limits : &yaml_limits_default,
			    .name = name,
			    .err = err };
	if (len > l.limits->bytes)
		return err_set(err, -EFBIG, "%s%sit has %zu bytes and may have at most %zu",
			       name ? name : "", name ? ": " : "", len, l.limits->bytes);
	if (!yaml_parser_initialize(&l.parser))
		return fail_memory(&l);
	yaml_parser_set_encoding(&l.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&l.parser, (const unsigned char *)text, len);
	int r = load_document(&l, ret_value);
	yaml_parser_delete(&l.parser);
	return r;
}

static int read_input(size_t limit, struct text *t, struct err *err)
{
	char part[4096];
	for (;;) {
		ssize_t n = read(STDIN_FILENO, part, sizeof(part));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, -errno, "standard input: %s", strerror(errno));
		if (n == 0)
			return 0;
		text_add_bytes(t, part, (size_t)n);
		if (t->failed || t->len > limit)
			return err_set(err, -EFBIG, "standard input: it is longer than %zu bytes",
				       limit);
	}
}

int yaml_read_file(const char *path, const struct yaml_limits *limits, json_t **ret_value,
		   struct err *err)
{
	CLEAN(free_ptr) char *data = NULL;
	CLEAN(text_free) struct text input = { 0 };
	size_t len = 0;
	limits = limits ? limits : &yaml_limits_default;
	if (strcmp(path, "-") == 0) {
		int r = read_input(limits->bytes, &input, err);
		return r < 0 ? r
			     : yaml_parse(input.data ? input.data : "", input.len, "standard input",
					  limits, ret_value, err);
	}
	int r = file_read(path, limits->bytes, &data, &len, err);
	return r < 0 ? r : yaml_parse(data, len, path, limits, ret_value, err);
}
