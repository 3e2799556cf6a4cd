// Shows what was allocated and defaulted for an object.
#include <string.h>

#include "plan/dns.h"
#include "plan/egress.h"
#include "plan/follow.h"
#include "plan/generate.h"
#include "plan/ha.h"
#include "plan/numbers.h"
#include "plan/plan.h"

static json_t *pool_json(const struct fleet *fleet, const struct fleet_object *owner)
{
	json_t *list = json_array();
	struct prefix pool;

	for (int family = 4; family <= 6; family += 2) {
		if (fleet_pool(fleet, owner, family, &pool))
			(void)json_array_append_new(list, json_prefix(&pool));
	}
	return list;
}

static void node_networks(struct fleet *fleet, const struct fleet_object *node, json_t *ret)
{
	struct fleet_object *o;

	for (size_t at = 0; fleet_next(fleet, FLEET_NETWORK, &at, &o);) {
		char device[DEVICE_NAME_SIZE];

		if (!network_member(o, node->name))
			continue;
		name_wireguard(device, o->id);
		(void)json_object_set_new(ret, o->name,
					  json_pack("{s:s, s:o, s:i}", "device", device,
						    "addresses", json_addresses(fleet, o, node),
						    "port", fleet_listen_port(fleet, o, node)));
	}
}

static void node_segments(struct fleet *fleet, const struct fleet_object *node, json_t *ret)
{
	struct fleet_object *o;

	for (size_t at = 0; fleet_next(fleet, FLEET_SEGMENT, &at, &o);) {
		const struct segment_view *view = fleet_segment(fleet, o);
		const struct segment_member *self = view ? segment_member_find(view, node) : NULL;
		char device[DEVICE_NAME_SIZE], mac[MAC_TEXT_SIZE];

		if (!self)
			continue;
		name_bridge(device, o->id);
		name_mac(mac, o->id, node->id);
		json_t *one = json_pack("{s:s, s:s, s:o, s:b}", "device", device, "mac", mac,
					"addresses", json_addresses(fleet, o, node),
					"speaks_for_site", self->lan != NULL);
		if (one && self->group)
			(void)json_object_set_new(one, "while_active_in",
						  json_string(self->group->name));
		(void)json_object_set_new(ret, o->name, one);
	}
}

static void show_node(struct fleet *fleet, const struct fleet_object *node, json_t *ret)
{
	json_t *networks = json_object(), *segments = json_object();

	node_networks(fleet, node, networks);
	node_segments(fleet, node, segments);
	(void)json_object_set_new(ret, "networks", networks);
	(void)json_object_set_new(ret, "segments", segments);
	if (node->as.node.seen)
		(void)json_object_set_new(ret, "behind_nat",
					  json_boolean(node->as.node.is_behind_nat));
}

static json_t *members_json(const struct fleet *fleet, const struct fleet_object *scope,
			    struct map *members)
{
	json_t *ret = json_object();
	const char *name;

	for (size_t at = 0; map_next(members, &at, &name, NULL);) {
		const struct fleet_object *node = fleet_find(fleet, FLEET_NODE, name);

		if (node)
			(void)json_object_set_new(ret, name, json_addresses(fleet, scope, node));
	}
	return ret;
}

static void show_probe(const struct fleet_probe *probe, json_t *ret)
{
	(void)json_object_set_new(ret, "probe",
				  json_pack("{s:o, s:i, s:i, s:o}", "interval",
					    json_sprintf("%dms", probe->interval_ms), "down",
					    probe->down, "up", probe->up, "hold_down",
					    json_sprintf("%dms", probe->hold_down_ms)));
}

static void show_network(struct fleet *fleet, const struct fleet_object *network, json_t *ret)
{
	(void)json_object_set_new(ret, "pool", pool_json(fleet, network));
	(void)json_object_set_new(ret, "port", json_integer(fleet_network_port(fleet, network)));
	(void)json_object_set_new(ret, "mtu", json_integer(network_mtu(fleet, network)));
	show_probe(&network->as.network.probe, ret);
	(void)json_object_set_new(ret, "nodes",
				  members_json(fleet, network, network->as.network.members));
}

