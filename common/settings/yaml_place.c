#include "settings/yaml_place.h"

#include <stdbool.h>
#include <string.h>
#include <yaml.h>

static bool begins(yaml_event_type_t type)
{
	return type == YAML_MAPPING_START_EVENT || type == YAML_SEQUENCE_START_EVENT;
}

static bool ends(yaml_event_type_t type)
{
	return type == YAML_MAPPING_END_EVENT || type == YAML_SEQUENCE_END_EVENT;
}

// The type of the next event, and on which line it stands (from 1); whether it is the scalar `key`
// when that is wanted. YAML_NO_EVENT: the text ends or cannot be read.
static yaml_event_type_t next(yaml_parser_t *parser, size_t *ret_line, const struct yaml_step *key,
			      bool *ret_is_key)
{
	yaml_event_t event;
	if (!yaml_parser_parse(parser, &event))
		return YAML_NO_EVENT;
	const yaml_event_type_t type = event.type;
	*ret_line = event.start_mark.line + 1;
	if (key)
		*ret_is_key = type == YAML_SCALAR_EVENT && event.data.scalar.length == key->len &&
			      memcmp(event.data.scalar.value, key->key, key->len) == 0;
	yaml_event_delete(&event);
	return type;
}

// Goes to the end of the value whose first event was of this type. False at the end of the text.
static bool skip(yaml_parser_t *parser, yaml_event_type_t type)
{
	size_t line;
	for (size_t open = begins(type); open > 0; open += begins(type), open -= ends(type)) {
		type = next(parser, &line, NULL, NULL);
		if (type == YAML_NO_EVENT)
			return false;
	}
	return true;
}

// In the map that has begun: to the value behind `step`, whose first event's type is returned.
// YAML_NO_EVENT: there is none.
static yaml_event_type_t enter_map(yaml_parser_t *parser, const struct yaml_step *step,
				   size_t *ret_line)
{
	for (;;) {
		size_t line, behind;
		bool is_it = false;
		const yaml_event_type_t key = next(parser, &line, step, &is_it);
		if (key == YAML_NO_EVENT || ends(key))
			return YAML_NO_EVENT;
		const yaml_event_type_t value = next(parser, &behind, NULL, NULL);
		if (is_it)
			*ret_line = line;
		if (is_it || !skip(parser, value))
			return is_it ? value : YAML_NO_EVENT;
	}
}

// The same in a list.
static yaml_event_type_t enter_list(yaml_parser_t *parser, const struct yaml_step *step,
				    size_t *ret_line)
{
	for (size_t i = 0;; i++) {
		size_t line;
		const yaml_event_type_t item = next(parser, &line, NULL, NULL);
		if (item == YAML_NO_EVENT || ends(item))
			return YAML_NO_EVENT;
		if (i == step->index)
			*ret_line = line;
		if (i == step->index || !skip(parser, item))
			return i == step->index ? item : YAML_NO_EVENT;
	}
}

size_t yaml_place(const char *text, size_t len, const struct yaml_step *path, size_t depth,
		  size_t *ret_found)
{
	yaml_parser_t parser;
	size_t line = 0, found = 0;

	*ret_found = 0;
	if (!yaml_parser_initialize(&parser))
		return 0;
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	yaml_event_type_t type;
	do {
		size_t first;
		type = next(&parser, &first, NULL, NULL);
	} while (type == YAML_STREAM_START_EVENT || type == YAML_DOCUMENT_START_EVENT);
	for (; found < depth; found++) {
		if (path[found].key && type == YAML_MAPPING_START_EVENT)
			type = enter_map(&parser, &path[found], &line);
		else if (!path[found].key && type == YAML_SEQUENCE_START_EVENT)
			type = enter_list(&parser, &path[found], &line);
		else
			break;
		if (type == YAML_NO_EVENT)
			break;
	}
	yaml_parser_delete(&parser);
	*ret_found = found;
	return line;
}
