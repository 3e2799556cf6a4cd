// Server-sent events: the byte stream cut into events (WHATWG HTML, section 9.2). Pure.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/text.h"

// One event. `data` lines are joined by newlines; all strings are valid during the call only.
// Returning non-zero stops.
typedef int (*sse_event_fn)(const char *type, const char *id, const char *data, void *user);

struct sse {
	struct text line;
	struct text data;
	char type[64];
	char id[128]; // of the last event that had one; kept between events
	bool has_data;
	bool is_after_cr;
	sse_event_fn event;
	void *user;
};

// `s` is zero-initialised but for event and user. Returns 0, what `event` returned, -EMSGSIZE for
// an event of more than 16 MiB, -ENOMEM. The bytes may be cut anywhere.
int sse_feed(struct sse *s, const char *bytes, size_t len);
void sse_done(struct sse *s);

// Begins a new stream, keeping `id` for resuming.
void sse_reset(struct sse *s);
