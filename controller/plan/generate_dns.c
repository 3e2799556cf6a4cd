// Entries of a node that runs a resolver.
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "model/kinds.h"
#include "model/record.h"

#include "plan/dns.h"
#include "plan/generate.h"
#include "plan/numbers.h"

enum {
	PIECE_BYTES = 12000,   // of a zone's records in one entry
	OWN_TTL_S = 60,        // of nodes and sites
	RECORD_TEXT_SIZE = 16, // of a record around its texts
	MB = 1 << 20,
	RATE_DEFAULT = 300,
	CACHE_DEFAULT_MB = 32,
	ZONE_TTL_DEFAULT_S = 300,
	BLOCK_TTL_DEFAULT_S = 10,
};

static int64_t seconds_of(const json_t *spec, const char *field, int64_t otherwise)
{
	const char *text = json_string_value(json_object_get(spec, field));
	int64_t ms;

	return text && duration_parse(text, &ms, NULL) == 0 ? ms / 1000 : otherwise;
}

static const char *text_of(const json_t *spec, const char *field, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(spec, field));

	return text ? text : otherwise;
}

static json_int_t number_of(const json_t *spec, const char *field, json_int_t otherwise)
{
	const json_t *value = json_object_get(spec, field);

	return value ? json_integer_value(value) : otherwise;
}

static json_t *copy_of(const json_t *spec, const char *field)
{
	const json_t *value = json_object_get(spec, field);

	return value ? json_deep_copy(value) : json_array();
}

// ---- dns ----

json_t *dns_listen(const struct fleet *fleet, const struct fleet_object *resolver,
		   const struct fleet_object *node)
{
	json_t *list = copy_of(resolver->spec, "listen");
	struct fleet_object *group;

	if (json_array_size(list) > 0)
		return list;
	dns_node_addresses(fleet, node, list);
	for (size_t at = 0; fleet_next(fleet, FLEET_HA_GROUP, &at, &group);) {
		const struct fleet_ha *ha = &group->as.ha;

		for (size_t i = 0; i < ha->n_vips && dns_is_member(group, node); i++)
			(void)json_array_append_new(list, json_address(&ha->vips[i], -1));
	}
	return dns_sorted(list);
}

static void add_pools(const struct fleet *fleet, const struct fleet_object *owner, json_t *list)
{
	struct prefix pool;

	for (int family = 4; family <= 6; family += 2) {
		if (fleet_pool(fleet, owner, family, &pool))
			(void)json_array_append_new(list, json_prefix(&pool));
	}
}

json_t *dns_clients(const struct fleet *fleet, const struct fleet_object *resolver,
		    const struct fleet_object *node)
{
	const struct fleet_object *site =
		node->as.node.site ? fleet_find(fleet, FLEET_SITE, node->as.node.site) : NULL;
	json_t *list = copy_of(resolver->spec, "clients");
	struct fleet_object *o;

	if (json_array_size(list) > 0)
		return list;
	for (size_t i = 0; site && i < site->as.site.lan_count; i++)
		(void)json_array_append_new(list, json_prefix(&site->as.site.lan[i]));
	for (size_t at = 0; fleet_next(fleet, FLEET_NETWORK, &at, &o);) {
		if (network_member(o, node->name))
			add_pools(fleet, o, list);
	}
	for (size_t at = 0; fleet_next(fleet, FLEET_SEGMENT, &at, &o);) {
		const struct fleet_object *network =
			fleet_find(fleet, FLEET_NETWORK, o->as.segment.network);

		if (network && network_member(network, node->name))
			add_pools(fleet, o, list);
	}
	(void)json_array_append_new(list, json_string("127.0.0.0/8"));
	(void)json_array_append_new(list, json_string("::1/128"));
	return dns_sorted(list);
}

static void add_group_interfaces(const struct fleet *fleet, const struct fleet_object *node,
				 json_t *list)
{
	struct fleet_object *group;

	for (size_t at = 0; fleet_next(fleet, FLEET_HA_GROUP, &at, &group);) {
		if (dns_is_member(group, node))
			(void)json_array_append_new(list, json_string(group->as.ha.interface));
	}
}

