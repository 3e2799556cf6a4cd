// The controller's live stream as lines for a person or as JSON lines.
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/text.h"

#include "cli/call.h"
#include "cli/client.h"

struct live_filter {
	bool only_events;
	bool is_json;
	bool with_samples;
	const char *node;     // NULL: all
	const char *severity; // of events: the least, NULL: all
	const char *kind;     // of events: how their kind begins, NULL: all
};

// Prints until interrupted or the output is closed; a lost connection is taken up again after the
// last event's id. Returns a negative errno when the first connection fails or the controller
// refuses.
int live_follow(const struct call *call, struct client *c, const struct live_filter *filter,
		struct err *err);

// Appends the line of one Event.
void live_add_event(struct text *t, const json_t *event, bool is_coloured);

// Appends the lines of one message of the stream; nothing for what the filter leaves out.
void live_add_message(struct text *t, const char *type, const char *id, const json_t *data,
		      const struct live_filter *filter, bool is_coloured);
