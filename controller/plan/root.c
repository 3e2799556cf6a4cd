#include "plan/root.h"

#include "model/tree_cost.h"

#define FAR INT64_C(1000000000000) // no way; more than all ways together

struct table {
	uint32_t wire[ROOT_NODES_MAX][ROOT_NODES_MAX]; // tenths of a millisecond, 0: there is none
	int64_t way[ROOT_NODES_MAX][ROOT_NODES_MAX];   // what the cheapest way weighs in a tree
	// With that root: what the tree's ways between all pairs take, its own counted twice (many
	// roots make the same tree; it is to be in its middle), and FAR for each node that it does
	// not reach.
	int64_t sum[ROOT_NODES_MAX];
};

void root_init(struct root_choice *c)
{
	*c = (struct root_choice){ .root = -1, .second = -1, .wanted = -1 };
}

static void put_link(struct table *t, const struct root_link *l)
{
	const int64_t weight = tree_cost(l->cost);

	if (l->a == l->b || weight >= t->way[l->a][l->b])
		return;
	t->way[l->a][l->b] = t->way[l->b][l->a] = weight;
	t->wire[l->a][l->b] = t->wire[l->b][l->a] = l->cost ? l->cost : 1;
}

// Floyd and Warshall: with 64 nodes a quarter of a million steps.
static void find_ways(struct table *t, unsigned nodes)
{
	for (unsigned via = 0; via < nodes; via++)
		for (unsigned a = 0; a < nodes; a++)
			for (unsigned b = 0; b < nodes; b++) {
				const int64_t way = t->way[a][via] + t->way[via][b];

				if (way < t->way[a][b])
					t->way[a][b] = way;
			}
}

// The node before `node` on the tree's way from `root`.
static unsigned parent_of(const struct table *t, unsigned nodes, unsigned root, unsigned node)
{
	unsigned best = root;
	int64_t least = FAR;

	for (unsigned n = 0; n < nodes; n++) {
		if (!t->wire[n][node] || t->way[root][n] >= t->way[root][node])
			continue;
		const int64_t way = t->way[root][n] + tree_cost(t->wire[n][node]);

		if (way < least) {
			least = way;
			best = n;
		}
	}
	return best;
}

// Nodes that `root` reaches, the farthest first; returns how many.
static unsigned farthest_first(const struct table *t, unsigned nodes, unsigned root, unsigned *ret)
{
	unsigned count = 0;

	for (unsigned n = 0; n < nodes; n++) {
		unsigned at = count;

		if (t->way[root][n] >= FAR)
			continue;
		for (; at > 0 && t->way[root][ret[at - 1]] < t->way[root][n]; at--)
			ret[at] = ret[at - 1];
		ret[at] = n;
		count++;
	}
	return count;
}

// Each wire of the tree is on the way of every pair that it parts.
static int64_t sum_with(const struct table *t, unsigned nodes, unsigned root)
{
	unsigned order[ROOT_NODES_MAX], below[ROOT_NODES_MAX] = { 0 };
	const unsigned reached = farthest_first(t, nodes, root, order);
	int64_t sum = (int64_t)(nodes - reached) * FAR;

	for (unsigned i = 0; i + 1 < reached; i++) {
		const unsigned node = order[i], parent = parent_of(t, nodes, root, node);
		const int64_t size = below[node] + 1;

		below[parent] += (unsigned)size;
		// Of the pairs that it parts, `size` have the root at one end.
		sum += (size * (reached - size) + size) * t->wire[parent][node];
	}
	return sum;
}

static void measure(struct table *t, const struct root_link *links, size_t len, unsigned nodes)
{
	for (unsigned a = 0; a < nodes; a++)
		for (unsigned b = 0; b < nodes; b++) {
			t->way[a][b] = a == b ? 0 : FAR;
			t->wire[a][b] = 0;
		}
	for (size_t i = 0; i < len; i++)
		if (links[i].a < nodes && links[i].b < nodes)
			put_link(t, &links[i]);
	find_ways(t, nodes);
	for (unsigned n = 0; n < nodes; n++)
		t->sum[n] = sum_with(t, nodes, n);
}

// The node with the least sum, of equals the first; `but` is left out.
static int least(const struct table *t, unsigned nodes, int but)
{
	int best = -1;

	for (int n = 0; n < (int)nodes; n++)
		if (n != but && (best < 0 || t->sum[n] < t->sum[best]))
			best = n;
	return best;
}

// How many nodes it does not reach.
static int64_t lost(const struct table *t, int node)
{
	return t->sum[node] / FAR;
}

static bool is_worth_it(const struct table *t, int root, int other)
{
	return lost(t, other) == lost(t, root) &&
	       t->sum[other] % FAR * 100 < t->sum[root] % FAR * (100 - ROOT_GAIN_PERCENT);
}

// Nobody wants to be led through it.
static bool is_drained(const struct table *t, unsigned nodes, int node)
{
	bool has_wire = false;

	for (unsigned n = 0; n < nodes; n++) {
		const uint32_t cost = t->wire[node][n];

		if (cost && cost < ROOT_COST_DRAINED)
			return false;
		has_wire = has_wire || cost;
	}
	return has_wire;
}

static bool must_move(struct root_choice *c, const struct table *t, unsigned nodes, int best,
		      int64_t now_us)
{
	if (lost(t, c->root) > lost(t, best))
		return true;
	if (best == c->root || !is_worth_it(t, c->root, best)) {
		c->wanted = -1;
		return false;
	}
	if (is_drained(t, nodes, c->root))
		return true;
	if (c->wanted < 0)
		c->since_us = now_us;
	c->wanted = best;
	return now_us - c->since_us >= ROOT_INSIST_US;
}

// The second is only changed with the root, or when it is no good any more: bridges notice each
// change.
static bool choose_second(struct root_choice *c, const struct table *t, unsigned nodes)
{
	const int best = least(t, nodes, c->root);
	const bool is_good = c->second >= 0 && c->second < (int)nodes && c->second != c->root &&
			     best >= 0 && lost(t, c->second) <= lost(t, best) &&
			     !is_worth_it(t, c->second, best);

	if (is_good || best == c->second)
		return false;
	c->second = best;
	return true;
}

bool root_choose(struct root_choice *c, const struct root_link *links, size_t len, unsigned nodes,
		 int64_t now_us)
{
	struct table t;
	bool is_news = false;

	nodes = nodes > ROOT_NODES_MAX ? ROOT_NODES_MAX : nodes;
	if (nodes == 0)
		return false;
	measure(&t, links, len, nodes);
	const int best = least(&t, nodes, -1);
	if (c->root < 0 || c->root >= (int)nodes || must_move(c, &t, nodes, best, now_us)) {
		is_news = c->root != best;
		c->root = best;
		c->wanted = -1;
	}
	return choose_second(c, &t, nodes) || is_news;
}

unsigned root_priority(const struct root_choice *c, unsigned node)
{
	if ((int)node == c->root)
		return ROOT_PRIORITY;
	return (int)node == c->second ? ROOT_PRIORITY_SECOND : ROOT_PRIORITY_OTHERS;
}
