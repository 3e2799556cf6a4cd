#include "plan/dns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/text.h"
#include "model/kinds.h"
#include "model/record.h"
#include "model/upstream.h"

#include "names/name.h"
#include "plan/egress.h"
#include "plan/generate.h"

bool dns_runs_on(const struct fleet_object *resolver, const struct fleet_object *node)
{
	const struct fleet_resolver *r = &resolver->as.resolver;

	if (r->site)
		return node->as.node.site && strcmp(node->as.node.site, r->site) == 0;
	return r->nodes && map_get(r->nodes, node->name);
}

const struct fleet_object *dns_resolver(const struct fleet *fleet, const struct fleet_object *node)
{
	struct fleet_object *o;

	for (size_t at = 0; fleet_next(fleet, FLEET_RESOLVER, &at, &o);) {
		if (dns_runs_on(o, node))
			return o;
	}
	return NULL;
}

bool dns_holds(const struct fleet_object *resolver, const struct fleet_object *blocklist)
{
	const struct map *only = resolver->as.resolver.blocklists;

	return !only || map_get(only, blocklist->name);
}

static bool blocks_by(const struct fleet_object *blocklist, const struct fleet_object *list)
{
	const json_t *lists = json_object_get(blocklist->spec, "lists"), *item;
	size_t i;

	json_array_foreach((json_t *)lists, i, item)
	{
		const char *name =
			kind_reference_name(KIND_DOMAIN_LISTS, json_string_value(item), NULL);

		if (name && strcmp(name, list->name) == 0)
			return true;
	}
	return false;
}

bool dns_needs_list(const struct fleet *fleet, const struct fleet_object *resolver,
		    const struct fleet_object *node, const struct fleet_object *list)
{
	struct fleet_object *o;
	struct clients clients;

	for (size_t at = 0; fleet_next(fleet, FLEET_BLOCKLIST, &at, &o);) {
		if (dns_holds(resolver, o) && blocks_by(o, list))
			return true;
	}
	for (size_t at = 0; fleet_next(fleet, FLEET_POLICY, &at, &o);) {
		if (!egress_names(o, list))
			continue;
		egress_clients(fleet, o, node, &clients);
		if (clients.count > 0)
			return true;
	}
	return false;
}

bool dns_is_member(const struct fleet_object *group, const struct fleet_object *node)
{
	for (size_t i = 0; i < group->as.ha.n_members; i++) {
		if (strcmp(group->as.ha.members[i], node->name) == 0)
			return true;
	}
	return false;
}

const char *dns_group_site(const struct fleet *fleet, const struct fleet_object *group)
{
	const struct fleet_ha *ha = &group->as.ha;
	const char *site = ha->site;

	for (size_t i = 0; !ha->site && i < ha->n_members; i++) {
		const struct fleet_object *node = fleet_find(fleet, FLEET_NODE, ha->members[i]);
		const char *of = node ? node->as.node.site : NULL;

		if (!of || (site && strcmp(site, of) != 0))
			return NULL;
		site = of;
	}
	return site;
}

