// Entries of a node where gateways leave: its uplinks, the wires that other nodes' clients come by,
// and the ways by which the answers go back.
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#include "plan/egress.h"
#include "plan/generate.h"
#include "plan/numbers.h"

// rp_filter of an uplink that is not the main table's way: a source is good when there is any way
// to it.
#define LOOSE "2"

static void add_loose(struct generation *g, const char *device)
{
	CLEAN(free_ptr) char *name = text_format("net/ipv4/conf/%s/rp_filter", device);

	if (!name) {
		g->out->failed = true;
		return;
	}
	generate_add(g, json_pack("{s:s, s:s, s:[]}", "name", name, "value", LOOSE, "needs"),
		     "sysctl/%s", name);
}

bool generate_gateway_wire(struct generation *g, const struct fleet_object *gateway,
			   const struct fleet_object *ingress, const struct fleet_object *exit)
{
	const bool is_exit = g->node == exit;
	const struct fleet_object *peer = is_exit ? ingress : exit;
	const struct fleet_object *network = egress_network(g->fleet, ingress, exit);
	const struct egress_wire numbers = egress_wire(g->fleet, gateway, ingress);
	char device[DEVICE_NAME_SIZE], owner[96], wire[192], text[ADDRESS_TEXT_SIZE];
	struct address overlay;

	if (!network || numbers.number == 0)
		return false;
	name_gateway_wire(device, gateway->id, ingress->id);
	(void)snprintf(owner, sizeof owner, "gateway:%s", gateway->name);
	(void)snprintf(wire, sizeof wire, "wire/%s/%s", owner, peer->name);
	const struct wire_made made = {
		.network = network,
		.peer = peer,
		.owner = owner,
		.device = device,
		.vni = fleet_vni(g->fleet, GATEWAY_VNI_BASE + numbers.number),
		.mtu = link_wire_mtu(g->fleet, network, ingress, exit, GATEWAY_MTU),
		.flag = "gateway",
	};
	if (!generate_any_wire(g, &made))
		return false;
	const char *own = is_exit ? GATEWAY_EXIT_ADDRESS : GATEWAY_INGRESS_ADDRESS;
	json_t *body = json_pack("{s:s, s:o, s:o}", "device", device, "address",
				 json_sprintf("%s/64", own), "needs", json_needs(wire, NULL));
	generate_add(g, body, "address/%s/%s@%s", owner, own, peer->name);
	// IPv4 is routed by the IPv6 address; but on an interface without an IPv4 address the
	// kernel takes every source for forged. What the node itself sends here has this source.
	for (int family = 4; family <= 6; family += 2) {
		if (!fleet_address(g->fleet, network, g->node, family, &overlay))
			continue;
		body = json_pack("{s:s, s:o, s:o}", "device", device, "address",
				 json_address(&overlay, family == 4 ? 32 : 128), "needs",
				 json_needs(wire, NULL));
		generate_add(g, body, "address/%s/%s@%s", owner, address_format(&overlay, text),
			     peer->name);
	}
	return true;
}

json_t *generate_checks(const struct fleet_object *gateway)
{
	json_t *list = json_array();

	for (size_t i = 0; i < gateway->as.gateway.n_checks; i++)
		(void)json_array_append_new(
			list, json_sprintf("echo/gateway:%s-v%d", gateway->name,
					   strchr(gateway->as.gateway.checks[i], ':') ? 6 : 4));
	return list;
}

// ---- the uplink ----

static void add_checks(struct generation *g, const struct fleet_object *gateway,
		       const char *interface)
{
	const struct fleet_gateway *w = &gateway->as.gateway;

	for (size_t i = 0; i < w->n_checks; i++) {
		json_t *body = json_pack("{s:s, s:s, s:[]}", "device", interface, "target",
					 w->checks[i], "needs");

		json_add_probe(body, &w->probe, sla_find(g->fleet, w->sla));
		generate_add(g, body, "echo/gateway:%s-v%d", gateway->name,
			     strchr(w->checks[i], ':') ? 6 : 4);
	}
}

