// `explain`: which rule sends a flow where, and why not another.
#include <errno.h>
#include <string.h>

#include "base/clean.h"
#include "base/text.h"

#include "cli/call.h"
#include "cli/client.h"
#include "cli/resolvers.h"
#include "cli/show.h"
#include "cli/terminal.h"
#include "cli/value.h"
#include "cli/verb/verbs.h"

struct page {
	struct text text;
	bool is_coloured;
};

static const char *text_of(const json_t *object, const char *field)
{
	const char *text = json_string_value(json_object_get(object, field));
	return text ? text : "";
}

static void add(struct page *p, const char *colour, const char *text)
{
	text_add(&p->text, p->is_coloured ? colour : "");
	value_add_clean(&p->text, text);
	text_add(&p->text, p->is_coloured && *colour ? COLOUR_OFF : "");
}

static void add_padded(struct page *p, const char *colour, const char *text, size_t width)
{
	add(p, colour, text);
	text_addf(&p->text, "%*s", strlen(text) < width ? (int)(width - strlen(text)) + 2 : 2, "");
}

static void add_head(struct page *p, const char *what, const char *of)
{
	text_add(&p->text, "\n");
	add(p, COLOUR_BOLD, what);
	if (*of) {
		text_add(&p->text, p->is_coloured ? COLOUR_BOLD " " : " ");
		add(p, COLOUR_BOLD, of);
	}
	text_add(&p->text, "\n");
}

// "→ " before what it is, in its colour.
static const char *mark(struct page *p, bool is_it)
{
	text_add(&p->text, is_it ? "→ " : "  ");
	return is_it ? COLOUR_GREEN : "";
}

// As many columns as the longest of a field takes.
static size_t widest(const json_t *list, const char *field)
{
	const json_t *one;
	size_t i, most = 0;
	json_array_foreach(list, i, one)
	{
		const size_t len = strlen(text_of(one, field));
		most = len > most ? len : most;
	}
	return most;
}

// ---- rules ----

// "1.2 MB"
static void add_bytes(struct page *p, double bytes)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB" };
	size_t unit = 0;
	for (; bytes >= 1000 && unit + 1 < ARRAY_LEN(units); unit++)
		bytes /= 1000;
	text_addf(&p->text, unit ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
}

static void add_counts(struct page *p, const json_t *rule)
{
	const json_t *flows = json_object_get(rule, "flows");
	if (!json_is_integer(flows))
		return;
	text_addf(&p->text, "  (%lld flows, ", (long long)json_integer_value(flows));
	add_bytes(p, json_number_value(json_object_get(rule, "bytes")));
	text_add(&p->text, ")");
}

static void add_rules(struct page *p, const json_t *answer)
{
	const json_t *policy = json_object_get(answer, "policy"), *rule;
	size_t i;
	if (!json_is_object(policy))
		return;
	add_head(p, "Rules of policy", text_of(policy, "name"));
	text_add(&p->text, "  for ");
	add(p, "", text_of(policy, "from"));
	text_add(&p->text, "\n");
	json_array_foreach(json_object_get(answer, "rules"), i, rule)
	{
		const char *colour = mark(p, json_is_true(json_object_get(rule, "decides")));
		text_addf(&p->text, "%lld ",
			  (long long)json_integer_value(json_object_get(rule, "number")));
		add(p, colour, text_of(rule, "text"));
		add_counts(p, rule);
		text_add(&p->text, "\n      ");
		add(p, *colour ? colour : COLOUR_DIM, text_of(rule, "sentence"));
		text_add(&p->text, "\n");
	}
}

// ---- the rest ----

static void add_list(struct page *p, const char *what, const json_t *items)
{
	const json_t *item;
	size_t i;
	if (json_array_size(items) == 0)
		return;
	text_addf(&p->text, "  %s ", what);
	json_array_foreach(items, i, item)
	{
		text_add(&p->text, i ? ", " : "");
		value_add_clean(&p->text, json_is_string(item) ? json_string_value(item) : "?");
	}
	text_add(&p->text, "\n");
}

static void add_dns(struct page *p, const json_t *answer)
{
	const json_t *dns = json_object_get(answer, "dns");
	if (!json_is_object(dns))
		return;
	add_head(p, "DNS", "");
	text_add(&p->text, "  ");
	add(p, "", text_of(dns, "sentence"));
	text_add(&p->text, "\n");
	add_list(p, "its lists:", json_object_get(dns, "lists"));
	if (*text_of(dns, "view")) {
		text_add(&p->text, "  its question leaves by gateway-group ");
		add(p, "", text_of(dns, "view"));
		text_add(&p->text, "\n");
	}
	add_list(p, "who is asked:", json_object_get(dns, "upstreams"));
}

static const char *colour_of_state(const char *state)
{
	if (strcmp(state, "learned") == 0 || strcmp(state, "up") == 0)
		return COLOUR_GREEN;
	if (strcmp(state, "down") == 0)
		return COLOUR_RED;
	return COLOUR_YELLOW;
}

static void add_names(struct page *p, const json_t *address)
{
	const json_t *name;
	size_t i;
	json_array_foreach(json_object_get(address, "names"), i, name)
	{
		text_add(&p->text, "      it is an address of ");
		add(p, "", text_of(name, "name"));
		text_add(&p->text, "\n");
	}
}

