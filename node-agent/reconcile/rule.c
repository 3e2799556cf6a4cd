// rule/<owner>/<name>: a policy rule. Every rule of Weft's protocol has its place here: what no
// entry wants, nor control.c, is dropped.
#include <errno.h>
#include <string.h>

#include "reconcile/body.h"
#include "reconcile/kind.h"

#define PRIORITY_MAX 32765 // before the main table's

static int parse_action(const json_t *json, struct kernel_rule *rule, struct err *err)
{
	const char *action = "lookup";
	int rc = 0;

	if (body_has(json, "action"))
		rc = body_string(json, "action", &action, err);
	if (rc < 0)
		return rc;
	if (strcmp(action, "unreachable") == 0) {
		rule->action = KERNEL_RULE_UNREACHABLE;
		return body_has(json, "table") || body_has(json, "suppress")
			       ? err_set(err, -EINVAL, "a rule that is unreachable has no table")
			       : 0;
	}
	if (strcmp(action, "lookup") != 0)
		return err_set(err, -EINVAL, "action: `%.40s` is not lookup or unreachable",
			       action);
	rule->action = KERNEL_RULE_LOOKUP;
	rule->is_suppressing = body_has(json, "suppress");
	rc = body_u32(json, "table", 1, UINT32_MAX, &rule->table, err);
	if (rc == 0 && rule->is_suppressing)
		rc = body_u32(json, "suppress", 0, 128, &rule->suppress, err);
	return rc;
}

static int parse_match(const json_t *json, struct kernel_rule *rule, struct err *err)
{
	int rc = 0;

	if (body_has(json, "from"))
		rc = body_prefix(json, "from", &rule->from, err);
	if (rc == 0 && body_has(json, "to"))
		rc = body_prefix(json, "to", &rule->to, err);
	if (rc == 0 && body_has(json, "from_device"))
		rc = body_foreign_device(json, "from_device", rule->from_device, err);
	if (rc == 0 && (body_has(json, "mark") || body_has(json, "mask")))
		rc = body_u32(json, "mask", 1, UINT32_MAX, &rule->mask, err);
	if (rc == 0 && rule->mask)
		rc = body_u32(json, "mark", 0, UINT32_MAX, &rule->mark, err);
	if (rc < 0)
		return rc;
	if (rule->mark & ~rule->mask)
		return err_set(err, -EINVAL, "mark: %#x has bits that are not in the mask %#x",
			       rule->mark, rule->mask);
	return 0;
}

static int parse(const json_t *json, void *body, struct err *err)
{
	struct kernel_rule *rule = body;
	uint32_t family = 0;

	int rc = body_u32(json, "family", 4, 6, &family, err);
	if (rc == 0)
		rc = body_u32(json, "priority", 1, PRIORITY_MAX, &rule->priority, err);
	if (rc == 0)
		rc = parse_action(json, rule, err);
	if (rc == 0)
		rc = parse_match(json, rule, err);
	if (rc < 0)
		return rc;
	rule->family = family == 4 ? AF_INET : AF_INET6;
	if (!rule->from.ip.family && !rule->to.ip.family && !rule->from_device[0] && !rule->mask)
		return err_set(err, -EINVAL, "a rule needs a from, a to, a from_device or a mask");
	if ((rule->from.ip.family && rule->from.ip.family != rule->family) ||
	    (rule->to.ip.family && rule->to.ip.family != rule->family))
		return err_set(err, -EINVAL, "family, from and to differ");
	return 0;
}

static bool is_ours(const struct reconcile *r, const struct kernel_rule *seen)
{
	return seen->protocol == reconcile_protocol(r);
}

int rule_make(struct reconcile *r, const struct kernel_rule *want, struct err *err)
{
	struct kernel_rule rule = *want;

	rule.protocol = reconcile_protocol(r);
	int rc = kernel_rule_add(r->kernel, &rule, err);
	if (rc != -EEXIST)
		return rc;
	return err_set(err, rc,
		       "a rule of priority %u that does the same exists and was not made by "
		       "Weft: delete it (ip rule del priority %u)",
		       rule.priority, rule.priority);
}

bool rule_stands(const struct reconcile *r, const struct kernel_rule *want)
{
	for (size_t i = 0; i < r->seen.rules_len; i++)
		if (is_ours(r, &r->seen.rules[i]) && kernel_rule_equal(&r->seen.rules[i], want))
			return true;
	return false;
}

static int compare(struct reconcile *r, const struct entry *e, struct finding *f, struct err *err)
{
	(void)err;
	if (!rule_stands(r, e->body))
		finding_missing(f);
	return 0;
}

static int apply(struct reconcile *r, const struct entry *e, const struct finding *f,
		 struct err *err)
{
	(void)f;
	return rule_make(r, e->body, err);
}

static bool is_desired(const struct reconcile *r, const struct kernel_rule *seen)
{
	const struct entry *e;

	for (size_t at = 0; (e = entry_next(r, &kind_rule, &at));)
		if (kernel_rule_equal(e->body, seen))
			return true;
	return false;
}

static int sweep(struct reconcile *r, struct err *err)
{
	int first = 0;

	for (size_t i = 0; i < r->seen.rules_len; i++) {
		const struct kernel_rule *seen = &r->seen.rules[i];

		if (!is_ours(r, seen) || is_desired(r, seen) || control_wants_rule(r, seen) ||
		    uplink_wants_rule(r, seen) || policy_wants_rule(r, seen))
			continue;
		int rc = kernel_rule_drop(r->kernel, seen, first ? NULL : err);
		if (rc < 0 && !first)
			first = rc;
	}
	return first;
}

const struct entry_kind kind_rule = {
	.name = "rule",
	.rank = 85,
	.body_size = sizeof(struct kernel_rule),
	.parse = parse,
	.compare = compare,
	.apply = apply,
	.sweep = sweep,
};
