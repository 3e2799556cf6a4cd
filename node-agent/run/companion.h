// A program of Weft's that runs beside the agent and outlives it: as a service of systemd's,
// without systemd as a process of its own. It is started, found again, asked how it is, started
// anew when it is silent, followed by a new one when its program was installed anew, and ended.
//
// Loop thread.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "service/service.h"

struct agent;
struct agent_settings;
struct companion;

struct companion_program {
	const char *name;   // "weft-dns": beside the agent's own program, and of the unit
	const char *socket; // "dns.sock": in the run directory
	bool is_mute;       // of weft-sets: nothing can be asked there, who connects has found it
};

extern const struct companion_program companion_dns, companion_sets, companion_proxy;

// It is run with its configuration or, where that is NULL, its socket's path and `user`; both
// outlive it. NULL when out of memory.
struct companion *companion_new(struct agent *agent, const struct companion_program *program,
				const char *config, const char *user);
void companion_close(struct companion *companion); // it goes on; NULL is fine

// From now on it is to run; or nobody looks after it, and it is to be ended.
void companion_want(struct companion *companion, bool is_wanted);
void companion_reload(struct companion *companion); // it is to read its file again, soon

bool companion_is_wanted(const struct companion *companion);
const char *companion_socket(const struct companion *companion); // its path

// Adds state, since and perhaps error.
void companion_describe(const struct companion *companion, json_t *body);
const char *companion_state(const struct companion *companion); // "running", "starting", "failing"
// What it told last, borrowed; NULL: nothing.
const json_t *companion_status(const struct companion *companion);
// Why it does not do what is wanted, until it says so itself.
void companion_fail(struct companion *companion, const char *why);

// Asks it. Takes over `request`; NULL when out of memory.
struct service_question *companion_ask(const struct companion *companion, json_t *request,
				       service_answer_fn done, void *context);

// Ends it, also while no agent runs.
void companion_end(const struct agent_settings *settings, const struct companion_program *program);
