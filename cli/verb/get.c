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
	CLEAN(table_done) struct table table = { 0 };
	kind_table_head(kind, &table);
	size_t at;
	const json_t *one;
	json_array_foreach(items, at, one)
	{
		kind_table_row(kind, &table, one);
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
