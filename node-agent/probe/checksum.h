// Whether checksums that are left to the device arrive whole through the wires of this node, tried
// with real packets.
//
// Some tunnels pass on inner packets whose checksum the kernel left half made for hardware that is
// not there. To tell, each agent answers small datagrams on UDP port 61999 of its bridge addresses;
// to another agent go datagrams with and without a checksum, which differ in nothing else. Only
// where those with one are lost and those without arrive, in two rounds, is the offload switched
// off. Where nothing answers, nothing is concluded. Loop thread only.
#pragma once

#include <stdbool.h>
#include <uv.h>

#include "base/err.h"
#include "wire/entries.h"

enum { CHECKSUM_PORT = 61999 };

struct checksum;

// Switches the transmit offload of a device off; called again for a device made anew.
typedef void (*checksum_off_fn)(void *context, const char *device);

// NULL when out of memory.
struct checksum *checksum_new(uv_loop_t *loop, checksum_off_fn off, void *context);

// Takes over which wires, own bridge addresses and other agents there are. `made`: devices may be
// new, although their names are not.
void checksum_update(struct checksum *checksum, const struct entry_set *desired, bool made);

// "on" or "off: reason". Valid until the next call from the loop.
const char *checksum_verdict(const struct checksum *checksum);

// Frees itself once the loop has let go of its handles.
void checksum_close(struct checksum *checksum);
