#include "dns/config_rules.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TTL_MAX_MS 604800000u

int dns_prefixes_parse(struct dns_prefixes *ret, const struct setting_list *list, struct err *err)
{
	ret->items = calloc(list->len + 1, sizeof(*ret->items));
	if (!ret->items)
		return err_set(err, -ENOMEM, "out of memory");
	for (; ret->len < list->len; ret->len++) {
		int r = prefix_parse_host(list->items[ret->len], &ret->items[ret->len], err);
		if (r < 0)
			return r;
	}
	return 0;
}

// FNV-1a over the upstreams as they are written: the same ones share what they said.
static uint32_t space_of(const struct dns_group *group)
{
	uint32_t hash = 0x811c9dc5;
	for (size_t i = 0; i < group->len; i++)
		for (const char *at = group->items[i].text; *at; at++)
			hash = (hash ^ (uint8_t)*at) * 0x01000193;
	return hash;
}

int dns_group_parse(struct dns_group *ret, const struct setting_list *list, struct err *err)
{
	if (list->len > DNS_GROUP_MAX)
		return err_set(err, -EINVAL, "at most %d upstreams can stand in for each other",
			       DNS_GROUP_MAX);
	for (; ret->len < list->len; ret->len++) {
		struct dns_place *place = &ret->items[ret->len];
		int r = upstream_parse(list->items[ret->len], &place->at, err);
		if (r == 0 && strlen(list->items[ret->len]) >= sizeof(place->text))
			r = err_set(err, -EINVAL, "%.60s… is too long", list->items[ret->len]);
		if (r < 0)
			return r;
		(void)snprintf(place->text, sizeof(place->text), "%s", list->items[ret->len]);
	}
	ret->space = space_of(ret);
	return 0;
}

// ---- zones ----

struct zone_fields {
	char *zone;
	uint32_t ttl_ms;
};

struct record_fields {
	char *name, *type, *data;
	uint32_t ttl_ms;
};

#define AT(type, field) offsetof(struct type, field)
static const struct setting zone_fields[] = {
	{ "zone", SETTING_STRING, AT(zone_fields, zone), .text = "", .help = "its name" },
	{ "ttl", SETTING_DURATION_MS, AT(zone_fields, ttl_ms), 0, TTL_MAX_MS, 300000,
	  .help = "of answers that say there is nothing" },
	{ 0 },
};
static const struct setting record_fields[] = {
	{ "name", SETTING_STRING, AT(record_fields, name), .text = "@", .help = "within the zone" },
	{ "type", SETTING_STRING, AT(record_fields, type), .text = "",
	  .help = "A, AAAA, CNAME, TXT or PTR" },
	{ "data", SETTING_STRING, AT(record_fields, data), .text = "",
	  .help = "address, name or text" },
	{ "ttl", SETTING_DURATION_MS, AT(record_fields, ttl_ms), 0, TTL_MAX_MS, 300000,
	  .help = "how long others may keep it" },
	{ 0 },
};

static int add_record(struct dns_config *config, const char *zone, const json_t *item,
		      struct err *err)
{
	struct record_fields fields = { 0 };
	int r = settings_parse(record_fields, item, &fields, err);
	if (r < 0)
		return r;
	const struct dns_zone_record record = { fields.name, fields.type, fields.data,
						fields.ttl_ms / 1000 };
	r = dns_zones_add_record(config->zones, zone, &record, err);
	if (r < 0)
		(void)err_prefix(err, "%.100s", fields.name);
	settings_done(record_fields, &fields);
	return r;
}

static int add_zone(struct dns_config *config, const json_t *item, struct err *err)
{
	struct zone_fields fields = { 0 };
	const json_t *records = json_object_get(item, "records"), *record;
	json_auto_t *flat = json_copy((json_t *)item);
	size_t i;
	(void)json_object_del(flat, "records");
	int r = settings_parse(zone_fields, flat, &fields, err);
	if (r < 0)
		return r;
	r = dns_zones_add(config->zones, fields.zone, fields.ttl_ms / 1000, err);
	json_array_foreach(records, i, record)
	{
		if (r == 0 && add_record(config, fields.zone, record, err) < 0)
			r = err_prefix(err, "%s: records[%zu]", fields.zone, i);
	}
	settings_done(zone_fields, &fields);
	return r;
}

