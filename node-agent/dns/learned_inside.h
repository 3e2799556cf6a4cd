// The parts of the table of what was learned. Private to it.
#pragma once

#include "dns/learned.h"

struct told {
	struct place *place;
	struct known_name *name;
	struct told *next_of_place;
	struct told *next_of_name, **at_of_name;
	int64_t end_ms;
};

struct known_name {
	struct known_name *next; // in its slot
	struct told *first;
	struct decide_set lists;
	uint64_t hash;
	uint32_t edition; // of the lists
	uint8_t len;
	uint8_t wire[];
};

enum stage {
	STAGE_IDLE,
	STAGE_QUEUED,
	STAGE_LATER,     // it failed
	STAGE_UNDER_WAY, // taken
};

// An address.
struct place {
	struct place *next;          // in its slot
	struct place *newer, *older; // of its ages
	bool is_covered;             // a name of it is in a list
	struct place *queued;        // behind it in the queue
	struct address address;
	uint64_t hash;
	struct told *first;
	unsigned n_told;
	// Names that were forgotten or never known, until then.
	struct decide_set seed;
	int64_t seed_end_ms, crowded_end_ms;
	bool seed_is_known;
	// What is wanted.
	struct decide_set wanted;
	bool wants_known, is_shared;
	int64_t end_ms;
	// What the kernel may have, and until when it has all that is wanted.
	struct decide_set had;
	bool had_known;
	int64_t had_end_ms;
	// What is under way, and whether that says nothing any more.
	struct decide_set sent;
	bool sent_known, is_void;
	int64_t sent_end_ms;
	enum stage stage;
	bool is_alone;
	unsigned tries;
	int64_t retry_ms;
};

// Addresses by when they were told last.
struct ages {
	struct place *newest, *oldest;
	size_t len;
};

struct queue {
	struct place *first, *last;
};

struct learned {
	struct learned_config config;
	uint32_t grace_ms;
	uint64_t generation;
	uint32_t edition;
	size_t n_places, n_names, n_shared, n_waiting;
	struct ages ages[2]; // of what no list covers, and of what one does
	struct queue queue, later;
	size_t n_slots; // of each table
	size_t tick_at, renew_at;
	struct place **places;
	struct known_name **names;
};

// How what is wanted of an address stands to what is.
enum learned_state place_state(const struct place *place);
// Compares the two anew, and queues the address when they differ.
enum learned_state place_judge(struct learned *learned, struct place *place, int64_t now_ms);

// Adds up what is wanted of an address.
void place_want(struct learned *learned, struct place *place, int64_t now_ms);

// Tells whether a list covers the address.
void place_cover(struct learned *learned, struct place *place, bool is_covered);

bool place_is_empty(const struct place *place);
void place_free(struct learned *learned, struct place *place);
struct place *place_find(const struct learned *learned, const struct address *address);
