// Hands what happens to links to the hooks of this host, with what is known of it.
#pragma once

#include "hooks/hooks.h"

struct agent;

// A hooks_tell_fn: events and lines of the log.
void hooking_told(void *context, const char *severity, const char *kind, const char *subject,
		  const char *text);

// An external link was judged: notes the addresses of its interface while it has them.
void hooking_remember(struct agent *agent, const char *link);

// The hooks that listen, and those that the group names (`on_active`, `on_inactive`).
// The group's traffic leaves by that gateway from now on.
void hooking_gateway(struct agent *agent, const char *group, const char *gateway,
		     const char *cause);

void hooking_group(struct agent *agent, enum hook_event event, const char *group, uint64_t epoch);

// `link`: "home/bob", network and peer, or the name of an external one. `cause`: one sentence.
void hooking_link(struct agent *agent, enum hook_event event, const char *link, const char *cause);
