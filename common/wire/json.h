// JSON at the protocol's strictness, and strings written as JSON.
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"
#include "base/text.h"

// Parses one JSON object: duplicate names, invalid UTF-8, NUL characters, trailing bytes and
// nesting beyond WIRE_DEPTH_MAX are refused with -EBADMSG and a sentence.
int wire_json_parse(const char *text, size_t len, json_t **ret_object, struct err *err);

// Writes `len` bytes as a JSON string with its quotes. Invalid UTF-8 becomes '?', so that no text
// of ours can break the message it stands in.
void wire_json_add(struct text *out, const char *s, size_t len);

// Upper bound of the bytes wire_json_add writes.
size_t wire_json_size(const char *s, size_t len);
