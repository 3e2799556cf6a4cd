#include "live/inside.h"

static void clear(struct tree_ways *w, unsigned nodes)
{
	for (unsigned a = 0; a < nodes; a++)
		for (unsigned b = 0; b < nodes; b++) {
			w->along[a][b] = w->best[a][b] = a == b ? 0 : WAY_NONE;
			w->direct[a][b] = WAY_NONE;
			w->before[a][b] = -1;
		}
}

static void put_wires(const struct live_tree *tree, struct tree_ways *w)
{
	for (size_t i = 0; i < tree->wires_count; i++) {
		const struct live_wire *wire = &tree->wires[i];
		const int64_t rtt = wire->rtt_us < 0 ? WAY_UNKNOWN : wire->rtt_us;

		if (wire->state == LIVE_WIRE_DOWN || wire->state == LIVE_WIRE_UNKNOWN)
			continue;
		w->direct[wire->a][wire->b] = w->direct[wire->b][wire->a] = rtt;
		if (rtt != WAY_UNKNOWN)
			w->best[wire->a][wire->b] = w->best[wire->b][wire->a] = rtt;
	}
}

// Floyd and Warshall.
static void find_best(struct tree_ways *w, unsigned nodes)
{
	for (unsigned via = 0; via < nodes; via++)
		for (unsigned a = 0; a < nodes; a++)
			for (unsigned b = 0; b < nodes; b++) {
				const int64_t first = w->best[a][via], second = w->best[via][b];

				if (first == WAY_NONE || second == WAY_NONE)
					continue;
				if (w->best[a][b] == WAY_NONE || first + second < w->best[a][b])
					w->best[a][b] = first + second;
			}
}

static int64_t add(int64_t way, int64_t wire)
{
	return way == WAY_UNKNOWN || wire == WAY_UNKNOWN ? WAY_UNKNOWN : way + wire;
}

// Breadth first from `from`: what the nodes tell may be of different moments, and hold a loop.
static void walk(const struct live_tree *tree, struct tree_ways *w, unsigned from)
{
	unsigned queue[LIVE_TREE_NODES], count = 1;

	queue[0] = from;
	for (unsigned at = 0; at < count; at++)
		for (size_t i = 0; i < tree->wires_count; i++) {
			const struct live_wire *wire = &tree->wires[i];
			const unsigned here = queue[at];

			if (wire->state != LIVE_WIRE_FORWARDING ||
			    (wire->a != here && wire->b != here))
				continue;
			const unsigned there = wire->a == here ? wire->b : wire->a;
			if (w->along[from][there] != WAY_NONE)
				continue;
			w->along[from][there] = add(w->along[from][here], w->direct[here][there]);
			w->before[from][there] = (short)here;
			queue[count++] = there;
		}
}

void tree_ways_find(const struct live_tree *tree, struct tree_ways *ret)
{
	const unsigned nodes = (unsigned)tree->nodes_count;

	clear(ret, nodes);
	put_wires(tree, ret);
	find_best(ret, nodes);
	for (unsigned n = 0; n < nodes; n++)
		walk(tree, ret, n);
}

double tree_ways_stretch(const struct tree_ways *ways, unsigned a, unsigned b)
{
	const int64_t direct = ways->direct[a][b] > 0 ? ways->direct[a][b] : ways->best[a][b];

	if (ways->along[a][b] < 0 || ways->direct[a][b] == WAY_UNKNOWN || direct <= 0)
		return -1;
	return (double)ways->along[a][b] / (double)direct;
}
