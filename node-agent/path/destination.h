// One destination: what the plan says of it, the machine that chooses, and the routes that follow
// from its orders; only for the files of this module. Whoever calls holds the lock.
#pragma once

#include "kernel/route_batch.h"
#include "path/note.h"
#include "path/paths.h"

struct way {
	bool is_there;
	char by[PATHS_NAME_MAX]; // "": none; outside: the link
	uint64_t link;           // outside: its number
	char device[IFNAMSIZ];
	struct kernel_ip via[2];
	bool is_standby, is_drained;
	enum judge_state state;      // as the cause has it
	char cause[PROBER_TEXT_MAX]; // "": no judge has spoken of it yet
};

// The LANs behind it that are reached through it while it is the active member of a group.
struct following {
	uint32_t group; // 0: there are none
	char name[PATHS_NAME_MAX];
	uint32_t table, passing; // where the direct way to them stands; 0: nowhere
	bool is_first;           // until somebody says that he is active
	struct kernel_prefix *prefixes;
	size_t len;
	bool is_followed;
	bool is_seen; // the kernel follows it
	bool stands;  // ... as it should
	uint64_t epoch;
	char cause[PATHS_TEXT_MAX];
};

struct destination {
	char *key;
	char *network; // NULL: it is outside
	uint64_t self, other;
	struct kernel_ip own[2], peer[2];
	uint32_t table, metric;
	struct kernel_prefix *prefixes;
	size_t prefixes_len;
	struct way ways[PATHS_MAX];
	uint32_t plan;
	uint32_t generation; // no other destination in the same place had it
	struct path_set set;
	int64_t since_ms;
	char cause[PATHS_TEXT_MAX];
	struct following lan;
	uint16_t telling;     // by way: its note is in a hurry
	uint16_t claiming;    // so is the claim of this node
	uint16_t tells_next;  // its next packet carries the note for sure ...
	uint16_t claims_next; // ... or the claim
	uint16_t claims_turn; // ... or the claim, if there is nothing in a hurry
	int64_t due_us;
	bool is_wanted;   // mark of the walk from paths_begin() to paths_end()
	bool is_troubled; // its last routes were refused, and that was told
};

// What follows from an event.
struct outcome {
	struct route_batch *batch;
	const char *own_name;
	bool is_moved, is_bad;
	bool is_followed; // its LANs are reached through it from now on
};

// NULL: out of memory. It adopts the way that is in use.
struct destination *destination_new(const struct reconcile_destination *from, uint32_t generation,
				    int64_t now_us);
void destination_free(struct destination *d);

// Whether what makes a destination what it is has changed, so that it has to begin anew.
bool destination_is_other(const struct destination *d, const struct reconcile_destination *with);

// Takes over prefixes and ways, and makes what is missing in the kernel. 0 or -ENOMEM.
int destination_update(struct destination *d, const struct reconcile_destination *from,
		       int64_t now_us, struct outcome *out);

// Whether there is a way that no judge has spoken of.
bool destination_is_unjudged(const struct destination *d);

void destination_judged(struct destination *d, uint8_t number, const struct judge *judge,
			const char *name, int64_t now_us, struct outcome *out);
void destination_heard(struct destination *d, const struct path_note *note, int64_t now_us,
		       struct outcome *out);
void destination_tick(struct destination *d, int64_t now_us, struct outcome *out);

// Makes the routes to its LANs.
void destination_follow(struct destination *d, struct outcome *out);

void destination_read(const struct destination *d, struct paths_reading *ret);
