#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/clean.h"
#include "base/text.h"
#include "model/json.h"

#include "cli/call.h"
#include "cli/client.h"
#include "cli/show.h"
#include "cli/spark.h"
#include "cli/verb/verbs.h"

enum { FIGURES_TRIES = 9, FIGURES_PAUSE_MS = 500, SPARK_COLUMNS = 60 };

static const char *text_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));
	return s ? s : "";
}

// ---- figures for people ----

typedef void figure_fn(double value, char ret[32]);

static void say_span(double us, char ret[32])
{
	if (us >= 999500)
		(void)snprintf(ret, 32, "%.2f s", us / 1e6);
	else
		(void)snprintf(ret, 32, "%.*f ms", us < 9995 ? 2 : us < 99950 ? 1 : 0, us / 1000);
}

static void say_share(double part, char ret[32])
{
	(void)snprintf(ret, 32, "%.*f %%", part > 0 && part < 0.0995 ? 1 : 0, part * 100);
}

static void say_rate(double bps, char ret[32])
{
	static const char *const units[] = { "bit/s", "kbit/s", "Mbit/s", "Gbit/s" };
	size_t unit = 0;
	for (; bps >= 999.5 && unit + 1 < ARRAY_LEN(units); unit++)
		bps /= 1000;
	(void)snprintf(ret, 32, "%.*f %s", unit == 0 || bps >= 99.95 ? 0 : 1, bps, units[unit]);
}

// ---- all links ----

static bool lacks_figures(const json_t *links)
{
	size_t at;
	const json_t *link;
	json_array_foreach(links, at, link)
	{
		if (strcmp(text_of(link, "state"), "up") == 0 &&
		    !json_is_number(json_object_get(link, "rtt_us")))
			return true;
	}
	return false;
}

// Nodes send figures only while somebody asks: the first answer may have none yet.
static int read_links(struct client *c, json_t **ret_topology, struct err *err)
{
	const struct timespec pause = { 0, FIGURES_PAUSE_MS * 1000000L };
	for (int i = 0;; i++) {
		json_auto_t *topology = NULL;
		int r = client_get(c, &topology, err, "/api/v1/topology?figures=true");
		if (r)
			return r;
		if (i == FIGURES_TRIES || !lacks_figures(json_object_get(topology, "links"))) {
			*ret_topology = json_incref(topology);
			return 0;
		}
		(void)nanosleep(&pause, NULL);
	}
}

static void add_figure(struct table *table, const json_t *value, figure_fn *say)
{
	char text[32] = "";
	if (json_is_number(value))
		say(json_number_value(value), text);
	table_cell(table, text);
}

static bool is_of(const json_t *link, const char *node)
{
	return !node || strcmp(text_of(link, "a"), node) == 0 ||
	       strcmp(text_of(link, "b"), node) == 0;
}

static json_t *links_of(const json_t *topology, const char *node)
{
	size_t at;
	json_t *link;
	json_t *links = json_array();
	json_array_foreach(json_object_get(topology, "links"), at, link)
	{
		if (is_of(link, node))
			(void)json_array_append(links, link);
	}
	json_array_foreach(json_object_get(topology, "external"), at, link)
	{
		if (!node || strcmp(text_of(link, "node"), node) == 0)
			(void)json_array_append(links, link);
	}
	return links;
}

static int show_links(const struct call *call, const json_t *links, struct err *err)
{
	static const char *const heads[] = { "LINK", "NETWORK", "STATE", "RTT", "JITTER", "LOSS" };
	CLEAN(table_done) struct table table = { 0 };
	size_t at;
	const json_t *link;
	if (json_array_size(links) == 0) {
		fprintf(stderr, "There are no links.\n");
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(heads); i++)
		table_cell(&table, heads[i]);
	table_end_row(&table);
	json_array_foreach(links, at, link)
	{
		const bool is_external = json_object_get(link, "node");
		CLEAN(free_ptr)
		char *name = text_format("%s - %s", text_of(link, is_external ? "node" : "a"),
					 text_of(link, is_external ? "name" : "b"));
		table_cell(&table, name);
		table_cell(&table, is_external ? "(external)" : text_of(link, "network"));
		table_cell(&table, text_of(link, "state"));
		add_figure(&table, json_object_get(link, "rtt_us"), say_span);
		add_figure(&table, json_object_get(link, "jitter_us"), say_span);
		add_figure(&table, json_object_get(link, "loss"), say_share);
		table_end_row(&table);
	}
	return show_table(call, &table, err);
}

// ---- one link ----

