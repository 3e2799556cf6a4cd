// Entries of a node in a segment: bridge and addresses, wires and ports, what each node owns,
// routes to site LANs.
#include <stdio.h>
#include <string.h>

#include "plan/follow.h"
#include "plan/generate.h"
#include "plan/numbers.h"

#define STP_PRIORITY      32768
#define PORT_COST         100
#define PORT_COST_DRAINED 65535 // the worst there is
#define PORT_PRIORITY     32

json_t *json_owned(const struct generation *g, const struct segment_cell *cell,
		   const struct segment_member *member)
{
	json_t *list = json_array();
	struct address address;

	for (int family = 4; family <= 6; family += 2) {
		if (fleet_address(g->fleet, cell->view->segment, member->node, family, &address))
			(void)json_array_append_new(list,
						    json_address(&address, family == 4 ? 32 : 128));
	}
	// So does any member of a group as which it speaks, whichever is active.
	for (int family = 4; member->group && family <= 6; family += 2) {
		if (follow_hop(g->fleet, cell->view->segment, member->group, family, &address))
			(void)json_array_append_new(list,
						    json_address(&address, family == 4 ? 32 : 128));
	}
	for (size_t i = 0; member->lan && i < member->lan->lan_count; i++)
		(void)json_array_append_new(list, json_prefix(&member->lan->lan[i]));
	return list;
}

static void add_address(struct generation *g, const struct segment_cell *cell, const char *device,
			int family)
{
	const struct fleet_object *segment = cell->view->segment;
	char text[ADDRESS_TEXT_SIZE], bridge[128];
	struct address address;
	struct prefix pool;

	if (!fleet_pool(g->fleet, segment, family, &pool) ||
	    !fleet_address(g->fleet, segment, g->node, family, &address))
		return;
	(void)snprintf(bridge, sizeof bridge, "bridge/%s", segment->name);
	json_t *body =
		json_pack("{s:s, s:o, s:o}", "device", device, "address",
			  json_address(&address, pool.length), "needs", json_needs(bridge, NULL));
	generate_add(g, body, "address/%s/%s", segment->name, address_format(&address, text));
	body = json_pack("{s:o, s:s, s:i, s:i, s:[]}", "destination", json_prefix(&pool), "type",
			 "unreachable", "table", TABLE_MAIN, "metric", METRIC_LAST, "needs");
	generate_add(g, body, "route/%s/lan-last-v%d", segment->name, family);
}

// Where the root sits was decided by what is measured; until then every bridge has the same.
static int bridge_priority(const struct fleet_object *node, const struct fleet_object *segment)
{
	char id[ID_TEXT_SIZE];

	(void)snprintf(id, sizeof id, "%lld", (long long)segment->id);
	const json_t *priority = json_object_get(node->as.node.bridge_priorities, id);
	return json_is_integer(priority) ? (int)json_integer_value(priority) : STP_PRIORITY;
}

void generate_segment(struct generation *g, const struct segment_cell *cell)
{
	const struct fleet_object *o = cell->view->segment;
	const struct fleet_segment *segment = &o->as.segment;
	char device[DEVICE_NAME_SIZE], mac[MAC_TEXT_SIZE];

	name_bridge(device, o->id);
	name_mac(mac, o->id, g->node->id);
	json_t *body =
		json_pack("{s:s, s:s, s:i, s:b, s:i, s:i, s:i, s:i, s:[]}", "device", device, "mac",
			  mac, "mtu", cell->view->mtu, "stp", 1, "priority",
			  bridge_priority(g->node, o), "hello_time", segment->hello_s, "max_age",
			  segment->max_age_s, "forward_delay", segment->forward_delay_s, "needs");
	generate_add(g, body, "bridge/%s", o->name);
	body = json_pack("{s:s, s:o, s:[]}", "device", device, "own",
			 json_owned(g, cell, cell->self), "needs");
	generate_add(g, body, "guard/segment/%s", o->name);
	add_address(g, cell, device, 4);
	add_address(g, cell, device, 6);
}

// A wire does not need the address it sends from: addresses come after wires (rank 70 and 40), and
// until it is there the kernel just sends nothing.
bool generate_any_wire(struct generation *g, const struct wire_made *wire)
{
	const struct fleet_object *net = wire->network;
	const char *peer = wire->peer->name;
	char link[DEVICE_NAME_SIZE];
	char wireguard[128], base[128], guard[192];
	struct address own, theirs;

	if (!fleet_address(g->fleet, net, g->node, 4, &own) ||
	    !fleet_address(g->fleet, net, wire->peer, 4, &theirs))
		return false;
	name_wireguard(link, net->id);
	(void)snprintf(wireguard, sizeof wireguard, "wireguard/%s", net->name);
	(void)snprintf(base, sizeof base, "guard/base/%s", net->name);
	(void)snprintf(guard, sizeof guard, "guard/wire/%s/%s", wire->owner, peer);
	json_t *body = json_pack("{s:s, s:s, s:o, s:I, s:[]}", "link", link, "wire", wire->device,
				 "source", json_address(&theirs, -1), "vni", (json_int_t)wire->vni,
				 "needs");
	generate_add(g, body, "guard/wire/%s/%s", wire->owner, peer);
	body = json_pack("{s:s, s:I, s:i, s:o, s:o, s:i, s:s, s:o}", "device", wire->device, "vni",
			 (json_int_t)wire->vni, "port", g->fleet->settings.vxlan_port, "local",
			 json_address(&own, -1), "remote", json_address(&theirs, -1), "mtu",
			 wire->mtu, "link", link, "needs",
			 json_needs(wireguard, base, guard, NULL));
	if (body && wire->flag)
		(void)json_object_set_new(body, wire->flag, json_true());
	generate_add(g, body, "wire/%s/%s", wire->owner, peer);
	return true;
}

