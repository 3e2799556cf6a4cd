#include "decide/decide.h"

#include <string.h>

#include "decide/marks.h"

enum { WORD_BITS = 64, WORDS = DECIDE_LISTS_MAX / WORD_BITS };

// ---- sets of lists ----

bool decide_set_has(const struct decide_set *set, size_t place)
{
	return set->bits[place / WORD_BITS] >> place % WORD_BITS & 1;
}

void decide_set_put(struct decide_set *set, size_t place)
{
	set->bits[place / WORD_BITS] |= UINT64_C(1) << place % WORD_BITS;
}

bool decide_set_is_empty(const struct decide_set *set)
{
	return !decide_set_meets(set, set);
}

bool decide_set_equal(const struct decide_set *a, const struct decide_set *b)
{
	return memcmp(a->bits, b->bits, sizeof(a->bits)) == 0;
}

bool decide_set_meets(const struct decide_set *a, const struct decide_set *b)
{
	for (size_t i = 0; i < WORDS; i++)
		if (a->bits[i] & b->bits[i])
			return true;
	return false;
}

// ---- clients and names ----

const struct decide_policy *decide_policy_of(const struct decide *decide,
					     const struct address *client)
{
	const struct decide_policy *closest = NULL;
	int longest = -1;
	for (size_t i = 0; i < decide->n_policies; i++) {
		const struct decide_policy *policy = &decide->policies[i];
		for (size_t k = 0; k < policy->n_from; k++)
			if (policy->from[k].length > longest &&
			    prefix_contains(&policy->from[k], client)) {
				longest = policy->from[k].length;
				closest = policy;
			}
	}
	return closest;
}

void decide_lists_of(const struct decide *decide, const struct name *name, struct decide_set *ret)
{
	*ret = (struct decide_set){ 0 };
	for (size_t i = 0; i < decide->n_lists; i++)
		if (decide->lists[i].file.size > 0 &&
		    name_list_find(&decide->lists[i].file.list, name).how)
			decide_set_put(ret, i);
}

const struct decide_rule *decide_by_name(const struct decide_policy *policy,
					 const struct decide_set *lists)
{
	for (size_t i = 0; i < policy->n_rules; i++) {
		const struct decide_rule *rule = &policy->rules[i];
		const bool is_any = rule->n_to == 0 && decide_set_is_empty(&rule->lists);
		if (is_any || decide_set_meets(&rule->lists, lists))
			return rule;
	}
	return NULL;
}

// ---- flows ----

static bool has_port(const struct decide_rule *rule, const struct decide_flow *flow)
{
	for (size_t i = 0; i < rule->n_ports; i++) {
		const struct decide_ports *ports = &rule->ports[i];
		if (ports->protocol == flow->protocol && flow->port >= ports->first &&
		    flow->port <= ports->last)
			return true;
	}
	return rule->n_ports == 0;
}

static bool has_address(const struct decide_rule *rule, const struct address *address)
{
	for (size_t i = 0; i < rule->n_to; i++)
		if (prefix_contains(&rule->to[i], address))
			return true;
	return false;
}

enum decide_fit decide_fit(const struct decide_rule *rule, const struct decide_flow *flow)
{
	const bool has_lists = !decide_set_is_empty(&rule->lists);
	if (!has_port(rule, flow))
		return DECIDE_OTHER_PORT;
	if ((rule->n_to == 0 && !has_lists) || has_address(rule, &flow->to) ||
	    decide_set_meets(&rule->lists, &flow->lists))
		return DECIDE_FITS;
	if (!has_lists)
		return DECIDE_OTHER_ADDRESS;
	if (flow->is_named || !decide_set_is_empty(&flow->lists))
		return DECIDE_OTHER_NAME;
	return rule->takes_unknown ? DECIDE_FITS : DECIDE_NO_NAME;
}

const struct decide_rule *decide_flow(const struct decide_policy *policy,
				      const struct decide_flow *flow)
{
	for (size_t i = 0; i < policy->n_rules; i++)
		if (decide_fit(&policy->rules[i], flow) == DECIDE_FITS)
			return &policy->rules[i];
	return NULL;
}
