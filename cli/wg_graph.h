// Who is connected to whom among imported WireGuard interfaces, and which topology that is. Pure.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct wg_graph {
	size_t n;
	bool *edges;       // n x n, symmetric
	size_t *component; // of each vertex: the least vertex it is connected with
};

int wg_graph_init(struct wg_graph *g, size_t n, struct err *err);
void wg_graph_done(struct wg_graph *g);
void wg_graph_connect(struct wg_graph *g, size_t a, size_t b);
bool wg_graph_has(const struct wg_graph *g, size_t a, size_t b);

// Fills `component`, after all edges are there.
void wg_graph_settle(struct wg_graph *g);

// The vertex that is connected to all others of its component, which are not connected with each
// other; n if none. Only for components of three and more.
size_t wg_graph_hub(const struct wg_graph *g, size_t component);

// Marks a set of vertices of the component that are all connected with each other, found greedily
// from those with the most edges. Returns its size; less than three is not marked.
size_t wg_graph_mesh(const struct wg_graph *g, size_t component, bool *marks);