static json_t *wires_json(const struct fleet *fleet, const struct segment_view *view)
{
	json_t *wires = json_array();

	for (size_t i = 0; i < view->count; i++) {
		for (size_t k = i + 1; k < view->count; k++) {
			const struct segment_member *a = &view->members[i], *b = &view->members[k];

			if (!network_is_linked(fleet, view->network, a->node->name, b->node->name))
				continue;
			(void)json_array_append_new(
				wires,
				json_pack("{s:[s,s], s:I}", "ends", a->node->name, b->node->name,
					  "vni", (json_int_t)segment_vni(fleet, view, a, b)));
		}
	}
	return wires;
}

static void show_segment(struct fleet *fleet, const struct fleet_object *segment, json_t *ret)
{
	const struct fleet_segment *s = &segment->as.segment;
	const struct segment_view *view = fleet_segment(fleet, (struct fleet_object *)segment);

	if (!view)
		return;
	(void)json_object_set_new(ret, "mode", json_string(s->is_routed ? "routed" : "bridge"));
	(void)json_object_set_new(ret, "pool", pool_json(fleet, segment));
	(void)json_object_set_new(ret, "mtu", json_integer(view->mtu));
	if (view->mtu < s->mtu)
		(void)json_object_set_new(
			ret, "mtu_reason",
			json_sprintf("%d was asked for, but a link carries no more", s->mtu));
	(void)json_object_set_new(ret, "stp",
				  json_pack("{s:o, s:o, s:o}", "hello_time",
					    json_sprintf("%ds", s->hello_s), "max_age",
					    json_sprintf("%ds", s->max_age_s), "forward_delay",
					    json_sprintf("%ds", s->forward_delay_s)));
	(void)json_object_set_new(ret, "nodes",
				  members_json(fleet, segment, view->network->as.network.members));
	(void)json_object_set_new(ret, "wires", wires_json(fleet, view));
}

static void show_link(struct fleet *fleet, const struct fleet_object *link, json_t *ret)
{
	const struct fleet_link *l = &link->as.link;

	const struct fleet_object *network =
		l->network ? fleet_find(fleet, FLEET_NETWORK, l->network) : NULL;

	(void)json_object_set_new(ret, "disabled", json_boolean(l->is_disabled));
	if (network)
		show_probe(link_probe(fleet, network, l->a, l->b), ret);
	else if (l->node)
		show_probe(&l->probe, ret);
}

static void show_site(struct fleet *fleet, const struct fleet_object *site, json_t *ret)
{
	json_t *nodes = json_array();
	struct fleet_object *o;

	for (size_t at = 0; fleet_next(fleet, FLEET_NODE, &at, &o);) {
		if (o->as.node.site && strcmp(o->as.node.site, site->name) == 0)
			(void)json_array_append_new(nodes, json_string(o->name));
	}
	(void)json_object_set_new(ret, "nodes", nodes);
}

// The segments in which the others' routes to the site's LANs follow the active member, and its
// addresses there; none in those that are routed.
static json_t *leads_json(struct fleet *fleet, const struct fleet_object *group)
{
	json_t *ret = json_object();
	struct fleet_object *segment;
	struct address hop;

	for (size_t at = 0; fleet_next(fleet, FLEET_SEGMENT, &at, &segment);) {
		const char *site = group->as.ha.site;
		json_t *hops = json_array();

		for (int family = 4; family <= 6; family += 2) {
			if (follow_hop(fleet, segment, group, family, &hop))
				(void)json_array_append_new(hops, json_address(&hop, -1));
		}
		if (site && follow_group(fleet, segment, site) == group)
			(void)json_object_set(ret, segment->name, hops);
		json_decref(hops);
	}
	return ret;
}

static void show_ha_group(struct fleet *fleet, const struct fleet_object *group, json_t *ret)
{
	const struct fleet_object *network = ha_network(fleet, group);
	json_t *voters = json_array();
	struct ha_voters list;

	if (network)
		(void)json_object_set_new(ret, "network", json_string(network->name));
	ha_voters_now(fleet, group, &list);
	for (size_t i = 0; i < list.count; i++) {
		const struct fleet_object *node = fleet_find_id(fleet, FLEET_NODE, list.ids[i]);

		(void)json_array_append_new(voters, json_string(node ? node->name
								: list.ids[i] == HA_CONTROLLER
									? "(controller)"
									: "(deleted)"));
	}
	(void)json_object_set_new(ret, "leads_lan_in", leads_json(fleet, group));
	(void)json_object_set_new(ret, "id", json_integer(group->id));
	(void)json_object_set_new(ret, "voters", voters);
	(void)json_object_set_new(ret, "generation", json_integer(list.generation));
	(void)json_object_set_new(ret, "is_settled", json_boolean(ha_is_settled(fleet, group)));
}