bool generate_wire_device(struct generation *g, const struct segment_cell *cell, const char *device)
{
	const struct fleet_object *segment = cell->view->segment;
	const struct wire_made wire = {
		.network = cell->view->network,
		.peer = cell->other->node,
		.owner = segment->name,
		.device = device,
		.vni = segment_vni(g->fleet, cell->view, cell->self, cell->other),
		.mtu = cell->view->mtu,
		.flag = segment->as.segment.is_routed ? "routed" : NULL,
	};

	return generate_any_wire(g, &wire);
}

static int port_cost(const struct fleet_link *link, const struct segment_cell *cell)
{
	if (cell->self->node->as.node.is_drained || cell->other->node->as.node.is_drained ||
	    (link && link->is_drained))
		return PORT_COST_DRAINED;
	return link && link->cost ? link->cost : PORT_COST;
}

// Only where nobody's word is in the place of it.
static bool is_cost_measured(const struct fleet_link *link, const struct segment_cell *cell)
{
	return port_cost(link, cell) == PORT_COST && !(link && link->cost);
}

void generate_wire(struct generation *g, const struct segment_cell *cell)
{
	const char *segment = cell->view->segment->name, *peer = cell->other->node->name;
	const struct fleet_link *link =
		fleet_override(g->fleet, cell->view->network->name, g->node->name, peer);
	char device[DEVICE_NAME_SIZE], bridge[DEVICE_NAME_SIZE], wire_key[192], bridge_key[128];

	name_wire(device, cell->view->segment->id, cell->other->node->id);
	name_bridge(bridge, cell->view->segment->id);
	if (!generate_wire_device(g, cell, device))
		return;
	(void)snprintf(wire_key, sizeof wire_key, "wire/%s/%s", segment, peer);
	(void)snprintf(bridge_key, sizeof bridge_key, "bridge/%s", segment);
	json_t *body = json_pack("{s:s, s:s, s:i, s:b, s:i, s:o}", "device", device, "bridge",
				 bridge, "cost", port_cost(link, cell), "measure",
				 is_cost_measured(link, cell), "priority", PORT_PRIORITY, "needs",
				 json_needs(wire_key, bridge_key, NULL));
	generate_add(g, body, "port/%s/%s", segment, peer);
}

// Where a LAN behind the other node is reached: its address on the segment, or the one that whoever
// is active has.
static bool next_hop(const struct generation *g, const struct segment_cell *cell, int family,
		     struct address *ret)
{
	const struct fleet_object *segment = cell->view->segment;

	if (cell->other->group)
		return follow_hop(g->fleet, segment, cell->other->group, family, ret);
	return fleet_address(g->fleet, segment, cell->other->node, family, ret);
}

static void add_lan_route(struct generation *g, const struct segment_cell *cell,
			  const struct prefix *lan)
{
	const struct fleet_object *segment = cell->view->segment;
	char device[DEVICE_NAME_SIZE], bridge[128], address[192], text[ADDRESS_TEXT_SIZE],
		prefix[PREFIX_TEXT_SIZE];
	struct address via, own;
	int family = lan->address.family;

	if (!next_hop(g, cell, family, &via) ||
	    !fleet_address(g->fleet, segment, g->node, family, &own))
		return;
	name_bridge(device, segment->id);
	(void)snprintf(bridge, sizeof bridge, "bridge/%s", segment->name);
	(void)snprintf(address, sizeof address, "address/%s/%s", segment->name,
		       address_format(&own, text));
	json_t *body =
		json_pack("{s:o, s:s, s:s, s:o, s:o, s:i, s:I, s:o}", "destination",
			  json_prefix(lan), "type", "unicast", "device", device, "via",
			  json_address(&via, -1), "source", json_address(&own, -1), "table",
			  TABLE_MAIN, "metric", (json_int_t)(METRIC_LAN + cell->view->number),
			  "needs", json_needs(bridge, address, NULL));
	generate_add(g, body, "route/%s/%s", segment->name, prefix_format(lan, prefix));
}

void generate_owner(struct generation *g, const struct segment_cell *cell)
{
	const struct fleet_object *segment = cell->view->segment;
	const struct fleet_site *lan = cell->other->lan;
	char device[DEVICE_NAME_SIZE], mac[MAC_TEXT_SIZE];

	name_bridge(device, segment->id);
	name_mac(mac, segment->id, cell->other->node->id);
	json_t *body = json_pack("{s:s, s:s, s:o, s:[]}", "device", device, "mac", mac, "prefixes",
				 json_owned(g, cell, cell->other), "needs");
	generate_add(g, body, "guard/owner/%s/%s", segment->name, cell->other->node->name);
	// A node at the same site reaches its LAN by itself.
	const char *site = g->node->as.node.site, *other = cell->other->node->as.node.site;
	if (!cell->other->speaks || (site && other && strcmp(site, other) == 0))
		return;
	for (size_t i = 0; i < lan->lan_count; i++)
		add_lan_route(g, cell, &lan->lan[i]);
}
