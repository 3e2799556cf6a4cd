// The rails of routed segments: what a node may send on its wires, what may come by them, and what
// may pass through it.
//
// A path leads through one other node at most. So what arrives by a wire and leaves by another must
// be from the node at the wire's other end itself; what arrives and stays may be from any node of
// the segment but this one.
#include <stdlib.h>
#include <string.h>

#include "reconcile/guard_text.h"

static bool is_part(const struct guard *g, enum guard_part part, const char *router)
{
	return g->part == part && strcmp(g->router, router) == 0;
}

// "{ "wv1", "wv2" }", empty when the segment has no wire here.
static void add_wires(struct text *out, const struct guards *g, const char *router)
{
	const char *separator = "{ ";

	for (size_t i = 0; i < g->len; i++) {
		if (!is_part(g->items[i], GUARD_SENDER, router) || !g->items[i]->device[0])
			continue;
		text_addf(out, "%s\"%s\"", separator, g->items[i]->device);
		separator = ", ";
	}
	if (*separator == ',')
		text_add(out, " }");
}

// What the others may send from; false without memory. The prefixes stay theirs.
static bool gather_others(const struct guards *g, const char *router, struct prefix_list *ret)
{
	size_t len = 0;

	for (size_t i = 0; i < g->len; i++)
		len += is_part(g->items[i], GUARD_SENDER, router) ? g->items[i]->prefixes.len : 0;
	ret->items = calloc(len + 1, sizeof *ret->items);
	ret->len = 0;
	for (size_t i = 0; ret->items && i < g->len; i++) {
		const struct prefix_list *list = &g->items[i]->prefixes;

		for (size_t p = 0; is_part(g->items[i], GUARD_SENDER, router) && p < list->len; p++)
			ret->items[ret->len++] = list->items[p];
	}
	return ret->items != NULL;
}

// (wire, prefix) of every node at the other end of one.
void guard_routed_set(struct text *out, const struct guards *g, int family)
{
	bool any = false;

	for (size_t i = 0; i < g->len; i++) {
		const struct guard *s = g->items[i];

		for (size_t p = 0; s->part == GUARD_SENDER && s->device[0] && p < s->prefixes.len;
		     p++) {
			if (s->prefixes.items[p].ip.family != guard_family_number[family] ||
			    guard_is_covered(&s->prefixes, p))
				continue;
			if (!any)
				text_addf(out,
					  "\tset senders%s {\n\t\ttypeof iifname . %s saddr\n"
					  "\t\tflags interval\n\t\telements = {",
					  family ? "6" : "4", guard_family_name[family]);
			text_addf(out, "%s \"%s\" . ", any ? "," : "", s->device);
			guard_add_prefix(out, &s->prefixes.items[p]);
			any = true;
		}
	}
	if (any)
		text_add(out, " }\n\t}\n");
}

static bool has_sender(const struct guards *g, int family)
{
	for (size_t i = 0; i < g->len; i++)
		for (size_t p = 0; p < g->items[i]->prefixes.len; p++)
			if (g->items[i]->part == GUARD_SENDER && g->items[i]->device[0] &&
			    g->items[i]->prefixes.items[p].ip.family == guard_family_number[family])
				return true;
	return false;
}

enum chain { CHAIN_OUTPUT, CHAIN_FORWARDED, CHAIN_INPUT, CHAIN_THROUGH, CHAINS };

static void add_rules(struct text *out, const struct guards *g, const struct guard *router,
		      const char *wires, enum chain chain)
{
	CLEAN(prefix_list_done) struct prefix_list others = { 0 };
	CLEAN(text_free) struct text match = { 0 };

	out->failed = out->failed || !gather_others(g, router->router, &others);
	if (chain == CHAIN_OUTPUT)
		text_addf(&match, "oifname %s", wires);
	else if (chain == CHAIN_FORWARDED)
		text_addf(&match, "meta iif != 0 iifname != %s oifname %s", wires, wires);
	else
		text_addf(&match, "iifname %s", wires);
	if (chain == CHAIN_THROUGH)
		text_addf(out, "\t\tiifname %s oifname %s goto routed_passing\n", wires, wires);
	out->failed = out->failed || match.failed;
	if (out->failed)
		return;
	if (chain == CHAIN_OUTPUT || chain == CHAIN_FORWARDED)
		guard_add_foreign_source(out, match.data, &router->prefixes, true, "spoof_out");
	else
		guard_add_foreign_source(out, match.data, &others, true, "spoof_in");
}

static void add_chain(struct text *out, const struct guards *g, enum chain chain)
{
	for (size_t i = 0; i < g->len; i++) {
		CLEAN(text_free) struct text wires = { 0 };

		if (g->items[i]->part != GUARD_ROUTER)
			continue;
		add_wires(&wires, g, g->items[i]->router);
		out->failed = out->failed || wires.failed;
		if (wires.len)
			add_rules(out, g, g->items[i], wires.data, chain);
	}
	text_add(out, "\t}\n");
}

void guard_routed_chains(struct text *out, const struct guards *g)
{
	static const struct {
		const char *name, *hook, *priority;
	} chains[CHAINS] = {
		[CHAIN_OUTPUT] = { "routed_output", "output", GUARD_PRIORITY },
		[CHAIN_FORWARDED] = { "routed_forwarded", "postrouting", GUARD_PRIORITY_POSTNAT },
		[CHAIN_INPUT] = { "routed_input", "input", GUARD_PRIORITY },
		[CHAIN_THROUGH] = { "routed_through", "forward", GUARD_PRIORITY },
	};

	// Most hosts have none, and no use for empty chains.
	if (!has_sender(g, 0) && !has_sender(g, 1))
		return;
	text_add(out, "\tchain routed_passing {\n");
	for (int family = 0; family < 2; family++)
		if (has_sender(g, family))
			text_addf(out, "\t\tiifname . %s saddr @senders%s accept\n",
				  guard_family_name[family], family ? "6" : "4");
	text_add(out, "\t\tcounter name spoof_in drop\n\t}\n");
	for (int i = 0; i < CHAINS; i++) {
		guard_open_chain(out, chains[i].name, chains[i].hook, chains[i].priority);
		add_chain(out, g, (enum chain)i);
	}
}
