// Entries of a node in a segment whose mode is routed: a wire to each node it is linked to, with
// the node's addresses on it; the direct routes; and for each other node the paths of which the
// agents choose one.
//
// The main table has the direct routes only; those to LANs that follow the active member of an HA
// group are the agent's, too. What comes from the node itself or from the LANs behind it looks
// first into a table of its own, where the agent keeps the route by the path that it has chosen.
// What passes through goes by the direct routes of its own segment, which stand in a third table:
// another segment may lead to the same prefixes, and its wires or bridge would be the wrong ones.
// So the choice is made once, where a packet enters, and no two nodes' choices can make a loop.
#include <stdio.h>
#include <string.h>

#include "plan/generate.h"
#include "plan/numbers.h"
#include "plan/ways.h"

// ---- the node as such ----

static void add_rule(struct generation *g, int family, const char *field, json_t *value,
		     const char *name)
{
	generate_add(g,
		     json_pack("{s:i, s:o, s:I, s:I, s:[]}", "family", family, field, value,
			       "table", (json_int_t)fleet_table(g->fleet, TABLE_ROUTED), "priority",
			       (json_int_t)fleet_priority(g->fleet, PRIORITY_ROUTED), "needs"),
		     "rule/routed/%s", name);
}

void generate_routed_node(struct generation *g)
{
	const char *name = g->node->as.node.site;
	const struct fleet_object *site = name ? fleet_find(g->fleet, FLEET_SITE, name) : NULL;
	char text[PREFIX_TEXT_SIZE];

	add_rule(g, 4, "from_device", json_string("lo"), "own-v4");
	add_rule(g, 6, "from_device", json_string("lo"), "own-v6");
	for (size_t i = 0; site && i < site->as.site.lan_count; i++) {
		const struct prefix *lan = &site->as.site.lan[i];

		add_rule(g, lan->address.family, "from", json_prefix(lan),
			 prefix_format(lan, text));
	}
}

// ---- the segment ----

void generate_routed_segment(struct generation *g, const struct segment_cell *cell)
{
	const struct fleet_object *o = cell->view->segment;
	char router[DEVICE_NAME_SIZE];
	struct prefix pool;

	name_bridge(router, o->id);
	generate_add(g,
		     json_pack("{s:s, s:o, s:[]}", "router", router, "own",
			       json_owned(g, cell, cell->self), "needs"),
		     "guard/router/%s", o->name);
	for (int family = 4; family <= 6; family += 2) {
		if (!fleet_pool(g->fleet, o, family, &pool))
			continue;
		generate_add(g,
			     json_pack("{s:o, s:s, s:i, s:i, s:[]}", "destination",
				       json_prefix(&pool), "type", "unreachable", "table",
				       TABLE_MAIN, "metric", METRIC_LAST, "needs"),
			     "route/%s/lan-last-v%d", o->name, family);
	}
}

static void add_passing_rule(struct generation *g, const struct segment_cell *cell,
			     const char *device, int family)
{
	char wire[192];

	(void)snprintf(wire, sizeof wire, "wire/%s/%s", cell->view->segment->name,
		       cell->other->node->name);
	generate_add(g,
		     json_pack("{s:i, s:s, s:I, s:I, s:o}", "family", family, "from_device", device,
			       "table",
			       (json_int_t)fleet_passing_table(g->fleet, cell->view->number),
			       "priority", (json_int_t)fleet_priority(g->fleet, PRIORITY_PASSING),
			       "needs", json_needs(wire, NULL)),
		     "rule/%s/%s@v%d", cell->view->segment->name, cell->other->node->name, family);
}

// The node has the same addresses on each wire: whoever asks for them there is answered.
void generate_routed_wire(struct generation *g, const struct segment_cell *cell)
{
	const char *segment = cell->view->segment->name, *peer = cell->other->node->name;
	char device[DEVICE_NAME_SIZE], wire[192], text[ADDRESS_TEXT_SIZE];
	struct address own;

	name_wire(device, cell->view->segment->id, cell->other->node->id);
	if (!generate_wire_device(g, cell, device))
		return;
	(void)snprintf(wire, sizeof wire, "wire/%s/%s", segment, peer);
	for (int family = 4; family <= 6; family += 2) {
		if (!fleet_address(g->fleet, cell->view->segment, g->node, family, &own))
			continue;
		generate_add(g,
			     json_pack("{s:s, s:o, s:o}", "device", device, "address",
				       json_address(&own, family == 4 ? 32 : 128), "needs",
				       json_needs(wire, NULL)),
			     "address/%s/%s@%s", segment, address_format(&own, text), peer);
		add_passing_rule(g, cell, device, family);
	}
}

// ---- another node ----

static bool is_of_same_site(const struct generation *g, const struct segment_cell *cell)
{
	const char *site = g->node->as.node.site, *other = cell->other->node->as.node.site;

	return site && other && strcmp(site, other) == 0;
}

// Its addresses on the segment and the LANs behind it, unless they are this node's own or follow
// whichever member of a group is active.
static json_t *destinations(const struct generation *g, const struct segment_cell *cell)
{
	struct segment_member without_lan = *cell->other;

	if (without_lan.group || is_of_same_site(g, cell))
		without_lan.lan = NULL;
	return json_owned(g, cell, &without_lan);
}