static int compare_texts(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

json_t *dns_sorted(json_t *list)
{
	const size_t count = json_array_size(list);
	CLEAN(free_ptr) const char **texts = calloc(count + 1, sizeof *texts);
	json_t *ret = texts ? json_array() : NULL;

	for (size_t i = 0; ret && i < count; i++)
		texts[i] = json_string_value(json_array_get(list, i));
	if (ret)
		qsort(texts, count, sizeof *texts, compare_texts);
	for (size_t i = 0; ret && i < count; i++) {
		if (i == 0 || strcmp(texts[i], texts[i - 1]) != 0)
			(void)json_array_append_new(ret, json_string(texts[i]));
	}
	json_decref(list);
	return ret;
}

static void add_addresses(const struct fleet *fleet, const struct fleet_object *scope,
			  const struct fleet_object *node, json_t *list)
{
	json_t *found = json_addresses(fleet, scope, node);

	(void)json_array_extend(list, found);
	json_decref(found);
}

void dns_node_addresses(const struct fleet *fleet, const struct fleet_object *node, json_t *list)
{
	const size_t before = json_array_size(list);
	struct fleet_object *o;

	for (size_t at = 0; fleet_next(fleet, FLEET_SEGMENT, &at, &o);) {
		const struct fleet_object *network =
			fleet_find(fleet, FLEET_NETWORK, o->as.segment.network);

		if (network && network_member(network, node->name))
			add_addresses(fleet, o, node, list);
	}
	if (json_array_size(list) > before)
		return;
	for (size_t at = 0; fleet_next(fleet, FLEET_NETWORK, &at, &o);) {
		if (network_member(o, node->name))
			add_addresses(fleet, o, node, list);
	}
}

// ---- what is refused ----

struct dns_checking {
	const struct fleet *fleet;
	dns_refuse_fn *refuse;
	void *arg;
};

__attribute__((format(printf, 4, 5))) static void refuse(const struct dns_checking *c,
							 const struct fleet_object *o,
							 const char *field, const char *fmt, ...)
{
	CLEAN(text_free) struct text text = { 0 };
	va_list args;

	va_start(args, fmt);
	text_vaddf(&text, fmt, args);
	va_end(args);
	c->refuse(c->arg, o, field, text.data ? text.data : "");
}

// One program answers at a node's addresses.
static void check_alone(const struct dns_checking *c, const struct fleet_object *resolver,
			const struct fleet_object *node)
{
	struct fleet_object *o;

	for (size_t at = 0; fleet_next(c->fleet, FLEET_RESOLVER, &at, &o);) {
		if (o != resolver && dns_runs_on(o, node))
			refuse(c, resolver, resolver->as.resolver.site ? "site" : "nodes",
			       "resolvers.%s runs on %s already", o->name, node->name);
	}
}

// What is asked of everybody would go on to them.
static void check_lan(const struct dns_checking *c, const struct fleet_object *resolver,
		      const struct fleet_object *node)
{
	json_t *interfaces = dns_intercept(c->fleet, resolver, node);

	if (json_is_true(json_object_get(resolver->spec, "intercept")) &&
	    json_array_size(interfaces) == 0)
		refuse(c, resolver, "intercept",
		       "%s has no interface that is known as one of its LAN: say which in "
		       "interfaces",
		       node->name);
	json_decref(interfaces);
}

static bool is_among(const json_t *addresses, const struct address *address)
{
	const json_t *item;
	struct address one;
	size_t i;

	json_array_foreach((json_t *)addresses, i, item)
	{
		if (address_parse(json_string_value(item), &one, NULL) == 0 &&
		    address_equal(&one, address))
			return true;
	}
	return false;
}

// Who asks itself has no answer.
static void check_upstreams(const struct dns_checking *c, const struct fleet_object *resolver,
			    const struct fleet_object *node)
{
	const json_t *upstreams = json_object_get(resolver->spec, "upstreams"), *item;
	json_t *listen = dns_listen(c->fleet, resolver, node);
	struct upstream upstream;
	size_t i;

	json_array_foreach((json_t *)upstreams, i, item)
	{
		if (upstream_parse(json_string_value(item), &upstream, NULL) == 0 &&
		    upstream.port == DNS_PORT && is_among(listen, &upstream.address))
			refuse(c, resolver, "upstreams",
			       "%s is where this resolver itself answers on %s",
			       json_string_value(item), node->name);
	}
	json_decref(listen);
}

static void check_resolver(const struct dns_checking *c, const struct fleet_object *resolver)
{
	struct fleet_object *node;

	for (size_t at = 0; fleet_next(c->fleet, FLEET_NODE, &at, &node);) {
		if (!dns_runs_on(resolver, node))
			continue;
		check_alone(c, resolver, node);
		check_lan(c, resolver, node);
		check_upstreams(c, resolver, node);
	}
}

static bool zone_name(const struct fleet_object *zone, const char **ret_text, struct name *ret)
{
	*ret_text = json_string_value(json_object_get(zone->spec, "zone"));
	return *ret_text && name_parse(*ret_text, strlen(*ret_text), ret, NULL) == 0;
}

// The names of a zone's records, and what stands under each (record_has).
static struct map *owners_of(const struct fleet_object *zone, const char *written)
{
	struct map *owners = map_new(NULL);
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(zone->spec, "records"), i, item)
	{
		char owner[RECORD_OWNER_SIZE];
		struct record record;
		const char *field;

		if (!owners || record_parse(item, written, &record, &field, NULL) < 0)
			continue;
		record_owner_text(&record, owner);
		(void)map_set(owners, owner,
			      (void *)((uintptr_t)map_get(owners, owner) | record_has(&record)));
	}
	return owners;
}

// A name may be written in a zone and in one around it, but not a cname beside something else.
static void check_owners(const struct dns_checking *c, const struct fleet_object *zone,
			 const char *written, const struct fleet_object *other,
			 const struct map *owners)
{
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(zone->spec, "records"), i, item)
	{
		char owner[RECORD_OWNER_SIZE], place[32];
		struct record record;
		const char *field;

		if (record_parse(item, written, &record, &field, NULL) < 0)
			continue;
		record_owner_text(&record, owner);
		(void)snprintf(place, sizeof place, "records[%zu].%s", i, field);
		if (!record_may_stand(&record, (unsigned)(uintptr_t)map_get(owners, owner)))
			refuse(c, zone, place,
			       "%.260s stands in dns-zones.%s as well, and nothing may stand "
			       "beside a cname",
			       owner, other->name);
	}
}

static void check_zone(const struct dns_checking *c, const struct fleet_object *zone)
{
	const char *text, *other;
	struct name name, of;
	struct fleet_object *o;

	if (!zone_name(zone, &text, &name))
		return;
	for (size_t at = 0; fleet_next(c->fleet, FLEET_DNS_ZONE, &at, &o);) {
		if (o == zone || !zone_name(o, &other, &of) ||
		    (!name_is_within(&name, &of) && !name_is_within(&of, &name)))
			continue;
		if (name.len == of.len) {
			refuse(c, zone, "zone", "%s is already that of dns-zones.%s", text,
			       o->name);
			continue;
		}
		CLEAN(map_free_ptr) struct map *owners = owners_of(o, other);
		if (owners)
			check_owners(c, zone, text, o, owners);
	}
}

void dns_check(const struct fleet *fleet, const struct fleet_object *edited, dns_refuse_fn *told,
	       void *arg)
{
	const struct dns_checking c = { fleet, told, arg };
	const struct fleet_object *resolver =
		edited->kind == FLEET_NODE ? dns_resolver(fleet, edited) : NULL;

	if (resolver)
		check_alone(&c, resolver, edited);
	else if (edited->kind == FLEET_RESOLVER)
		check_resolver(&c, edited);
	else if (edited->kind == FLEET_DNS_ZONE)
		check_zone(&c, edited);
}
