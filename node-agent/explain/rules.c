// The rules of a policy, and of each why it is for the flow or why not.
#include <string.h>

#include "base/clean.h"

#include "explain/inside.h"

enum { TCP = 6 };

// ---- what a rule says ----

static void add_to(struct text *out, const struct decide *decide, const struct decide_rule *rule)
{
	char prefix[PREFIX_TEXT_SIZE];
	const char *separator = "";
	for (size_t i = 0; i < decide->n_lists; i++) {
		if (!decide_set_has(&rule->lists, i))
			continue;
		text_addf(out, "%slist/%s", separator, decide->lists[i].name);
		separator = ", ";
	}
	for (size_t i = 0; i < rule->n_to; i++) {
		text_addf(out, "%s%s", separator, prefix_format(&rule->to[i], prefix));
		separator = ", ";
	}
	if (!*separator)
		text_add(out, "any");
}

static void add_ports(struct text *out, const struct decide_rule *rule)
{
	for (size_t i = 0; i < rule->n_ports; i++) {
		const struct decide_ports *p = &rule->ports[i];
		text_addf(out, "%s%s", i ? ", " : "", p->protocol == TCP ? "tcp" : "udp");
		if (p->first == p->last)
			text_addf(out, "/%u", p->first);
		else if (p->first > 1 || p->last < UINT16_MAX)
			text_addf(out, "/%u-%u", p->first, p->last);
	}
}

static void add_verdict(struct text *out, const struct explain_facts *facts,
			const struct decide_rule *rule)
{
	const struct explain_group group = explain_group_of(facts, rule->mark);
	const struct policy_marks *marks = &facts->decide->marks;
	if (rule->mark == marks->direct)
		text_add(out, "direct");
	else if (rule->is_nxdomain)
		text_add(out, "block: nxdomain");
	else if (rule->mark == marks->reject || rule->mark == marks->drop)
		text_addf(out, "block: %s", rule->mark == marks->drop ? "drop" : "reject");
	else
		text_addf(out, "via %s%s", group.key ? group.name : "a group that is not there",
			  group.is_direct ? ", otherwise direct" : "");
}

static void add_rule(struct text *out, const struct explain_facts *facts,
		     const struct decide_rule *rule)
{
	text_add(out, "to ");
	add_to(out, facts->decide, rule);
	if (rule->n_ports) {
		text_add(out, ", ");
		add_ports(out, rule);
	}
	text_add(out, ": ");
	add_verdict(out, facts, rule);
	if (rule->takes_unknown)
		text_add(out, ", and what names nobody");
}

// ---- whether it is for the flow ----

static const struct prefix *prefix_with(const struct decide_rule *rule,
					const struct address *address)
{
	for (size_t i = 0; i < rule->n_to; i++)
		if (prefix_contains(&rule->to[i], address))
			return &rule->to[i];
	return NULL;
}

static struct decide_set common_of(const struct decide_set *a, const struct decide_set *b)
{
	struct decide_set both = { 0 };
	for (size_t i = 0; i < DECIDE_LISTS_MAX; i++)
		if (decide_set_has(a, i) && decide_set_has(b, i))
			decide_set_put(&both, i);
	return both;
}

static void say_fit(struct text *out, const struct explain_facts *facts,
		    const struct explain_question *question, const struct decide_rule *rule,
		    const struct decide_flow *flow)
{
	char text[PREFIX_TEXT_SIZE];
	const struct prefix *prefix = prefix_with(rule, &flow->to);
	const struct decide_set both = common_of(&rule->lists, &flow->lists);
	if (rule->n_to == 0 && decide_set_is_empty(&rule->lists)) {
		text_add(out, "it is for everything");
	} else if (prefix) {
		text_addf(out, "the address is in %s", prefix_format(prefix, text));
	} else if (!decide_set_is_empty(&both)) {
		if (flow->is_named)
			text_addf(out, "%s is in ", question->name);
		else
			text_add(out, "the address was learned as one of ");
		explain_add_lists(out, facts->decide, &both);
	} else {
		text_add(out, "it takes what names nobody and was not learned");
	}
	if (rule->n_ports) {
		text_add(out, ", and the port is among ");
		add_ports(out, rule);
	}
}

