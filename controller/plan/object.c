#include "plan/object.h"

#include <errno.h>
#include <string.h>

#include "model/kinds.h"

#include "plan/field.h"

#define SEGMENT_MTU_DEFAULT             1500
#define SEGMENT_HELLO_DEFAULT_S         1
#define SEGMENT_MAX_AGE_DEFAULT_S       10
#define SEGMENT_FORWARD_DELAY_DEFAULT_S 6
#define PROBE_INTERVAL_DEFAULT_MS       200
#define PROBE_DOWN_DEFAULT              3
#define PROBE_UP_DEFAULT                5
#define PROBE_HOLD_DOWN_DEFAULT_MS      2000
#define SLA_FOR_DEFAULT_MS              3000
#define SLA_CLEAR_FOR_DEFAULT_MS        30000
#define HA_LEASE_DEFAULT_MS             650
#define HA_HOLD_DOWN_DEFAULT_MS         30000

const char *field_reference(const json_t *value, enum kind_id to)
{
	const char *text = json_string_value(value);

	return text ? kind_reference_name(to, text, NULL) : NULL;
}

int field_int(const json_t *spec, const char *name, int otherwise)
{
	const json_t *value = json_object_get(spec, name);

	return json_is_integer(value) ? (int)json_integer_value(value) : otherwise;
}

static int field_seconds(const json_t *spec, const char *name, int otherwise)
{
	const char *text = json_string_value(json_object_get(spec, name));
	int64_t ms;

	if (!text || duration_parse(text, &ms, NULL) < 0)
		return otherwise;
	return (int)(ms / 1000);
}

static int parse_prefixes(const json_t *list, struct prefix **ret_items, size_t *ret_count)
{
	struct prefix *items = calloc(json_array_size(list) + 1, sizeof *items);
	size_t count = 0, i;
	const json_t *item;

	if (!items)
		return -ENOMEM;
	json_array_foreach((json_t *)list, i, item)
	{
		const char *text = json_string_value(item);

		if (text && prefix_parse_host(text, &items[count], NULL) == 0)
			count++;
	}
	*ret_items = items;
	*ret_count = count;
	return 0;
}

static bool seen_is_own(const struct fleet_node *node)
{
	struct address seen;

	if (address_parse(node->seen, &seen, NULL) < 0)
		return true;
	for (size_t i = 0; i < node->local_count; i++) {
		if (address_equal(&node->locals[i].address, &seen))
			return true;
	}
	return false;
}

