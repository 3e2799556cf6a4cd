// `dns cache`: the answers that a resolver keeps.
#include "base/clean.h"
#include "base/text.h"

#include "cli/call.h"
#include "cli/client.h"
#include "cli/resolvers.h"
#include "cli/show.h"
#include "cli/table.h"
#include "cli/verb/verbs.h"

enum { ROWS_MAX = 1000 };

static void add_number(struct table *table, const json_t *row, const char *field, const char *form)
{
	CLEAN(free_ptr)
	char *text = text_format("%lld%s",
				 (long long)json_integer_value(json_object_get(row, field)), form);
	table_cell(table, text);
}

static void add_row(struct table *table, const json_t *row)
{
	CLEAN(text_free) struct text addresses = { 0 };
	const json_t *one;
	size_t i;
	json_array_foreach(json_object_get(row, "addresses"), i, one)
		text_addf(&addresses, "%s%s", i ? ", " : "",
			  json_is_string(one) ? json_string_value(one) : "?");
	table_cell(table, json_string_value(json_object_get(row, "name")));
	table_cell(table, json_string_value(json_object_get(row, "type")));
	add_number(table, row, "left_s", " s");
	table_cell(table, addresses.len ? addresses.data
					: json_string_value(json_object_get(row, "outcome")));
	add_number(table, row, "view", "");
	table_end_row(table);
}

static int print_cache(const struct call *call, const json_t *answer, struct err *err)
{
	static const char *const head[] = { "NAME", "TYPE", "FOR", "ANSWER", "VIEW" };
	const json_t *rows = json_object_get(answer, "rows"), *row;
	const long long total = (long long)json_integer_value(json_object_get(answer, "total"));
	CLEAN(table_done) struct table table = { 0 };
	size_t i;
	for (i = 0; i < ARRAY_LEN(head); i++)
		table_cell(&table, head[i]);
	table_end_row(&table);
	json_array_foreach(rows, i, row) add_row(&table, row);
	int r = show_table(call, &table, err);
	if (r == 0 && total > (long long)json_array_size(rows))
		fprintf(call->out, "%zu of %lld are shown: give --name or --limit.\n",
			json_array_size(rows), total);
	return r;
}

static int dns_cache(struct call *call, struct err *err)
{
	CLEAN(text_free) struct text query = { 0 };
	json_auto_t *answer = NULL;
	struct client *c;
	long limit = 0;
	int r = call_number(call, "limit", 1, ROWS_MAX, &limit, err);
	if (!r)
		r = call_client(call, &c, err);
	if (!r)
		r = resolvers_query(&query, "name", call_option(call, "name"), err);
	if (!r)
		r = resolvers_query(&query, "limit", call_option(call, "limit"), err);
	if (!r && call_has(call, "below"))
		r = resolvers_query(&query, "below", "true", err);
	if (!r)
		r = resolvers_ask(c, call_arg(call, 0), "cache", query.data ? query.data : "",
				  &answer, err);
	return r || show_as_asked(call, answer, err, &r) ? r : print_cache(call, answer, err);
}

static const struct verb_arg args[] = {
	{ .name = "NODE", .word = WORD_NODE, .help = "The node whose resolver it is" },
	{ 0 },
};

static const struct verb_option options[] = {
	{ .name = "name", .value = "NAME", .help = "Only answers of this name" },
	{ .name = "below", .help = "And of every name below it" },
	{ .name = "limit", .value = "N", .help = "Most rows, 100 if not given" },
	{ 0 },
};

const struct verb verb_dns_cache = {
	.name = "dns cache",
	.summary = "Show the answers that a resolver keeps",
	.text = "What was asked for last comes first. Answers of one view are never told to "
		"clients "
		"of another: it stands for who was asked, and by which gateway-group.\n\n weft dns "
		"cache rho --name example.com --below",
	.args = args,
	.options = options,
	.run = dns_cache,
};
