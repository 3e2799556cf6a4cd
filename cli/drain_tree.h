// Whether the trees of bridge segments still lead traffic of others over what is drained, by what
// /api/v1/topology tells. Pure.
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "base/text.h"

// A node, or the link of a network between two ends.
struct drain_tree {
	const char *node; // NULL: the link
	const char *network, *ends[2];
	// Segments, counted by drain_tree_look: not led over it; still led, but the tree is to
	// move; or nothing else is there to lead over.
	size_t safe, moving, stuck;
};

// Counts anew; adds a line to `left` for each segment that is not safe.
void drain_tree_look(struct drain_tree *d, const json_t *topology, struct text *left);