int dns_config_zones(struct dns_config *config, const json_t *list, struct err *err)
{
	const json_t *item;
	size_t i;
	json_array_foreach(list, i, item)
	{
		int r = add_zone(config, item, err);
		if (r < 0)
			return r;
	}
	return 0;
}

// ---- forwards ----

struct forward_fields {
	char *name;
	struct setting_list from, names, patterns, to;
};

static const struct setting forward_fields[] = {
	{ "name", SETTING_STRING, AT(forward_fields, name), .text = "", .help = "for logs" },
	{ "from", SETTING_STRING_LIST, AT(forward_fields, from),
	  .help = "clients, all when empty" },
	{ "names", SETTING_STRING_LIST, AT(forward_fields, names), .help = "rules of names" },
	{ "patterns", SETTING_STRING_LIST, AT(forward_fields, patterns),
	  .help = "names with * and ?" },
	{ "to", SETTING_STRING_LIST, AT(forward_fields, to), .help = "upstreams" },
	{ 0 },
};

static int take_patterns(struct dns_forward *forward, const struct setting_list *list,
			 struct err *err)
{
	forward->patterns = calloc(list->len + 1, sizeof(*forward->patterns));
	for (size_t i = 0; forward->patterns && i < list->len; i++) {
		char *pattern = strdup(list->items[i]);
		for (char *at = pattern; at && *at; at++)
			*at = (char)tolower((unsigned char)*at);
		if (!pattern)
			return err_set(err, -ENOMEM, "out of memory");
		forward->patterns[forward->n_patterns++] = pattern;
	}
	return forward->patterns ? 0 : err_set(err, -ENOMEM, "out of memory");
}

static int fill_forward(struct dns_forward *forward, struct forward_fields *fields, struct err *err)
{
	forward->name = take_ptr(&fields->name);
	int r = dns_prefixes_parse(&forward->from, &fields->from, err);
	if (r == 0)
		r = dns_names_make(&forward->names, fields->names.items, fields->names.len, err);
	if (r == 0)
		r = take_patterns(forward, &fields->patterns, err);
	if (r == 0)
		r = dns_group_parse(&forward->to, &fields->to, err);
	if (r == 0 && forward->to.len == 0)
		r = err_set(err, -EINVAL, "to: it needs an upstream");
	return r < 0 ? err_prefix(err, "%s", forward->name) : 0;
}

int dns_config_forwards(struct dns_config *config, const json_t *list, struct err *err)
{
	struct dns_rules *rules = &config->rules;
	const json_t *item;
	size_t i;
	int r = 0;
	rules->forwards = calloc(json_array_size(list) + 1, sizeof(*rules->forwards));
	if (!rules->forwards)
		return err_set(err, -ENOMEM, "out of memory");
	json_array_foreach(list, i, item)
	{
		struct forward_fields fields = { 0 };
		r = settings_parse(forward_fields, item, &fields, err);
		if (r < 0)
			return r;
		r = fill_forward(&rules->forwards[rules->n_forwards++], &fields, err);
		settings_done(forward_fields, &fields);
		if (r < 0)
			return r;
	}
	return 0;
}

// ---- blocks ----

struct block_fields {
	char *name, *answer;
	struct setting_list lists, exempt, except;
	uint32_t ttl_ms;
};

static const struct setting block_fields[] = {
	{ "name", SETTING_STRING, AT(block_fields, name), .text = "", .help = "for logs" },
	{ "lists", SETTING_STRING_LIST, AT(block_fields, lists), .help = "images of lists" },
	{ "answer", SETTING_CHOICE, AT(block_fields, answer), .text = "nxdomain",
	  .choices = "nxdomain|zero|refused", .help = "what clients are told" },
	{ "exempt", SETTING_STRING_LIST, AT(block_fields, exempt),
	  .help = "clients that it is not for" },
	{ "except", SETTING_STRING_LIST, AT(block_fields, except),
	  .help = "names that are let through" },
	{ "ttl", SETTING_DURATION_MS, AT(block_fields, ttl_ms), 0, TTL_MAX_MS, 10000,
	  .help = "of its answers" },
	{ 0 },
};

