// What only the whole fleet can tell about an edit.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "model/kinds.h"

#include "plan/dns.h"
#include "plan/egress.h"
#include "plan/ha.h"
#include "plan/numbers.h"
#include "plan/outside.h"
#include "plan/overlap.h"
#include "plan/plan.h"

struct checking {
	struct fleet *fleet;
	struct problem_list *problems;
};

__attribute__((format(printf, 4, 5))) static void refuse(const struct checking *c,
							 const struct fleet_object *o,
							 const char *field, const char *fmt, ...)
{
	CLEAN(text_free) struct text text = { 0 };
	CLEAN(free_ptr)
	char *path = text_format("%s.%s%s%s", fleet_kind_name(o->kind), o->name, *field ? "." : "",
				 field);
	va_list args;

	va_start(args, fmt);
	text_vaddf(&text, fmt, args);
	va_end(args);
	problem_add(c->problems, path ? path : "", "%s", text.data ? text.data : "");
}

// One prefix of each family can be numbered from.
static void check_pool(const struct checking *c, const struct fleet_object *o)
{
	const json_t *list = json_object_get(o->spec, "pool"), *item;
	bool is_seen[2] = { false, false };
	size_t i;

	json_array_foreach((json_t *)list, i, item)
	{
		const char *text = json_string_value(item);
		bool is_v6 = text && strchr(text, ':');
		char field[32];

		(void)snprintf(field, sizeof field, "pool[%zu]", i);
		if (is_seen[is_v6])
			refuse(c, o, field, "%s is a second prefix of its family; one is used",
			       text);
		is_seen[is_v6] = true;
	}
}

// ---- nodes ----

static void check_node(const struct checking *c, const struct fleet_object *node)
{
	const struct fleet_object *first = NULL;
	struct fleet_object *o;
	const char *field = node->as.node.listen_port ? "listen_port" : "address";

	if (!node->as.node.listen_port && !node->as.node.address_port)
		return;
	for (size_t at = 0; fleet_next(c->fleet, FLEET_NETWORK, &at, &o);) {
		if (!network_member(o, node->name))
			continue;
		if (first) {
			refuse(c, node, field, "a port serves one network, but %s is in %s and %s",
			       node->name, first->name, o->name);
			return;
		}
		first = o;
	}
}

// ---- networks ----

static void check_port(const struct checking *c, const struct fleet_object *network)
{
	struct fleet_object *o;

	if (!network->as.network.port)
		return;
	for (size_t at = 0; fleet_next(c->fleet, FLEET_NETWORK, &at, &o);) {
		bool has_port = o->as.network.port || fleet_number(c->fleet, o) > 0;

		if (o != network && has_port &&
		    fleet_network_port(c->fleet, o) == network->as.network.port)
			refuse(c, network, "port", "%d is already the port of network %s",
			       network->as.network.port, o->name);
	}
}

static void check_link_ends(const struct checking *c, const struct fleet_object *network)
{
	const json_t *links = json_object_get(network->spec, "links"), *pair;
	size_t i;

	json_array_foreach((json_t *)links, i, pair)
	{
		const char *a = json_string_value(json_array_get(pair, 0));
		const char *b = json_string_value(json_array_get(pair, 1));
		char field[32];

		a = a ? kind_reference_name(KIND_NODES, a, NULL) : NULL;
		b = b ? kind_reference_name(KIND_NODES, b, NULL) : NULL;
		(void)snprintf(field, sizeof field, "links[%zu]", i);
		if (a && b && strcmp(a, b) == 0)
			refuse(c, network, field, "%s cannot be linked with itself", a);
	}
}

// Which link a reply belongs to is told by where it comes from.
static void check_external(const struct checking *c, const struct fleet_object *link)
{
	const struct fleet_link *l = &link->as.link;
	struct fleet_object *o;

	for (size_t at = 0; fleet_next(c->fleet, FLEET_LINK, &at, &o);) {
		const struct fleet_link *other = &o->as.link;

		if (o != link && other->node && strcmp(other->node, l->node) == 0 &&
		    strcmp(other->interface, l->interface) == 0 &&
		    strcmp(other->target, l->target) == 0)
			refuse(c, link, "target", "%s already watches %s through %s of that node",
			       o->name, l->target, l->interface);
	}
}

static void check_link(const struct checking *c, const struct fleet_object *link)
{
	const struct fleet_link *l = &link->as.link;

	if (!l->network) {
		check_external(c, link);
		return;
	}
	const struct fleet_object *network = fleet_find(c->fleet, FLEET_NETWORK, l->network);

	if (!network)
		return;
	const struct net_member *a = network_member(network, l->a),
				*b = network_member(network, l->b);
	if (!a || !b || !network_has_link(a, b))
		refuse(c, link, "ends", "network %s has no link between %s and %s", l->network,
		       l->a, l->b);
}

