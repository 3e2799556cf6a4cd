// Webhooks: each event an operator asked for goes to the address he named, signed, in order, until
// it was taken.
//
// The events themselves are the queue: a webhook's progress, the last event it was given, is kept
// in the store, so what is not yet delivered survives a crash and leaves only with the events'
// age. An event may come twice (a crash between the answer and the note of it), with the same id.
// Loop thread only; the requests run on libuv's workers, at most WEBHOOK_AT_ONCE at a time.
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clean.h"
#include "base/err.h"

struct store;
struct uv_loop_s;
struct vault;
struct webhooks;

enum {
	WEBHOOK_AT_ONCE = 2,
	WEBHOOK_FIRST_WAIT_MS = 1000, // after the first failure, then doubling
	WEBHOOK_LONGEST_WAIT_MS = 600000,
	WEBHOOK_FAILING = 5, // failures in a row that are worth an event
};

#define WEBHOOK_TEST_KIND "webhook_test" // an event for the one webhook that its entry names

// Something to be told to the operator: an event of the controller itself.
typedef void webhook_tell_fn(void *ctx, const char *severity, const char *kind, const char *entry,
			     const char *text);

struct webhooks_settings {
	struct uv_loop_s *loop;
	struct store *store;
	const struct vault *vault;
	int64_t last_event_id; // the newest that is stored
	webhook_tell_fn *tell;
	void *ctx;
};

// A resource of the kind: strings are copied. Of secrets there are the ids, 0 for none.
struct webhook_resource {
	int64_t id;
	const char *name;
	const json_t *spec;
	int64_t secret_id;     // signs what is sent
	int64_t url_secret_id; // holds the address, where the spec has none
};

// Reads the progress of every webhook (blocks: for the start).
int webhooks_new(const struct webhooks_settings *settings, struct webhooks **ret_webhooks,
		 struct err *err);

// A webhook was made or changed. A new one begins with the next event; a changed one is tried at
// once. -ENOMEM.
int webhooks_put(struct webhooks *webhooks, const struct webhook_resource *resource,
		 struct err *err);

// Forgets those that are not among the ids.
void webhooks_keep(struct webhooks *webhooks, const int64_t *ids, size_t count);

// An event with this id was stored.
void webhooks_stored(struct webhooks *webhooks, int64_t event_id);

// {"waiting": events behind the last one it was given or that was none of its business,
// "delivered": how many since the start, "failed": tries since the start, "failures": tries in a
// row, "delivered_at": ms or 0, "next_at": ms or 0, "error": sentence or null}; NULL when there is
// no such webhook. New reference.
json_t *webhooks_status(const struct webhooks *webhooks, int64_t id);

// Breaks off what is under way; the loop must run on until nothing is left, then webhooks_free.
void webhooks_stop(struct webhooks *webhooks);
void webhooks_free(struct webhooks *webhooks);
CLEAN_FUNC(struct webhooks, webhooks_free)
