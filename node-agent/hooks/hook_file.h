// What a host allows to be run: the files of /etc/weft/hooks.d, one hook each, named after the
// file.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "settings/settings.h"

#include "hooks/hook_words.h"

enum { HOOK_STEPS_MAX = 32, HOOK_ARGUMENTS_MAX = 64, HOOK_NAME_MAX = 64 };

struct hook {
	struct setting_list events;
	struct setting_list subjects; // that it runs for by itself: "link/home/bob", or "any"
	char *user;
	uint32_t timeout_ms; // of one step
	uint32_t retry_first_ms, retry_most_ms;
	char *argv[HOOK_STEPS_MAX][HOOK_ARGUMENTS_MAX + 1]; // each ends with NULL
	size_t n_steps;
	unsigned events_mask; // bit 1 << event
	uid_t uid;
	gid_t gid;
};

// Reads DIR/NAME.yaml. Refused, with a sentence that names the file: one that somebody else than
// root or this process's user owns or may write, an unknown field, word, event or user. Free with
// hook_free.
int hook_load(const char *dir, const char *name, struct hook **ret_hook, struct err *err);
void hook_free(struct hook *hook);
CLEAN_FUNC(struct hook, hook_free)

// Whether it runs by itself when `event` befalls `subject`.
bool hook_listens(const struct hook *hook, enum hook_event event, const char *subject);

// The hooks that DIR has, by name, sorted; each freed and then the list by the caller. A directory
// that is not there has none.
int hook_names(const char *dir, char ***ret_names, size_t *ret_n, struct err *err);