static double highest(const json_t *values)
{
	double most = 0;
	size_t at;
	const json_t *value;
	json_array_foreach(values, at, value)
	{
		if (json_number_value(value) > most)
			most = json_number_value(value);
	}
	return most;
}

static void add_row(struct table *table, const json_t *history, const char *const names[3],
		    figure_fn *say)
{
	const json_t *values = json_object_get(json_object_get(history, "slots"), names[0]);
	const json_t *limit = json_object_get(json_object_get(history, "sla"), names[2]);
	const double most = highest(values);
	CLEAN(text_free) struct text bars = { 0 };
	char text[32];
	spark_add(&bars, values, SPARK_COLUMNS, most);
	say(most, text);
	table_cell(table, names[1]);
	table_cell(table, bars.data);
	table_cell(table, text);
	add_figure(table, limit, say);
	table_end_row(table);
}

static int show_history(struct call *call, const json_t *history, struct err *err)
{
	static const struct {
		const char *names[3]; // the column, its word, the limit
		figure_fn *say;
	} rows[] = {
		{ { "rtt_max_us", "round trip", "latency_us" }, say_span },
		{ { "jitter_us", "jitter", "jitter_us" }, say_span },
		{ { "loss", "loss", "loss" }, say_share },
		{ { "rx_bps", "received", "" }, say_rate },
		{ { "tx_bps", "sent", "" }, say_rate },
	};
	CLEAN(table_done) struct table table = { 0 };
	const bool is_day = strcmp(text_of(history, "span"), "24h") == 0;
	table_cell(&table, "MEASURE");
	table_cell(&table, is_day ? "LAST 24 HOURS, HIGHEST OF EACH 24 MIN"
				  : "LAST HOUR, HIGHEST OF EACH MINUTE");
	table_cell(&table, "HIGHEST");
	table_cell(&table, "SLA");
	table_end_row(&table);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		add_row(&table, history, rows[i].names, rows[i].say);
	return show_table(call, &table, err);
}

static const char *network_between(const json_t *topology, const char *node, const char *peer)
{
	size_t at;
	const json_t *link;
	json_array_foreach(json_object_get(topology, "links"), at, link)
	{
		if (is_of(link, node) && is_of(link, peer))
			return text_of(link, "network");
	}
	return NULL;
}

static int one_link(struct call *call, struct client *c, struct err *err)
{
	const char *node = call_arg(call, 0), *peer = call_arg(call, 1);
	const char *span = call_option(call, "span");
	json_auto_t *topology = NULL;
	json_auto_t *history = NULL;
	int r = client_get(c, &topology, err, "/api/v1/topology");
	const char *network = r ? NULL : network_between(topology, node, peer);
	if (!r && !network)
		return err_set(err, -ENOENT, "%s and %s have no link of their own", node, peer);
	if (!r)
		r = client_get(c, &history, err, "/api/v1/nodes/%s/history?link=%s/%s&span=%s",
			       node, network, peer, span ? span : "1h");
	if (r || show_as_asked(call, history, err, &r))
		return r;
	return show_history(call, history, err);
}

static int links(struct call *call, struct err *err)
{
	struct client *c;
	json_auto_t *topology = NULL;
	int r = call_client(call, &c, err);
	if (r)
		return r;
	if (call_arg(call, 1))
		return one_link(call, c, err);
	if (call_has(call, "span")) {
		(void)err_set(err, -EINVAL, "--span goes with the two ends of a link");
		return CLI_USAGE;
	}
	r = read_links(c, &topology, err);
	if (r)
		return r;
	json_auto_t *found = links_of(topology, call_arg(call, 0));
	return show_as_asked(call, found, err, &r) ? r : show_links(call, found, err);
}

static const struct verb_arg args[] = {
	{ .name = "NODE", .word = WORD_NODE, .is_optional = true, .help = "Only its links" },
	{ .name = "PEER",
	  .word = WORD_NODE,
	  .is_optional = true,
	  .help = "Only the link to this one, as NODE remembers it" },
	{ 0 },
};

static const struct verb_option options[] = {
	{ .name = "span",
	  .value = "TIME",
	  .word = WORD_CHOICE,
	  .choices = "1h|24h",
	  .help = "How much of a link's past, 1h if not given" },
	{ 0 },
};

const struct verb verb_links = {
	.name = "links",
	.summary = "Show how the links are: state, round trip, jitter, loss",
	.text = "The figures are the worse of what both ends measure now. External links, which\n"
		"Weft only watches, stand with the node that does.\n"
		"\n"
		" weft links rho\n"
		" weft links rho bob --span 24h",
	.args = args,
	.options = options,
	.run = links,
};
