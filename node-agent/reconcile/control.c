// The rule that keeps the agent's connection to its controller on the main table, whatever policies
// send elsewhere.
#include <errno.h>
#include <string.h>

#include "reconcile/kind.h"

static struct kernel_rule wanted(const struct reconcile *r, uint8_t family)
{
	struct kernel_rule rule = { 0 };

	rule.family = family;
	rule.protocol = reconcile_protocol(r);
	rule.action = KERNEL_RULE_LOOKUP;
	rule.priority = r->config.control.priority;
	rule.mark = r->config.control.mark;
	rule.mask = r->config.control.mask;
	rule.table = r->config.control.table;
	return rule;
}

// Would a packet with the one's mark be taken for the other's?
static bool marks_meet(const struct kernel_rule *a, const struct kernel_rule *b)
{
	const uint32_t common = a->mask & b->mask;

	return common && (a->mark & common) == (b->mark & common);
}

static int check_conflict(const struct kernel_rule *want, const struct kernel_rule *other,
			  struct err *err)
{
	if (other->priority == want->priority)
		return err_set(err, -EEXIST,
			       "control.priority: %u is the priority of another program's rule (ip "
			       "rule show): choose another in agent.yaml",
			       want->priority);
	if (marks_meet(want, other))
		return err_set(err, -EEXIST,
			       "control.mark: %#x/%#x is also what another program's rule of "
			       "priority %u looks for: choose another in agent.yaml",
			       want->mark, want->mask, other->priority);
	return 0;
}

static int control_of_family(struct reconcile *r, uint8_t family, struct err *err)
{
	const struct kernel_rule want = wanted(r, family);
	bool stands = false;
	int rc = 0;

	for (size_t i = 0; i < r->seen.rules_len && rc == 0; i++) {
		const struct kernel_rule *is = &r->seen.rules[i];

		if (is->family != family)
			continue;
		if (is->protocol != want.protocol)
			rc = check_conflict(&want, is, err);
		else if (kernel_rule_equal(is, &want))
			stands = true;
	}
	if (rc < 0 || stands)
		return rc;
	rc = kernel_rule_add(r->kernel, &want, err);
	// A kernel without this family has no connection of it to protect.
	return rc == -EAFNOSUPPORT || rc == -EOPNOTSUPP ? 0 : rc;
}

bool control_wants_rule(const struct reconcile *r, const struct kernel_rule *seen)
{
	const struct kernel_rule want = wanted(r, seen->family);

	return want.mask && kernel_rule_equal(seen, &want);
}

int control_run(struct reconcile *r, struct err *err)
{
	if (!r->config.control.mask)
		return 0;
	int rc = control_of_family(r, AF_INET, err);
	return rc < 0 ? rc : control_of_family(r, AF_INET6, err);
}

int control_remove(struct reconcile *r, struct err *err)
{
	int first = 0;

	for (size_t i = 0; i < r->seen.rules_len; i++) {
		const struct kernel_rule *is = &r->seen.rules[i];

		if (is->protocol != reconcile_protocol(r) || !control_wants_rule(r, is))
			continue;
		int rc = kernel_rule_drop(r->kernel, is, first ? NULL : err);
		first = first ? first : rc;
	}
	return first;
}
