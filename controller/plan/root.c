#include "plan/root.h"

#define FAR INT64_C(1000000000000) // no way; more than all ways together

struct table {
	int64_t distance[ROOT_NODES_MAX][ROOT_NODES_MAX];
	int64_t sum[ROOT_NODES_MAX]; // over the nodes it reaches, and FAR for each it does not
};

void root_init(struct root_choice *c)
{
	*c = (struct root_choice){ .root = -1, .second = -1, .wanted = -1 };
}

static void put_link(struct table *t, const struct root_link *l)
{
	const int64_t rtt = l->rtt_us < 0 ? 0 : l->rtt_us > FAR ? FAR : l->rtt_us;

	if (rtt < t->distance[l->a][l->b])
		t->distance[l->a][l->b] = t->distance[l->b][l->a] = rtt;
}

// Floyd and Warshall: with 64 nodes a quarter of a million steps.
static void find_distances(struct table *t, unsigned nodes)
{
	for (unsigned via = 0; via < nodes; via++)
		for (unsigned a = 0; a < nodes; a++)
			for (unsigned b = 0; b < nodes; b++) {
				const int64_t d = t->distance[a][via] + t->distance[via][b];

				if (d < t->distance[a][b])
					t->distance[a][b] = d;
			}
}

static void measure(struct table *t, const struct root_link *links, size_t len, unsigned nodes)
{
	for (unsigned a = 0; a < nodes; a++)
		for (unsigned b = 0; b < nodes; b++)
			t->distance[a][b] = a == b ? 0 : FAR;
	for (size_t i = 0; i < len; i++)
		if (links[i].a < nodes && links[i].b < nodes)
			put_link(t, &links[i]);
	find_distances(t, nodes);
	for (unsigned a = 0; a < nodes; a++) {
		t->sum[a] = 0;
		for (unsigned b = 0; b < nodes; b++)
			t->sum[a] += t->distance[a][b];
	}
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

static bool must_move(struct root_choice *c, const struct table *t, int best, int64_t now_us)
{
	if (lost(t, c->root) > lost(t, best))
		return true;
	if (best == c->root || !is_worth_it(t, c->root, best)) {
		c->wanted = -1;
		return false;
	}
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
	if (c->root < 0 || c->root >= (int)nodes || must_move(c, &t, best, now_us)) {
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
