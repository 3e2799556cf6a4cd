// Hands what happens to links to the hooks of this host, with what is known of it.
#pragma once

#include "hooks/hooks.h"

struct agent;

// A hooks_tell_fn: events and lines of the log.
void hooking_told(void *context, const char *severity, const char *kind, const char *subject,
		  const char *text);

// `link`: "home/bob", network and peer. `cause`: one sentence.
void hooking_link(struct agent *agent, enum hook_event event, const char *link, const char *cause);
