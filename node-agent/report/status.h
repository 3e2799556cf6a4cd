// One line that says what is wrong with this node, or that nothing is. Pure.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

struct status_facts {
	const char *name;        // of the node
	bool is_connected;       // the controller has welcomed this agent
	const char *hub;         // "host:port" in use or tried last
	const char *trouble;     // why there is no session, "" when unknown
	int64_t revision;        // of the desired state held
	int64_t target;          // told by the controller, 0 when never
	const char *apply_error; // the kernel could not be read: why; NULL when it could
	const char *refused;     // the revision that was undone: what about it; "" when none was
	size_t error_count;      // entries that could not be applied
	const char *error_entry; // the first of them
	const char *error_text;
	size_t peers;
	size_t peers_up;
	const char *peer_down; // key of the first peer that is not up
	size_t entries;
	const char *finding_text; // a conflict on this host that stops traffic, NULL: none
	const char *finding_cure;
};

// True when all is well; then the line begins with "ok: ". The most serious trouble comes first.
bool status_line(const struct status_facts *facts, struct text *line);

// Appends the details for a person, from the JSON that the agent answers `status` with.
void status_details(const json_t *status, struct text *t);
