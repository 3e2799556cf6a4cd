// Decides which endpoint of a peer to try, from what WireGuard counts. Pure: time and facts come
// in, a decision goes out.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/values.h"

#define ENDPOINT_CANDIDATES_MAX 16

// What is remembered of one peer between two looks; zero-initialise.
struct endpoint_track {
	bool is_known;
	bool has_news;     // the candidates changed since the peer was last heard
	uint64_t rx_bytes; // at the last look
	uint64_t tx_at_rx; // tx_bytes when rx_bytes last grew
	int64_t heard_ms;  // when rx_bytes last grew
	int64_t moved_ms;  // when an endpoint was last set
	size_t next;       // candidate to try next
	int64_t handshake; // the last one seen, Unix time in s
	int64_t shaken_ms; // its moment by the clock that does not jump
	uint64_t candidates_sum;
	struct kernel_endpoint good; // the last one the peer was heard from
	int64_t made_ms;             // when this program made the peer, 0: it was there
	unsigned hellos;             // how often it was, or might have been, made anew since
	uint64_t hello_rx;           // rx_bytes then
};

struct endpoint_facts {
	const struct kernel_endpoint *candidates; // at most ENDPOINT_CANDIDATES_MAX, best first
	size_t count;
	struct kernel_endpoint current; // the kernel's; family 0: none
	int64_t handshake;              // Unix time, s; 0: never
	uint64_t rx_bytes, tx_bytes;
	uint16_t keepalive; // s, 0: off
	int64_t mono_ms, wall_ms;
};

// How long ago the handshake was. WireGuard tells its moment by the host's clock, which may be set
// forth or back at any time: it is only trusted for a handshake that was not seen before.
int64_t endpoint_handshake_age_ms(struct endpoint_track *track, const struct endpoint_facts *facts);

// True when the peer's endpoint should be set to *ret: it has none, or it is silent although
// something was sent that WireGuard answers at once. An endpoint the peer is heard from, be it one
// it roamed to, is never replaced.
bool endpoint_decide(struct endpoint_track *track, const struct endpoint_facts *facts,
		     struct kernel_endpoint *ret);
