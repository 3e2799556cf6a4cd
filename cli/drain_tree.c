#include "cli/drain_tree.h"

#include <stdbool.h>
#include <string.h>

#include "base/clean.h"
#include "base/map.h"

#define COST_DRAINED 65535 // what the plan gives the ports of drained wires

struct look {
	const struct drain_tree *drained;
	const json_t *links; // of all networks
	const char *network; // of the segment
	const json_t *ports; // of the segment
};

static const char *text_of(const json_t *body, const char *field)
{
	const char *text = json_string_value(json_object_get(body, field));
	return text ? text : "";
}

static bool is_pair(const char *a, const char *b, const char *x, const char *y)
{
	return (strcmp(a, x) == 0 && strcmp(b, y) == 0) || (strcmp(a, y) == 0 && strcmp(b, x) == 0);
}

static bool is_drained_wire(const struct drain_tree *d, const char *a, const char *b)
{
	return d->node ? strcmp(a, d->node) == 0 || strcmp(b, d->node) == 0
		       : is_pair(a, b, d->ends[0], d->ends[1]);
}

// The port at `node` towards `peer`, NULL: there is none.
static const json_t *port_of(const struct look *l, const char *node, const char *peer)
{
	const json_t *port;
	size_t at;
	json_array_foreach(l->ports, at,
			   port) if (strcmp(text_of(port, "node"), node) == 0 &&
				     strcmp(text_of(port, "peer"), peer) == 0) return port;
	return NULL;
}

static bool forwards(const struct look *l, const json_t *port)
{
	const json_t *other = port_of(l, text_of(port, "peer"), text_of(port, "node"));
	return strcmp(text_of(port, "state"), "forwarding") == 0 &&
	       strcmp(text_of(other, "state"), "forwarding") == 0;
}

static bool is_link_up(const struct look *l, const char *a, const char *b)
{
	const json_t *link;
	size_t at;
	json_array_foreach(l->links, at, link)
	{
		const char *state = text_of(link, "state");
		if (strcmp(text_of(link, "network"), l->network) == 0 &&
		    is_pair(text_of(link, "a"), text_of(link, "b"), a, b))
			return strcmp(state, "up") == 0 || strcmp(state, "degraded") == 0;
	}
	return false;
}

// Marks whoever is reached from `node` by wires that are up and not drained.
static void reach(const struct look *l, const char *node, struct map *reached)
{
	const json_t *port;
	size_t at;
	if (map_get(reached, node) || map_set(reached, node, reached) < 0)
		return;
	json_array_foreach(l->ports, at, port)
	{
		const char *peer = text_of(port, "peer");
		if (strcmp(text_of(port, "node"), node) == 0 &&
		    !is_drained_wire(l->drained, node, peer) && is_link_up(l, node, peer))
			reach(l, peer, reached);
	}
}

// What the tree does with the wires that are drained.
struct use {
	size_t wires, forwarding;
	bool is_taken_in; // by every end that tells
	bool is_parted;   // without them somebody at their other ends is cut off
};

static void count_wire(const struct look *l, const json_t *port, const struct map *reached,
		       struct use *use)
{
	const char *other = l->drained->node ? text_of(port, "peer") : l->drained->ends[1];
	const json_t *cost = json_object_get(port, "cost");
	if (json_is_integer(cost) && json_integer_value(cost) < COST_DRAINED)
		use->is_taken_in = false;
	// Each wire has a port at either end: it is counted at the one that is drained, or named
	// first.
	if (strcmp(text_of(port, "node"),
		   l->drained->node ? l->drained->node : l->drained->ends[0]) != 0)
		return;
	use->wires++;
	use->forwarding += forwards(l, port);
	if (is_link_up(l, text_of(port, "node"), text_of(port, "peer")) && !map_get(reached, other))
		use->is_parted = true;
}

// From where the others are to be reached without what is drained.
static const char *start_of(const struct look *l)
{
	const json_t *port;
	size_t at;
	if (!l->drained->node)
		return l->drained->ends[0];
	json_array_foreach(l->ports, at,
			   port) if (strcmp(text_of(port, "node"), l->drained->node) == 0 &&
				     is_link_up(l, l->drained->node,
						text_of(port, "peer"))) return text_of(port,
										       "peer");
	return NULL;
}

static void look_at(struct drain_tree *d, const struct look *l, const char *segment,
		    struct text *left)
{
	CLEAN(map_free_ptr) struct map *reached = map_new(NULL);
	const char *start = start_of(l);
	struct use use = { .is_taken_in = true };
	const json_t *port;
	size_t at;
	if (!reached || !start)
		return;
	reach(l, start, reached);
	json_array_foreach(l->ports, at, port) if (is_drained_wire(d, text_of(port, "node"),
								   text_of(port, "peer")))
		count_wire(l, port, reached, &use);
	if (use.wires == 0)
		return;
	// A node keeps one wire, for what ends at itself.
	const bool is_led = use.forwarding > (d->node ? 1 : 0);
	if (!is_led && use.is_taken_in) {
		d->safe++;
		return;
	}
	const bool is_stuck = is_led && use.is_parted;
	d->stuck += is_stuck;
	d->moving += !is_stuck;
	text_addf(left, "the tree of segment %s: %s\n", segment,
		  is_stuck ? "there is no other way" : "still moving");
}

void drain_tree_look(struct drain_tree *d, const json_t *topology, struct text *left)
{
	const json_t *segment;
	size_t at;
	d->safe = d->moving = d->stuck = 0;
	json_array_foreach(json_object_get(topology, "segments"), at, segment)
	{
		const struct look l = { d, json_object_get(topology, "links"),
					text_of(segment, "network"),
					json_object_get(segment, "ports") };
		if (!d->network || strcmp(d->network, l.network) == 0)
			look_at(d, &l, text_of(segment, "name"), left);
	}
}
