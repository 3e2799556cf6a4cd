// Runs the commands that this host allows when something happens to a link or a group. On the loop.
//
// What may be run stands in files of the host alone (hook_file.h); they are read anew for each
// event. The runs of one hook come one after the other, in the order of their events; those of
// different hooks side by side. Each command is run even if the one before it failed; while one
// fails, the hook is run again after a growing pause, until it succeeds or its subject has a newer
// event.
#pragma once

#include <stddef.h>
#include <uv.h>

#include "base/err.h"

#include "hooks/hook_words.h"

struct hooks;

// Something a person may want to know: a run that ended, a file that is refused. `subject` may be
// NULL.
typedef void (*hooks_tell_fn)(void *context, const char *severity, const char *kind,
			      const char *subject, const char *text);

// NULL when out of memory. A directory that is not there has no hooks.
struct hooks *hooks_new(uv_loop_t *loop, const char *dir, hooks_tell_fn tell, void *context);

// Kills what runs and forgets what waits; freed when the loop has closed all.
void hooks_close(struct hooks *hooks);

// Tells which files are refused.
void hooks_examine(struct hooks *hooks);

// `event` befell `subject` ("link/home/bob"): runs the hooks that listen. The facts are copied;
// event and subject are among them by themselves.
void hooks_fire(struct hooks *hooks, enum hook_event event, const char *subject,
		const struct hook_fact *facts, size_t n);

// Runs the hook that a resource names for the event. -EPERM: this host does not allow that.
int hooks_run(struct hooks *hooks, const char *name, enum hook_event event, const char *subject,
	      const struct hook_fact *facts, size_t n, struct err *err);
