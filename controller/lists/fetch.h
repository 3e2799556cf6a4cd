// One look at where a domain list comes from, on a thread of its own: what it takes may be long,
// and the loop's workers have others to serve.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/err.h"

#include "lists/content.h"

enum { FETCH_TAG_SIZE = 256 };

// What an answer said of itself, for the next question (RFC 9110 §8.8).
struct fetch_tags {
	char etag[FETCH_TAG_SIZE];
	char modified[FETCH_TAG_SIZE]; // Last-Modified
};

struct fetch {
	// What to do; strings are the fetch's own.
	char *dir;                    // where contents are kept
	char *url;                    // NULL: `path` is read
	char *path;                   // of a file
	struct fetch_tags tags;       // of the answer that is here already; empty: none is
	const atomic_bool *is_broken; // set from another thread: give up

	// What came of it.
	int result;   // 0: see `content`, or `is_same`; else a negative errno, see `err`
	bool is_same; // it has not changed
	struct content content;
	struct err err;

	int64_t id; // of the list
	uv_thread_t thread;
	atomic_bool is_done;
	uv_async_t *done; // told on the loop
	struct fetch *next;
};

// Once, before the first.
int fetch_init(struct err *err);

// Starts the thread. -EAGAIN, and the fetch is still the caller's.
int fetch_start(struct fetch *fetch, struct err *err);

// Waits for its thread, and frees it.
void fetch_free(struct fetch *fetch);
