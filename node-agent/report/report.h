// What the agent tells its controller: the observed state as differences, and the process's own
// samples.
//
// One owner, no I/O but what the caller's emit function does.
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "base/clean.h"
#include "base/err.h"
#include "wire/entries.h"
#include "wire/message.h"

struct report;

// NULL when out of memory.
struct report *report_new(void);
void report_free(struct report *report);
CLEAN_FUNC(struct report, report_free)

// The next report is the whole state: for a new session, or when the controller asks.
void report_reset(struct report *report);

// Emits what changed since the last report, nothing when nothing did. When `emit` fails, the next
// report is whole.
int report_observed(struct report *report, const struct entry_set *now, msg_frame_fn emit,
		    void *context, struct err *err);

// Adds rss_kb and uptime_s (since `started_ms`, clock_mono_ms) to "node/self" of the sample values.
int report_add_self(json_t *values, int64_t started_ms, int64_t now_ms, struct err *err);
