#include <string.h>

#include "base/clean.h"
#include "base/text.h"
#include "model/json.h"
#include "model/net.h"

#include "cli/call.h"
#include "cli/client.h"
#include "cli/confirm.h"
#include "cli/show.h"
#include "cli/terminal.h"
#include "cli/value.h"
#include "cli/verb/verbs.h"

static const char *text_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));
	return s ? s : "";
}

static long long number_of(const json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

// What is wrong with this node in a few words; false when nothing is.
static bool add_trouble(struct text *t, const json_t *node)
{
	const char *health = text_of(node, "health");
	const json_t *errors = json_object_get(node, "errors");
	const json_t *refused = json_object_get(node, "refused");
	if (strcmp(health, "never") == 0) {
		text_add(t, "has never connected");
	} else if (strcmp(health, "offline") == 0) {
		text_add(t, "is offline");
	} else if (json_is_object(refused)) {
		value_add_clean(t, text_of(refused, "text"));
	} else if (json_array_size(errors) > 0) {
		const json_t *first = json_array_get(errors, 0);
		text_add(t, text_of(first, "entry"));
		text_add(t, ": ");
		value_add_clean(t, text_of(first, "text"));
		if (json_array_size(errors) > 1)
			text_addf(t, " (and %zu more)", json_array_size(errors) - 1);
	} else if (number_of(node, "lag") > 0) {
		text_addf(t, "lags by %lld revision%s", number_of(node, "lag"),
			  number_of(node, "lag") == 1 ? "" : "s");
	} else if (strcmp(health, "ok") != 0) {
		value_add_clean(t, *text_of(node, "reason") ? text_of(node, "reason") : health);
	} else {
		return false;
	}
	return true;
}

static bool add_headline(struct text *t, const json_t *nodes)
{
	size_t at;
	size_t wrong = 0;
	const json_t *node;
	CLEAN(text_free) struct text list = { 0 };
	json_array_foreach(nodes, at, node)
	{
		CLEAN(text_free) struct text trouble = { 0 };
		if (!add_trouble(&trouble, node))
			continue;
		if (wrong++ < 3)
			text_addf(&list, "%s%s %s", list.len ? "; " : "", text_of(node, "name"),
				  trouble.data);
	}
	size_t all = json_array_size(nodes);
	if (all == 0)
		text_add(t, "There are no nodes yet: `weft apply -f F` or `weft node add NAME`.");
	else if (wrong == 0)
		text_addf(t, "All %zu nodes are up to date.", all);
	else
		text_addf(t, "%zu of %zu nodes need attention: %s%s", wrong, all, list.data,
			  wrong > 3 ? "; ..." : ".");
	return wrong == 0;
}

// Hosts with a key that asks for approval are no nodes yet, but somebody waits at each.
static void add_pending(struct text *t, const json_t *pending)
{
	size_t at;
	const json_t *host;
	json_array_foreach(pending, at, host)
		text_addf(t, "%s (a host at %s) waits for approval: `weft node approve %s`\n",
			  text_of(host, "name"), text_of(host, "source"), text_of(host, "name"));
}

static void add_nodes(struct table *table, const json_t *nodes, int64_t now_ms)
{
	static const char *const heads[] = { "NODE",    "HEALTH",  "SINCE", "ADDRESS",
					     "VERSION", "APPLIED", "WHY" };
	for (size_t i = 0; i < ARRAY_LEN(heads); i++)
		table_cell(table, heads[i]);
	table_end_row(table);
	size_t at;
	const json_t *node;
	json_array_foreach(nodes, at, node)
	{
		char age[32];
		char applied[48];
		CLEAN(text_free) struct text trouble = { 0 };
		(void)add_trouble(&trouble, node);
		(void)snprintf(applied, sizeof(applied), "%lld/%lld", number_of(node, "applied"),
			       number_of(node, "target"));
		const char *since = json_string_value(json_object_get(node, "since"));
		table_cell(table, text_of(node, "name"));
		table_cell(table, text_of(node, "health"));
		table_cell(table, show_age(since, now_ms, age, sizeof(age)));
		table_cell(table, text_of(node, "address"));
		table_cell(table, text_of(node, "version"));
		table_cell(table, applied);
		table_cell(table, trouble.data);
		table_end_row(table);
	}
}

// A revision on trial, if there is one.
static void say_waiting(const struct call *call, const json_t *confirmation)
{
	CLEAN(text_free) struct text t = { 0 };
	if (!confirmation)
		return;
	confirm_sentence(&t, confirmation);
	fprintf(call->out, "%s%s (by %s): run `weft confirm` or `weft confirm --undo`.%s\n",
		call->is_coloured ? COLOUR_YELLOW : "", t.data ? t.data : "",
		text_of(confirmation, "user"), call->is_coloured ? COLOUR_OFF : "");
}

static int status(struct call *call, struct err *err)
{
	struct client *c;
	json_auto_t *state = NULL;
	int r = call_client(call, &c, err);
	if (!r)
		r = client_get(c, &state, err, "/api/v1/state");
	if (r)
		return r;
	if (show_as_asked(call, state, err, &r))
		return r;
	const json_t *nodes = json_object_get(state, "nodes");
	CLEAN(text_free) struct text headline = { 0 };
	bool is_fine = add_headline(&headline, nodes);
	const char *colour = is_fine ? COLOUR_GREEN : COLOUR_YELLOW;
	fprintf(call->out, "%s%s%s\n", call->is_coloured ? colour : "",
		headline.data ? headline.data : "", call->is_coloured ? COLOUR_OFF : "");
	fprintf(call->out, "Controller %s at %s, revision %lld.\n", text_of(state, "version"),
		client_url(c), number_of(state, "revision"));
	CLEAN(text_free) struct text pending = { 0 };
	add_pending(&pending, json_object_get(state, "pending"));
	fputs(pending.data ? pending.data : "", call->out);
	say_waiting(call, json_object_get(state, "confirmation"));
	if (json_array_size(nodes) == 0)
		return CLI_DONE;
	int64_t now_ms = 0;
	(void)time_parse(text_of(state, "now"), &now_ms, NULL);
	CLEAN(table_done) struct table table = { 0 };
	add_nodes(&table, nodes, now_ms);
	fputc('\n', call->out);
	return show_table(call, &table, err);
}

const struct verb verb_status = {
	.name = "status",
	.summary = "Say what is wrong in one line, then how every node stands",
	.run = status,
};
