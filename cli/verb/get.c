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

// {name: node of the overview}; NULL when it cannot be had, which is no reason to show nothing.
static json_t *read_health(const struct call *call)
{
	json_auto_t *state = NULL;
	struct err err = { 0 };
	if (client_get(call->client, &state, &err, "/api/v1/state")) {
		client_problem_clear(call->client);
		return NULL;
	}
	json_t *health = json_object();
	size_t at;
	json_t *node;
	json_array_foreach(json_object_get(state, "nodes"), at, node)
	{
		const char *name = json_string_value(json_object_get(node, "name"));
		if (name)
			(void)json_object_set(health, name, node);
	}
	return health;
}

static void add_health(struct table *table, const json_t *health, const json_t *resource)
{
	const char *name = json_string_value(json_object_get(resource, "name"));
	const json_t *node = name ? json_object_get(health, name) : NULL;
	const json_t *refused = json_object_get(node, "refused");
	if (!health)
		return;
	CLEAN(free_ptr)
	char *text = json_is_object(refused)
			     ? text_format("refuses revision %lld: it cut this node off",
					   (long long)json_integer_value(
						   json_object_get(refused, "revision")))
			     : NULL;
	table_cell(table, text ? text : json_string_value(json_object_get(node, "health")));
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
	json_auto_t *health = kind_id_of(kind) == KIND_NODES ? read_health(call) : NULL;
	CLEAN(table_done) struct table table = { 0 };
	kind_table_head(kind, &table);
	if (health)
		table_cell(&table, "HEALTH");
	table_end_row(&table);
	size_t at;
	const json_t *one;
	json_array_foreach(items, at, one)
	{
		kind_table_row(kind, &table, one);
		add_health(&table, health, one);
		table_end_row(&table);
	}
	return show_table(call, &table, err);
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
	return show(call, kind, items, reply.json, err);
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
