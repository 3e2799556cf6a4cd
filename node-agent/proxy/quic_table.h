// The flows of QUIC that were led here, each by its five numbers: what waits of them, and what was
// decided. Bounded: the oldest make room. No sockets.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/quic.h"
#include "proxy/verdict.h"
#include "service/place.h"

enum {
	QUIC_FLOWS_MAX = 4096,
	QUIC_HEARD_MAX = 256,      // of them not read to the end of the hello
	QUIC_HELD_MAX = 16,        // datagrams of a flow
	QUIC_HELD_BYTES = 4 << 20, // of all
};

// What a flow waits for, each with a time of its own.
enum quic_wait {
	QUIC_HEARD,   // the rest of its hello
	QUIC_ASKED,   // what weft-dns knows of its address
	QUIC_WRITTEN, // the set-writer
	QUIC_DECIDED, // to be forgotten
	QUIC_WAITS,
};

struct quic_held {
	struct quic_held *next;
	size_t len;
	uint8_t bytes[];
};

struct quic_entry {
	struct quic_entry *chain, *prev, *next;
	struct place client, to;
	uint32_t serial; // no other has it
	enum quic_wait wait;
	int64_t since_ms;       // that it waits
	struct quic_flow *flow; // QUIC_HEARD
	struct verdict_sniffed sniffed;
	uint32_t mark;   // decided: its way
	bool is_blocked; // decided: it has none
	struct quic_held *first, **last;
	size_t n_held;
};

struct quic_table;

struct quic_table *quic_table_new(void);        // NULL when out of memory
void quic_table_free(struct quic_table *table); // NULL is fine

// NULL: there is none.
struct quic_entry *quic_table_find(struct quic_table *table, const struct place *client,
				   const struct place *to);
// A new one that waits for its hello. Where there are too many, *ret_lost of them were forgotten.
// NULL when out of memory.
struct quic_entry *quic_table_add(struct quic_table *table, const struct place *client,
				  const struct place *to, int64_t now_ms, unsigned *ret_lost);
void quic_table_drop(struct quic_table *table, struct quic_entry *entry);
void quic_table_wait(struct quic_table *table, struct quic_entry *entry, enum quic_wait wait,
		     int64_t now_ms);
// The one that has waited longest for that.
struct quic_entry *quic_table_oldest(struct quic_table *table, enum quic_wait wait);
// Only if it still waits for that.
struct quic_entry *quic_table_of_serial(struct quic_table *table, enum quic_wait wait,
					uint32_t serial);
size_t quic_table_size(const struct quic_table *table);

// False: it holds as much as it may.
bool quic_table_hold(struct quic_table *table, struct quic_entry *entry, const uint8_t *bytes,
		     size_t len);
// The oldest datagram that it holds, the caller frees it; NULL: none.
struct quic_held *quic_table_take(struct quic_table *table, struct quic_entry *entry);
