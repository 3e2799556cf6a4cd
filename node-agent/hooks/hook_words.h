// The events that hooks run on, and the words that stand in their commands as ${word}. Pure.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/text.h"

enum hook_event {
	HOOK_LINK_UP,
	HOOK_LINK_DOWN,
	HOOK_LINK_DEGRADED,
	HOOK_LINK_ACTIVE, // it carries traffic from now on
	HOOK_LINK_INACTIVE,
	HOOK_HA_ACTIVE, // this node is its group's active member from now on
	HOOK_HA_INACTIVE,
	HOOK_GATEWAY_ACTIVE, // a gateway-group's traffic leaves by another gateway
	HOOK_EVENTS,
};

const char *hook_event_name(enum hook_event event); // "link_up"
bool hook_event_parse(const char *name, enum hook_event *ret_event);

// What is known of one event. Words that are not among the facts are not known.
struct hook_fact {
	const char *word; // "link_interface"
	const char *value;
};

// Whether each ${...} of a command's argument is a word there is; "$${" stands for "${".
int hook_words_check(const char *argument, struct err *err);

// The argument with the facts put in; the caller frees. -ENODATA: a word is not known for the
// event.
int hook_words_expand(const char *argument, const struct hook_fact *facts, size_t n,
		      char **ret_argument, struct err *err);

// "WEFT_LINK_INTERFACE=wl3": the same facts for a command's environment. NULL: out of memory.
char *hook_words_variable(const struct hook_fact *fact);
