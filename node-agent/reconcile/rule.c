// rule/<owner>/<name>: a policy rule that sends what comes from somewhere to a routing table.
#include <errno.h>
#include <string.h>

#include "reconcile/body.h"
#include "reconcile/kind.h"

#define PRIORITY_MAX 32765 // before the main table's

static int parse(const json_t *json, void *body, struct err *err)
{
	struct kernel_rule *rule = body;
	uint32_t family = 0;

	rule->is_lookup = true;
	int rc = body_u32(json, "family", 4, 6, &family, err);
	if (rc == 0)
		rc = body_u32(json, "table", 1, UINT32_MAX, &rule->table, err);
	if (rc == 0)
		rc = body_u32(json, "priority", 1, PRIORITY_MAX, &rule->priority, err);
	if (rc == 0 && body_has(json, "from"))
		rc = body_prefix(json, "from", &rule->from, err);
	if (rc == 0 && body_has(json, "from_device"))
		rc = body_device(json, "from_device", rule->from_device, err);
	if (rc < 0)
		return rc;
	rule->family = family == 4 ? AF_INET : AF_INET6;
	if (!rule->from.ip.family && !rule->from_device[0])
		return err_set(err, -EINVAL, "a rule needs a from or a from_device");
	if (rule->from.ip.family && rule->from.ip.family != rule->family)
		return err_set(err, -EINVAL, "family and from differ");
	return 0;
}

// Made by Weft, and not the one of the agent's own connection (control.c).
static bool is_ours(const struct reconcile *r, const struct kernel_rule *seen)
{
	return seen->protocol == reconcile_protocol(r) && seen->mask == 0;
}

static int compare(struct reconcile *r, const struct entry *e, struct finding *f, struct err *err)
{
	(void)err;
	for (size_t i = 0; i < r->seen.rules_len; i++)
		if (is_ours(r, &r->seen.rules[i]) && kernel_rule_equal(&r->seen.rules[i], e->body))
			return 0;
	finding_missing(f);
	return 0;
}

static int apply(struct reconcile *r, const struct entry *e, const struct finding *f,
		 struct err *err)
{
	struct kernel_rule rule = *(const struct kernel_rule *)e->body;

	(void)f;
	rule.protocol = reconcile_protocol(r);
	int rc = kernel_rule_add(r->kernel, &rule, err);
	if (rc != -EEXIST)
		return rc;
	return err_set(err, rc,
		       "a rule of priority %u that leads to table %u exists and was not made by "
		       "Weft: delete it (ip rule del priority %u)",
		       rule.priority, rule.table, rule.priority);
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

		if (!is_ours(r, seen) || is_desired(r, seen))
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