static void check_segment(const struct checking *c, const struct fleet_object *segment)
{
	const struct fleet_object *network =
		fleet_find(c->fleet, FLEET_NETWORK, segment->as.segment.network);
	size_t members = network ? map_size(network->as.network.members) : 0;

	if (members > SEGMENT_MEMBERS_MAX)
		refuse(c, segment, "network",
		       "a segment holds at most %d nodes, network %s has %zu", SEGMENT_MEMBERS_MAX,
		       network->name, members);
}

// An edit of a network is also one of what stands on it.
static void check_network(const struct checking *c, const struct fleet_object *network)
{
	struct fleet_object *o;
	const char *name;

	check_pool(c, network);
	check_port(c, network);
	check_link_ends(c, network);
	for (size_t at = 0; fleet_next(c->fleet, FLEET_SEGMENT, &at, &o);) {
		if (strcmp(o->as.segment.network, network->name) == 0)
			check_segment(c, o);
	}
	for (size_t at = 0; fleet_next(c->fleet, FLEET_LINK, &at, &o);) {
		if (o->as.link.network && strcmp(o->as.link.network, network->name) == 0)
			check_link(c, o);
	}
	for (size_t at = 0; map_next(network->as.network.members, &at, &name, NULL);) {
		const struct fleet_object *node = fleet_find(c->fleet, FLEET_NODE, name);

		if (node)
			check_node(c, node);
	}
}

static void check_segment_edit(const struct checking *c, const struct fleet_object *segment)
{
	check_pool(c, segment);
	check_segment(c, segment);
}

static void refuse_one(void *arg, const struct fleet_object *o, const char *field, const char *text)
{
	refuse(arg, o, field, "%s", text);
}

// Nodes, networks and links bear on what stands on them, pools on what is outside.
static void check_others(struct checking *c)
{
	struct fleet_object *o;

	for (size_t at = 0; fleet_next(c->fleet, FLEET_HA_GROUP, &at, &o);)
		ha_check(c->fleet, o, refuse_one, c);
	for (size_t at = 0; fleet_next(c->fleet, FLEET_LINK, &at, &o);)
		outside_check(c->fleet, o, refuse_one, c);
}

typedef void check_fn(const struct checking *c, const struct fleet_object *object);

static check_fn *const checks[FLEET_KIND_COUNT] = {
	[FLEET_NODE] = check_node,
	[FLEET_SITE] = NULL, // prefixes only, see below
	[FLEET_NETWORK] = check_network,
	[FLEET_LINK] = check_link,
	[FLEET_SEGMENT] = check_segment_edit,
	// All of these are looked at with every edit that bears on them.
	[FLEET_HA_GROUP] = NULL,
	[FLEET_RESOLVER] = NULL, // see dns_check()
	[FLEET_GATEWAY] = NULL,
	[FLEET_GATEWAY_GROUP] = NULL,
	[FLEET_POLICY] = NULL,
};

// A link, say, may be looked at for itself and for its network: each sentence is wanted once.
static bool is_said(const struct problem_list *problems, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (strcmp(problems->items[i].field, problems->items[index].field) == 0 &&
		    strcmp(problems->items[i].text, problems->items[index].text) == 0)
			return true;
	}
	return false;
}

static void copy_once(const struct problem_list *from, struct problem_list *to)
{
	for (size_t i = 0; i < from->len; i++) {
		if (!is_said(from, i))
			problem_add(to, from->items[i].field, "%s", from->items[i].text);
	}
	to->is_cut = to->is_cut || from->is_cut;
}

static int check_overlaps(const struct checking *c, struct map *edited)
{
	CLEAN(prefix_list_done) struct prefix_list list = { 0 };

	if (map_size(edited) == 0)
		return 0;
	if (prefix_list_of_fleet(c->fleet, &list, false) < 0)
		return -ENOMEM;
	prefix_list_check(&list, edited, c->problems);
	return 0;
}

static bool has_prefixes(enum fleet_kind kind)
{
	return kind == FLEET_SITE || kind == FLEET_NETWORK || kind == FLEET_SEGMENT;
}

int plan_check(struct fleet *fleet, const struct fleet_edit *edits, size_t count,
	       struct problem_list *problems)
{
	CLEAN(problem_list_done) struct problem_list found = { 0 };
	CLEAN(map_free_ptr) struct map *edited = map_new(NULL);
	struct checking c = { fleet, &found };
	bool is_egress = false;

	if (!edited)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		struct fleet_object *o = edits[i].after;
		char key[OWNER_TEXT_SIZE];

		is_egress = is_egress || egress_is_touched(&edits[i]);
		if (!o)
			continue;
		if (checks[o->kind])
			checks[o->kind](&c, o);
		dns_check(fleet, o, refuse_one, &c);
		owner_text(key, fleet_kind_name(o->kind), o->id);
		if (has_prefixes(o->kind) && map_set(edited, key, o) < 0)
			return -ENOMEM;
	}
	check_others(&c);
	if (is_egress)
		egress_check(fleet, refuse_one, &c);
	int rc = check_overlaps(&c, edited);
	copy_once(&found, problems);
	return rc;
}