static void add_bridges(const struct fleet *fleet, const struct fleet_object *node, json_t *list)
{
	char device[DEVICE_NAME_SIZE];
	struct fleet_object *o;

	for (size_t at = 0; fleet_next(fleet, FLEET_SEGMENT, &at, &o);) {
		const struct fleet_object *network =
			fleet_find(fleet, FLEET_NETWORK, o->as.segment.network);

		if (!network || !network_member(network, node->name) || o->as.segment.is_routed)
			continue;
		name_bridge(device, o->id);
		(void)json_array_append_new(list, json_string(device));
	}
}

json_t *dns_intercept(const struct fleet *fleet, const struct fleet_object *resolver,
		      const struct fleet_object *node)
{
	json_t *list = copy_of(resolver->spec, "interfaces");

	if (!json_is_true(json_object_get(resolver->spec, "intercept"))) {
		(void)json_array_clear(list);
		return list;
	}
	if (json_array_size(list) == 0)
		add_group_interfaces(fleet, node, list);
	if (json_array_size(list) == 0)
		add_bridges(fleet, node, list);
	return dns_sorted(list);
}

static void generate_resolver(struct generation *g, const struct fleet_object *resolver)
{
	const struct fleet *fleet = g->fleet;
	const json_t *spec = resolver->spec;

	json_t *body = json_pack("{s:o, s:i, s:b, s:o, s:o, s:o, s:s, s:I, s:I, s:I, s:s, s:[]}",
				 "listen", dns_listen(fleet, resolver, g->node), "port", DNS_PORT,
				 "host", json_is_true(json_object_get(spec, "host")), "clients",
				 dns_clients(fleet, resolver, g->node), "intercept",
				 dns_intercept(fleet, resolver, g->node), "upstreams",
				 copy_of(spec, "upstreams"), "log", text_of(spec, "log", "off"),
				 "rate", number_of(spec, "rate", RATE_DEFAULT), "stale_s",
				 (json_int_t)seconds_of(spec, "stale", 0), "cache_bytes",
				 number_of(spec, "cache_mb", CACHE_DEFAULT_MB) * MB, "doh",
				 text_of(spec, "doh", "allow"), "needs");

	// What weft-dns asks itself has a mark.
	if (body && json_is_true(json_object_get(spec, "host")))
		(void)json_object_set_new(body, "mask", json_integer(fleet_mark_mask(fleet)));
	generate_add(g, body, "dns/%s", resolver->name);
}

// ---- dns-zone ----

struct zone_pieces {
	struct generation *g;
	const char *key; // "dns-zone/NAME"
	const char *zone;
	json_t *records;
	size_t bytes;
	int piece;
};

static void piece_end(struct zone_pieces *p)
{
	json_t *body =
		json_pack("{s:s, s:o, s:[]}", "zone", p->zone, "records", p->records, "needs");

	if (++p->piece == 1)
		generate_add(p->g, body, "%s", p->key);
	else
		generate_add(p->g, body, "%s/%d", p->key, p->piece);
	p->records = NULL;
	p->bytes = 0;
}

// Takes the record.
static void piece_add(struct zone_pieces *p, json_t *record)
{
	size_t bytes = json_dumpb(record, NULL, 0, JSON_COMPACT) + RECORD_TEXT_SIZE;

	if (p->bytes + bytes > PIECE_BYTES)
		piece_end(p);
	if (!p->records)
		p->records = json_array();
	if (!record)
		p->g->out->failed = true;
	p->bytes += bytes;
	(void)json_array_append_new(p->records, record);
}

static json_t *record_data(const struct record *record)
{
	char text[NAME_TEXT_SIZE];
	struct address address;

	if (record->target.len > 0) {
		name_text(&record->target, text);
		return json_string(text);
	}
	if (record->type[0] == 'A' && address_parse(record->data, &address, NULL) == 0)
		return json_address(&address, -1);
	return json_string(record->data);
}

