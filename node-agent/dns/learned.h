// What the kernel's sets should say of addresses, from what was answered: which names an address
// has been told for, in which lists these names are, and until when. Pure: time is passed in
// (milliseconds of any clock that only goes on); what is to be written is taken from here, and told
// back when it is in force.
//
// An address is in the set of each list that one of its names is in. It is in `known` unless two of
// its names are in different lists: then it is *shared*, and only a look into the flow can tell.
// Lists are by their places (decide/decide.h). Memory is bounded; what no list covers goes
// first, and of that what was not told for longest, from the sets, too.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clean.h"
#include "model/net.h"

#include "decide/decide.h"
#include "names/name.h"

struct learned;

struct learned_config {
	size_t addresses, names; // at most
	uint64_t seed;           // clients choose names and addresses, not their places in tables
};

// NULL when out of memory.
struct learned *learned_new(const struct learned_config *config);
void learned_free(struct learned *learned);
CLEAN_FUNC(struct learned, learned_free)

// How long an element stays beyond the answer's own time is up to who calls; a new one is written
// only when less than half of that is left.
void learned_set_grace(struct learned *learned, uint32_t grace_ms);

// ---- names and addresses ----

enum learned_state {
	LEARNED_FRESH,  // the sets say so already
	LEARNED_BESIDE, // to be written
	LEARNED_FIRST,  // to be written, and some of it is to be taken away
};

struct learned_fact {
	const struct name *name;
	const struct decide_set *lists; // that the name is in
	const struct address *address;
	int64_t ttl_ms;
};

// Notes that a name has an address. -ENOMEM; -ENOBUFS: nothing can go to make room now.
int learned_add(struct learned *learned, const struct learned_fact *fact, int64_t now_ms);

// Whether everything that is known of the address is in force.
bool learned_is_written(const struct learned *learned, const struct address *address);

// Lets go of what is over, some of it each time: all within ten calls.
void learned_tick(struct learned *learned, int64_t now_ms);

// ---- other lists ----

// The place that a list has now, by the place it had; LEARNED_GONE: none any more, nor a set.
enum { LEARNED_GONE = -1 };
void learned_move(struct learned *learned, const int16_t map[DECIDE_LISTS_MAX]);

typedef void (*learned_lists_fn)(void *context, const struct name *name, struct decide_set *ret);
// From now on names have other lists. learned_renew() asks for those of some names that were not
// asked for since; false: that were all.
void learned_outdate(struct learned *learned);
bool learned_renew(struct learned *learned, learned_lists_fn lists_of, void *context,
		   int64_t now_ms);

// ---- writing ----

// One address, and what its sets are to have: it is put into those of `put` for `timeout_ms`, and
// taken out of those of `drop`; the same of `known`.
struct learned_write {
	struct address address;
	struct decide_set put, drop;
	bool puts_known, drops_known;
	uint32_t timeout_ms;
	bool is_alone; // it failed with others: not in one transaction with any
};

// The next that is to be written; false: there is none. It is under way then.
bool learned_take(struct learned *learned, int64_t now_ms, struct learned_write *ret);
// Puts it back, to be the first of the next transaction.
void learned_put_back(struct learned *learned, const struct address *address);
// How it went. One that failed is taken again, alone, or (when it was alone) a while later.
void learned_done(struct learned *learned, const struct address *address, bool is_good,
		  int64_t now_ms);

// The sets are empty, whatever was said of them.
void learned_lost(struct learned *learned, int64_t now_ms);

// What was found in a set when this program began: the one of a list's place, or `known` (place
// LEARNED_GONE). Before anything is taken to be written.
int learned_seed(struct learned *learned, const struct address *address, int place, int64_t left_ms,
		 int64_t now_ms);

// ---- what is known ----

// Another one when something was taken away, or lists changed: what was fresh may not be.
uint64_t learned_generation(const struct learned *learned);

struct learned_counts {
	size_t addresses, shared, names, waiting; // waiting: to be written
};
struct learned_counts learned_counts(const struct learned *learned);

struct learned_about {
	bool is_there, is_shared, is_known; // is_known: in the set, or about to be
	struct decide_set lists;
	int64_t left_ms;
};
struct learned_about learned_get(struct learned *learned, const struct address *address,
				 int64_t now_ms);

typedef void (*learned_name_fn)(void *context, const struct name *name,
				const struct decide_set *lists, int64_t left_ms);
void learned_each_name(const struct learned *learned, const struct address *address, int64_t now_ms,
		       learned_name_fn fn, void *context);
