// What the files of this module share: all destinations, and the groups that LANs follow.
#pragma once

#include <pthread.h>

#include "base/map.h"

#include "path/claim.h"
#include "path/destination.h"

struct paths {
	uv_async_t async;
	paths_change_fn change;
	void *context;
	char own_name[PATHS_NAME_MAX];
	struct route_batch *batch;

	// What this node says itself. Guarded by a mutex that is never held across a system call:
	// who holds the lease must not wait.
	pthread_mutex_t claim_mutex;
	struct claim claim;
	int64_t claim_until_us; // CLOCK_BOOTTIME

	pthread_mutex_t mutex;       // guards what follows, and the batch
	struct destination **places; // a destination keeps its place; NULL: it is free
	size_t places_len;
	struct map *by_key; // key -> number of its place, plus one
	uint32_t generations;
	struct paths_change *changes; // not told yet
	size_t changes_len, changes_cap;
	struct claim_belief *beliefs;
	size_t beliefs_len;
	struct claim told; // of this node's, to everybody
	int repeats;       // still to be told so
	int64_t repeat_us;
};

void paths_note_change(struct paths *p, const struct destination *d, const struct outcome *out);

// ---- following.c; whoever calls holds the lock ----

// A note of this node's claim for that way, if there is one and it is due; its length, else 0.
size_t following_note(struct paths *p, struct destination *d, uint8_t way,
		      uint8_t ret_note[CLAIM_SIZE]);

void following_heard(struct paths *p, struct destination *d, const struct claim *claim,
		     int64_t now_us);

// Sees whether there is something to say in a hurry; when there will be more.
int64_t following_tick(struct paths *p, int64_t now_us);

// Once it is known which destinations there are: which of them are followed.
void following_settle(struct paths *p);
