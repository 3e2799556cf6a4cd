#include <errno.h>
#include <string.h>

#include "base/clean.h"
#include "base/text.h"
#include "model/json.h"

#include "cli/call.h"
#include "cli/client.h"
#include "cli/kind.h"
#include "cli/resource.h"
#include "cli/show.h"
#include "cli/verb/verbs.h"

// What is so now, beside what was written: the overview's nodes or HA groups by name, and the
// links. Members are NULL when that cannot be had, which is no reason to show nothing.
struct present {
	json_t *nodes;
	json_t *links;
	json_t *groups;
};

static void present_done(struct present *present)
{
	json_decref(present->nodes);
	json_decref(present->links);
	json_decref(present->groups);
}

static json_t *ask(const struct call *call, const char *path)
{
	json_t *answer = NULL;
	struct err err = { 0 };
	if (client_get(call->client, &answer, &err, "%s", path) == 0)
		return answer;
	client_problem_clear(call->client);
	return NULL;
}

// A list of the overview by name; NULL when it cannot be had.
static json_t *by_name(const json_t *state, const char *list)
{
	json_t *ret = state ? json_object() : NULL;
	size_t at;
	json_t *one;
	json_array_foreach(json_object_get(state, list), at, one)
	{
		const char *name = json_string_value(json_object_get(one, "name"));
		if (name)
			(void)json_object_set(ret, name, one);
	}
	return ret;
}

static void read_present(const struct call *call, enum kind_id kind, struct present *ret)
{
	const bool has_state = kind == KIND_NODES || kind == KIND_HA_GROUPS;
	json_auto_t *state = has_state ? ask(call, "/api/v1/state") : NULL;
	if (kind == KIND_HA_GROUPS)
		ret->groups = by_name(state, "ha_groups");
	if (kind != KIND_NODES && kind != KIND_LINKS)
		return;
	json_auto_t *topology = ask(call, "/api/v1/topology");
	ret->links = json_incref(json_object_get(topology, "links"));
	if (kind == KIND_NODES)
		ret->nodes = by_name(state, "nodes");
}

static void add_health(struct table *table, const struct present *present, const char *name)
{
	const json_t *node = name ? json_object_get(present->nodes, name) : NULL;
	const json_t *refused = json_object_get(node, "refused");
	CLEAN(free_ptr)
	char *text = json_is_object(refused)
			     ? text_format("refuses revision %lld: it cut this node off",
					   (long long)json_integer_value(
						   json_object_get(refused, "revision")))
			     : NULL;
	table_cell(table, text ? text : json_string_value(json_object_get(node, "health")));
}

// Who is active, and "3 of 3" voters that answer.
static void add_group(struct table *table, const struct present *present, const char *name)
{
	const json_t *group = name ? json_object_get(present->groups, name) : NULL;
	CLEAN(text_free) struct text active = { 0 };
	size_t at;
	const json_t *node;
	json_array_foreach(json_object_get(group, "active"), at, node)
	{
		text_addf(&active, "%s%s", at ? ", " : "", json_string_value(node));
	}
	table_cell(table, active.len ? active.data : "nobody");
	CLEAN(free_ptr)
	char *heard =
		group ? text_format("%lld of %lld",
				    (long long)json_integer_value(json_object_get(group, "heard")),
				    (long long)json_integer_value(json_object_get(group, "voters")))
		      : NULL;
	table_cell(table, heard);
}

static bool is_end(const json_t *link, const char *field, const char *name)
{
	const char *end = json_string_value(json_object_get(link, field));
	return end && name && strcmp(end, name) == 0;
}

// "3 of 4 up" of a node's links that are not switched off.
static void add_links_up(struct table *table, const struct present *present, const char *name)
{
	size_t at, all = 0, up = 0;
	const json_t *link;
	json_array_foreach(present->links, at, link)
	{
		const char *state = json_string_value(json_object_get(link, "state"));
		if (!state || strcmp(state, "disabled") == 0 ||
		    (!is_end(link, "a", name) && !is_end(link, "b", name)))
			continue;
		all++;
		up += strcmp(state, "up") == 0 || strcmp(state, "degraded") == 0;
	}
	CLEAN(free_ptr) char *text = all ? text_format("%zu of %zu up", up, all) : NULL;
	table_cell(table, text);
}

static const char *bare(const json_t *reference)
{
	const char *text = json_string_value(reference);
	const char *slash = text ? strchr(text, '/') : NULL;
	return slash ? slash + 1 : text;
}

static void add_link_state(struct table *table, const struct present *present,
			   const json_t *resource)
{
	size_t at;
	const json_t *link;
	const json_t *spec = json_object_get(resource, "spec");
	const json_t *ends = json_object_get(spec, "ends");
	const char *x = bare(json_array_get(ends, 0)), *y = bare(json_array_get(ends, 1));
	const char *network = bare(json_object_get(spec, "network"));
	json_array_foreach(present->links, at, link)
	{
		if (is_end(link, "network", network) &&
		    (is_end(link, "a", x) || is_end(link, "b", x)) &&
		    (is_end(link, "a", y) || is_end(link, "b", y))) {
			table_cell(table, json_string_value(json_object_get(link, "state")));
			return;
		}
	}
	table_cell(table, NULL);
}

