// Entries of a node in a network: the WireGuard device, its addresses and routes, its peers.
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#include "plan/generate.h"
#include "plan/numbers.h"

#define KEEPALIVE_DEFAULT_S 15
#define METRIC_POOL         256

static void add_address(struct generation *g, const struct network_cell *cell, const char *device,
			int family)
{
	char text[ADDRESS_TEXT_SIZE], needs[128];
	struct address address;

	if (!fleet_address(g->fleet, cell->network, g->node, family, &address))
		return;
	(void)snprintf(needs, sizeof needs, "wireguard/%s", cell->network->name);
	json_t *body = json_pack("{s:s, s:o, s:o}", "device", device, "address",
				 json_address(&address, family == 4 ? 32 : 128), "needs",
				 json_needs(needs, NULL));
	generate_add(g, body, "address/%s/%s", cell->network->name, address_format(&address, text));
}

static void add_pool_routes(struct generation *g, const struct network_cell *cell,
			    const char *device, int family)
{
	const char *name = cell->network->name;
	char wireguard[128], address_key[192], text[ADDRESS_TEXT_SIZE];
	struct prefix pool;
	struct address own;

	if (!fleet_pool(g->fleet, cell->network, family, &pool) ||
	    !fleet_address(g->fleet, cell->network, g->node, family, &own))
		return;
	(void)snprintf(wireguard, sizeof wireguard, "wireguard/%s", name);
	(void)snprintf(address_key, sizeof address_key, "address/%s/%s", name,
		       address_format(&own, text));
	json_t *body = json_pack("{s:o, s:s, s:s, s:o, s:i, s:i, s:o}", "destination",
				 json_prefix(&pool), "type", "unicast", "device", device, "source",
				 json_address(&own, -1), "table", TABLE_MAIN, "metric", METRIC_POOL,
				 "needs", json_needs(wireguard, address_key, NULL));
	generate_add(g, body, "route/%s/pool-v%d", name, family);
	body = json_pack("{s:o, s:s, s:i, s:i, s:[]}", "destination", json_prefix(&pool), "type",
			 "unreachable", "table", TABLE_MAIN, "metric", METRIC_LAST, "needs");
	generate_add(g, body, "route/%s/pool-last-v%d", name, family);
}

static json_t *pools_json(const struct generation *g, const struct network_cell *cell)
{
	json_t *pools = json_array();
	struct prefix pool;

	for (int family = 4; family <= 6; family += 2) {
		if (fleet_pool(g->fleet, cell->network, family, &pool))
			(void)json_array_append_new(pools, json_prefix(&pool));
	}
	return pools;
}

void generate_member(struct generation *g, const struct network_cell *cell)
{
	const struct fleet_object *network = cell->network;
	char device[DEVICE_NAME_SIZE];

	name_wireguard(device, network->id);
	json_t *body = json_pack("{s:s, s:i, s:i, s:s, s:[]}", "device", device, "port",
				 fleet_listen_port(g->fleet, network, g->node), "mtu",
				 network_mtu(g->fleet, network), "network", network->name, "needs");
	generate_add(g, body, "wireguard/%s", network->name);
	body = json_pack("{s:s, s:o, s:i, s:[]}", "device", device, "pools", pools_json(g, cell),
			 "vxlan_port", g->fleet->settings.vxlan_port, "needs");
	generate_add(g, body, "guard/base/%s", network->name);
	for (int family = 4; family <= 6; family += 2) {
		add_address(g, cell, device, family);
		add_pool_routes(g, cell, device, family);
	}
}

// Appends "host:port" once.
static void add_endpoint(json_t *list, const char *host, int port)
{
	CLEAN(free_ptr)
	char *text = text_format(strchr(host, ':') ? "[%s]:%d" : "%s:%d", host, port);
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		if (text && strcmp(json_string_value(item), text) == 0)
			return;
	}
	(void)json_array_append_new(list, json_string(text));
}

static void add_locals(json_t *list, const struct fleet_node *peer, int port)
{
	char text[ADDRESS_TEXT_SIZE];

	for (size_t i = 0; i < peer->local_count; i++)
		add_endpoint(list, address_format(&peer->locals[i].address, text), port);
}

// Behind the same NAT.
static bool is_beside(const struct fleet_node *self, const struct fleet_node *peer)
{
	return !peer->address && peer->is_behind_nat && self->seen &&
	       strcmp(self->seen, peer->seen) == 0;
}

// Where the peer may be reached, best first: as written; as public peers see it; as the controller
// sees it; and, behind the same NAT, on its own addresses. What public peers tell is put last when
// nothing of the peer's own agrees with it: they may lie.
static json_t *endpoints_json(const struct generation *g, const struct network_cell *cell)
{
	const struct fleet_node *self = &g->node->as.node, *peer = &cell->peer->as.node;
	int port = fleet_listen_port(g->fleet, cell->network, cell->peer);
	json_t *list = json_array();

	if (peer->address) {
		add_endpoint(list, peer->address, peer->address_port ? peer->address_port : port);
		return list;
	}
	const char *observed =
		json_string_value(json_object_get(peer->endpoints, cell->network->name));
	bool is_agreed = observed && fleet_node_is_at(cell->peer, observed);
	if (is_agreed)
		(void)json_array_append_new(list, json_string(observed));
	if (peer->seen && !peer->is_behind_nat)
		add_endpoint(list, peer->seen, port);
	if (is_beside(self, peer))
		add_locals(list, peer, port);
	if (observed && !is_agreed)
		(void)json_array_append_new(list, json_string(observed));
	return list;
}

static int keepalive_s(const struct generation *g, const struct network_cell *cell)
{
	if (g->node->as.node.address)
		return 0;
	int written = cell->network->as.network.keepalive_s;
	return written >= 0 ? written : KEEPALIVE_DEFAULT_S;
}

static void make_link(struct generation *g, const struct network_cell *cell)
{
	const struct fleet_object *network = cell->network, *peer = cell->peer;
	char device[DEVICE_NAME_SIZE], wireguard[128];
	struct address address;

	json_t *allowed = json_array();
	for (int family = 4; family <= 6; family += 2) {
		if (fleet_address(g->fleet, network, peer, family, &address))
			(void)json_array_append_new(allowed,
						    json_address(&address, family == 4 ? 32 : 128));
	}
	name_wireguard(device, network->id);
	(void)snprintf(wireguard, sizeof wireguard, "wireguard/%s", network->name);
	json_t *body = json_pack("{s:s, s:s, s:o, s:o, s:i, s:o}", "device", device, "public_key",
				 peer->as.node.public_key, "endpoints", endpoints_json(g, cell),
				 "allowed_ips", allowed, "keepalive", keepalive_s(g, cell), "needs",
				 json_needs(wireguard, NULL));
	generate_add(g, body, "peer/%s/%s", network->name, peer->name);
}

// What a node holds of a peer tells little of the node itself: only this.
void generate_link(struct generation *g, const struct network_cell *cell)
{
	char name[64];

	if (!cell->peer->as.node.public_key)
		return;
	(void)snprintf(name, sizeof name, "%lld/%lld/%d/%d", (long long)cell->network->id,
		       (long long)cell->peer->id, keepalive_s(g, cell),
		       is_beside(&g->node->as.node, &cell->peer->as.node));
	const struct made_entry *made = g->links ? map_get(g->links, name) : NULL;
	if (made) {
		generate_copy(g, made);
	} else {
		make_link(g, cell);
		generate_keep(g, name);
	}
	generate_probe(g, cell);
}
