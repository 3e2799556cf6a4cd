// `tree`: how the spanning tree of a bridge segment runs, and how much longer its ways are.
#include <stdio.h>
#include <string.h>

#include "base/clean.h"
#include "base/text.h"
#include "model/kinds.h"

#include "cli/call.h"
#include "cli/client.h"
#include "cli/resource.h"
#include "cli/show.h"
#include "cli/value.h"
#include "cli/verb/verbs.h"

static const char *field(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

// A number with so many decimals and its unit; nothing where there is none.
static void number_cell(struct table *t, const json_t *object, const char *name, int decimals,
			const char *unit)
{
	const json_t *value = json_object_get(object, name);
	char text[32] = "";

	if (json_is_number(value))
		(void)snprintf(text, sizeof text, "%.*f%s", decimals, json_number_value(value),
			       unit);
	table_cell(t, text);
}

static void heads(struct table *t, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		table_cell(t, names[i]);
	table_end_row(t);
}

static void ends_cell(struct table *t, const json_t *object)
{
	CLEAN(text_free) struct text ends = { 0 };

	value_add_clean(&ends, field(object, "a"));
	text_add(&ends, " ");
	value_add_clean(&ends, field(object, "b"));
	table_cell(t, ends.data);
}

static int show_wires(const struct call *call, const json_t *tree, struct err *err)
{
	static const char *const names[] = { "WIRE", "STATE", "BLOCKED AT", "COST", "ROUND TRIP" };
	CLEAN(table_done) struct table t = { 0 };
	const json_t *wire;
	size_t at;

	heads(&t, names, ARRAY_LEN(names));
	json_array_foreach(json_object_get(tree, "wires"), at, wire)
	{
		ends_cell(&t, wire);
		table_cell(&t, field(wire, "state"));
		table_cell(&t, field(wire, "blocked_at"));
		number_cell(&t, wire, "cost", 0, "");
		number_cell(&t, wire, "rtt_ms", 1, " ms");
		table_end_row(&t);
	}
	return show_table(call, &t, err);
}

static void path_cell(struct table *t, const json_t *pair)
{
	CLEAN(text_free) struct text path = { 0 };
	const json_t *node;
	size_t at;

	json_array_foreach(json_object_get(pair, "path"), at, node)
	{
		text_add(&path, at ? " → " : "");
		value_add_clean(&path, json_string_value(node));
	}
	table_cell(t, path.data);
}

static int show_pairs(const struct call *call, const json_t *tree, struct err *err)
{
	static const char *const names[] = { "PAIR", "WAY", "TAKES", "OWN WIRE", "STRETCH" };
	CLEAN(table_done) struct table t = { 0 };
	const json_t *pair;
	size_t at;

	heads(&t, names, ARRAY_LEN(names));
	json_array_foreach(json_object_get(tree, "pairs"), at, pair)
	{
		ends_cell(&t, pair);
		path_cell(&t, pair);
		number_cell(&t, pair, "path_ms", 1, " ms");
		number_cell(&t, pair, "direct_ms", 1, " ms");
		number_cell(&t, pair, "stretch", 2, "");
		table_end_row(&t);
	}
	return show_table(call, &t, err);
}

static int show_roots(const struct call *call, const json_t *tree, struct err *err)
{
	static const char *const names[] = { "NODE", "ROOT PORT", "WEIGHT TO THE ROOT" };
	CLEAN(table_done) struct table t = { 0 };
	const char *root = field(tree, "root");
	const json_t *node;
	size_t at;

	heads(&t, names, ARRAY_LEN(names));
	json_array_foreach(json_object_get(tree, "nodes"), at, node)
	{
		const char *name = field(node, "name");

		table_cell(&t, name);
		table_cell(&t, root && name && strcmp(root, name) == 0 ? "(the root)"
								       : field(node, "root_port"));
		number_cell(&t, node, "root_cost", 0, "");
		table_end_row(&t);
	}
	return show_table(call, &t, err);
}

static int tree(struct call *call, struct err *err)
{
	CLEAN(client_reply_done) struct client_reply reply = { 0 };
	struct client *c;
	int r = call_client(call, &c, err);

	if (!r)
		r = resource_call(c, &kinds[KIND_SEGMENTS], call_arg(call, 0), "tree",
				  (struct client_request){ .method = "GET" }, &reply, err);
	if (r || show_as_asked(call, reply.json, err, &r))
		return r;
	r = show_roots(call, reply.json, err);
	if (!r)
		fprintf(call->out, "\n");
	if (!r)
		r = show_wires(call, reply.json, err);
	if (!r)
		fprintf(call->out, "\n");
	return r ? r : show_pairs(call, reply.json, err);
}

static const struct verb_arg args[] = {
	{ .name = "SEGMENT", .word = WORD_ANY, .help = "A segment with `mode: bridge`" },
	{ 0 },
};

const struct verb verb_tree = {
	.name = "tree",
	.summary = "Show a segment's spanning tree and the stretch of every pair",
	.text = "Who is the root, which wires are part of the tree and which are blocked, and\n"
		"for every two nodes the way through the tree, beside their own wire.",
	.args = args,
	.run = tree,
};
