// By whom and by which rule a flow to an address is decided.
#include <string.h>

#include "explain/inside.h"

bool explain_is_split(const struct decide_policy *policy, const struct explain_question *question)
{
	for (size_t i = 0; policy->has_lists && i < policy->n_split; i++) {
		const struct decide_ports *ports = &policy->split[i];
		if (ports->protocol == question->protocol && question->port >= ports->first &&
		    question->port <= ports->last)
			return true;
	}
	return false;
}

const struct decide_policy *explain_policy(const struct explain_facts *facts,
					   const struct explain_question *question)
{
	return decide_policy_of(facts->decide, &question->client);
}

struct decide_flow explain_flow(const struct explain_facts *facts,
				const struct explain_question *question,
				const struct explain_address *a)
{
	struct decide_flow flow = { .protocol = question->protocol,
				    .port = question->port,
				    .to = a->address,
				    .lists = a->lists };
	struct name name;
	if (a->by != EXPLAIN_BY_NAME ||
	    name_parse(question->name, strlen(question->name), &name, NULL) < 0)
		return flow;
	flow.is_named = true;
	decide_lists_of(facts->decide, &name, &flow.lists);
	return flow;
}

// What weft-proxy does not look into no rule takes for naming nobody.
static bool fits(const struct decide_policy *policy, const struct decide_rule *rule,
		 const struct explain_question *question, const struct decide_flow *flow)
{
	struct decide_rule bare = *rule;
	bare.takes_unknown = rule->takes_unknown && explain_is_split(policy, question);
	return decide_fit(&bare, flow) == DECIDE_FITS;
}

void explain_decide(const struct explain_facts *facts, const struct explain_question *question,
		    struct explain_address *a)
{
	const struct decide_policy *policy = explain_policy(facts, question);
	a->by = EXPLAIN_BY_KERNEL;
	a->rule = NULL;
	if (!policy)
		return;
	// Of a name without an address nobody knows what the kernel would find.
	if ((explain_is_split(policy, question) && !a->is_known) || !a->address.family)
		a->by = question->name ? EXPLAIN_BY_NAME : EXPLAIN_BY_SAYING;
	const struct decide_flow flow = explain_flow(facts, question, a);
	for (size_t i = 0; i < policy->n_rules && !a->rule; i++)
		if (fits(policy, &policy->rules[i], question, &flow))
			a->rule = &policy->rules[i];
}

static bool is_for_many(const struct address *a)
{
	static const uint8_t everybody[4] = { 255, 255, 255, 255 };
	return a->family == 4 ? (a->bytes[0] & 0xf0) == 0xe0 || memcmp(a->bytes, everybody, 4) == 0
			      : a->bytes[0] == 0xff;
}

// What a rule marks goes by the main table where that has more than a default route, and where its
// group has no way left and takes the host's own.
static bool is_known(const struct explain_facts *facts, const struct explain_address *a)
{
	const struct explain_group group = explain_group_of(facts, explain_mark(a));
	if (!a->rule || a->rule->mark == facts->decide->marks.direct ||
	    a->route.table != EXPLAIN_TABLE_MAIN)
		return false;
	return !group.key || !group.is_direct || explain_group_gateway(facts, &group);
}

static enum explain_beyond beyond_of(const struct explain_facts *facts,
				     const struct explain_address *a)
{
	if (a->is_from_node)
		return EXPLAIN_ITSELF;
	if (!a->address.family)
		return EXPLAIN_WITHIN;
	if (is_for_many(&a->address) || (!a->unrouted.code && a->route.type == KERNEL_ROUTE_OTHER))
		return EXPLAIN_MANY;
	if (a->unrouted.code)
		return EXPLAIN_WITHIN;
	if (a->route.type == KERNEL_ROUTE_LOCAL)
		return EXPLAIN_OWN;
	return is_known(facts, a) ? EXPLAIN_KNOWN : EXPLAIN_WITHIN;
}

void explain_settle(const struct explain_facts *facts, struct explain_address *a)
{
	a->beyond = beyond_of(facts, a);
	if (a->beyond == EXPLAIN_WITHIN)
		return;
	a->by = EXPLAIN_BY_KERNEL;
	a->rule = NULL;
}

uint32_t explain_mark(const struct explain_address *a)
{
	return a->rule ? a->rule->mark : 0;
}

void explain_add_lists(struct text *out, const struct decide *decide, const struct decide_set *set)
{
	const char *separator = "";
	for (size_t i = 0; i < decide->n_lists; i++) {
		if (!decide_set_has(set, i))
			continue;
		text_addf(out, "%s%s", separator, decide->lists[i].name);
		separator = ", ";
	}
}

json_t *explain_list_names(const struct decide *decide, const struct decide_set *set)
{
	json_t *names = json_array();
	for (size_t i = 0; i < decide->n_lists; i++)
		if (decide_set_has(set, i))
			(void)json_array_append_new(names, json_string(decide->lists[i].name));
	return names;
}
