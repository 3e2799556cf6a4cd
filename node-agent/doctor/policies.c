// Whether another program's policy rules come between policies and the gateways that they lead to.
#include <stdio.h>

#include "decide/decide.h"
#include "doctor/inside.h"

#define ROUTE_PROTOCOL_DEFAULT 87

enum { TABLE_MAIN = 254, PRIORITY_BOUND = 32800 };

// The numbers that this node was told to use.
struct numbers {
	uint32_t mask;        // of marks; 0: there are no policies
	uint32_t first, last; // priorities of rules
};

static struct numbers numbers_of(const struct examination *x)
{
	static const char *const prefixes[] = { "policy/", "exit/" };
	struct numbers ret = { .first = UINT32_MAX };
	const json_t *body;

	for (size_t i = 0; i < ARRAY_LEN(prefixes) && !ret.mask; i++) {
		void *at = NULL;

		if (entry_of(x->desired, prefixes[i], &at, &body))
			ret.mask = decide_mask_of(body);
	}
	for (void *at = NULL; entry_of(x->desired, "rule/", &at, &body);) {
		const uint32_t priority = (uint32_t)number_in(body, "priority");

		ret.first = priority < ret.first ? priority : ret.first;
		ret.last = priority > ret.last ? priority : ret.last;
	}
	return ret;
}

// A table that routes of Weft's stand in.
static bool is_own_table(const struct examination *x, uint32_t table)
{
	static const char *const prefixes[] = { "rule/", "uplink/", "gateway-group/" };
	const json_t *body;

	for (size_t i = 0; i < ARRAY_LEN(prefixes) && table != TABLE_MAIN; i++)
		for (void *at = NULL; entry_of(x->desired, prefixes[i], &at, &body);)
			if (json_integer_value(json_object_get(body, "table")) == table)
				return true;
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
static bool takes_marks(const struct numbers *own, const struct kernel_rule *rule)
{
	return rule->mask & own->mask && rule->mark & own->mask;
}

static bool is_between(const struct numbers *own, const struct kernel_rule *rule)
{
	return (rule->priority >= own->first && rule->priority <= own->last) ||
	       rule->priority == PRIORITY_BOUND;
}

// Whether there was something to say.
static bool check_rule(struct examination *x, const struct numbers *own,
		       const struct kernel_rule *rule)
{
	char cure[128];

	if (takes_marks(own, rule)) {
		(void)snprintf(cure, sizeof cure,
			       "let that program use a mark outside of 0x%08x, or set mark_mask in "
			       "controller.yaml",
			       own->mask);
		say(x, GRADE_BAD, cure,
		    "another program's rule of priority %u looks for the mark %#x/%#x, and marks "
		    "of 0x%08x are Weft's policies': each may take the other's packets",
		    rule->priority, rule->mark, rule->mask, own->mask);
	} else if (is_between(own, rule)) {
		say(x, GRADE_WARN,
		    "let that program use another priority (ip rule show), or set priority_base in "
		    "controller.yaml",
		    "another program's rule has the priority %u, among those of Weft's, %u to %u",
		    rule->priority, own->first, own->last);
	} else if (rule->action == KERNEL_RULE_LOOKUP && is_own_table(x, rule->table)) {
		say(x, GRADE_WARN,
		    "let that program use another table, or set table_base in controller.yaml",
		    "another program's rule of priority %u looks into table %u, which is Weft's",
		    rule->priority, rule->table);
	} else {
		return false;
	}
	return true;
}

void check_policies(struct examination *x)
{
	const struct numbers own = numbers_of(x);
	bool is_clear = true;

	if (!own.mask)
		return;
	for (size_t i = 0; i < x->seen.rules_len; i++) {
		const struct kernel_rule *rule = &x->seen.rules[i];

		if (is_foreign(x, rule) && check_rule(x, &own, rule))
			is_clear = false;
	}
	if (is_clear)
		say(x, GRADE_OK, "", "no other program's rules come between policies and gateways");
}
