// An HA group in the simulator: nodes that run the lease machine of node-agent/steer/, with a disk
// that takes its time and may fail, and the kernel's element that ends by itself. It watches the
// promises after every event: `breach` says which one was broken.
#pragma once

#include "sim/sim.h"
#include "steer/lease.h"

enum { WORLD_NODES = 8 };

struct world_node {
	struct lease lease;
	bool is_voter; // in the configuration that it has
	bool is_fit;
	bool has_record;
	bool save_succeeds;
	struct lease_record record, saving;
	uint64_t token;
	int64_t element_clock_us; // the kernel's element ends when the node's clock shows this
	struct lease_config next; // came while it was stopped
	bool has_next;
	bool is_long; // LEASE_LONG_READY was told since the start
	struct lease_event last;
	unsigned told[LEASE_LONG_READY + 1];
};

struct world {
	struct sim *sim;
	struct lease_config config; // newest; self is not set
	unsigned n_nodes;
	struct world_node nodes[WORLD_NODES];
	int64_t save_us;    // a save takes up to this
	int64_t slop_us;    // the kernel ends the element late by up to this
	int64_t promise_us; // the longest gap while a majority is healthy; 0: not watched
	int64_t excused_us; // nothing is promised before this
	int64_t gap_since_us, longest_gap_us;
	uint64_t epoch; // highest that was active
	uint32_t epoch_holder;
	uint64_t events;
	bool is_told; // print what the nodes order
	char breach[256];
};

// Nodes 1 to n_voters, the first n_members of them members; all clocks are minutes apart and drift.
// -ENOMEM. Free with world_done.
int world_init(struct world *w, uint64_t seed, size_t n_members, size_t n_voters);
void world_done(struct world *w);

// For `us`, or until a breach.
void world_run(struct world *w, int64_t us);

unsigned world_link(const struct world *w, unsigned a, unsigned b);
void world_cut(struct world *w, unsigned a, unsigned b, bool is_cut); // both ways

void world_kill(struct world *w, unsigned node);      // the agent; the kernel's element stays
void world_power_off(struct world *w, unsigned node); // the host
void world_continue(struct world *w, unsigned node);  // after sim_stop
void world_set_fit(struct world *w, unsigned node, bool is_fit);
void world_prepare_restart(struct world *w, unsigned node, int64_t span_us);
// The next generation: each node takes it now, or when it can.
void world_reconfigure(struct world *w, const struct lease_config *config);
// Likewise, but each at a time of its own, up to `us` from now. All have to run.
void world_reconfigure_within(struct world *w, const struct lease_config *config, int64_t us);

bool world_is_active(const struct world *w, unsigned node);
unsigned world_active(const struct world *w); // n_nodes when none is