// The LANs that are reached there while it is the active member of their group. NULL: none.
static json_t *following(const struct generation *g, const struct segment_cell *cell)
{
	const struct segment_member *other = cell->other;
	json_t *prefixes = json_array();

	if (!other->group || !other->lan || is_of_same_site(g, cell)) {
		json_decref(prefixes);
		return NULL;
	}
	for (size_t i = 0; i < other->lan->lan_count; i++)
		(void)json_array_append_new(prefixes, json_prefix(&other->lan->lan[i]));
	return json_pack("{s:I, s:s, s:b, s:i, s:I, s:o}", "group", (json_int_t)other->group->id,
			 "name", other->group->name, "first", other->speaks, "table", TABLE_MAIN,
			 "passing", (json_int_t)fleet_passing_table(g->fleet, cell->view->number),
			 "prefixes", prefixes);
}

// In the main table, or, for what passes through, in that of the segment.
static void add_direct_route(struct generation *g, const struct segment_cell *cell,
			     const char *prefix, bool is_passing)
{
	const struct fleet_object *segment = cell->view->segment;
	const char *peer = cell->other->node->name;
	char device[DEVICE_NAME_SIZE], address[192], text[ADDRESS_TEXT_SIZE];
	const int family = strchr(prefix, ':') ? 6 : 4;
	struct address via, own;

	if (!fleet_address(g->fleet, segment, cell->other->node, family, &via) ||
	    !fleet_address(g->fleet, segment, g->node, family, &own))
		return;
	name_wire(device, segment->id, cell->other->node->id);
	(void)snprintf(address, sizeof address, "address/%s/%s@%s", segment->name,
		       address_format(&own, text), peer);
	generate_add(g,
		     json_pack("{s:s, s:s, s:s, s:o, s:o, s:i, s:I, s:o}", "destination", prefix,
			       "type", "unicast", "device", device, "via", json_address(&via, -1),
			       "source", json_address(&own, -1), "table",
			       (json_int_t)(is_passing ? fleet_passing_table(g->fleet,
									     cell->view->number)
						       : TABLE_MAIN),
			       "metric", (json_int_t)(METRIC_LAN + cell->view->number), "needs",
			       json_needs(address, NULL)),
		     "route/%s/%s%s", segment->name, prefix, is_passing ? "@passing" : "");
}

void generate_routed_owner(struct generation *g, const struct segment_cell *cell)
{
	const struct fleet_object *segment = cell->view->segment;
	const char *peer = cell->other->node->name;
	const bool is_linked =
		network_is_linked(g->fleet, cell->view->network, g->node->name, peer);
	char router[DEVICE_NAME_SIZE], device[DEVICE_NAME_SIZE];
	const json_t *prefix;
	size_t i;

	name_bridge(router, segment->id);
	name_wire(device, segment->id, cell->other->node->id);
	json_t *body = json_pack("{s:s, s:o, s:[]}", "router", router, "prefixes",
				 json_owned(g, cell, cell->other), "needs");
	if (body && is_linked)
		(void)json_object_set_new(body, "device", json_string(device));
	generate_add(g, body, "guard/sender/%s/%s", segment->name, peer);
	json_t *list = is_linked ? destinations(g, cell) : NULL;
	json_array_foreach(list, i, prefix)
	{
		add_direct_route(g, cell, json_string_value(prefix), false);
		add_direct_route(g, cell, json_string_value(prefix), true);
	}
	json_decref(list);
}

// ---- the paths to it ----

// A path is probed as its links are; one of two links as the network's are.
static json_t *way_json(const struct generation *g, const struct segment_cell *cell,
			const struct way *way)
{
	const struct fleet_object *network = cell->view->network;
	const struct segment_member *first = way->by ? way->by : cell->other;
	const char *peer = cell->other->node->name;
	// There is no link between a node and itself: what the network says is left.
	const char *self = way->by ? peer : g->node->name;
	char device[DEVICE_NAME_SIZE];

	name_wire(device, cell->view->segment->id, first->node->id);
	json_t *body =
		json_pack("{s:i, s:s, s:o, s:b, s:b}", "number", way->number, "device", device,
			  "via", json_addresses(g->fleet, cell->view->segment, first->node),
			  "standby", way->is_standby, "drained", way->is_drained);
	if (body && way->by)
		(void)json_object_set_new(body, "by", json_string(way->by->node->name));
	json_add_probe(body, link_probe(g->fleet, network, self, peer),
		       link_sla(g->fleet, network, self, peer));
	return body;
}

void generate_path(struct generation *g, const struct segment_cell *cell)
{
	const struct fleet_object *segment = cell->view->segment, *other = cell->other->node;
	struct ways ways;
	char key[192];

	ways_between(g->fleet, cell->view, cell->self, cell->other, &ways);
	if (ways.count == 0 || !generate_key(g, "path", segment, other))
		return;
	json_t *list = json_array();
	for (size_t i = 0; i < ways.count; i++)
		(void)json_array_append_new(list, way_json(g, cell, &ways.items[i]));
	(void)snprintf(key, sizeof key, "path-key/%s/%s", segment->name, other->name);
	json_t *body =
		json_pack("{s:s, s:I, s:I, s:i, s:I, s:I}", "network", cell->view->network->name,
			  "self", (json_int_t)g->node->id, "other", (json_int_t)other->id, "port",
			  g->fleet->settings.probe_port, "table",
			  (json_int_t)fleet_table(g->fleet, TABLE_ROUTED), "metric",
			  (json_int_t)(METRIC_LAN + cell->view->number));
	(void)json_object_set_new(body, "own", json_addresses(g->fleet, segment, g->node));
	(void)json_object_set_new(body, "peer", json_addresses(g->fleet, segment, other));
	(void)json_object_set_new(body, "prefixes", destinations(g, cell));
	json_t *lan = following(g, cell);
	if (lan)
		(void)json_object_set_new(body, "lan", lan);
	(void)json_object_set_new(body, "ways", list);
	(void)json_object_set_new(body, "needs", json_needs(key, NULL));
	generate_add(g, body, "path/%s/%s", segment->name, other->name);
}
