// The spanning trees of this host's segments: RSTP (steer/rstp.h) on the wires of each bridge,
// whose kernel tree is off.
//
// BPDUs go out of and come in by the wires alone, on packet sockets. Port states are set in the
// kernel, which keeps them when the agent ends; what the machines knew is kept in a file, so that
// the next agent goes on where this one was and no frame is lost. Loop thread only.
#pragma once

#include <uv.h>

#include "base/clean.h"
#include "base/err.h"
#include "wire/entries.h"

#include "kernel/kernel.h"

struct tree;

// Round trip and loss of a link "network/node" as they are now; false while they are not known.
typedef bool tree_measure_fn(void *context, const char *link, int64_t *ret_rtt_us,
			     uint32_t *ret_loss_ppm);

struct tree_config {
	uv_loop_t *loop;
	struct kernel *kernel; // borrowed
	struct icmp *icmp;     // borrowed, outlives the trees
	const char *path;      // of the file; gone after a boot
	const char *boot_id;   // of the running kernel: the file of another boot says nothing
	tree_measure_fn *measure;
	void (*changed)(void *context); // a cost is another now
	void *context;
};

int tree_new(const struct tree_config *config, struct tree **ret, struct err *err);

// Takes over which bridges and wires there are (entries bridge/, port/ and wire/), and looks at
// them.
void tree_update(struct tree *tree, const struct entry_set *desired);

// Something happened to links: carrier, a device made anew, a state that somebody changed. Looks,
// and sets right.
void tree_look(struct tree *tree);

// What probes say of the link "network/node". One that is down is so for every wire over it, unless
// the other end's kernel answers an echo: then only its agent is away, and its ports stand.
void tree_link(struct tree *tree, const char *link, bool is_up);

// What probes say of a wire itself, by its device, while its link is up: one that forwards nothing
// is no port to count on.
void tree_wire(struct tree *tree, const char *device, bool forwards);

// Puts what is known of a bridge or a port in the place of the kernel's own tree. Others stay as
// they are.
void tree_overlay(const struct tree *tree, struct kernel_link *link);

// Leaves the ports in the kernel as they are; frees itself once the loop has let go of its handles.
void tree_close(struct tree *tree);
