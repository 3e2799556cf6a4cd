#include "reconcile/policy_rules.h"

#include <stdlib.h>
#include <string.h>

#include "model/host_numbers.h"

#include "reconcile/policy_text.h"

// Counters of what is not a rule's.
static const char *const fixed_counters[] = { "exit_foreign", "exit_refused", "unasked" };
static const char *const split_counters[] = { "no_splitter", "cut_off" };

// What no exit is for, unless its own uplink is among such addresses (RFC 1918, 3927, 4193, 6598).
static const char *const private_set[2] = {
	"{ 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16 }",
	"{ fc00::/7, fe80::/10 }",
};

#define NEIGHBOURS "\t\tip6 saddr { fe80::/10, :: } ip6 daddr { fe80::/10, ff02::/16 } accept\n"

void policy_counter_name(const struct policy *p, const struct policy_rule *rule, bool of_flows,
			 char ret[POLICY_COUNTER_SIZE])
{
	(void)snprintf(ret, POLICY_COUNTER_SIZE, "p%ur%u%s", p->id, rule->id,
		       of_flows ? "flows" : "");
}

// `{ "a", "b" }`
static void add_devices(struct text *out, const char *const *devices, size_t len)
{
	for (size_t i = 0; i < len; i++)
		text_addf(out, "%s\"%s\"", i ? ", " : "{ ", devices[i]);
	text_add(out, " }");
}

// ---- marks ----

struct marks {
	uint32_t *items;
	size_t len;
};

