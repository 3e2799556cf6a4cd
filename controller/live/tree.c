// The tree of a bridge segment, put together from what its nodes tell of their bridges and ports.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "live/inside.h"

struct reading {
	const struct live *live;
	const char *segment, *network;
	struct live_tree *tree;
	size_t cap;
};

static int compare_ids(const void *a, const void *b)
{
	const struct live_tree_node *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static int place_of(const struct live_tree *tree, const char *name)
{
	for (size_t i = 0; i < tree->nodes_count; i++)
		if (strcmp(tree->nodes[i].name, name) == 0)
			return (int)i;
	return -1;
}

static json_t *body_of(const struct node *node, const char *kind, const char *rest)
{
	char key[WIRE_KEY_MAX * 2];
	size_t len;

	(void)snprintf(key, sizeof key, "%s/%s", kind, rest);
	const char *body = entry_set_get(node->entries, key, &len);
	return body ? json_loadb(body, len, 0, NULL) : NULL;
}

static void copy_text(char *ret, size_t size, const json_t *body, const char *name)
{
	const char *text = json_string_value(json_object_get(body, name));

	(void)snprintf(ret, size, "%s", text ? text : "");
}

static bool is_agreed(const struct node *node)
{
	return node->is_connected && node->has_applied && node->refused_revision == 0 &&
	       digest_equal(node->applied_digest, node->target_digest);
}

// Whoever has the bridge, also one that is away: its wires are there.
static void find_nodes(const struct reading *r)
{
	struct live_tree *tree = r->tree;
	void *value = NULL;

	for (size_t at = 0;
	     tree->nodes_count < LIVE_TREE_NODES && map_next(r->live->by_id, &at, NULL, &value);) {
		const struct node *node = value;
		json_auto_t *body = body_of(node, "bridge", r->segment);
		const json_t *cost = json_object_get(body, "root_cost");

		if (!body)
			continue;
		struct live_tree_node *n = &tree->nodes[tree->nodes_count++];
		*n = (struct live_tree_node){ .id = node->id,
					      .name = node->name,
					      .is_connected = node->is_connected,
					      .is_agreed = is_agreed(node),
					      .since_ms = node->since_ms,
					      .root_port = -1,
					      .root_cost = cost ? json_integer_value(cost) : -1 };
		copy_text(n->bridge_id, sizeof n->bridge_id, body, "bridge_id");
		copy_text(n->root_id, sizeof n->root_id, body, "root_id");
	}
	qsort(tree->nodes, tree->nodes_count, sizeof *tree->nodes, compare_ids);
}

static struct live_wire *wire_of(struct reading *r, unsigned a, unsigned b)
{
	struct live_tree *tree = r->tree;
	const unsigned low = a < b ? a : b, high = a < b ? b : a;

	for (size_t i = 0; i < tree->wires_count; i++)
		if (tree->wires[i].a == low && tree->wires[i].b == high)
			return &tree->wires[i];
	if (tree->wires_count == r->cap) {
		const size_t cap = r->cap ? 2 * r->cap : 32;
		struct live_wire *wires = reallocarray(tree->wires, cap, sizeof *wires);

		if (!wires)
			return NULL;
		tree->wires = wires;
		r->cap = cap;
	}
	struct live_wire *wire = &tree->wires[tree->wires_count++];
	*wire = (struct live_wire){
		.a = low, .b = high, .blocked_at = -1, .cost = -1, .is_settled = true, .rtt_us = -1
	};
	return wire;
}

// The round trip as it is this second, while somebody watches; else that which the cost rests on.
static int64_t rtt_of(const struct reading *r, const struct node *node, const char *peer,
		      const json_t *port)
{
	char link[WIRE_KEY_MAX * 2];

	(void)snprintf(link, sizeof link, "link/%s/%s", r->network, peer);
	const json_t *now = json_object_get(json_object_get(node->samples, link), "rtt_us");
	const json_t *rtt = json_is_number(now) ? now : json_object_get(port, "rtt_us");
	return json_is_number(rtt) ? (int64_t)json_number_value(rtt) : -1;
}

static enum live_wire_state state_of(const json_t *port)
{
	const char *state = json_string_value(json_object_get(port, "state"));

	if (!state)
		return LIVE_WIRE_UNKNOWN;
	if (strcmp(state, "disabled") == 0)
		return LIVE_WIRE_DOWN;
	return strcmp(state, "forwarding") == 0 ? LIVE_WIRE_FORWARDING : LIVE_WIRE_BLOCKED;
}

// What one end tells is added to what the other told: the wire is what the worse of them says.
static void add_end(struct live_wire *w, unsigned at, const json_t *port, int64_t rtt_us)
{
	const enum live_wire_state state = state_of(port);
	const int64_t cost = json_integer_value(json_object_get(port, "cost"));
	const json_t *loss = json_object_get(port, "loss_ppm");
	const json_int_t loss_ppm = json_integer_value(loss);

	if (w->state == LIVE_WIRE_UNKNOWN || (state != LIVE_WIRE_UNKNOWN && state < w->state))
		w->state = state;
	if (state == LIVE_WIRE_BLOCKED && w->blocked_at < 0)
		w->blocked_at = (int)at;
	w->cost = cost > w->cost ? cost : w->cost;
	w->is_settled = w->is_settled && !json_is_false(json_object_get(port, "measured"));
	if (rtt_us >= 0)
		w->rtt_us = w->rtt_us < 0 ? rtt_us : (w->rtt_us + rtt_us) / 2;
	if (loss_ppm > 0 && loss_ppm <= 1000000 && (uint32_t)loss_ppm > w->loss_ppm)
		w->loss_ppm = (uint32_t)loss_ppm;
}

static int read_ports(struct reading *r, unsigned at)
{
	struct live_tree_node *self = &r->tree->nodes[at];
	const struct node *node = node_find(r->live, self->id);
	char owner[WIRE_KEY_MAX + 1], prefix[WIRE_KEY_MAX * 2];
	const char *peer = NULL;
	struct entry_change e;

	(void)snprintf(prefix, sizeof prefix, "port/%s/", r->segment);
	for (size_t i = 0; entry_set_next_under(node->entries, prefix, &i, &e);) {
		const int other =
			split_key(e.key, "port/", owner, &peer) ? place_of(r->tree, peer) : -1;

		if (other < 0 ||
		    (r->live->ops.is_link &&
		     !r->live->ops.is_link(r->live->ctx, r->network, node->name, peer)))
			continue;
		struct live_wire *wire = wire_of(r, at, (unsigned)other);
		if (!wire)
			return -ENOMEM;
		if (!node->is_connected)
			continue;
		json_auto_t *port = json_loadb(e.body, e.body_len, 0, NULL);
		const char *role = json_string_value(json_object_get(port, "role"));
		add_end(wire, at, port, rtt_of(r, node, peer, port));
		if (role && strcmp(role, "root") == 0)
			self->root_port = other;
	}
	return 0;
}

// Whom most of those that are connected call the root.
static int find_root(const struct live_tree *tree)
{
	int best = -1;
	unsigned most = 0;

	for (size_t i = 0; i < tree->nodes_count; i++) {
		unsigned votes = 0;

		for (size_t n = 0; n < tree->nodes_count && tree->nodes[i].bridge_id[0]; n++)
			votes += tree->nodes[n].is_connected &&
				 strcmp(tree->nodes[n].root_id, tree->nodes[i].bridge_id) == 0;
		if (votes > most) {
			most = votes;
			best = (int)i;
		}
	}
	return best;
}

// Only an end that is closed blocks a wire.
static void settle_blocks(struct live_tree *tree)
{
	for (size_t i = 0; i < tree->wires_count; i++)
		if (tree->wires[i].state != LIVE_WIRE_BLOCKED)
			tree->wires[i].blocked_at = -1;
}

int live_tree_read(const struct live *live, const char *segment, const char *network,
		   struct live_tree *ret, struct err *err)
{
	struct reading r = { live, segment, network, ret, 0 };
	int rc = 0;

	*ret = (struct live_tree){ .root = -1 };
	find_nodes(&r);
	for (unsigned at = 0; rc == 0 && at < ret->nodes_count; at++)
		rc = read_ports(&r, at);
	if (rc < 0) {
		live_tree_done(ret);
		return err_set(err, rc, "out of memory");
	}
	settle_blocks(ret);
	ret->root = find_root(ret);
	return 0;
}

void live_tree_done(struct live_tree *tree)
{
	free(tree->wires);
	*tree = (struct live_tree){ .root = -1 };
}
