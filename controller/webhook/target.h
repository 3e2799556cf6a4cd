// Which events a webhook wants, and how: its spec as plain values. Pure.
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "store/rows.h"

enum webhook_format {
	WEBHOOK_EVENT, // all fields of the event
	WEBHOOK_TEXT,  // {"text": sentence}: what chat services take
};

struct webhook_target {
	char *name;
	char *url;      // NULL: a secret holds it
	json_t *events; // patterns of kinds, NULL: all
	int severity;   // least, 0 info .. 2 error
	enum webhook_format format;
	bool is_disabled;
};

// Takes a spec that passed the schema. -ENOMEM, then *ret is as it was.
int webhook_target_read(const char *name, const json_t *spec, struct webhook_target *ret,
			struct err *err);
void webhook_target_done(struct webhook_target *target);

// A test is wanted only by the webhook that its entry names.
bool webhook_target_wants(const struct webhook_target *target, const struct store_event *event);
