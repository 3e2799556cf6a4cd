#include "cli/wg_graph.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int wg_graph_init(struct wg_graph *g, size_t n, struct err *err)
{
	*g = (struct wg_graph){ .n = n };
	g->edges = calloc(n ? n * n : 1, sizeof(*g->edges));
	g->component = calloc(n ? n : 1, sizeof(*g->component));
	if (g->edges && g->component)
		return 0;
	wg_graph_done(g);
	return err_set(err, -ENOMEM, "out of memory");
}

void wg_graph_done(struct wg_graph *g)
{
	free(g->edges);
	free(g->component);
	*g = (struct wg_graph){ 0 };
}

void wg_graph_connect(struct wg_graph *g, size_t a, size_t b)
{
	if (a == b)
		return;
	g->edges[a * g->n + b] = true;
	g->edges[b * g->n + a] = true;
}

bool wg_graph_has(const struct wg_graph *g, size_t a, size_t b)
{
	return g->edges[a * g->n + b];
}

// Vertex b takes the smaller component of its neighbour a.
static bool pull(struct wg_graph *g, size_t a, size_t b)
{
	if (!wg_graph_has(g, a, b) || g->component[b] <= g->component[a])
		return false;
	g->component[b] = g->component[a];
	return true;
}

void wg_graph_settle(struct wg_graph *g)
{
	for (size_t v = 0; v < g->n; v++)
		g->component[v] = v;
	for (bool is_moving = true; is_moving;) {
		is_moving = false;
		for (size_t i = 0; i < g->n * g->n; i++)
			is_moving |= pull(g, i / g->n, i % g->n);
	}
}

static size_t degree(const struct wg_graph *g, size_t v)
{
	size_t edges = 0;
	for (size_t w = 0; w < g->n; w++)
		edges += wg_graph_has(g, v, w);
	return edges;
}

size_t wg_graph_hub(const struct wg_graph *g, size_t component)
{
	size_t members = 0;
	size_t ends = 0; // of edges, two each
	size_t hub = g->n;
	for (size_t v = 0; v < g->n; v++) {
		if (g->component[v] != component)
			continue;
		members++;
		ends += degree(g, v);
		if (hub == g->n || degree(g, v) > degree(g, hub))
			hub = v;
	}
	bool is_star = members >= 3 && ends == 2 * (members - 1) && degree(g, hub) == members - 1;
	return is_star ? hub : g->n;
}

static bool fits(const struct wg_graph *g, size_t v, const bool *marks)
{
	for (size_t w = 0; w < g->n; w++) {
		if (marks[w] && !wg_graph_has(g, v, w))
			return false;
	}
	return true;
}

size_t wg_graph_mesh(const struct wg_graph *g, size_t component, bool *marks)
{
	size_t size = 0;
	for (;;) {
		size_t best = g->n;
		for (size_t v = 0; v < g->n; v++) {
			if (g->component[v] != component || marks[v] || !fits(g, v, marks))
				continue;
			if (best == g->n || degree(g, v) > degree(g, best))
				best = v;
		}
		if (best == g->n)
			break;
		marks[best] = true;
		size++;
	}
	for (size_t v = 0; size < 3 && v < g->n; v++)
		marks[v] = marks[v] && g->component[v] != component;
	return size;
}