static int64_t uplink_table(const struct generation *g, const struct fleet_object *gateway)
{
	return fleet_table(g->fleet, TABLE_UPLINKS + egress_number(g->fleet, gateway));
}

// Without a named uplink it is the main table's own way, and the table follows that.
static void add_uplink(struct generation *g, const struct fleet_object *gateway)
{
	const char *name = gateway->as.gateway.uplink;
	const json_t *uplink =
		name ? json_object_get(json_object_get(g->node->spec, "uplinks"), name) : NULL;
	const char *interface = json_string_value(json_object_get(uplink, "interface"));
	const json_t *via = json_object_get(uplink, "via");

	if (name && !interface)
		return;
	json_t *body =
		json_pack("{s:I, s:[]}", "table", (json_int_t)uplink_table(g, gateway), "needs");
	if (body && interface)
		(void)json_object_set_new(body, "device", json_string(interface));
	if (body && via)
		(void)json_object_set_new(body, "via", json_deep_copy(via));
	generate_add(g, body, "uplink/%s", gateway->name);
	if (interface)
		add_checks(g, gateway, interface);
}

// ---- what comes by wires ----

// The ingress itself asks for names by the gateway that their flows will take.
static void add_own_addresses(const struct generation *g, json_t *list,
			      const struct fleet_object *gateway,
			      const struct fleet_object *ingress)
{
	const struct fleet_object *network =
		egress_network(g->fleet, ingress, egress_exit(g->fleet, gateway));
	struct address overlay;

	for (int family = 4; network && family <= 6; family += 2) {
		if (fleet_address(g->fleet, network, ingress, family, &overlay))
			(void)json_array_append_new(list,
						    json_address(&overlay, family == 4 ? 32 : 128));
	}
}

// The clients of all policies that may come this way.
static json_t *clients_json(const struct generation *g, const struct fleet_object *gateway,
			    const struct fleet_object *ingress)
{
	CLEAN(free_ptr) struct fleet_object **policies = fleet_all(g->fleet, FLEET_POLICY);
	json_t *list = json_array();
	struct clients clients;

	g->out->failed = g->out->failed || !policies;
	for (size_t p = 0; policies && policies[p]; p++) {
		egress_clients(g->fleet, policies[p], ingress, &clients);
		if (clients.count == 0 || !egress_leads_to(g->fleet, policies[p], gateway))
			continue;
		for (size_t i = 0; i < clients.count; i++)
			(void)json_array_append_new(list, json_prefix(&clients.items[i]));
	}
	if (egress_is_named(g->fleet, ingress))
		add_own_addresses(g, list, gateway, ingress);
	return list;
}

static json_int_t return_mark(const struct generation *g, int64_t way)
{
	return fleet_mark(g->fleet, MARK_RETURNS + way);
}

static void add_return(struct generation *g, const char *name, const char *device, const char *wire,
		       int64_t way)
{
	const json_int_t table = fleet_table(g->fleet, TABLE_RETURNS + way);

	for (int family = 4; family <= 6; family += 2) {
		json_t *body =
			json_pack("{s:s, s:s, s:s, s:s, s:I, s:i, s:o}", "destination",
				  family == 4 ? "0.0.0.0/0" : "::/0", "type", "unicast", "device",
				  device, "via", GATEWAY_INGRESS_ADDRESS, "table", table, "metric",
				  METRIC_LAN, "needs", json_needs(wire, NULL));
		generate_add(g, body, "route/%s/return-v%d", name, family);
		body = json_pack("{s:i, s:I, s:I, s:I, s:I, s:[]}", "family", family, "table",
				 table, "priority",
				 (json_int_t)fleet_priority(g->fleet, PRIORITY_RETURN), "mark",
				 return_mark(g, way), "mask", (json_int_t)fleet_mark_mask(g->fleet),
				 "needs");
		generate_add(g, body, "rule/%s/return-v%d", name, family);
	}
}

