// Entries by which a node votes in an HA group and, as a member, is active or not.
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "plan/follow.h"
#include "plan/generate.h"
#include "plan/ha.h"

// The family in which every voter that is a node has an overlay address; 0 when there is none.
static int common_family(const struct generation *g, const struct fleet_object *network,
			 const struct ha_voters *voters)
{
	for (int family = 4; family <= 6; family += 2) {
		struct address address;
		bool has_all = true;

		for (size_t i = 0; i < voters->count && has_all; i++) {
			const struct fleet_object *node =
				fleet_find_id(g->fleet, FLEET_NODE, voters->ids[i]);

			has_all = !node || fleet_address(g->fleet, network, node, family, &address);
		}
		if (has_all)
			return family;
	}
	return 0;
}

static json_t *voter_json(const struct generation *g, const struct fleet_object *network,
			  int64_t id, int family)
{
	const struct fleet_object *node = fleet_find_id(g->fleet, FLEET_NODE, id);
	struct address address;

	if (id == HA_CONTROLLER)
		return json_pack("{s:I, s:s}", "id", (json_int_t)id, "name", "the controller");
	// One that was deleted votes no more, but is counted until the list without it is in force.
	if (!node || !fleet_address(g->fleet, network, node, family, &address))
		return json_pack("{s:I, s:s}", "id", (json_int_t)id, "name",
				 node ? node->name : "a deleted node");
	return json_pack("{s:I, s:s, s:o}", "id", (json_int_t)id, "name", node->name, "address",
			 json_address(&address, -1));
}

// Members in their order, then the others; a node that is no voter yet is left out.
static json_t *voters_json(const struct generation *g, const struct fleet_object *group,
			   const struct ha_voters *voters, const struct fleet_object *network,
			   size_t *ret_members)
{
	const struct fleet_ha *ha = &group->as.ha;
	const int family = common_family(g, network, voters);
	struct ha_voters order = { 0 };
	json_t *list = json_array();

	for (size_t i = 0; i < ha->n_members; i++) {
		const struct fleet_object *node = fleet_find(g->fleet, FLEET_NODE, ha->members[i]);

		if (node && ha_is_voter(voters, node->id))
			order.ids[order.count++] = node->id;
	}
	*ret_members = order.count;
	for (size_t i = 0; i < voters->count; i++) {
		if (!ha_is_voter(&order, voters->ids[i]))
			order.ids[order.count++] = voters->ids[i];
	}
	for (size_t i = 0; i < order.count; i++)
		(void)json_array_append_new(list, voter_json(g, network, order.ids[i], family));
	return list;
}

// Where this node is to have which addresses in bridge segments; *ret_leads: it speaks for the site
// in a segment of whatever mode.
static json_t *hops_json(const struct generation *g, const struct fleet_object *group,
			 bool *ret_leads)
{
	CLEAN(free_ptr) struct fleet_object **segments = fleet_all(g->fleet, FLEET_SEGMENT);
	json_t *hops = json_array();

	g->out->failed = g->out->failed || !segments;
	for (size_t i = 0; segments && segments[i]; i++) {
		struct fleet_object *segment = segments[i];
		json_t *addresses = json_array();
		char device[DEVICE_NAME_SIZE];
		struct address hop;

		*ret_leads = *ret_leads || follow_leads(g->fleet, segment, group);
		for (int family = 4; family <= 6; family += 2) {
			if (follow_hop(g->fleet, segment, group, family, &hop))
				(void)json_array_append_new(addresses, json_address(&hop, -1));
		}
		name_bridge(device, segment->id);
		json_t *one = json_pack("{s:I, s:s, s:O}", "segment", (json_int_t)segment->id,
					"device", device, "addresses", addresses);
		if (json_array_size(addresses) > 0)
			(void)json_array_append(hops, one);
		json_decref(one);
		json_decref(addresses);
	}
	return hops;
}

static void add_lan_fields(const struct generation *g, json_t *body,
			   const struct fleet_object *group)
{
	bool leads = false;
	json_t *hops = hops_json(g, group, &leads);

	if (leads)
		(void)json_object_set_new(body, "site", json_string(group->as.ha.site));
	if (json_array_size(hops) > 0)
		(void)json_object_set(body, "hops", hops);
	json_decref(hops);
}

static json_t *names_json(const struct fleet_object *group, const char *field)
{
	const json_t *list = json_object_get(group->spec, field);

	return list ? json_deep_copy(list) : json_array();
}

static void add_member_fields(json_t *body, const struct fleet_object *group,
			      const struct fleet_object *node)
{
	const struct fleet_ha *ha = &group->as.ha;
	json_t *vips = json_array();

	for (size_t i = 0; i < ha->n_vips; i++)
		(void)json_array_append_new(vips, json_address(&ha->vips[i], -1));
	(void)json_object_set_new(body, "vip", vips);
	(void)json_object_set_new(body, "interface", json_string(ha->interface));
	(void)json_object_set_new(body, "drained",
				  json_boolean(json_is_true(json_object_get(node->spec, "drain"))));
	(void)json_object_set_new(body, "on_active", names_json(group, "on_active"));
	(void)json_object_set_new(body, "on_inactive", names_json(group, "on_inactive"));
}

static void add_key(struct generation *g, const struct fleet_object *group)
{
	char key[SECRET_TEXT_SIZE], info[48];

	(void)snprintf(info, sizeof info, "ha/%lld", (long long)group->id);
	if (!generate_secret(g, info, key)) {
		g->out->failed = true;
		return;
	}
	generate_add(g, json_pack("{s:s, s:[]}", "key", key, "needs"), "ha-key/%s", group->name);
	OPENSSL_cleanse(key, sizeof key);
}

void generate_ha(struct generation *g, const struct fleet_object *group)
{
	const struct fleet_object *network = group ? ha_network(g->fleet, group) : NULL;
	const struct fleet_ha *ha = group ? &group->as.ha : NULL;
	char device[DEVICE_NAME_SIZE], address_key[192], key_key[96], text[ADDRESS_TEXT_SIZE];
	struct ha_voters voters = { 0 };
	struct address own;
	size_t members;

	if (group)
		ha_voters_now(g->fleet, group, &voters);
	if (!network || !ha_is_voter(&voters, g->node->id) ||
	    !fleet_address(g->fleet, network, g->node, common_family(g, network, &voters), &own))
		return;
	add_key(g, group);
	name_wireguard(device, network->id);
	(void)snprintf(key_key, sizeof key_key, "ha-key/%s", group->name);
	(void)snprintf(address_key, sizeof address_key, "address/%s/%s", network->name,
		       address_format(&own, text));
	json_t *list = voters_json(g, group, &voters, network, &members);
	json_t *body = json_pack(
		"{s:I, s:I, s:I, s:o, s:I, s:s, s:o, s:i, s:i, s:i, s:b, s:o}", "id",
		(json_int_t)group->id, "generation", (json_int_t)voters.generation, "self",
		(json_int_t)g->node->id, "voters", list, "members", (json_int_t)members, "device",
		device, "local", json_address(&own, -1), "port", g->fleet->settings.ha_port,
		"lease_ms", ha->lease_ms, "hold_down_ms", ha->hold_down_ms, "hold_isolated",
		ha->holds_isolated, "needs", json_needs(address_key, key_key, NULL));
	if (body && follow_is_member(group, g->node)) {
		add_member_fields(body, group, g->node);
		add_lan_fields(g, body, group);
	}
	generate_add(g, body, "ha/%s", group->name);
}