static json_t *record_json(const struct fleet_object *zone, const json_t *written,
			   const struct record *record)
{
	const bool has_ttl = json_object_get(written, "ttl") != NULL;
	CLEAN(free_ptr)
	char *name = strdup(json_string_value(json_object_get(written, "name")));

	for (char *c = name; c && *c; c++) {
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	}
	return name ? json_pack("{s:s, s:s, s:I, s:o}", "name", name, "type", record->type, "ttl",
				(json_int_t)seconds_of(has_ttl ? written : zone->spec, "ttl",
						       ZONE_TTL_DEFAULT_S),
				"data", record_data(record))
		    : NULL;
}

static void generate_zone(struct generation *g, const struct fleet_object *zone)
{
	const char *written = json_string_value(json_object_get(zone->spec, "zone"));
	const json_t *records = json_object_get(zone->spec, "records"), *item;
	CLEAN(free_ptr) char *key = text_format("dns-zone/%s", zone->name);
	char text[NAME_TEXT_SIZE];
	struct name apex;
	size_t i;

	if (!key || name_parse(written, strlen(written), &apex, NULL) < 0) {
		g->out->failed = g->out->failed || !key;
		return;
	}
	name_text(&apex, text);
	struct zone_pieces pieces = { g, key, text, json_array(), 0, 0 };
	json_array_foreach((json_t *)records, i, item)
	{
		struct record record;
		const char *field;

		if (record_parse(item, written, &record, &field, NULL) == 0)
			piece_add(&pieces, record_json(zone, item, &record));
	}
	piece_end(&pieces);
}

// ---- names of nodes and sites ----

// Takes the addresses.
static void add_own(struct generation *g, const char *name, json_t *addresses)
{
	json_t *records = json_array(), *item;
	size_t i;

	addresses = dns_sorted(addresses);
	json_array_foreach(addresses, i, item)
	{
		const bool is_v6 = strchr(json_string_value(item), ':') != NULL;

		(void)json_array_append_new(records, json_pack("{s:s, s:s, s:i, s:O}", "name", name,
							       "type", is_v6 ? "AAAA" : "A", "ttl",
							       OWN_TTL_S, "data", item));
	}
	json_decref(addresses);
	if (json_array_size(records) == 0) {
		json_decref(records);
		return;
	}
	generate_add(
		g,
		json_pack("{s:s, s:o, s:[]}", "zone", RECORD_ZONE_OWN, "records", records, "needs"),
		"dns-zone/" RECORD_ZONE_OWN "/%s", name);
}

static void generate_node_name(struct generation *g, const struct fleet_object *node)
{
	json_t *addresses = json_array();

	dns_node_addresses(g->fleet, node, addresses);
	add_own(g, node->name, addresses);
}

static void generate_site_name(struct generation *g, const struct fleet_object *site)
{
	json_t *addresses = json_array();
	struct fleet_object *o;

	// A node of the same name has it.
	if (fleet_find(g->fleet, FLEET_NODE, site->name)) {
		json_decref(addresses);
		return;
	}
	for (size_t at = 0; fleet_next(g->fleet, FLEET_HA_GROUP, &at, &o);) {
		const char *of = dns_group_site(g->fleet, o);

		for (size_t i = 0; of && strcmp(of, site->name) == 0 && i < o->as.ha.n_vips; i++)
			(void)json_array_append_new(addresses, json_address(&o->as.ha.vips[i], -1));
	}
	const bool has_vips = json_array_size(addresses) > 0;
	for (size_t at = 0; !has_vips && fleet_next(g->fleet, FLEET_NODE, &at, &o);) {
		if (o->as.node.site && strcmp(o->as.node.site, site->name) == 0)
			dns_node_addresses(g->fleet, o, addresses);
	}
	add_own(g, site->name, addresses);
}

// ---- dns-forward, dns-block, names ----

