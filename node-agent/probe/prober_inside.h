// What the prober's thread and its door share; only for the files of this module.
#pragma once

#include <pthread.h>

#include "base/map.h"

#include "probe/gate.h"
#include "probe/history.h"
#include "probe/prober.h"

// One link.
struct member {
	struct link link;
	char key[PROBER_KEY_MAX + 1];
	char name[PROBER_KEY_MAX + 1];
	uint8_t secret[LINK_KEY_SIZE];
	union gate_address peer; // with the port that answers
	size_t gate;
	size_t place;     // in the prober's arrays
	int64_t since_ms; // of the judge's state, wall clock
	struct history history;
	bool is_wanted; // mark of the walk in prober_set
	uint64_t rider;
};

struct wicket {
	struct gate gate;
	struct err trouble;  // why it is not open; code 0: it is
	size_t first, count; // its members
};

struct prober {
	uv_async_t async;
	prober_change_fn change;
	void *context;
	pthread_t thread;
	int wake_fd;
	struct hmac_key challenges;
	struct prober_rider rider; // of those members that have one

	pthread_mutex_t mutex; // guards what follows
	bool is_stopping;
	struct wicket *gates;
	size_t gates_len;
	struct member **members;   // by gate, then peer
	union gate_address *peers; // theirs, close together: each packet is looked up
	int64_t *dues; // when each is looked after, likewise; INT64_MAX: its gate is closed
	size_t members_len;
	unsigned generation; // of these arrays
	struct map *by_key;  // key -> struct member, borrowed
	int64_t slack_us;    // two passes are at least so far apart
	int64_t look_us;     // when the thread looks at the devices next
	uint16_t clock_error;
	struct prober_change *changes; // not told yet
	size_t changes_len, changes_cap;
};

// Something happened to a member: notes when it is to be looked after.
void prober_due(struct prober *p, const struct member *m);

// A member's state has changed: its rider is told, or it is noted, to be told by the loop's thread,
// or both.
void prober_note(struct prober *p, struct member *m, enum judge_state before);

// Its rider is told what its judge says.
void prober_ride(const struct prober *p, const struct member *m);

// Whether it asks somebody who knows nothing of Weft.
bool gate_is_external(const struct gate *gate);

// The thread's function; `argument` is the prober.
void *prober_run(void *argument);
