// Whether another program's policy rules come between policies and the gateways that they lead to.
#include "doctor/inside.h"
#include "reconcile/policy_rules.h"

#define ROUTE_PROTOCOL_DEFAULT 87

enum { PRIORITY_FIRST = 22346, PRIORITY_LAST = 22499, PRIORITY_BOUND = 32800 };

static bool has_entries(const struct examination *x)
{
	static const char *const kinds[] = { "policy/", "exit/" };
	const json_t *body;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		void *at = NULL;

		if (entry_of(x->desired, kinds[i], &at, &body))
			return true;
	}
	return false;
}

static bool is_foreign(const struct examination *x, const struct kernel_rule *rule)
{
	const uint8_t own = x->config->kernel.route_protocol ? x->config->kernel.route_protocol
							     : ROUTE_PROTOCOL_DEFAULT;

	return rule->protocol != own;
}

// Would it take what a policy has marked? Where it looks for bits of Weft's that are clear, what is
// marked passes it by.
static bool takes_marks(const struct kernel_rule *rule)
{
	return rule->mask & POLICY_MASK && rule->mark & POLICY_MASK;
}

static bool is_between(const struct kernel_rule *rule)
{
	return (rule->priority >= PRIORITY_FIRST && rule->priority <= PRIORITY_LAST) ||
	       rule->priority == PRIORITY_BOUND;
}

void check_policies(struct examination *x)
{
	int found = 0;

	if (!has_entries(x))
		return;
	for (size_t i = 0; i < x->seen.rules_len; i++) {
		const struct kernel_rule *rule = &x->seen.rules[i];

		if (!is_foreign(x, rule))
			continue;
		if (takes_marks(rule))
			say(x, GRADE_BAD, "let that program use a mark outside of 0x0fff0000",
			    "another program's rule of priority %u looks for the mark %#x/%#x, and "
			    "marks of %#x are Weft's policies': each may take the other's packets",
			    rule->priority, rule->mark, rule->mask, POLICY_MASK);
		else if (is_between(rule))
			say(x, GRADE_WARN, "let that program use another priority (ip rule show)",
			    "another program's rule has the priority %u, among those of Weft's "
			    "policies",
			    rule->priority);
		else
			continue;
		found++;
	}
	if (!found)
		say(x, GRADE_OK, "", "no other program's rules come between policies and gateways");
}