static int node_parse(struct fleet_object *o, struct err *err)
{
	struct fleet_node *node = &o->as.node;
	const char *address = json_string_value(json_object_get(o->spec, "address"));

	node->site = field_reference(json_object_get(o->spec, "site"), KIND_SITES);
	node->listen_port = field_int(o->spec, "listen_port", 0);
	node->is_drained = json_is_true(json_object_get(o->spec, "drain"));
	if (address) {
		struct endpoint endpoint;
		int rc = endpoint_parse(address, &endpoint, err);

		if (rc < 0)
			return rc;
		memcpy(node->address_host, endpoint.host, sizeof endpoint.host);
		node->address = node->address_host;
		node->address_port = endpoint.port;
	}
	node->public_key = json_string_value(json_object_get(o->facts, "public_key"));
	node->seen = json_string_value(json_object_get(o->facts, "seen_address"));
	node->endpoints = json_object_get(o->facts, "endpoints");
	node->path_mtu = json_object_get(o->facts, "path_mtu");
	node->bridge_priorities = json_object_get(o->facts, "bridge_priority");
	if (parse_prefixes(json_object_get(o->facts, "local_addresses"), &node->locals,
			   &node->local_count) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	node->is_behind_nat = node->seen && !seen_is_own(node);
	return 0;
}

static int site_parse(struct fleet_object *o, struct err *err)
{
	if (parse_prefixes(json_object_get(o->spec, "lan"), &o->as.site.lan,
			   &o->as.site.lan_count) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	return 0;
}

static void pools_parse(const json_t *spec, struct fleet_pools *pools)
{
	const json_t *list = json_object_get(spec, "pool"), *item;
	size_t i;

	json_array_foreach((json_t *)list, i, item)
	{
		const char *text = json_string_value(item);
		struct prefix p;

		if (!text || prefix_parse(text, &p, NULL) < 0)
			continue;
		if (p.address.family == 6)
			pools->v6 = p;
		else
			pools->v4 = p;
	}
}

static void member_free(void *at)
{
	struct net_member *member = at;

	if (member)
		free(member->extra);
	free(member);
}

static struct net_member *member_get(struct fleet_network *network, const char *name)
{
	struct net_member *member = map_get(network->members, name);

	if (member)
		return member;
	member = calloc(1, sizeof *member);
	if (!member || map_set(network->members, name, member) < 0) {
		free(member);
		return NULL;
	}
	member->name = name;
	return member;
}

static int member_link(struct net_member *member, const char *other)
{
	for (size_t i = 0; i < member->extra_count; i++) {
		if (strcmp(member->extra[i], other) == 0)
			return 0;
	}
	const char **extra = reallocarray(member->extra, member->extra_count + 1, sizeof *extra);
	if (!extra)
		return -ENOMEM;
	member->extra = extra;
	extra[member->extra_count++] = other;
	return 0;
}

static int links_parse(struct fleet_network *network, const json_t *links)
{
	const json_t *pair;
	size_t i;

	json_array_foreach((json_t *)links, i, pair)
	{
		const char *a = field_reference(json_array_get(pair, 0), KIND_NODES);
		const char *b = field_reference(json_array_get(pair, 1), KIND_NODES);

		if (!a || !b || strcmp(a, b) == 0)
			continue;
		struct net_member *x = member_get(network, a), *y = member_get(network, b);
		if (!x || !y || member_link(x, b) < 0 || member_link(y, a) < 0)
			return -ENOMEM;
	}
	return 0;
}

// Marks every node of a list as a member: of the mesh, or as a spoke.
static int list_parse(struct fleet_network *network, const json_t *list, bool is_mesh)
{
	const json_t *item;
	size_t i;

	json_array_foreach((json_t *)list, i, item)
	{
		const char *name = field_reference(item, KIND_NODES);
		struct net_member *member = name ? member_get(network, name) : NULL;

		if (name && !member)
			return -ENOMEM;
		if (member && is_mesh)
			member->in_mesh = true;
		else if (member)
			member->is_spoke = true;
	}
	return 0;
}

int field_ms(const json_t *spec, const char *name, int otherwise)
{
	const char *text = json_string_value(json_object_get(spec, name));
	int64_t ms;

	return text && duration_parse(text, &ms, NULL) == 0 ? (int)ms : otherwise;
}

struct fleet_probe field_probe(const json_t *spec)
{
	const json_t *probe = json_object_get(spec, "probe");

	return (struct fleet_probe){
		.is_written = probe != NULL,
		.interval_ms = field_ms(probe, "interval", PROBE_INTERVAL_DEFAULT_MS),
		.down = field_int(probe, "down", PROBE_DOWN_DEFAULT),
		.up = field_int(probe, "up", PROBE_UP_DEFAULT),
		.hold_down_ms = field_ms(probe, "hold_down", PROBE_HOLD_DOWN_DEFAULT_MS),
	};
}

static int sla_parse(struct fleet_object *o, struct err *err)
{
	struct fleet_sla *sla = &o->as.sla;
	const struct {
		const char *name;
		int (*parse)(const char *text, struct limit *ret, struct err *err);
		struct limit *limit;
	} limits[] = {
		{ "latency", limit_parse_duration, &sla->latency },
		{ "jitter", limit_parse_duration, &sla->jitter },
		{ "loss", limit_parse_share, &sla->loss },
	};

	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		const char *text = json_string_value(json_object_get(o->spec, limits[i].name));
		int rc = text ? limits[i].parse(text, limits[i].limit, err) : 0;

		if (rc < 0)
			return rc;
	}
	sla->for_ms = field_ms(o->spec, "for", SLA_FOR_DEFAULT_MS);
	sla->clear_for_ms = field_ms(o->spec, "clear_for", SLA_CLEAR_FOR_DEFAULT_MS);
	return 0;
}

static int network_parse(struct fleet_object *o, struct err *err)
{
	struct fleet_network *network = &o->as.network;

	network->members = map_new(member_free);
	if (!network->members)
		return err_set(err, -ENOMEM, "out of memory");
	network->port = field_int(o->spec, "port", 0);
	network->keepalive_s = field_seconds(o->spec, "keepalive", -1);
	network->hub = field_reference(json_object_get(o->spec, "hub"), KIND_NODES);
	pools_parse(o->spec, &network->pools);
	network->probe = field_probe(o->spec);
	network->sla = field_reference(json_object_get(o->spec, "sla"), KIND_SLAS);
	if (network->hub) {
		struct net_member *hub = member_get(network, network->hub);

		if (!hub)
			return err_set(err, -ENOMEM, "out of memory");
		hub->is_hub = true;
	}
	if (list_parse(network, json_object_get(o->spec, "mesh"), true) < 0 ||
	    list_parse(network, json_object_get(o->spec, "spokes"), false) < 0 ||
	    links_parse(network, json_object_get(o->spec, "links")) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	return 0;
}

static int external_parse(struct fleet_object *o, struct err *err)
{
	struct fleet_link *link = &o->as.link;
	const json_t *via;
	size_t i;

	link->node = field_reference(json_object_get(o->spec, "node"), KIND_NODES);
	link->interface = json_string_value(json_object_get(o->spec, "interface"));
	link->target = json_string_value(json_object_get(o->spec, "target"));
	link->udp_port = field_int(o->spec, "udp_port", 0);
	json_array_foreach(json_object_get(o->spec, "via"), i, via)
	{
		const char *text = json_string_value(via);

		if (text)
			link->via[strchr(text, ':') != NULL] = text;
	}
	if (!link->node || !link->interface || !link->target)
		return err_set(err, -EINVAL,
			       "links.%s: a node, an interface and a target are needed", o->name);
	if (parse_prefixes(json_object_get(o->spec, "routes"), &link->routes, &link->route_count) <
	    0)
		return err_set(err, -ENOMEM, "out of memory");
	return 0;
}

static int override_parse(struct fleet_object *o, struct err *err)
{
	struct fleet_link *link = &o->as.link;
	const json_t *ends = json_object_get(o->spec, "ends");
	const char *a = field_reference(json_array_get(ends, 0), KIND_NODES);
	const char *b = field_reference(json_array_get(ends, 1), KIND_NODES);

	link->network = field_reference(json_object_get(o->spec, "network"), KIND_NETWORKS);
	if (!a || !b || !link->network)
		return err_set(err, -EINVAL, "links.%s: a network and two ends are needed",
			       o->name);
	link->a = strcmp(a, b) < 0 ? a : b;
	link->b = link->a == a ? b : a;
	link->cost = field_int(o->spec, "cost", 0);
	link->mtu = field_int(o->spec, "mtu", 0);
	return 0;
}

static int link_parse(struct fleet_object *o, struct err *err)
{
	struct fleet_link *link = &o->as.link;
	const char *role = json_string_value(json_object_get(o->spec, "role"));

	link->is_standby = role && strcmp(role, "standby") == 0;
	link->is_drained = json_is_true(json_object_get(o->spec, "drain"));
	link->is_disabled = json_is_true(json_object_get(o->spec, "disabled"));
	link->probe = field_probe(o->spec);
	link->sla = field_reference(json_object_get(o->spec, "sla"), KIND_SLAS);
	return json_object_get(o->spec, "node") ? external_parse(o, err) : override_parse(o, err);
}

static int segment_parse(struct fleet_object *o, struct err *err)
{
	struct fleet_segment *segment = &o->as.segment;
	const json_t *stp = json_object_get(o->spec, "stp");
	const char *mode = json_string_value(json_object_get(o->spec, "mode"));

	segment->network = field_reference(json_object_get(o->spec, "network"), KIND_NETWORKS);
	if (!segment->network)
		return err_set(err, -EINVAL, "segments.%s: a network is needed", o->name);
	segment->is_routed = mode && strcmp(mode, "routed") == 0;
	segment->mtu = field_int(o->spec, "mtu", SEGMENT_MTU_DEFAULT);
	segment->hello_s = field_seconds(stp, "hello_time", SEGMENT_HELLO_DEFAULT_S);
	segment->max_age_s = field_seconds(stp, "max_age", SEGMENT_MAX_AGE_DEFAULT_S);
	segment->forward_delay_s =
		field_seconds(stp, "forward_delay", SEGMENT_FORWARD_DELAY_DEFAULT_S);
	pools_parse(o->spec, &segment->pools);
	return 0;
}

static size_t nodes_parse(const json_t *list, const char *ret_names[HA_VOTERS_MAX])
{
	const json_t *item;
	size_t n = 0, i;

	json_array_foreach((json_t *)list, i, item)
	{
		const char *name = field_reference(item, KIND_NODES);

		if (name && n < HA_VOTERS_MAX)
			ret_names[n++] = name;
	}
	return n;
}

static int ha_parse(struct fleet_object *o, struct err *err)
{
	struct fleet_ha *ha = &o->as.ha;
	const json_t *vips = json_object_get(o->spec, "vip"), *item;
	const char *isolation = json_string_value(json_object_get(o->spec, "on_isolation"));
	bool is_lasting = json_is_false(json_object_get(o->spec, "preempt"));
	size_t i;

	ha->n_members = nodes_parse(json_object_get(o->spec, "members"), ha->members);
	ha->n_witnesses = nodes_parse(json_object_get(o->spec, "witness"), ha->witnesses);
	ha->site = field_reference(json_object_get(o->spec, "site"), KIND_SITES);
	ha->network = field_reference(json_object_get(o->spec, "network"), KIND_NETWORKS);
	ha->interface = json_string_value(json_object_get(o->spec, "interface"));
	json_array_foreach((json_t *)vips, i, item)
	{
		const char *text = json_string_value(item);

		if (text && ha->n_vips < HA_VIPS_MAX &&
		    address_parse(text, &ha->vips[ha->n_vips], NULL) == 0)
			ha->n_vips++;
	}
	if (ha->n_members == 0 || ha->n_vips == 0 || !ha->interface)
		return err_set(err, -EINVAL,
			       "ha-groups.%s: members, addresses and their interface are needed",
			       o->name);
	ha->lease_ms = field_ms(o->spec, "lease", HA_LEASE_DEFAULT_MS);
	ha->hold_down_ms =
		is_lasting ? -1 : field_ms(o->spec, "hold_down", HA_HOLD_DOWN_DEFAULT_MS);
	ha->holds_isolated = isolation && strcmp(isolation, "hold") == 0;
	ha->settled = json_integer_value(json_object_get(o->facts, "settled"));
	return 0;
}

static int (*const parsers[FLEET_KIND_COUNT])(struct fleet_object *, struct err *) = {
	[FLEET_NODE] = node_parse,
	[FLEET_SITE] = site_parse,
	[FLEET_NETWORK] = network_parse,
	[FLEET_LINK] = link_parse,
	[FLEET_SEGMENT] = segment_parse,
	[FLEET_SLA] = sla_parse,
	[FLEET_HA_GROUP] = ha_parse,
	[FLEET_DOMAIN_LIST] = fleet_list_parse,
	[FLEET_RESOLVER] = fleet_resolver_parse,
	[FLEET_GATEWAY] = gateway_parse,
	[FLEET_GATEWAY_GROUP] = gateway_group_parse,
	[FLEET_POLICY] = policy_parse,
};

int fleet_object_new(const struct fleet_source *source, struct fleet_object **ret_object,
		     struct err *err)
{
	CLEAN(fleet_object_unref_ptr) struct fleet_object *o = calloc(1, sizeof *o);

	if (!o)
		return err_set(err, -ENOMEM, "out of memory");
	o->refs = 1;
	o->kind = source->kind;
	o->id = source->id;
	o->name = strdup(source->name);
	o->spec = json_incref((json_t *)source->spec);
	o->facts = json_incref((json_t *)source->facts);
	if (!o->name)
		return err_set(err, -ENOMEM, "out of memory");
	int rc = parsers[source->kind] ? parsers[source->kind](o, err) : 0;
	if (rc == 0)
		*ret_object = take_ptr(&o);
	return rc;
}

struct fleet_object *fleet_object_ref(struct fleet_object *object)
{
	if (object)
		object->refs++;
	return object;
}

void fleet_object_unref(struct fleet_object *object)
{
	if (!object || --object->refs > 0)
		return;
	if (object->kind == FLEET_NODE)
		free(object->as.node.locals);
	else if (object->kind == FLEET_SITE)
		free(object->as.site.lan);
	else if (object->kind == FLEET_LINK)
		free(object->as.link.routes);
	else if (object->kind == FLEET_NETWORK)
		map_free(object->as.network.members);
	else if (object->kind == FLEET_POLICY)
		free(object->as.policy.sources);
	else if (object->kind == FLEET_RESOLVER) {
		map_free(object->as.resolver.nodes);
		map_free(object->as.resolver.blocklists);
	}
	json_decref(object->spec);
	json_decref(object->facts);
	free(object->name);
	free(object);
}

bool fleet_node_is_public(const struct fleet_object *node)
{
	const struct fleet_node *n = &node->as.node;

	return n->address || (n->seen && !n->is_behind_nat);
}

bool fleet_node_is_at(const struct fleet_object *node, const char *endpoint)
{
	const struct fleet_node *n = &node->as.node;
	struct endpoint e;
	struct address seen;

	if (endpoint_parse(endpoint, &e, NULL) < 0 || !e.is_address)
		return false;
	if (n->seen && address_parse(n->seen, &seen, NULL) == 0 && address_equal(&seen, &e.address))
		return true;
	for (size_t i = 0; i < n->local_count; i++) {
		if (address_equal(&n->locals[i].address, &e.address))
			return true;
	}
	return false;
}

const json_t *fleet_object_spec(const struct fleet_object *object)
{
	return object->spec;
}