static void say_empty_lists(struct text *out, const struct decide *decide,
			    const struct decide_set *lists)
{
	for (size_t i = 0; i < decide->n_lists; i++)
		if (decide_set_has(lists, i) && decide->lists[i].file.size == 0)
			text_addf(out, "; this node has no names of %s yet", decide->lists[i].name);
}

static void say_other_name(struct text *out, const struct decide *decide,
			   const struct explain_question *question, const struct decide_rule *rule,
			   const struct decide_flow *flow)
{
	if (flow->is_named)
		text_addf(out, "%s is not in ", question->name);
	else
		text_add(out, "the address was not learned as one of ");
	explain_add_lists(out, decide, &rule->lists);
	if (flow->is_named)
		say_empty_lists(out, decide, &rule->lists);
}

static void say_misfit(struct text *out, const struct explain_facts *facts,
		       const struct explain_question *question, const struct decide_rule *rule,
		       const struct decide_flow *flow)
{
	switch (decide_fit(rule, flow)) {
	case DECIDE_FITS: // but what is not looked into names nobody
	case DECIDE_NO_NAME:
		say_other_name(out, facts->decide, question, rule, flow);
		break;
	case DECIDE_OTHER_PORT:
		text_add(out, "it is only for ");
		add_ports(out, rule);
		break;
	case DECIDE_OTHER_ADDRESS:
		text_add(out, flow->to.family
				      ? "the address is in none of its prefixes"
				      : "it is for addresses, and none of the name is known");
		break;
	case DECIDE_OTHER_NAME:
		say_other_name(out, facts->decide, question, rule, flow);
		break;
	}
}

// ---- all of them ----

static const json_t *count_of(const struct explain_facts *facts, const char *policy,
			      uint32_t number)
{
	const json_t *one, *rule;
	size_t i, k;
	json_array_foreach((json_t *)(uintptr_t)facts->counts, i, one)
	{
		const char *key = json_string_value(json_object_get(one, "key")), *name;
		if (!key || !text_starts(key, "policy/", &name) || strcmp(name, policy) != 0)
			continue;
		json_array_foreach(json_object_get(one, "rules"), k, rule)
		{
			if (json_integer_value(json_object_get(rule, "number")) ==
			    (json_int_t)number)
				return rule;
		}
	}
	return NULL;
}

static json_t *rule_json(const struct explain_facts *facts, const char *policy,
			 const struct decide_rule *rule, const char *sentence, bool is_it)
{
	static const char *const counts[] = { "flows", "packets", "bytes" };
	CLEAN(text_free) struct text text = { 0 };
	const json_t *count = count_of(facts, policy, rule->number);
	add_rule(&text, facts, rule);
	json_t *ret = json_pack("{s:I, s:s, s:b, s:s}", "number", (json_int_t)rule->number, "text",
				text.data ? text.data : "", "decides", is_it, "sentence",
				sentence ? sentence : "");
	for (size_t i = 0; ret && i < ARRAY_LEN(counts); i++)
		(void)json_object_set(ret, counts[i], json_object_get(count, counts[i]));
	return ret;
}

json_t *explain_rules_json(const struct explain_facts *facts,
			   const struct explain_question *question, const struct explain_address *a)
{
	const struct decide_policy *policy = explain_policy(facts, question);
	const struct decide_flow flow = explain_flow(facts, question, a);
	const bool is_split = policy && explain_is_split(policy, question);
	json_t *list = json_array();
	for (size_t i = 0; policy && i < policy->n_rules; i++) {
		CLEAN(text_free) struct text why = { 0 };
		struct decide_rule rule = policy->rules[i];
		const bool is_it = &policy->rules[i] == a->rule;
		rule.takes_unknown = rule.takes_unknown && is_split;
		if (is_it)
			say_fit(&why, facts, question, &rule, &flow);
		else if (decide_fit(&rule, &flow) != DECIDE_FITS)
			say_misfit(&why, facts, question, &rule, &flow);
		else if (a->rule)
			text_addf(&why, "rule %u comes before it", a->rule->number);
		else
			text_add(&why, "it would be for it, but policies do not hold for such "
				       "addresses");
		(void)json_array_append_new(
			list, rule_json(facts, policy->name, &policy->rules[i], why.data, is_it));
	}
	return list;
}
