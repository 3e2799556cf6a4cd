// A TCP connection of a client that was led here, and the one that is made in its name; what the
// files of a worker share (worker.c: the loop, opening.c: whom a flow is for, carry.c: its bytes).
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/counts.h"
#include "proxy/mailbox.h"
#include "proxy/relay.h"
#include "proxy/seen.h"
#include "proxy/sniff.h"
#include "proxy/worker.h"
#include "service/place.h"

enum { FLOW_CLIENT, FLOW_SERVER }; // of fds
enum { FLOW_UP, FLOW_DOWN };       // of ways: from the client, to the client
enum { WORKER_LISTENERS = 128, FLOWS_CHUNK = 64, HELLO_SHARES = 4096 };

enum flow_state {
	FLOW_SNIFFED,    // its first bytes come
	FLOW_ASKED,      // weft-dns is asked about its address
	FLOW_CONNECTING, // to the server
	FLOW_CARRIED,
	FLOW_ENDED, // until the events at hand are through
};

// What a flow waits for, each with a time of its own.
enum flow_wait {
	WAIT_FIRST,   // its first byte
	WAIT_HELLO,   // the rest of its first words
	WAIT_ADDRESS, // weft-dns
	WAIT_SERVER,
	WAIT_BYTES,
	WAITS,
};

enum flow_end {
	END_CLOSE,
	END_RESET,  // told to both sides
	END_SILENT, // told to nobody
};

struct flow {
	struct flow *prev, *next; // of those that wait for the same
	struct flow *again;       // of those whose turn was cut short, or that are to be used anew
	int fds[2];
	struct relay_way ways[2];
	struct place client, to;
	uint32_t serial; // of those that lay here
	uint32_t mark;
	uint32_t since_ms, used_ms; // that it waits, of its last byte
	uint32_t began_ms;
	uint32_t n_hello; // bytes of its first words that are kept while they are not complete
	uint8_t state, wait;
	bool is_watched;      // its client's socket
	bool is_silent;       // decided without a word, and neither side has said one since
	bool is_second;       // of its client's connection: the first one had the client's port
	bool is_room_watched; // also for room
	bool is_shut[2];      // of ways: all of it has come through
	bool is_turn_cut;     // it is among `again`
	char *name;           // that it said, NULL: none
};

// They are allocated many at a time and kept.
struct flow_chunk {
	struct flow_chunk *next;
	struct flow flows[FLOWS_CHUNK];
};

struct flow_queue {
	struct flow *first, *last;
};

struct proxy_worker {
	struct mailbox box;
	struct mailbox *desk;
	struct proxy_config *config;
	pthread_t thread;
	bool is_started, is_stopping, is_leaving, is_gone;
	bool is_paused; // takes no connections: it has all that it may have
	uint32_t paused_ms;
	int epoll;
	int listeners[WORKER_LISTENERS];
	size_t n_listeners;
	size_t limit, n_flows, n_workers;
	uint32_t last_serial, now_ms;
	size_t n_hello_bytes;                // of first words that are not complete
	uint32_t hello_shares[HELLO_SHARES]; // of clients, by their hash
	struct flow_queue queues[WAITS];
	struct flow *again, *ended, *spare;
	struct flow_chunk *chunks;
	struct counts counts;
	struct relay_tools tools;
	uint8_t hello[SNIFF_TLS_MAX];
	struct seen seen;
};

// ---- worker.c ----

// Whether there may be one more flow. Of as many as there may be the one that has been silent
// longest makes room, if that was long.
bool worker_has_room(struct proxy_worker *worker);
// Takes no connections for a moment: they wait in the kernel's queue.
void worker_pause(struct proxy_worker *worker);
// NULL: out of memory.
struct flow *flow_new(struct proxy_worker *worker);
void flow_wait(struct proxy_worker *worker, struct flow *flow, enum flow_wait wait);
// From now on events of the socket are told. False: out of memory.
bool flow_watch(struct proxy_worker *worker, struct flow *flow, unsigned side);
// Also that the client's has room again, which it may have by now.
bool flow_watch_room(struct proxy_worker *worker, struct flow *flow);
void flow_end(struct proxy_worker *worker, struct flow *flow, enum flow_end end);

// ---- opening.c ----

void flow_accept(struct proxy_worker *worker, int listener);
void flow_hear(struct proxy_worker *worker, struct flow *flow); // its first words
void flow_late(struct proxy_worker *worker, struct flow *flow); // they do not come
// Of a silent flow: whether its client has a word after all, or is gone. Then the flow has ended;
// the client is heard as if it had just come.
bool flow_speaks_late(struct proxy_worker *worker, struct flow *flow);
// That so many bytes of its first words are kept.
void flow_count_hello(struct proxy_worker *worker, struct flow *flow, uint32_t len);
void flow_learned(struct proxy_worker *worker, struct letter *letter);

// ---- carry.c ----

void flow_connected(struct proxy_worker *worker, struct flow *flow, uint32_t events);
void flow_carry(struct proxy_worker *worker, struct flow *flow, unsigned side, uint32_t events);
void flow_go_on(struct proxy_worker *worker, struct flow *flow); // after a turn that was cut short