static void add_arrival(struct generation *g, const struct fleet_object *gateway, const char *name,
			const char *device)
{
	for (int family = 4; family <= 6; family += 2) {
		json_t *body =
			json_pack("{s:i, s:s, s:I, s:I, s:[]}", "family", family, "from_device",
				  device, "table", (json_int_t)uplink_table(g, gateway), "priority",
				  (json_int_t)fleet_priority(g->fleet, PRIORITY_EXIT), "needs");
		generate_add(g, body, "rule/%s/arrival-v%d", name, family);
	}
}

static void add_ingress(struct generation *g, const struct fleet_object *gateway,
			const struct fleet_object *ingress)
{
	const int64_t way = egress_wire(g->fleet, gateway, ingress).way;
	char device[DEVICE_NAME_SIZE], name[160], wire[192], uplink[96];

	if (way == 0 || !generate_gateway_wire(g, gateway, ingress, g->node))
		return;
	name_gateway_wire(device, gateway->id, ingress->id);
	(void)snprintf(name, sizeof name, "exit:%s.%s", gateway->name, ingress->name);
	(void)snprintf(wire, sizeof wire, "wire/gateway:%s/%s", gateway->name, ingress->name);
	(void)snprintf(uplink, sizeof uplink, "uplink/%s", gateway->name);
	json_t *body = json_pack("{s:s, s:o, s:s, s:o, s:I, s:I, s:I, s:o}", "device", device,
				 "from", clients_json(g, gateway, ingress), "uplink", uplink,
				 "check", generate_checks(gateway), "mark", return_mark(g, way),
				 "mask", (json_int_t)fleet_mark_mask(g->fleet), "table",
				 (json_int_t)fleet_table(g->fleet, TABLE_RETURNS + way), "needs",
				 json_needs(wire, uplink, NULL));
	generate_add(g, body, "exit/%s.%s", gateway->name, ingress->name);
	add_arrival(g, gateway, name, device);
	add_return(g, name, device, wire, way);
}

// By one gateway or another, of this node's clients or of others'.
static bool is_used(const struct generation *g, const struct fleet_object *gateway)
{
	struct fleet_object *ingress;

	if (egress_exit(g->fleet, gateway) != g->node)
		return false;
	for (size_t at = 0; fleet_next(g->fleet, FLEET_NODE, &at, &ingress);) {
		if (ingress->as.node.site && egress_uses(g->fleet, ingress, gateway))
			return true;
	}
	return false;
}

// Of several gateways one uplink may be: it has one setting.
static void add_interfaces(struct generation *g)
{
	const json_t *uplinks = json_object_get(g->node->spec, "uplinks");
	struct fleet_object *gateway;
	const char *name;
	json_t *uplink;

	json_object_foreach((json_t *)uplinks, name, uplink)
	{
		bool is_wanted = false;

		for (size_t at = 0;
		     !is_wanted && fleet_next(g->fleet, FLEET_GATEWAY, &at, &gateway);)
			is_wanted = gateway->as.gateway.uplink &&
				    strcmp(gateway->as.gateway.uplink, name) == 0 &&
				    is_used(g, gateway);
		if (is_wanted)
			add_loose(g, json_string_value(json_object_get(uplink, "interface")));
	}
}

void generate_exit(struct generation *g)
{
	struct fleet_object *gateway, *ingress;

	for (size_t at = 0; fleet_next(g->fleet, FLEET_GATEWAY, &at, &gateway);) {
		if (!is_used(g, gateway))
			continue;
		add_uplink(g, gateway);
		for (size_t n = 0; fleet_next(g->fleet, FLEET_NODE, &n, &ingress);) {
			if (ingress != g->node && ingress->as.node.site &&
			    egress_uses(g->fleet, ingress, gateway))
				add_ingress(g, gateway, ingress);
		}
	}
	add_interfaces(g);
}
