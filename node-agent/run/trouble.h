// What is wrong with this host itself, in sentences: told to the log, to `weft-agent status`, as an
// error of node/self and as an event to the controller, until it is over.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "wire/message.h"

struct agent;

enum trouble_kind {
	TROUBLE_SETTINGS,    // the settings file cannot be read
	TROUBLE_IDENTITY,    // without it no session
	TROUBLE_KEY,         // of WireGuard
	TROUBLE_DESIRED,     // the saved desired state was damaged
	TROUBLE_UNSAVED,     // the desired state cannot be saved
	TROUBLE_CERTIFICATE, // the renewed one cannot be saved
	TROUBLE_RESTORE,     // the saved values of sysctls were damaged
	TROUBLE_CLOCK,       // the saved time is ahead
	TROUBLE_COUNT
};

struct trouble {
	char text[ERR_TEXT_SIZE]; // "": none
	bool is_over;             // only to be told yet
	bool is_told;             // to a controller
};

#define TROUBLE_ENTRY "node/self"

enum trouble_span {
	TROUBLE_LASTS,  // until trouble_end: an error
	TROUBLE_IS_OVER // already: only an event
};

// The same sentence again is no news.
void trouble_set(struct agent *agent, enum trouble_kind kind, enum trouble_span span,
		 const char *fmt, ...) __attribute__((format(printf, 4, 5)));
// Nothing when there is none.
void trouble_end(struct agent *agent, enum trouble_kind kind, const char *text);

// Sends as events what no controller has heard yet. Call it when one has welcomed this agent.
void trouble_tell(struct agent *agent);

// The next lasting one from *at, or NULL.
const char *trouble_next(const struct agent *agent, size_t *at);
