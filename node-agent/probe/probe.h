// What the path to each peer carries: full-size probes every 12 s, and at once when a peer's
// endpoint changes.
//
// Loop thread only. Sends ICMP echoes to the peers' overlay addresses through their WireGuard
// device.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/err.h"
#include "wire/entries.h"

#include "probe/icmp.h"

struct probe;

struct probe_path {
	uint32_t path_mtu; // bytes of the largest overlay packet that passes
	bool fragments_ok; // a full-size packet, whose outer packet is fragmented, passes
};

// `icmp` is borrowed and must outlive the probe. NULL when out of memory.
struct probe *probe_new(uv_loop_t *loop, struct icmp *icmp);

// Takes over which peers there are (desired) and how they are reached now (observed).
void probe_update(struct probe *probe, const struct entry_set *desired,
		  const struct entry_set *observed);

// False when nothing is known of "peer/NETWORK/NODE".
bool probe_path(const struct probe *probe, const char *peer_key, struct probe_path *ret_path);

// Frees itself once the loop has let go of its handle.
void probe_close(struct probe *probe);
