// A fleet that fails over: the machines judge and path of every node, driven by the simulator, and
// the promises they make watched at every instant.
//
// The nodes form a full mesh. Each pair has the direct path and one through every other node; each
// end probes each path end to end, its notes ride in the probes.
#pragma once

#include "sim/sim.h"
#include "sim/storm.h"
#include "steer/judge.h"
#include "steer/path.h"

enum { FLEET_NODES = 5, FLEET_PATHS = FLEET_NODES - 1, FLEET_WHY = 512 };

// What one node knows of one other.
struct fleet_end {
	struct path_set set;
	struct judge judges[FLEET_PATHS];
	uint32_t sequence[FLEET_PATHS];
	int64_t probe_us[FLEET_PATHS]; // when the next one leaves, by the node's clock
	uint32_t peer_life;            // of the newest session heard
	unsigned liked;                // moves for cost or preference
	unsigned downs[FLEET_PATHS];   // verdicts that an up path is down
	uint8_t kept;                  // what the kernel forwards by: outlives the process
};

// What is true of a path of a pair, whatever its ends believe.
struct fleet_truth {
	int64_t clean_us; // since when it carries everything both ways; INT64_MAX: it does not
	int64_t dead_us;  // since when no round trip passes; INT64_MAX: some do
	int64_t ready_us; // since when it is clean and both ends call it up
};

struct fleet {
	struct sim *sim;
	unsigned nodes;
	unsigned link[FLEET_NODES][FLEET_NODES];
	struct sim_line normal[FLEET_NODES][FLEET_NODES];
	struct judge_config judge;
	struct path_config path;
	bool is_adopting; // a restarted node finds its routes as they were
	struct fleet_end ends[FLEET_NODES][FLEET_NODES];
	uint32_t life[FLEET_NODES];

	uint64_t acts; // of the simulation, when the lines were looked at
	int64_t running_us[FLEET_NODES];
	struct fleet_truth truth[FLEET_NODES][FLEET_NODES][FLEET_PATHS]; // of a < b
	int64_t rtt_us[FLEET_NODES][FLEET_NODES][FLEET_PATHS];           // last known to the end
	int64_t differ_us[FLEET_NODES][FLEET_NODES];                     // of a < b
	int64_t longest_gap_us, longest_differ_us;                       // seen under a promise
	uint64_t downs;                                                  // verdicts of all ends
	uint64_t detours;    // instants at which forwarding by own choice would have been a loop
	char why[FLEET_WHY]; // the first promise broken, "" while all hold
};

// A fleet of `nodes` with random delays. NULL when out of memory.
struct fleet *fleet_new(uint64_t seed, unsigned nodes, const struct judge_config *judge,
			const struct path_config *path);
void fleet_free(struct fleet *f);

// The node that path `number` from `a` to `b` leads through; `a` itself for the direct one.
unsigned fleet_via(const struct fleet *f, unsigned a, unsigned b, uint8_t number);

// After a quiet time: every path forwards at both ends, a path for every pair, no other one better
// by the margin for long. Else `why` says what is not so.
bool fleet_is_settled(struct fleet *f);