static void generate_forward(struct generation *g, const struct fleet_object *forward)
{
	const json_t *pattern = json_object_get(forward->spec, "pattern");
	json_t *patterns = json_array();

	if (pattern)
		(void)json_array_append(patterns, (json_t *)pattern);
	generate_add(g,
		     json_pack("{s:o, s:o, s:o, s:o, s:[]}", "from", copy_of(forward->spec, "from"),
			       "names", copy_of(forward->spec, "names"), "patterns", patterns, "to",
			       copy_of(forward->spec, "to"), "needs"),
		     "dns-forward/%s", forward->name);
}

static void generate_block(struct generation *g, const struct fleet_object *blocklist)
{
	const json_t *spec = blocklist->spec, *lists = json_object_get(spec, "lists"), *item;
	json_t *names = json_array(), *needs = json_array();
	size_t i;

	json_array_foreach((json_t *)lists, i, item)
	{
		const char *name =
			kind_reference_name(KIND_DOMAIN_LISTS, json_string_value(item), NULL);

		(void)json_array_append_new(names, json_string(name));
		(void)json_array_append_new(needs, json_sprintf("names/%s", name));
	}
	generate_add(g,
		     json_pack("{s:o, s:s, s:o, s:o, s:I, s:o}", "lists", names, "answer",
			       text_of(spec, "answer", "nxdomain"), "exempt",
			       copy_of(spec, "exempt"), "except", copy_of(spec, "except"), "ttl",
			       (json_int_t)seconds_of(spec, "ttl", BLOCK_TTL_DEFAULT_S), "needs",
			       needs),
		     "dns-block/%s", blocklist->name);
}

static void generate_names(struct generation *g, const struct fleet_object *list)
{
	const struct fleet_list *l = &list->as.list;
	json_t *body;

	if (l->is_inline || !l->sha256[0])
		body = json_pack("{s:o, s:[]}", "rules",
				 l->is_inline ? copy_of(list->spec, "names") : json_array(),
				 "needs");
	else
		body = json_pack("{s:s, s:I, s:[]}", "sha256", l->sha256, "size",
				 (json_int_t)l->size, "needs");
	generate_add(g, body, "names/%s", list->name);
}

static void generate_known(struct generation *g, enum cell_kind kind, int64_t scope)
{
	static const struct {
		enum fleet_kind of;
		void (*make)(struct generation *g, const struct fleet_object *object);
	} known[] = {
		[CELL_DNS_ZONE - CELL_DNS] = { FLEET_DNS_ZONE, generate_zone },
		[CELL_DNS_NODE - CELL_DNS] = { FLEET_NODE, generate_node_name },
		[CELL_DNS_SITE - CELL_DNS] = { FLEET_SITE, generate_site_name },
		[CELL_DNS_FORWARD - CELL_DNS] = { FLEET_DNS_FORWARD, generate_forward },
		[CELL_DNS_BLOCK - CELL_DNS] = { FLEET_BLOCKLIST, generate_block },
		[CELL_NAMES - CELL_DNS] = { FLEET_DOMAIN_LIST, generate_names },
	};
	const struct fleet_object *o = fleet_find_id(g->fleet, known[kind - CELL_DNS].of, scope);

	if (o)
		known[kind - CELL_DNS].make(g, o);
}

void generate_dns(struct generation *g, const struct cell *cell)
{
	const struct fleet_object *resolver = dns_resolver(g->fleet, g->node), *o = NULL;

	if (!resolver)
		return;
	if (cell->kind == CELL_DNS) {
		if (resolver->id == cell->scope)
			generate_resolver(g, resolver);
		return;
	}
	if (cell->kind == CELL_DNS_BLOCK)
		o = fleet_find_id(g->fleet, FLEET_BLOCKLIST, cell->scope);
	if (o && !dns_holds(resolver, o))
		return;
	if (cell->kind == CELL_NAMES)
		o = fleet_find_id(g->fleet, FLEET_DOMAIN_LIST, cell->scope);
	if (cell->kind == CELL_NAMES && o && !dns_needs_list(g->fleet, resolver, g->node, o))
		return;
	generate_known(g, cell->kind, cell->scope);
}
