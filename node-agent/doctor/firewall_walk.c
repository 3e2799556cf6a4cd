#include "doctor/firewall_walk.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/clean.h"

#include "doctor/firewall_match.h"

enum { DEPTH_MAX = 32 };

struct walk {
	const json_t *objects;
	enum walk_hook hook;
	const struct walk_packet *packet;
	bool may_accept; // a rule that may match would have accepted
};

struct chain {
	const char *family;
	const char *table;
	const char *name;
};

// How a chain or a rule ends.
enum ending {
	END_NONE,   // went through
	END_RETURN, // back to the caller
	END_ACCEPT,
	END_DROP,
};

static enum ending walk_chain(struct walk *w, const struct chain *chain, int depth);

static const char *word_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static enum ending call(struct walk *w, const struct chain *from, const json_t *to, int depth)
{
	const struct chain chain = { from->family, from->table, word_of(to, "target") };
	const enum ending end = walk_chain(w, &chain, depth + 1);

	return end == END_RETURN ? END_NONE : end;
}

// What a statement that ends a rule does, or END_NONE for one that does not.
static enum ending verdict(struct walk *w, const struct chain *chain, const json_t *statement,
			   int depth)
{
	const json_t *to;

	if (json_object_get(statement, "accept"))
		return END_ACCEPT;
	if (json_object_get(statement, "drop") || json_object_get(statement, "reject"))
		return END_DROP;
	if (json_object_get(statement, "return"))
		return END_RETURN;
	if ((to = json_object_get(statement, "jump")))
		return call(w, chain, to, depth);
	if ((to = json_object_get(statement, "goto"))) {
		const enum ending end = call(w, chain, to, depth);
		return end == END_NONE ? END_RETURN : end;
	}
	return END_NONE;
}

// A map from values to verdicts: the first value that the packet has.
static enum ending map_verdict(struct walk *w, const struct chain *chain, const json_t *map,
			       int depth)
{
	const json_t *data = json_object_get(json_object_get(map, "data"), "set");
	const json_t *pair;
	size_t i;

	json_array_foreach(data, i, pair)
	{
		const enum match m = firewall_match_value(
			json_object_get(map, "key"), json_array_get(pair, 0), w->hook, w->packet);
		if (m == MATCH_NO)
			continue;
		const enum ending end = verdict(w, chain, json_array_get(pair, 1), depth);
		if (m == MATCH_YES)
			return end;
		w->may_accept = w->may_accept || end == END_ACCEPT;
	}
	// The elements of a named map are not known.
	w->may_accept = w->may_accept || !data;
	return END_NONE;
}

// Conditions that hold for some packets of a flow but not all, or that are not understood.
static bool is_vague(const json_t *statement)
{
	static const char *const vague[] = { "limit", "quota", "xt", "queue", "ct count", "set" };

	for (size_t i = 0; i < ARRAY_LEN(vague); i++) {
		if (json_object_get(statement, vague[i]))
			return true;
	}
	return false;
}

static enum ending walk_rule(struct walk *w, const struct chain *chain, const json_t *rule,
			     int depth)
{
	enum match all = MATCH_YES;
	const json_t *statement, *part;
	size_t i;

	json_array_foreach(json_object_get(rule, "expr"), i, statement)
	{
		enum ending end = END_NONE;

		if ((part = json_object_get(statement, "match"))) {
			const enum match m = firewall_match(part, w->hook, w->packet);
			all = m < all ? m : all;
			if (all == MATCH_NO)
				return END_NONE;
		} else if (is_vague(statement)) {
			all = MATCH_MAYBE;
		} else if ((part = json_object_get(statement, "vmap"))) {
			end = map_verdict(w, chain, part, depth);
		} else {
			end = verdict(w, chain, statement, depth);
		}
		if (end == END_NONE)
			continue;
		if (all == MATCH_YES)
			return end;
		// It may accept, or leave a chain that drops further down.
		w->may_accept = w->may_accept || end != END_DROP;
		return END_NONE;
	}
	return END_NONE;
}

static enum ending walk_chain(struct walk *w, const struct chain *chain, int depth)
{
	const json_t *object, *rule;
	size_t i;

	// The kernel refuses loops and chains nested deeper than 16.
	if (depth > DEPTH_MAX)
		return END_NONE;
	json_array_foreach(w->objects, i, object)
	{
		rule = json_object_get(object, "rule");
		if (!rule || strcmp(word_of(rule, "chain"), chain->name) != 0 ||
		    strcmp(word_of(rule, "table"), chain->table) != 0 ||
		    strcmp(word_of(rule, "family"), chain->family) != 0)
			continue;
		const enum ending end = walk_rule(w, chain, rule, depth);
		if (end != END_NONE)
			return end;
	}
	return END_NONE;
}

// "weft", "weft_policy", "weft_ha_5" and so on.
static bool is_own_table(const char *name)
{
	return strncmp(name, "weft", 4) == 0 && (name[4] == '\0' || name[4] == '_');
}

static bool is_met(const json_t *chain, enum walk_hook hook, int family)
{
	const char *of = word_of(chain, "family");

	return strcmp(word_of(chain, "hook"), hook == WALK_INPUT ? "input" : "forward") == 0 &&
	       !is_own_table(word_of(chain, "table")) &&
	       (strcmp(of, "inet") == 0 || strcmp(of, family == 4 ? "ip" : "ip6") == 0);
}

void firewall_walk(const json_t *rules, enum walk_hook hook, const struct walk_packet *packet,
		   struct walk_result *ret)
{
	const json_t *objects = json_object_get(rules, "nftables");
	struct walk_result result = { .verdict = WALK_ACCEPT };
	const json_t *object;
	size_t i;

	// A packet has to pass every chain of the hook, so their order does not matter.
	json_array_foreach(objects, i, object)
	{
		const json_t *base = json_object_get(object, "chain");
		const struct chain chain = { word_of(base, "family"), word_of(base, "table"),
					     word_of(base, "name") };
		struct walk w = { .objects = objects, .hook = hook, .packet = packet };

		if (!base || !is_met(base, hook, packet->family))
			continue;
		enum ending end = walk_chain(&w, &chain, 0);
		if (end != END_ACCEPT && end != END_DROP)
			end = strcmp(word_of(base, "policy"), "drop") == 0 ? END_DROP : END_ACCEPT;
		const enum walk_verdict verdict_here = end == END_ACCEPT ? WALK_ACCEPT
						       : w.may_accept    ? WALK_UNSURE
									 : WALK_DROP;
		if (verdict_here <= result.verdict)
			continue;
		result.verdict = verdict_here;
		(void)snprintf(result.family, sizeof result.family, "%s", chain.family);
		(void)snprintf(result.table, sizeof result.table, "%s", chain.table);
		(void)snprintf(result.chain, sizeof result.chain, "%s", chain.name);
	}
	*ret = result;
}
