// `history` and `events`: what people changed, and what happened.
#include <errno.h>
#include <string.h>

#include "base/clean.h"
#include "base/text.h"
#include "model/json.h"

#include "cli/call.h"
#include "cli/client.h"
#include "cli/live.h"
#include "cli/show.h"
#include "cli/value.h"
#include "cli/verb/verbs.h"

static void head(struct table *table, const char *const *names)
{
	for (; *names; names++)
		table_cell(table, *names);
	table_end_row(table);
}

static void add_fields(struct text *t, const json_t *fields)
{
	size_t at;
	const json_t *field;
	json_array_foreach(fields, at, field)
	{
		const char *path = json_string_value(json_object_get(field, "path"));
		text_addf(t, "%s%s", at ? ", " : "", path ? path : "?");
	}
}

static int history(struct call *call, struct err *err)
{
	long limit = 20;
	struct client *c;
	json_auto_t *items = NULL;
	int r = call_number(call, "limit", 1, 100000, &limit, err);
	if (!r)
		r = call_client(call, &c, err);
	if (!r)
		r = client_list(c, "/api/v1/history", NULL, (size_t)limit, &items, err);
	if (r || show_as_asked(call, items, err, &r))
		return r;
	static const char *const heads[] = { "REVISION", "WHEN",   "WHO", "WHAT",
					     "RESOURCE", "FIELDS", NULL };
	CLEAN(table_done) struct table table = { 0 };
	head(&table, heads);
	size_t at;
	const json_t *one;
	json_array_foreach(items, at, one)
	{
		char when[64];
		CLEAN(text_free) struct text what = { 0 };
		CLEAN(text_free) struct text fields = { 0 };
		const char *kind = json_string_value(json_object_get(one, "kind"));
		const char *name = json_string_value(json_object_get(one, "name"));
		text_addf(&what, "%s/%s", kind ? kind : "?", name ? name : "?");
		add_fields(&fields, json_object_get(one, "fields"));
		CLEAN(free_ptr)
		char *revision = text_format(
			"%lld", (long long)json_integer_value(json_object_get(one, "revision")));
		table_cell(&table, revision);
		table_cell(&table, show_time(json_string_value(json_object_get(one, "at")), when,
					     sizeof(when)));
		table_cell(&table, json_string_value(json_object_get(one, "user")));
		table_cell(&table, json_string_value(json_object_get(one, "action")));
		table_cell(&table, what.data);
		table_cell(&table, fields.data);
		table_end_row(&table);
	}
	return show_table(call, &table, err);
}

// Newest last, as a log is read.
static int print_log(const struct call *call, const json_t *items, struct err *err)
{
	CLEAN(text_free) struct text t = { 0 };
	for (size_t i = json_array_size(items); i-- > 0;) {
		const json_t *one = json_array_get(items, i);
		if (call->format == FORMAT_TABLE)
			live_add_event(&t, one, call->is_coloured);
	}
	return show_text(call, &t, err);
}

// NAME=VALUE of the option of that name, if it was given.
static void add_filter(const struct call *call, struct text *query, const char *name)
{
	const char *value = call_option(call, name);
	CLEAN(free_ptr) char *encoded = value ? client_encode(value) : NULL;
	if (encoded)
		text_addf(query, "%s%s=%s", query->len ? "&" : "", name, encoded);
}

static int events(struct call *call, struct err *err)
{
	long limit = 20;
	struct client *c;
	json_auto_t *items = NULL;
	CLEAN(text_free) struct text query = { 0 };
	add_filter(call, &query, "node");
	add_filter(call, &query, "severity");
	add_filter(call, &query, "kind");
	int r = call_number(call, "limit", 1, 100000, &limit, err);
	if (!r)
		r = call_client(call, &c, err);
	if (!r)
		r = client_list(c, "/api/v1/log", query.data, (size_t)limit, &items, err);
	if (r)
		return r;
	bool is_followed = call_has(call, "follow");
	if (!is_followed && show_as_asked(call, items, err, &r))
		return r;
	r = print_log(call, items, err);
	if (r || !is_followed)
		return r;
	struct live_filter filter = { .only_events = true,
				      .node = call_option(call, "node"),
				      .severity = call_option(call, "severity"),
				      .kind = call_option(call, "kind"),
				      .is_json = call->format == FORMAT_JSON };
	return live_follow(call, c, &filter, err);
}

static int watch(struct call *call, struct err *err)
{
	struct client *c;
	struct live_filter filter = {
		.is_json = call->format == FORMAT_JSON || call_has(call, "json"),
		.with_samples = call_has(call, "samples"),
		.node = call_option(call, "node"),
	};
	int r = call_client(call, &c, err);
	return r ? r : live_follow(call, c, &filter, err);
}

static const struct verb_option history_options[] = {
	{ .name = "limit",
	  .letter = 'n',
	  .value = "N",
	  .help = "How many changes, 20 if not given" },
	{ 0 },
};

static const struct verb_option events_options[] = {
	{ .name = "node", .value = "NAME", .word = WORD_NODE, .help = "Only events of this node" },
	{ .name = "severity",
	  .value = "LEAST",
	  .word = WORD_CHOICE,
	  .choices = "info|warning|error",
	  .help = "Only events of this severity and worse" },
	{ .name = "kind", .value = "START", .help = "Only events whose kind begins so" },
	{ .name = "follow", .letter = 'f', .help = "Keep printing what happens from now on" },
	{ .name = "limit",
	  .letter = 'n',
	  .value = "N",
	  .help = "How many past events, 20 if not given" },
	{ 0 },
};

static const struct verb_option watch_options[] = {
	{ .name = "json", .help = "One JSON object a line, with its type and id" },
	{ .name = "node",
	  .value = "NAME",
	  .word = WORD_NODE,
	  .help = "Only what concerns this node" },
	{ .name = "samples", .help = "Also counters" },
	{ 0 },
};

const struct verb verb_history = {
	.name = "history",
	.summary = "List who changed what, newest first",
	.options = history_options,
	.run = history,
};

const struct verb verb_events = {
	.name = "events",
	.summary = "List what happened, newest last",
	.text = "The controller keeps events for 30 days.\n\n weft events --node rho --follow",
	.options = events_options,
	.run = events,
};

const struct verb verb_watch = {
	.name = "watch",
	.summary = "Print every change as it happens, one line each",
	.text = "Ends with Ctrl-C; a lost connection is taken up again where it broke off.",
	.options = watch_options,
	.run = watch,
};