static int order_marks(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

// Those of the policies' rules, each once; false without memory.
static bool gather_marks(const struct policy_table *t, struct marks *ret)
{
	size_t len = 0, kept = 0;

	for (size_t i = 0; i < t->policies_len; i++)
		len += t->policies[i]->rules_len;
	ret->items = calloc(len + 1, sizeof *ret->items);
	ret->len = 0;
	if (!ret->items)
		return false;
	// What was looked into and is no rule's.
	if (policy_has_split(t))
		ret->items[ret->len++] = t->marks.direct;
	for (size_t i = 0; i < t->policies_len; i++)
		for (size_t k = 0; k < t->policies[i]->rules_len; k++)
			ret->items[ret->len++] = t->policies[i]->rules[k].mark;
	qsort(ret->items, ret->len, sizeof *ret->items, order_marks);
	for (size_t i = 0; i < ret->len; i++)
		if (i == 0 || ret->items[i] != ret->items[i - 1])
			ret->items[kept++] = ret->items[i];
	ret->len = kept;
	return true;
}

static void add_take_chain(struct text *out, const struct policy_table *t, uint32_t mark)
{
	text_addf(out,
		  "\tchain take_%08x {\n\t\tmeta mark set meta mark & 0x%08x | 0x%08x accept\n"
		  "\t}\n",
		  mark, ~t->marks.mask, mark);
}

// `passed`: connections that no rule was for, too.
static void add_take_map(struct text *out, const struct policy_table *t, const struct marks *marks,
			 bool passed)
{
	if (!marks->len)
		return;
	text_addf(out, "\t\tct mark & 0x%08x vmap {", t->marks.mask);
	for (size_t i = 0; i < marks->len; i++)
		text_addf(out, "%s 0x%08x : goto take_%08x", i ? "," : "", marks->items[i],
			  marks->items[i]);
	if (passed)
		text_addf(out, ", 0x%08x : accept", t->marks.passed);
	text_add(out, " }\n");
}

// ---- policies ----

// `ip daddr { … } `; false: nothing of this family is meant.
static bool add_prefixes(struct text *out, const char *field, const struct prefix_list *list,
			 int family)
{
	CLEAN(text_free) struct text set = { 0 };

	for (size_t i = 0; i < list->len; i++)
		if (list->items[i].len == 0 &&
		    list->items[i].ip.family == guard_family_number[family]) {
			text_addf(out, "meta nfproto ipv%d ", family ? 6 : 4);
			return true;
		}
	if (!guard_add_set(&set, list, guard_family_number[family], NULL))
		return false;
	out->failed = out->failed || set.failed;
	if (!out->failed)
		text_addf(out, "%s %s %s ", guard_family_name[family], field, set.data);
	return true;
}

static void add_verdict(struct text *out, const struct policy *p, const struct policy_rule *rule)
{
	char name[POLICY_COUNTER_SIZE];

	policy_counter_name(p, rule, true, name);
	text_addf(out, "counter name \"%s\" ct mark set ct mark & 0x%08x | 0x%08x goto take_%08x\n",
		  name, ~p->marks.flow, rule->mark | policy_rule_bits(&p->marks, p->id, rule->slot),
		  rule->mark);
}

static void add_matches(struct text *out, const struct policy *p, const struct policy_rule *rule,
			const char *to)
{
	for (int udp = 0; udp < 2 && rule->ports_len; udp++) {
		CLEAN(text_free) struct text match = { 0 };

		policy_add_ports(&match, rule->ports, rule->ports_len, udp == 1);
		out->failed = out->failed || match.failed;
		if (!match.len)
			continue;
		text_addf(out, "\t\t%s%s", to, match.data);
		add_verdict(out, p, rule);
	}
	if (!rule->ports_len) {
		text_addf(out, "\t\t%s", to);
		add_verdict(out, p, rule);
	}
}

static void add_rule(struct text *out, const struct policy *p, const struct policy_rule *rule)
{
	if (!rule->to.len && !rule->lists_len)
		add_matches(out, p, rule, "");
	for (int family = 0; family < 2; family++) {
		CLEAN(text_free) struct text to = { 0 };
		char set[48];

		if (rule->to.len && add_prefixes(&to, "daddr", &rule->to, family) && !to.failed)
			add_matches(out, p, rule, to.data);
		out->failed = out->failed || to.failed;
		for (size_t i = 0; i < rule->lists_len; i++) {
			(void)snprintf(set, sizeof set, "%s daddr @l%u_%d ",
				       guard_family_name[family], rule->lists[i], family ? 6 : 4);
			add_matches(out, p, rule, set);
		}
	}
}

static void add_policy_chains(struct text *out, const struct policy_table *t)
{
	for (size_t i = 0; i < t->policies_len; i++) {
		const struct policy *p = t->policies[i];

		text_addf(out, "\tchain policy_%u {\n", p->id);
		if (policy_has_split(t))
			policy_add_cut_off(out, p);
		for (size_t k = 0; k < p->rules_len; k++)
			add_rule(out, p, &p->rules[k]);
		// What is learned meanwhile is for connections to come.
		if (p->has_lists)
			text_addf(out, "\t\tct mark set ct mark & 0x%08x | 0x%08x\n",
				  ~t->marks.flow, t->marks.passed);
		text_add(out, "\t}\n");
	}
}

static void add_counters(struct text *out, const struct policy_table *t)
{
	char name[POLICY_COUNTER_SIZE];

	for (size_t i = 0; i < ARRAY_LEN(fixed_counters); i++)
		text_addf(out, "\tcounter %s {\n\t}\n", fixed_counters[i]);
	for (size_t i = 0; policy_has_split(t) && i < ARRAY_LEN(split_counters); i++)
		text_addf(out, "\tcounter %s {\n\t}\n", split_counters[i]);
	for (size_t i = 0; i < t->policies_len; i++)
		for (size_t k = 0; k < 2 * t->policies[i]->rules_len; k++) {
			policy_counter_name(t->policies[i], &t->policies[i]->rules[k / 2], k % 2,
					    name);
			text_addf(out, "\tcounter %s {\n\t}\n", name);
		}
}

// A number by which the connection's mark already tells of another rule is not counted twice.
static bool take_number(uint8_t taken[POLICY_RULES_MAX / 8 + 1], uint32_t number)
{
	const bool is_free = !(taken[number / 8] & 1u << number % 8);

	taken[number / 8] |= (uint8_t)(1u << number % 8);
	return is_free;
}

// By the rule that a connection's mark tells of.
static void add_counting(struct text *out, const struct policy_table *t, bool of_flows)
{
	uint8_t taken[POLICY_RULES_MAX / 8 + 1] = { 0 };
	char name[POLICY_COUNTER_SIZE];
	bool any = false;

	for (size_t i = 0; i < t->policies_len; i++)
		for (size_t k = 0; k < t->policies[i]->rules_len; k++) {
			const struct policy_rule *rule = &t->policies[i]->rules[k];
			const uint32_t id = t->policies[i]->id;

			if (!take_number(taken, policy_rule_number(id, rule->slot)))
				continue;
			if (!any)
				text_addf(out, "\t\tcounter name ct mark & 0x%08x map {",
					  t->marks.rules);
			policy_counter_name(t->policies[i], rule, of_flows, name);
			text_addf(out, "%s 0x%08x : \"%s\"", any ? "," : "",
				  policy_rule_bits(&t->marks, id, rule->slot), name);
			any = true;
		}
	text_add(out, any ? " }\n" : "");
}

// What each rule's flows carry, in both directions. Those of weft-proxy begin and are sent here, a
// flow of QUIC that it let pass begins where it enters. What was decided for a group that is gone
// is neither's any more.
static void add_account_chains(struct text *out, const struct policy_table *t,
			       const struct marks *marks)
{
	text_addf(out,
		  "\tchain account {\n\t\ttype filter hook prerouting priority mangle + 1; policy "
		  "accept;\n\t\tct mark & 0x%08x != 0 jump counted\n\t}\n\tchain counted {\n",
		  t->marks.mask);
	add_counting(out, t, false);
	text_add(out, "\t}\n");
	if (!policy_has_split(t))
		return;
	text_add(out, "\tchain begun {\n");
	add_counting(out, t, true);
	text_add(out, "\t}\n\tchain entered {\n\t\tjump begun\n");
	add_take_map(out, t, marks, false);
	text_addf(out, "\t\tdrop\n\t}\n\tchain meant {\n\t\tmeta mark & 0x%08x {", t->marks.mask);
	for (size_t i = 0; i < marks->len; i++)
		text_addf(out, "%s 0x%08x", i ? "," : "", marks->items[i]);
	text_add(out, " } return\n\t\tdrop\n\t}\n");
}

// ---- gateway wires ----

static void add_exit_chain(struct text *out, const struct policy_table *t,
			   const struct policy_exit *e)
{
	text_addf(out, "\tchain exit_%s {\n" NEIGHBOURS, e->device);
	for (int f = 0; f < 2; f++) {
		CLEAN(text_free) struct text set = { 0 };

		if (guard_add_set(&set, &e->from, guard_family_number[f], NULL) && !set.failed)
			text_addf(out, "\t\t%s saddr != %s counter name \"exit_foreign\" drop\n",
				  guard_family_name[f], set.data);
		else
			text_addf(out,
				  "\t\tmeta nfproto ipv%d counter name \"exit_foreign\" drop\n",
				  f ? 6 : 4);
		out->failed = out->failed || set.failed;
		if (!e->is_private[f])
			text_addf(out, "\t\t%s daddr %s counter name \"exit_refused\" drop\n",
				  guard_family_name[f], private_set[f]);
	}
	text_add(out, "\t\tfib daddr type != unicast counter name \"exit_refused\" drop\n");
	text_addf(out, "\t\tct mark set ct mark & 0x%08x | 0x%08x accept\n\t}\n", ~t->marks.flow,
		  e->mark);
}

static void add_wire_map(struct text *out, const struct policy_table *t)
{
	bool any = false;

	for (size_t i = 0; i < t->exits_len; i++, any = true)
		text_addf(out, "%s \"%s\" : goto exit_%s", any ? "," : "\t\tiifname vmap {",
			  t->exits[i]->device, t->exits[i]->device);
	for (size_t i = 0; i < t->wires_len; i++, any = true)
		text_addf(out, "%s \"%s\" : goto answers", any ? "," : "\t\tiifname vmap {",
			  t->wires[i]);
	if (any)
		text_add(out, " }\n");
}

static void add_passing_chain(struct text *out, const struct policy_table *t)
{
	static const char clamp[] = "tcp flags & (syn | rst) == syn tcp option maxseg size set rt "
				    "mtu\n";

	guard_open_chain(out, "passing", "forward", "mangle");
	for (size_t i = 0; i < t->exits_len; i++)
		for (int f = 0; f < 2; f++) {
			const struct policy_exit *e = t->exits[i];

			text_addf(out, "\t\tiifname \"%s\" meta nfproto ipv%d ", e->device,
				  f ? 6 : 4);
			if (e->out[f][0])
				text_addf(out, "oifname != \"%s\" ", e->out[f]);
			text_add(out, "counter name \"exit_refused\" drop\n");
		}
	for (size_t i = 0; i < t->exits_len; i++)
		text_addf(out, "\t\toifname \"%s\" %s", t->exits[i]->device, clamp);
	for (size_t i = 0; i < t->wires_len; i++)
		text_addf(out, "\t\toifname \"%s\" %s", t->wires[i], clamp);
	text_add(out, "\t}\n");
}

// What a wire carries is to be led by the wire's own destination: VXLAN would look for that by the
// mark of what is in it.
static void add_carried_chain(struct text *out, const struct policy_table *t)
{
	guard_open_chain(out, "carried", "postrouting", "mangle");
	for (size_t i = 0; i < t->exits_len + t->wires_len; i++)
		text_addf(out, "\t\toifname \"%s\" meta mark set meta mark & 0x%08x\n",
			  i < t->exits_len ? t->exits[i]->device : t->wires[i - t->exits_len],
			  ~t->marks.mask);
	text_add(out, "\t}\n");
}

static void add_leaving_chain(struct text *out, const struct policy_table *t,
			      const struct marks *marks)
{
	bool any = false;

	text_add(out, "\tchain leaving {\n\t\ttype nat hook postrouting priority srcnat; "
		      "policy accept;\n");
	for (size_t i = 0; t->uplinks_len && i < marks->len; i++) {
		if (policy_mark_is_fixed(&t->marks, marks->items[i]))
			continue;
		if (!any) {
			text_add(out, "\t\toifname ");
			add_devices(out, t->uplinks, t->uplinks_len);
			text_addf(out, " ct mark & 0x%08x {", t->marks.mask);
		}
		text_addf(out, "%s 0x%08x", any ? "," : "", marks->items[i]);
		any = true;
	}
	if (any)
		text_add(out, " } masquerade\n");
	for (size_t i = 0; i < t->exits_len; i++)
		text_addf(out,
			  "\t\toifname != \"%s\" ct direction original ct mark & 0x%08x == 0x%08x "
			  "masquerade\n",
			  t->exits[i]->device, t->marks.mask, t->exits[i]->mark);
	text_add(out, "\t}\n");
}

// ---- the table ----

static void add_arrival_chain(struct text *out, const struct policy_table *t,
			      const struct marks *marks, const char *digest)
{
	text_addf(out, "\tchain " POLICY_CHAIN_FIRST " {\n\t\tcomment \"%s\"\n", digest);
	text_add(out, "\t\ttype filter hook prerouting priority mangle; policy accept;\n");
	add_wire_map(out, t);
	if (policy_has_split(t))
		policy_add_looked_into(out, t);
	for (size_t i = 0; i < t->exits_len; i++)
		text_addf(out, "\t\tct direction reply ct mark & 0x%08x == 0x%08x goto take_%08x\n",
			  t->marks.mask, t->exits[i]->mark, t->exits[i]->mark);
	text_add(out, "\t\tct direction reply accept\n");
	// What weft-proxy carries it sends itself; what it carried is over.
	if (policy_has_split(t))
		text_addf(out, "\t\tct mark & 0x%08x != 0 counter name \"cut_off\" drop\n",
			  t->marks.proxied);
	add_take_map(out, t, marks, policy_has_names(t));
	text_add(out, "\t\tfib daddr type != unicast accept\n");
	if (policy_has_split(t))
		policy_add_flows(out);
	policy_add_clients(out, t, "policy", NULL);
	text_add(out, "\t}\n");
}

void policy_rules_render(struct text *out, const struct policy_table *table, const char *digest)
{
	struct marks marks = { 0 };

	if (!gather_marks(table, &marks)) {
		out->failed = true;
		return;
	}
	add_counters(out, table);
	if (policy_has_names(table))
		policy_add_sets(out, table);
	if (policy_has_split(table))
		policy_add_looking(out, table);
	add_arrival_chain(out, table, &marks, digest);
	for (size_t i = 0; i < marks.len; i++)
		add_take_chain(out, table, marks.items[i]);
	for (size_t i = 0; i < table->exits_len; i++) {
		add_take_chain(out, table, table->exits[i]->mark);
		add_exit_chain(out, table, table->exits[i]);
	}
	if (table->wires_len)
		text_add(out, "\tchain answers {\n" NEIGHBOURS
			      "\t\tct state established,related accept\n"
			      "\t\tcounter name \"unasked\" drop\n\t}\n");
	add_policy_chains(out, table);
	add_account_chains(out, table, &marks);
	add_passing_chain(out, table);
	add_carried_chain(out, table);
	add_leaving_chain(out, table, &marks);
	free(marks.items);
}

void policy_comment(const char *digest, uint32_t mask, char ret[POLICY_COMMENT_SIZE])
{
	if (mask == POLICY_MASK_UNSAID)
		(void)snprintf(ret, POLICY_COMMENT_SIZE, "%s", digest);
	else
		(void)snprintf(ret, POLICY_COMMENT_SIZE, "%s/%08x", digest, mask);
}

uint32_t policy_comment_mask(const char *comment)
{
	const char *told = strchr(comment, '/');
	const unsigned long mask = told ? strtoul(told + 1, NULL, 16) : POLICY_MASK_UNSAID;

	return mask <= UINT32_MAX && mark_mask_is_good((uint32_t)mask) ? (uint32_t)mask
								       : POLICY_MASK_UNSAID;
}

void policy_transaction_render(struct text *out, const char *rules,
			       const struct kernel_policy *seen, uint32_t mask)
{
	const bool is_moved = policy_comment_mask(seen->comment) != mask;

	text_add(out, "add table inet weft_policy\n");
	for (size_t i = 0; i < seen->chains_len; i++)
		text_addf(out, "flush chain inet weft_policy %s\n", seen->chains[i].text);
	for (size_t i = 0; i < seen->chains_len; i++)
		text_addf(out, "delete chain inet weft_policy %s\n", seen->chains[i].text);
	for (size_t i = 0; i < seen->counters_len; i++) {
		char line[KERNEL_NFT_NAME_SIZE + 16];

		(void)snprintf(line, sizeof line, "\tcounter %s {", seen->counters[i].name);
		if (!strstr(rules, line))
			text_addf(out, "delete counter inet weft_policy %s\n",
				  seen->counters[i].name);
	}
	for (size_t i = 0; i < seen->sets_len; i++) {
		const struct kernel_policy_set *set = &seen->sets[i];
		const char *word = set->is_map ? "map" : "set";
		char line[KERNEL_NFT_NAME_SIZE + 16];

		(void)snprintf(line, sizeof line, "\t%s %s {", word, set->name);
		if (!strstr(rules, line))
			text_addf(out, "delete %s inet weft_policy %s\n", word, set->name);
		else if (set->is_map && is_moved)
			text_addf(out, "flush map inet weft_policy %s\n", set->name);
	}
	text_add(out, "table inet weft_policy {\n");
	text_add(out, rules);
	text_add(out, "}\n");
}