static int open_lists(struct dns_block *block, const struct setting_list *list, struct err *err)
{
	block->lists = calloc(list->len + 1, sizeof(*block->lists));
	if (!block->lists)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < list->len; i++) {
		struct dns_listed *listed = &block->lists[block->n_lists];
		int r = name_list_open(list->items[i], &listed->file, err);
		if (r < 0)
			return r;
		block->n_lists++;
		listed->path = strdup(list->items[i]);
		if (!listed->path)
			return err_set(err, -ENOMEM, "out of memory");
	}
	return 0;
}

static int fill_block(struct dns_block *block, struct block_fields *fields, struct err *err)
{
	block->name = take_ptr(&fields->name);
	block->ttl_s = fields->ttl_ms / 1000;
	block->answer = strcmp(fields->answer, "zero") == 0      ? DNS_BLOCK_ZERO
			: strcmp(fields->answer, "refused") == 0 ? DNS_BLOCK_REFUSED
								 : DNS_BLOCK_NXDOMAIN;
	int r = open_lists(block, &fields->lists, err);
	if (r == 0)
		r = dns_prefixes_parse(&block->exempt, &fields->exempt, err);
	if (r == 0)
		r = dns_names_make(&block->except, fields->except.items, fields->except.len, err);
	return r < 0 ? err_prefix(err, "%s", block->name) : 0;
}

int dns_config_blocks(struct dns_config *config, const json_t *list, struct err *err)
{
	struct dns_rules *rules = &config->rules;
	const json_t *item;
	size_t i;
	int r = 0;
	rules->blocks = calloc(json_array_size(list) + 1, sizeof(*rules->blocks));
	if (!rules->blocks)
		return err_set(err, -ENOMEM, "out of memory");
	json_array_foreach(list, i, item)
	{
		struct block_fields fields = { 0 };
		r = settings_parse(block_fields, item, &fields, err);
		if (r < 0)
			return r;
		r = fill_block(&rules->blocks[rules->n_blocks++], &fields, err);
		settings_done(block_fields, &fields);
		if (r < 0)
			return r;
	}
	return 0;
}

// ---- policies and the ways that questions take ----

int dns_config_policies(struct dns_config *config, const json_t *list, struct err *err)
{
	config->rules.memo = dns_memo_new();
	if (!config->rules.memo)
		return err_set(err, -ENOMEM, "out of memory");
	config->rules.decide = decide_new(list, err);
	if (!config->rules.decide)
		return -EINVAL;
	config->rules.hits = calloc(config->rules.decide->n_lists + 1, sizeof(uint64_t));
	return config->rules.hits ? 0 : err_set(err, -ENOMEM, "out of memory");
}

struct view_fields {
	uint32_t mark;
	struct setting_list upstreams;
};

static const struct setting view_fields[] = {
	{ "mark", SETTING_U32, AT(view_fields, mark), 1, UINT32_MAX, 0,
	  .help = "of the questions' packets" },
	{ "upstreams", SETTING_STRING_LIST, AT(view_fields, upstreams),
	  .help = "resolvers that are asked" },
	{ 0 },
};

int dns_config_views(struct dns_config *config, const json_t *list, struct err *err)
{
	struct dns_rules *rules = &config->rules;
	const json_t *item;
	size_t i;
	rules->views = calloc(json_array_size(list) + 1, sizeof(*rules->views));
	if (!rules->views)
		return err_set(err, -ENOMEM, "out of memory");
	json_array_foreach(list, i, item)
	{
		struct view_fields fields = { 0 };
		struct dns_view *view = &rules->views[rules->n_views++];
		int r = settings_parse(view_fields, item, &fields, err);
		if (r < 0)
			return r;
		view->mark = fields.mark;
		r = dns_group_parse(&view->to, &fields.upstreams, err);
		settings_done(view_fields, &fields);
		if (r < 0)
			return err_prefix(err, "upstreams");
	}
	return 0;
}