static void add_head(struct table *table, const struct present *present, enum kind_id kind)
{
	if (present->groups) {
		table_cell(table, "ACTIVE");
		table_cell(table, "VOTERS");
	}
	if (present->nodes)
		table_cell(table, "HEALTH");
	if (present->links)
		table_cell(table, kind == KIND_NODES ? "LINKS" : "STATE");
}

static void add_present(struct table *table, const struct present *present, enum kind_id kind,
			const json_t *resource)
{
	const char *name = json_string_value(json_object_get(resource, "name"));
	if (present->groups)
		add_group(table, present, name);
	if (present->nodes)
		add_health(table, present, name);
	if (present->links && kind == KIND_NODES)
		add_links_up(table, present, name);
	else if (present->links)
		add_link_state(table, present, resource);
}

// What -o yaml keeps: a fleet file. One resource is a list of one.
static int show(const struct call *call, const struct kind *kind, const json_t *items,
		const json_t *exact, struct err *err)
{
	if (call->format == FORMAT_JSON)
		return show_json(call, exact, err);
	if (call->format == FORMAT_YAML) {
		json_auto_t *fleet = resource_fleet(items, call_has(call, "effective"));
		return fleet ? show_yaml(call, fleet, err) : err_set(err, -ENOMEM, "out of memory");
	}
	if (json_array_size(items) == 0) {
		fprintf(stderr, "There are no %s.\n", kind->name);
		return 0;
	}
	const enum kind_id id = kind_id_of(kind);
	CLEAN(present_done) struct present present = { 0 };
	CLEAN(table_done) struct table table = { 0 };
	read_present(call, id, &present);
	kind_table_head(kind, &table);
	add_head(&table, &present, id);
	table_end_row(&table);
	size_t at;
	const json_t *one;
	json_array_foreach(items, at, one)
	{
		kind_table_row(kind, &table, one);
		add_present(&table, &present, id, one);
		table_end_row(&table);
	}
	return show_table(call, &table, err);
}

// Below the table, which has no room for it.
static int show_effective(const struct call *call, const json_t *resource, struct err *err)
{
	json_t *effective = json_object_get(resource, "effective");
	if (call->format != FORMAT_TABLE || !effective)
		return 0;
	json_auto_t *shown = json_pack("{s:O}", "effective", effective);
	if (!shown)
		return err_set(err, -ENOMEM, "out of memory");
	fprintf(call->out, "\n");
	return show_yaml(call, shown, err);
}

static int get_one(struct call *call, struct client *c, const struct kind *kind, const char *name,
		   struct err *err)
{
	CLEAN(client_reply_done) struct client_reply reply = { 0 };
	int r = resource_get(c, kind, name, call_has(call, "effective"), &reply, err);
	if (r)
		return r;
	json_auto_t *items = json_pack("[O]", reply.json);
	if (!items)
		return err_set(err, -EBADMSG, "the controller's answer is not JSON");
	r = show(call, kind, items, reply.json, err);
	return r || !call_has(call, "effective") ? r : show_effective(call, reply.json, err);
}

static int add_filter(const struct call *call, struct text *query, const char *option,
		      const char *parameter)
{
	const char *value = call_option(call, option);
	CLEAN(free_ptr) char *encoded = value ? client_encode(value) : NULL;
	if (encoded)
		text_addf(query, "%s%s=%s", query->len ? "&" : "", parameter, encoded);
	return 0;
}

static int get(struct call *call, struct err *err)
{
	const struct kind *kind;
	struct client *c;
	int r = kind_find(call_arg(call, 0), &kind, err);
	if (r)
		return CLI_USAGE;
	r = call_client(call, &c, err);
	if (r)
		return r;
	if (call_arg(call, 1))
		return get_one(call, c, kind, call_arg(call, 1), err);
	CLEAN(text_free) struct text query = { 0 };
	(void)add_filter(call, &query, "query", "q");
	(void)add_filter(call, &query, "tag", "tag");
	if (call_has(call, "effective"))
		text_addf(&query, "%seffective=true", query.len ? "&" : "");
	CLEAN(free_ptr) char *path = text_format("/api/v1/%s", kind->name);
	json_auto_t *items = NULL;
	if (!path || query.failed)
		return err_set(err, -ENOMEM, "out of memory");
	r = client_list(c, path, query.data, 0, &items, err);
	return r ? r : show(call, kind, items, items, err);
}

static const struct verb_arg args[] = {
	{ .name = "KIND",
	  .word = WORD_KIND,
	  .help = "nodes, networks, ... in the singular or plural" },
	{ .name = "NAME", .word = WORD_NAME, .is_optional = true, .help = "Only this one" },
	{ 0 },
};

static const struct verb_option options[] = {
	{ .name = "effective", .help = "Also show what was allocated and defaulted" },
	{ .name = "query", .letter = 'q', .value = "TEXT", .help = "Only names that contain this" },
	{ .name = "tag", .value = "TAG", .help = "Only resources with this tag" },
	{ 0 },
};

const struct verb verb_get = {
	.name = "get",
	.summary = "Show resources",
	.text = "As a table, as the API's JSON, or as YAML that can be applied again.\n"
		"\n"
		" weft get nodes\n"
		" weft get network home -o yaml --effective",
	.args = args,
	.options = options,
	.run = get,
};