// Where it runs and what follows from that there.
static void show_resolver(struct fleet *fleet, const struct fleet_object *resolver, json_t *ret)
{
	json_t *at_nodes = json_object(), *names = json_array();
	struct fleet_object *node;

	for (size_t at = 0; fleet_next(fleet, FLEET_NODE, &at, &node);) {
		if (!dns_runs_on(resolver, node))
			continue;
		(void)json_array_append_new(names, json_string(node->name));
		(void)json_object_set_new(at_nodes, node->name,
					  json_pack("{s:o, s:o, s:o}", "listen",
						    dns_listen(fleet, resolver, node), "clients",
						    dns_clients(fleet, resolver, node), "intercept",
						    dns_intercept(fleet, resolver, node)));
	}
	(void)json_object_set_new(ret, "nodes", names);
	(void)json_object_set_new(ret, "at", at_nodes);
}

static void show_list(struct fleet *fleet, const struct fleet_object *list, json_t *ret)
{
	const struct fleet_list *l = &list->as.list;

	(void)fleet;
	(void)json_object_set_new(ret, "inline", json_boolean(l->is_inline));
	if (l->sha256[0]) {
		(void)json_object_set_new(ret, "sha256", json_string(l->sha256));
		(void)json_object_set_new(ret, "size", json_integer(l->size));
	}
}

// The nodes where clients of it may leave by the gateway, and how.
static void show_gateway(struct fleet *fleet, const struct fleet_object *gateway, json_t *ret)
{
	const struct fleet_object *exit = egress_exit(fleet, gateway);
	json_t *list = json_object();
	struct fleet_object *node;

	for (size_t at = 0; fleet_next(fleet, FLEET_NODE, &at, &node);) {
		const struct egress_wire wire = egress_wire(fleet, gateway, node);

		if (node == exit && egress_uses(fleet, node, gateway))
			(void)json_object_set_new(list, node->name, json_string("its own uplink"));
		else if (wire.number > 0)
			(void)json_object_set_new(
				list, node->name,
				json_sprintf("a wire with VNI %lld",
					     (long long)fleet_vni(fleet,
								  GATEWAY_VNI_BASE + wire.number)));
	}
	(void)json_object_set_new(ret, "node", json_string(gateway->as.gateway.node));
	(void)json_object_set_new(ret, "used_by", list);
}

// Whose packets are looked at where.
static void show_policy(struct fleet *fleet, const struct fleet_object *policy, json_t *ret)
{
	json_t *clients_at = json_object();
	struct fleet_object *node;
	struct clients clients;

	for (size_t at = 0; fleet_next(fleet, FLEET_NODE, &at, &node);) {
		egress_clients(fleet, policy, node, &clients);
		if (clients.count == 0)
			continue;
		json_t *list = json_array();
		for (size_t i = 0; i < clients.count; i++)
			(void)json_array_append_new(list, json_prefix(&clients.items[i]));
		(void)json_object_set_new(clients_at, node->name, list);
	}
	(void)json_object_set_new(ret, "clients", clients_at);
}

typedef void show_fn(struct fleet *fleet, const struct fleet_object *object, json_t *ret);

// NULL: nothing but what was written.
static show_fn *const shows[FLEET_KIND_COUNT] = {
	[FLEET_NODE] = show_node,         [FLEET_SITE] = show_site,
	[FLEET_NETWORK] = show_network,   [FLEET_LINK] = show_link,
	[FLEET_SEGMENT] = show_segment,   [FLEET_SLA] = NULL,
	[FLEET_HA_GROUP] = show_ha_group, [FLEET_DOMAIN_LIST] = show_list,
	[FLEET_RESOLVER] = show_resolver, [FLEET_GATEWAY] = show_gateway,
	[FLEET_GATEWAY_GROUP] = NULL,     [FLEET_POLICY] = show_policy,
};

json_t *plan_effective(struct fleet *fleet, enum fleet_kind kind, const char *name)
{
	const struct fleet_object *o =
		kind < FLEET_KIND_COUNT ? fleet_find(fleet, kind, name) : NULL;
	json_t *ret = o ? json_deep_copy(o->spec) : json_object();

	if (o && ret && shows[kind])
		shows[kind](fleet, o, ret);
	return ret;
}