static void add_addresses(struct page *p, const json_t *answer)
{
	const json_t *list = json_object_get(answer, "addresses"), *one;
	const size_t width = widest(list, "address");
	size_t i;
	add_head(p, "Addresses", "");
	if (json_array_size(list) == 0)
		text_add(&p->text, "  none of the name is known to the node\n");
	json_array_foreach(list, i, one)
	{
		const json_t *rule = json_object_get(one, "rule");
		text_add(&p->text, "  ");
		add_padded(p, "", text_of(one, "address"), width);
		add_padded(p, colour_of_state(text_of(one, "state")), text_of(one, "state"), 7);
		if (rule)
			text_addf(&p->text, "rule %lld", (long long)json_integer_value(rule));
		else
			text_add(&p->text, "no rule");
		text_add(&p->text, "\n      ");
		add(p, COLOUR_DIM, text_of(one, "sentence"));
		text_add(&p->text, "\n");
		add_names(p, one);
		text_add(&p->text, "      ");
		add(p, "", text_of(json_object_get(one, "route"), "sentence"));
		text_add(&p->text, "\n");
	}
}

static void add_gateways(struct page *p, const json_t *answer)
{
	const json_t *group = json_object_get(answer, "group");
	const json_t *list = json_object_get(group, "gateways"), *one;
	const size_t width = widest(list, "name");
	size_t i;
	if (!json_is_object(group))
		return;
	add_head(p, "Gateways of", text_of(group, "name"));
	json_array_foreach(list, i, one)
	{
		const char *colour = mark(p, json_is_true(json_object_get(one, "in_use")));
		add_padded(p, colour, text_of(one, "name"), width);
		add_padded(p, colour_of_state(text_of(one, "state")), text_of(one, "state"), 8);
		add(p, "", text_of(one, "sentence"));
		if (*text_of(one, "by")) {
			text_add(&p->text, "\n      ");
			add(p, COLOUR_DIM, text_of(one, "by"));
		}
		text_add(&p->text, "\n");
	}
	if (!json_object_get(group, "gateway") || json_is_null(json_object_get(group, "gateway")))
		text_addf(&p->text, "  none is in use: %s\n",
			  strcmp(text_of(group, "otherwise"), "direct") == 0
				  ? "flows go the host's own way"
				  : "nothing passes");
}

static void add_verdict(struct page *p, const json_t *answer, const char *to)
{
	add(p, COLOUR_BOLD, text_of(answer, "sentence"));
	text_add(&p->text, "\n  ");
	add(p, "", text_of(answer, "client"));
	text_add(&p->text, " to ");
	add(p, "", *text_of(answer, "name") ? text_of(answer, "name") : to);
	text_addf(&p->text, ", %s/%lld\n  asked: ", text_of(answer, "protocol"),
		  (long long)json_integer_value(json_object_get(answer, "port")));
	add(p, "", text_of(answer, "asked"));
	text_add(&p->text, "\n");
}

static int explain(struct call *call, struct err *err)
{
	CLEAN(text_free) struct text query = { 0 };
	json_auto_t *answer = NULL;
	struct client *c;
	long port = 0;
	int r = call_number(call, "port", 1, 65535, &port, err);
	if (!r)
		r = call_client(call, &c, err);
	if (!r)
		r = resolvers_query(&query, "from", call_option(call, "from"), err);
	if (!r)
		r = resolvers_query(&query, "to", call_option(call, "to"), err);
	if (!r)
		r = resolvers_query(&query, "port", call_option(call, "port"), err);
	if (!r)
		r = resolvers_query(&query, "proto", call_option(call, "proto"), err);
	if (!r)
		r = client_get(c, &answer, err, "/api/v1/explain%s", query.data);
	if (r || show_as_asked(call, answer, err, &r))
		return r;
	struct page page = { .is_coloured = call->is_coloured };
	add_verdict(&page, answer, call_option(call, "to"));
	add_rules(&page, answer);
	add_dns(&page, answer);
	add_addresses(&page, answer);
	add_gateways(&page, answer);
	r = show_text(call, &page.text, err);
	text_free(&page.text);
	return r;
}

static const struct verb_option options[] = {
	{ .name = "from", .value = "CLIENT", .help = "The client's address", .is_required = true },
	{ .name = "to",
	  .value = "NAME|ADDRESS[:PORT]",
	  .help = "Where it wants to go",
	  .is_required = true },
	{ .name = "port", .value = "PORT", .help = "The port, 443 if not given" },
	{ .name = "proto",
	  .value = "PROTO",
	  .choices = "tcp|udp",
	  .help = "tcp, if not given, or udp" },
	{ 0 },
};

const struct verb verb_explain = {
	.name = "explain",
	.summary = "Say why a client's flow leaves where it does",
	.text = "The node that the client is behind is asked: which policy and rule decide and why "
		"no other does, what it knows of the name's addresses, by which gateway the flow "
		"leaves and why by no other, what the kernel's routes say, and how much each rule "
		"has "
		"counted. Nothing is changed, and nobody else is asked.\n\n weft explain --from "
		"10.1.0.7 --to www.netflix.com\n weft explain --from fd00:1::7 --to "
		"[2001:db8::1]:443 --proto udp",
	.options = options,
	.run = explain,
};
