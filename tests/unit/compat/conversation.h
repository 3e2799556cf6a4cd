// The recorded conversations of all releases, message by message.
#pragma once

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <jansson.h>

#include "wire/message.h"

struct said {
	enum msg_direction from;
	const char *text; // as it went over the wire
	size_t len;
};

struct conversation {
	const char *file;
	json_t *json;
	size_t count;
};

// Calls `replay` for each file; fails the test when there is none.
void conversation_each(void (*replay)(const struct conversation *c));

struct said conversation_at(const struct conversation *c, size_t at);

// Decodes, or fails the test and says which message of which file. The caller ends it with
// msg_done.
struct msg conversation_decode(const struct conversation *c, size_t at);
