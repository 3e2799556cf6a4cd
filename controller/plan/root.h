// Where the root of a bridge segment's tree sits: where the ways between all pairs of its nodes,
// which go along the tree that this root makes, take least in sum. Pure.
//
// The controller decides: it alone sees what every node measures, and one decision cannot be two.
// It is told to the bridges as priorities. While no controller is there they keep what they have;
// when the root dies the second best, which has the next priority, takes its place without
// anybody's word.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ROOT_NODES_MAX = 64,
	ROOT_GAIN_PERCENT = 10, // so much less must another's tree take in sum
	ROOT_PRIORITY = 8192,   // bridge priorities, multiples of 4096
	ROOT_PRIORITY_SECOND = 16384,
	ROOT_PRIORITY_OTHERS = 32768,
	ROOT_COST_DRAINED = 65535, // of every wire of a drained node
};

#define ROOT_INSIST_US INT64_C(300000000) // and for so long

// A wire between two nodes, numbered from 0, and what it costs: tenths of a millisecond, measured.
struct root_link {
	unsigned a, b;
	uint32_t cost;
};

struct root_choice {
	int root, second; // -1: none
	int wanted;       // another that would be better, -1: none,
	int64_t since_us; // from then on
};

void root_init(struct root_choice *c);

// Looks at the wires that are up; true when root or second are others now. A root that reaches
// fewer nodes than another is left at once: its tree has changed anyway; so is one that is drained.
// `nodes` is at most ROOT_NODES_MAX.
bool root_choose(struct root_choice *c, const struct root_link *links, size_t len, unsigned nodes,
		 int64_t now_us);

// The bridge priority of a node.
unsigned root_priority(const struct root_choice *c, unsigned node);
