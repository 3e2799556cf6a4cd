// `dns log`, `dns flush`, `dns lookup`, `dns status`: what resolvers are asked, why they answer as
// they do, and how they are.
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/clean.h"
#include "base/clock.h"
#include "base/text.h"
#include "model/kinds.h"

#include "cli/call.h"
#include "cli/client.h"
#include "cli/resolvers.h"
#include "cli/resource.h"
#include "cli/show.h"
#include "cli/terminal.h"
#include "cli/value.h"
#include "cli/verb/verbs.h"

enum { FOLLOW_MS = 500, SAMPLES_MS = 3000, ROWS_MAX = 1000 };

static const char *text_of(const json_t *object, const char *field)
{
	const char *text = json_string_value(json_object_get(object, field));
	return text ? text : "";
}

// ---- log ----

// How an outcome looks: what was not answered as asked stands out.
static const char *colour_of(const char *outcome)
{
	static const char *const bad[] = { "failed", "refused", "limited" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (strcmp(outcome, bad[i]) == 0)
			return COLOUR_RED;
	return strcmp(outcome, "blocked") == 0 ? COLOUR_YELLOW : "";
}

static void add_padded(struct text *t, const char *text, int width)
{
	CLEAN(text_free) struct text clean = { 0 };
	value_add_clean(&clean, text);
	text_addf(t, "%-*s ", width, clean.data ? clean.data : "");
}

static void print_row(const struct call *call, const char *node, const json_t *row)
{
	CLEAN(text_free) struct text t = { 0 };
	const char *colour = call->is_coloured ? colour_of(text_of(row, "outcome")) : "";
	const json_t *us = json_object_get(row, "us");
	char when[32];
	add_padded(&t, show_time(text_of(row, "at"), when, sizeof(when)), 19);
	if (node)
		add_padded(&t, node, 10);
	add_padded(&t, text_of(row, "client"), 15);
	add_padded(&t, text_of(row, "type"), 5);
	text_add(&t, colour);
	add_padded(&t, text_of(row, "outcome"), 9);
	text_add(&t, *colour ? COLOUR_OFF : "");
	value_add_clean(&t, text_of(row, "name"));
	if (*text_of(row, "list")) {
		text_add(&t, "  by ");
		value_add_clean(&t, text_of(row, "list"));
	}
	if (*text_of(row, "upstream")) {
		text_add(&t, "  from ");
		value_add_clean(&t, text_of(row, "upstream"));
	}
	if (json_is_integer(us))
		text_addf(&t, "  %.1f ms", (double)json_integer_value(us) / 1000);
	fprintf(call->out, "%s\n", t.data ? t.data : "");
}

// The rows of one node since `since` (NULL: all that are kept), which then is that of the last.
static int read_rows(struct call *call, const char *node, json_t **since, json_t **ret_rows,
		     struct err *err)
{
	CLEAN(text_free) struct text query = { 0 };
	json_auto_t *answer = NULL;
	struct client *c;
	int r = call_client(call, &c, err);
	const char *from = json_string_value(*since);
	// While it is followed nothing is left out.
	const char *limit = from ? "1000" : call_option(call, "limit");
	if (!r)
		r = resolvers_query(&query, "client", call_option(call, "client"), err);
	if (!r)
		r = resolvers_query(&query, "since", from, err);
	if (!r)
		r = resolvers_query(&query, "limit", limit, err);
	if (!r)
		r = resolvers_ask(c, node, "log", query.data ? query.data : "", &answer, err);
	if (r)
		return r;
	*ret_rows = json_incref(json_object_get(answer, "rows"));
	size_t count = json_array_size(*ret_rows);
	json_t *last = count ? json_object_get(json_array_get(*ret_rows, count - 1), "at") : NULL;
	if (last) {
		json_decref(*since);
		*since = json_incref(last);
	}
	return 0;
}

static void nap(void)
{
	const struct timespec t = { .tv_nsec = FOLLOW_MS * 1000000L };
	(void)nanosleep(&t, NULL);
}

// Prints what is new at one node.
static int print_new(struct call *call, const json_t *place, bool is_many, json_t **since,
		     struct err *err)
{
	json_auto_t *rows = NULL;
	const json_t *row;
	size_t i;
	int r = read_rows(call, text_of(place, "node"), since, &rows, err);
	json_array_foreach(rows, i, row)
	{
		CLEAN(free_ptr)
		char *line = call->format == FORMAT_JSON ? json_dumps(row, JSON_COMPACT) : NULL;
		if (line)
			fprintf(call->out, "%s\n", line);
		else
			print_row(call, is_many ? text_of(place, "node") : NULL, row);
	}
	return r;
}

static int follow(struct call *call, const json_t *places, struct err *err)
{
	const size_t count = json_array_size(places);
	CLEAN(free_ptr) json_t **since = calloc(count + 1, sizeof(json_t *));
	int r = since ? 0 : err_set(err, -ENOMEM, "out of memory");
	do {
		for (size_t i = 0; i < count && !r; i++)
			r = print_new(call, json_array_get(places, i), count > 1, &since[i], err);
		if (fflush(call->out) != 0)
			break; // nobody reads any more
		if (!r && call_has(call, "follow"))
			nap();
	} while (!r && call_has(call, "follow"));
	for (size_t i = 0; since && i < count; i++)
		json_decref(since[i]);
	return r;
}

static int dns_log(struct call *call, struct err *err)
{
	json_auto_t *places = NULL;
	struct client *c;
	long limit = 0;
	int r = call_number(call, "limit", 1, ROWS_MAX, &limit, err);
	if (!r)
		r = call_client(call, &c, err);
	if (!r)
		r = resolvers_list(c, call_arg(call, 0), &places, err);
	return r ? r : follow(call, places, err);
}

// ---- flush ----

static int flush_one(struct call *call, struct client *c, const char *node, long long *ret_dropped,
		     struct err *err)
{
	CLEAN(client_reply_done) struct client_reply reply = { 0 };
	const char *name = call_option(call, "name");
	json_auto_t *body = name ? json_pack("{s:s}", "name", name) : json_object();
	if (name && call_has(call, "below"))
		(void)json_object_set_new(body, "below", json_true());
	if (!body)
		return err_set(err, -EINVAL, "--name: is not valid UTF-8");
	int r = resource_call(c, &kinds[KIND_NODES], node, "dns/flush",
			      (struct client_request){ .method = "POST", .body = body }, &reply,
			      err);
	*ret_dropped = json_integer_value(json_object_get(reply.json, "dropped"));
	return r;
}

static int dns_flush(struct call *call, struct err *err)
{
	json_auto_t *places = NULL;
	const json_t *place;
	struct client *c;
	size_t i;
	if (call_has(call, "below") && !call_has(call, "name"))
		return err_set(err, -EINVAL, "--below: goes with --name");
	int r = call_client(call, &c, err);
	if (!r)
		r = resolvers_list(c, call_arg(call, 0), &places, err);
	json_array_foreach(places, i, place)
	{
		long long dropped = 0;
		if (r == 0)
			r = flush_one(call, c, text_of(place, "node"), &dropped, err);
		if (r == 0)
			fprintf(call->out, "%s forgot %lld answers.\n", text_of(place, "node"),
				dropped);
	}
	return r;
}

// ---- lookup ----

static int dns_lookup(struct call *call, struct err *err)
{
	static const char *const shown[][2] = { { "outcome", "outcome" },
						{ "rule", "rule" },
						{ "list", "list" },
						{ "upstream", "upstream" } };
	CLEAN(text_free) struct text query = { 0 }, t = { 0 };
	json_auto_t *answer = NULL;
	struct client *c;
	int r = call_client(call, &c, err);
	if (!r)
		r = resolvers_query(&query, "name", call_arg(call, 1), err);
	if (!r)
		r = resolvers_query(&query, "from", call_option(call, "from"), err);
	if (!r)
		r = resolvers_query(&query, "type", call_option(call, "type"), err);
	if (!r)
		r = resolvers_ask(c, call_arg(call, 0), "lookup", query.data, &answer, err);
	if (r || show_as_asked(call, answer, err, &r))
		return r;
	value_add_clean(&t, text_of(answer, "sentence"));
	// The node itself is none where the resolver has clients of its own choice.
	if (!call_option(call, "from") && strcmp(text_of(answer, "outcome"), "refused") == 0)
		text_add(&t, ": say with --from ADDRESS who would ask");
	text_add(&t, "\n");
	for (size_t i = 0; i < ARRAY_LEN(shown); i++) {
		if (!*text_of(answer, shown[i][1]))
			continue;
		text_addf(&t, "  %-9s", shown[i][0]);
		value_add_clean(&t, text_of(answer, shown[i][1]));
		text_add(&t, "\n");
	}
	return show_text(call, &t, err);
}

// ---- status ----

// {"dns": body or null, "samples": object or null, "sampled": time or null} of a node's resolver.
static json_t *state_of(struct client *c, const json_t *place)
{
	json_auto_t *observed = NULL;
	CLEAN(free_ptr) char *node = client_encode(text_of(place, "node"));
	CLEAN(free_ptr) char *key = text_format("dns/%s", text_of(place, "resolver"));
	struct err err = { 0 };
	if (!node || !key || client_get(c, &observed, &err, "/api/v1/nodes/%s/observed", node) < 0)
		client_problem_clear(c);
	const json_t *samples = json_object_get(observed, "samples");
	return json_pack("{s:O, s:O, s:O?, s:O?, s:O?}", "node", json_object_get(place, "node"),
			 "resolver", json_object_get(place, "resolver"), "dns",
			 json_object_get(json_object_get(observed, "entries"), key), "samples",
			 key ? json_object_get(samples, key) : NULL, "sampled",
			 json_object_get(observed, "sampled"));
}

static void add_count(struct table *table, const json_t *samples, const char *field)
{
	const json_t *value = json_object_get(samples, field);
	CLEAN(free_ptr)
	char *text = json_is_number(value) ? text_format("%.0f", json_number_value(value)) : NULL;
	table_cell(table, text);
}

static void add_upstreams(struct table *table, const json_t *dns)
{
	const json_t *upstreams = json_object_get(dns, "upstreams"), *one;
	size_t i, up = 0;
	// One that does not answer by some way is not up for those who leave by it.
	json_array_foreach(upstreams, i, one) up += strcmp(text_of(one, "state"), "down") != 0 &&
						    !json_array_size(json_object_get(one, "away"));
	CLEAN(free_ptr)
	char *text = i ? text_format("%zu of %zu up", up, json_array_size(upstreams)) : NULL;
	table_cell(table, text);
}

// True while it answers.
static bool add_resolver(struct table *table, const json_t *state)
{
	static const char *const counts[] = { "queries", "cached", "blocked", "failed" };
	const json_t *dns = json_object_get(state, "dns");
	const json_t *samples = json_object_get(state, "samples");
	const bool is_well = strcmp(text_of(dns, "state"), "running") == 0;
	table_cell(table, text_of(state, "node"));
	table_cell(table, text_of(state, "resolver"));
	table_cell(table, dns ? text_of(dns, "state") : "unknown");
	add_upstreams(table, dns);
	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		add_count(table, samples, counts[i]);
	table_cell(table, text_of(dns, "error"));
	table_end_row(table);
	return is_well;
}

static void add_head(struct table *table, const char *const *names)
{
	for (size_t i = 0; names[i]; i++)
		table_cell(table, names[i]);
	table_end_row(table);
}

static bool add_list(struct table *table, const json_t *list)
{
	char when[32];
	const char *at = text_of(list, "checked_at"), *error = text_of(list, "error");
	CLEAN(free_ptr)
	char *rules =
		text_format("%lld", (long long)json_integer_value(json_object_get(list, "rules")));
	CLEAN(free_ptr)
	char *bad =
		text_format("%lld", (long long)json_integer_value(json_object_get(list, "bad")));
	table_cell(table, text_of(list, "name"));
	table_cell(table, rules);
	table_cell(table, bad);
	table_cell(table, *at ? show_time(at, when, sizeof(when)) : NULL);
	table_cell(table, *text_of(list, "source") ? text_of(list, "source") : "written down");
	table_cell(table, error);
	table_end_row(table);
	return !*error;
}

static json_t *states_of(struct client *c, const json_t *places)
{
	json_t *states = json_array(), *place;
	size_t i;
	json_array_foreach(places, i, place)(void)
		json_array_append_new(states, state_of(c, place));
	return states;
}

// Whether all resolvers that run were sampled again between the two looks.
static bool is_sampled_anew(const json_t *before, const json_t *after)
{
	const json_t *one;
	size_t i;
	json_array_foreach(after, i, one)
	{
		const json_t *old = json_array_get(before, i);
		if (json_is_object(json_object_get(one, "dns")) &&
		    json_equal(json_object_get(old, "sampled"), json_object_get(one, "sampled")))
			return false;
	}
	return true;
}

// Nodes count for those who look: the first look makes them tell, and is too early itself.
static int read_states(struct client *c, json_t **ret_states, struct err *err)
{
	json_auto_t *places = NULL;
	const int64_t until = clock_mono_ms() + SAMPLES_MS;
	int r = resolvers_list(c, NULL, &places, err);
	if (r)
		return r;
	json_auto_t *first = states_of(c, places);
	*ret_states = json_incref(first);
	while (!is_sampled_anew(first, *ret_states) && clock_mono_ms() < until) {
		nap();
		json_decref(*ret_states);
		*ret_states = states_of(c, places);
	}
	return 0;
}

static int read_lists(struct client *c, json_t *lists, struct err *err)
{
	json_auto_t *items = NULL;
	const json_t *item;
	size_t i;
	int r = client_list(c, "/api/v1/domain-lists", NULL, 0, &items, err);
	json_array_foreach(items, i, item)
	{
		json_auto_t *status = NULL;
		if (r == 0)
			r = client_get(c, &status, err, "/api/v1/domain-lists/%s/status",
				       text_of(item, "name"));
		(void)json_object_set(status, "name", json_object_get(item, "name"));
		(void)json_array_append(lists, status);
	}
	return r;
}

static int print_status(const struct call *call, const json_t *whole, bool *ret_is_well,
			struct err *err)
{
	static const char *const resolver_head[] = { "NODE",    "RESOLVER", "STATE",   "UPSTREAMS",
						     "QUERIES", "CACHED",   "BLOCKED", "FAILED",
						     "ERROR",   NULL };
	static const char *const list_head[] = { "LIST",   "NAMES", "BAD LINES", "READ",
						 "SOURCE", "ERROR", NULL };
	CLEAN(table_done) struct table resolvers = { 0 }, lists = { 0 };
	const json_t *one;
	size_t i;
	add_head(&resolvers, resolver_head);
	json_array_foreach(json_object_get(whole, "resolvers"), i, one) *ret_is_well =
		add_resolver(&resolvers, one) && *ret_is_well;
	add_head(&lists, list_head);
	json_array_foreach(json_object_get(whole, "lists"), i, one) *ret_is_well =
		add_list(&lists, one) && *ret_is_well;
	int r = show_table(call, &resolvers, err);
	if (r || lists.n_rows < 2)
		return r;
	fprintf(call->out, "\n");
	return show_table(call, &lists, err);
}

static int dns_status(struct call *call, struct err *err)
{
	json_auto_t *states = NULL, *lists = json_array();
	bool is_well = true;
	struct client *c;
	int r = call_client(call, &c, err);
	if (!r)
		r = read_states(c, &states, err);
	if (!r)
		r = read_lists(c, lists, err);
	if (r)
		return r;
	json_auto_t *whole = json_pack("{s:O, s:O}", "resolvers", states, "lists", lists);
	if (!show_as_asked(call, whole, err, &r))
		r = print_status(call, whole, &is_well, err);
	return r ? r : is_well ? CLI_DONE : CLI_FAILED;
}

// ---- rows ----

static const struct verb_arg node_args[] = {
	{ .name = "NODE",
	  .word = WORD_NODE,
	  .help = "The node whose resolver it is, all if not given",
	  .is_optional = true },
	{ 0 },
};

static const struct verb_option log_options[] = {
	{ .name = "client", .value = "ADDRESS", .help = "Only what this client asked" },
	{ .name = "follow", .letter = 'f', .help = "Go on with what is asked from now on" },
	{ .name = "limit",
	  .value = "N",
	  .help = "Most rows of a node, the newest, 100 if not given" },
	{ 0 },
};

const struct verb verb_dns_log = {
	.name = "dns log",
	.summary = "Show what resolvers were asked lately, and what became of it",
	.text = "A resolver remembers questions as far as its `log` says: `off`, `blocked`, `all`. "
		"It keeps them in memory only.\n\n weft dns log rho --client 10.1.0.7 -f",
	.args = node_args,
	.options = log_options,
	.run = dns_log,
};

static const struct verb_option flush_options[] = {
	{ .name = "name", .value = "NAME", .help = "Only answers of this name" },
	{ .name = "below", .help = "And of every name below it" },
	{ 0 },
};

const struct verb verb_dns_flush = {
	.name = "dns flush",
	.summary = "Have resolvers forget answers that they keep",
	.text = " weft dns flush rho --name example.com --below",
	.args = node_args,
	.options = flush_options,
	.run = dns_flush,
};

static const struct verb_arg lookup_args[] = {
	{ .name = "NODE", .word = WORD_NODE, .help = "The node whose resolver it is" },
	{ .name = "NAME", .word = WORD_ANY, .help = "The name asked for" },
	{ 0 },
};

static const struct verb_option lookup_options[] = {
	{ .name = "from",
	  .value = "ADDRESS",
	  .help = "Who would ask, the node itself if not given" },
	{ .name = "type", .value = "TYPE", .help = "The type of record, A if not given" },
	{ 0 },
};

const struct verb verb_dns_lookup = {
	.name = "dns lookup",
	.summary = "Say what a resolver would do with a question, and why",
	.text = "Nobody else is asked, and nothing is counted.\n\n weft dns lookup rho ads.example "
		"--from 10.1.0.7",
	.args = lookup_args,
	.options = lookup_options,
	.run = dns_lookup,
};

const struct verb verb_dns_status = {
	.name = "dns status",
	.summary = "Show resolvers and domain lists, and what is wrong with them",
	.text = "Exits 1 while one of them is not well.",
	.run = dns_status,
};
