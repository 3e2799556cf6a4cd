// Inside of the trees: segments, their wires, and what the parts offer each other.
#pragma once

#include <net/if.h>

#include "wire/limits.h"

#include "bridge/tree.h"
#include "bridge/wire_socket.h"
#include "steer/cost.h"
#include "steer/rstp.h"

struct segment;

// A port of a segment's bridge. Its place in the array is its number in the machine.
struct wire {
	struct segment *segment;
	bool is_used;
	bool is_desired; // mark of the walk in tree_update
	char device[IFNAMSIZ];
	char link[WIRE_KEY_MAX + 1]; // "network/node", "" when not known
	char under[IFNAMSIZ];        // the device the wire goes over
	char address[64];            // the other end's, there
	bool is_doubted;             // the probes say that the link is down
	bool is_link_down;           // and the other end's kernel does not answer either
	bool is_asked;               // whether it does
	bool is_dead;                // the link is up, but nothing comes over the wire
	int index;                   // of the device that the socket is on, 0: none
	uint8_t kernel_state;        // BR_STATE_*
	bool is_measuring;           // the cost follows what is measured
	struct cost cost;
	int64_t rtt_us; // as last measured, 0: not yet
	struct wire_socket *socket;
};

struct segment {
	struct segment *next;
	struct tree *tree;
	bool is_desired;
	char device[IFNAMSIZ]; // of the bridge
	struct rstp_config config;
	struct rstp *machine;
	struct wire wires[RSTP_PORTS_MAX];
	uint64_t changes; // of the topology, seen so far
	int64_t changed_us;
};

struct tree {
	struct tree_config config;
	struct segment *segments;
	uv_timer_t timer;
	uv_timer_t doubts; // looks for ends that are silent
	unsigned looks;    // so far
	bool is_save_failing;
};

static inline int64_t tree_now_us(void)
{
	return (int64_t)(uv_hrtime() / 1000);
}

// tree.c
void segment_free(struct segment *s);
void segment_act(struct segment *s); // does what the machine wants
void tree_schedule(struct tree *tree);
void wire_heard(void *context,
		const struct bpdu *bpdu); // a wire_socket_fn; the context is the wire

// tree_kernel.c
void segment_look(struct segment *s, const struct kernel_snapshot *seen);
void wire_set_state(struct wire *w, enum rstp_state state);
void wire_flush(struct wire *w);
void wire_close(struct wire *w);

// tree_doubt.c
void doubts_start(struct tree *tree);
void wire_doubt(struct wire *w, bool is_doubted);
void wire_forget(struct wire *w); // no answer is waited for any more

// tree_measure.c
void costs_measure(struct tree *tree);
// `configured` is what the port's entry says.
void wire_configure_cost(struct wire *w, bool is_measuring, uint32_t configured);

// tree_saved.c
void saved_write(struct tree *tree);
// Fills a new segment's machine and the names of its wires; false: nothing is known of it.
bool saved_read(struct segment *s);
