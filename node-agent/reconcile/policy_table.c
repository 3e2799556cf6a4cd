#include "reconcile/policy_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reconcile/gateway.h"
#include "reconcile/guard_text.h"
#include "reconcile/uplink.h"

#define TABLE_MAIN 254

enum { REFUSALS = 2, REFUSAL_RULES = 4 };

// ---- what refuses ----

static uint32_t refusal_mark(const struct policy *p, int refusal)
{
	return refusal == 0 ? p->marks.reject : p->marks.drop;
}

// The rules by which what has that mark is refused; what the main table has a way for, other than a
// default, goes on before.
static void refusal_rules(const struct policy *p, uint32_t mark,
			  struct kernel_rule ret[REFUSAL_RULES])
{
	for (int i = 0; i < REFUSAL_RULES; i++)
		ret[i] = (struct kernel_rule){ .family = uplink_family[i % 2],
					       .priority = p->priority + (i < 2 ? 0 : 1),
					       .mark = mark,
					       .mask = p->marks.mask };
	for (int i = 0; i < 2; i++) {
		ret[i].action = KERNEL_RULE_LOOKUP;
		ret[i].table = TABLE_MAIN;
		ret[i].is_suppressing = true;
		ret[i + 2].action =
			mark == p->marks.reject ? KERNEL_RULE_UNREACHABLE : KERNEL_RULE_BLACKHOLE;
	}
}

static bool refuses_by(const struct policy *p, uint32_t mark)
{
	// What is looked into is told by them.
	if (mark == p->marks.reject && p->has_lists && p->split_len)
		return true;
	for (size_t i = 0; i < p->rules_len; i++)
		if (p->rules[i].mark == mark)
			return true;
	return false;
}

bool policy_wants_rule(const struct reconcile *r, const struct kernel_rule *seen)
{
	struct kernel_rule rules[REFUSAL_RULES];
	const struct entry *e;

	for (size_t at = 0; (e = entry_next(r, &kind_policy, &at));)
		for (int m = 0; m < REFUSALS; m++) {
			if (seen->mark != refusal_mark(e->body, m) ||
			    !refuses_by(e->body, seen->mark))
				continue;
			refusal_rules(e->body, seen->mark, rules);
			for (int i = 0; i < REFUSAL_RULES; i++)
				if (kernel_rule_equal(&rules[i], seen))
					return true;
		}
	return false;
}

static bool refusals_stand(const struct reconcile *r, const struct policy *p)
{
	struct kernel_rule rules[REFUSAL_RULES];

	for (int m = 0; m < REFUSALS; m++) {
		if (!refuses_by(p, refusal_mark(p, m)))
			continue;
		refusal_rules(p, refusal_mark(p, m), rules);
		for (int i = 0; i < REFUSAL_RULES; i++)
			if (!rule_stands(r, &rules[i]))
				return false;
	}
	return true;
}

static int put_refusals(struct reconcile *r, const struct policy *p, struct err *err)
{
	struct kernel_rule rules[REFUSAL_RULES];
	int rc = 0;

	for (int m = 0; m < REFUSALS && rc == 0; m++) {
		if (!refuses_by(p, refusal_mark(p, m)))
			continue;
		refusal_rules(p, refusal_mark(p, m), rules);
		for (int i = 0; i < REFUSAL_RULES && rc == 0; i++)
			if (!rule_stands(r, &rules[i]))
				rc = rule_make(r, &rules[i], err);
	}
	return rc;
}

// ---- what is to be written ----

static bool is_private(const struct kernel_ip *ip)
{
	static const char *const prefixes[] = { "10.0.0.0/8",    "100.64.0.0/10",  "169.254.0.0/16",
						"172.16.0.0/12", "192.168.0.0/16", "fc00::/7" };
	struct kernel_prefix all, one = { .ip = *ip, .len = ip->family == AF_INET ? 32 : 128 };

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (kernel_prefix_parse(prefixes[i], &all, NULL) == 0 &&
		    kernel_prefix_within(&one, &all))
			return true;
	return false;
}

// The interface has addresses of the family, link-local ones aside, and all of them are private.
static bool is_within_private(const struct reconcile *r, const char *device, int family)
{
	bool any = false;

	for (size_t i = 0; i < r->seen.addresses_len; i++) {
		const struct kernel_address *a = &r->seen.addresses[i];

		if (strcmp(a->device, device) != 0 || a->scope != 0 ||
		    a->prefix.ip.family != uplink_family[family])
			continue;
		if (!is_private(&a->prefix.ip))
			return false;
		any = true;
	}
	return any;
}

static int find_out(struct reconcile *r, struct policy_exit *e, int family, struct err *err)
{
	const struct uplink_entry *u = e->uplink ? uplink_of(r, e->uplink) : NULL;
	struct kernel_route route;
	int rc = 0;

	e->out[family][0] = '\0';
	if (u && u->has_way[family])
		memcpy(e->out[family], u->device[family], sizeof u->device[family]);
	if (!e->uplink)
		rc = kernel_default_route(r->kernel, "", uplink_family[family], &route, err);
	if (!e->uplink && rc == 0)
		memcpy(e->out[family], route.device, sizeof route.device);
	e->is_private[family] = e->out[family][0] && is_within_private(r, e->out[family], family);
	return rc == -ENOENT ? 0 : rc;
}

static int order_policies(const void *a, const void *b)
{
	const struct policy *x = *(const struct policy *const *)a;
	const struct policy *y = *(const struct policy *const *)b;

	return (x->id > y->id) - (x->id < y->id);
}

// Each interface once: two uplinks may go by the same one.
static void add_device(struct policy_table *t, const char *device)
{
	for (size_t i = 0; i < t->uplinks_len; i++)
		if (strcmp(t->uplinks[i], device) == 0)
			return;
	t->uplinks[t->uplinks_len++] = device;
}

static void add_uplink(struct policy_table *t, const struct uplink_entry *u)
{
	if (u->named[0])
		add_device(t, u->named);
	for (int f = 0; f < 2; f++)
		if (u->has_way[f])
			add_device(t, u->device[f]);
}

// One table, one mask.
static int take_mask(const struct reconcile *r, struct policy_table *t, const struct entry *e,
		     uint32_t mask, struct err *err)
{
	const uint32_t control = r->config.control.mask;

	if (mask & control)
		return err_set(err, -EINVAL,
			       "mask: 0x%08x has bits of control.mask, 0x%08x: choose another in "
			       "agent.yaml, or another mark_mask in the controller's settings",
			       mask, control);
	if (t->marks.mask && t->marks.mask != mask)
		return err_set(err, -EINVAL, "%s: mask: %#x is not %#x, that of the others", e->key,
			       mask, t->marks.mask);
	t->marks = policy_marks_of(mask);
	return 0;
}

static int gather(struct reconcile *r, struct policy_table *t, struct err *err)
{
	const struct entry *e;
	int rc = 0;

	for (size_t at = 0; rc == 0 && (e = entry_next(r, &kind_policy, &at));) {
		const struct policy *p = e->body;

		t->policies[t->policies_len++] = p;
		rc = take_mask(r, t, e, p->marks.mask, err);
	}
	for (size_t at = 0; rc == 0 && (e = entry_next(r, &kind_exit, &at));) {
		struct policy_exit *x = e->body;

		t->exits[t->exits_len++] = x;
		rc = take_mask(r, t, e, x->mask, err);
		for (int f = 0; f < 2 && rc == 0; f++)
			rc = find_out(r, x, f, err);
	}
	for (size_t at = 0; (e = entry_next(r, &kind_gateway, &at));)
		t->wires_len += gateway_is_by(e, &t->wires[t->wires_len]);
	for (size_t at = 0; (e = entry_next(r, &kind_uplink, &at));)
		add_uplink(t, e->body);
	t->splitter_port = splitter_port(r);
	if (t->policies_len)
		qsort(t->policies, t->policies_len, sizeof(*t->policies), order_policies);
	return rc;
}

static int render_table(struct reconcile *r, struct policy_table *t, struct err *err)
{
	int rc = gather(r, t, err);
	if (rc < 0)
		return rc;
	CLEAN(text_free) struct text bare = { 0 };
	char digest[65];
	policy_rules_render(&bare, t, "");
	if (!bare.failed) {
		rules_digest(bare.data, digest);
		policy_comment(digest, t->marks.mask, r->policy.digest);
		r->policy.mask = t->marks.mask;
		policy_rules_render(&r->policy.rules, t, r->policy.digest);
	}
	if (!bare.failed && !r->policy.rules.failed)
		return 0;
	r->policy.digest[0] = '\0';
	return err_set(err, -ENOMEM, "out of memory");
}

// Once a run.
static int render(struct reconcile *r, struct err *err)
{
	const size_t most = r->entries_len + 1;
	struct policy_table t = { 0 };

	if (r->policy.digest[0])
		return 0;
	t.policies = calloc(most, sizeof(*t.policies));
	t.exits = calloc(most, sizeof(*t.exits));
	t.wires = calloc(most, sizeof(*t.wires));
	t.uplinks = calloc(3 * most, sizeof(*t.uplinks));
	int rc = t.policies && t.exits && t.wires && t.uplinks
			 ? render_table(r, &t, err)
			 : err_set(err, -ENOMEM, "out of memory");
	free(t.policies);
	free(t.exits);
	free(t.wires);
	free(t.uplinks);
	return rc;
}

// ---- the kernel ----

// As old as the look at everything else.
static int look(struct reconcile *r, struct err *err)
{
	struct kernel_policy seen;

	if (r->policy.read_at == r->dumps)
		return 0;
	int rc = kernel_policy_read(r->kernel, &seen, err);
	if (rc < 0)
		return rc;
	kernel_policy_done(&r->policy.seen);
	r->policy.seen = seen;
	r->policy.read_at = r->dumps;
	return 0;
}

// nft prints rules in its own words, so what it prints of our own table is learnt from the first
// look at it.
static void compare_listing(struct policy_state *p, struct finding *f)
{
	(void)snprintf(p->written, sizeof p->written, "%s", p->digest);
	if (p->is_sum_known && p->rules_sum != p->seen.rules_sum)
		finding_differs(f, "the rules of table `inet weft_policy` were edited");
	p->rules_sum = p->seen.rules_sum;
	p->is_sum_known = f->match == ENTRY_SAME;
}

int policy_table_compare(struct reconcile *r, const struct entry *e, struct finding *f,
			 struct err *err)
{
	struct policy_state *p = &r->policy;

	int rc = render(r, err);
	if (rc == 0)
		rc = look(r, err);
	if (rc < 0)
		return rc;
	if (p->refused.code)
		return err_set(err, p->refused.code, "%s", p->refused.text);
	if (!p->seen.exists) {
		finding_missing(f);
	} else if (strcmp(p->seen.comment, p->digest) != 0) {
		finding_differs(f, "table `inet weft_policy` held other rules");
		// Another entry may have changed, or an interface's address: they share the table.
		f->is_news = strcmp(p->seen.comment, p->written) == 0;
	} else {
		compare_listing(p, f);
	}
	if (e->kind == &kind_policy && !refusals_stand(r, e->body))
		finding_missing(f);
	return 0;
}

// Marks of another mask would be taken for what they are not: such connections are decided anew.
// Each mark of the table before has a chain of its own.
static int forget_flows(struct reconcile *r, struct err *err)
{
	const struct kernel_policy *before = &r->policy.seen;
	const uint32_t mask = policy_comment_mask(before->comment);
	unsigned mark = policy_marks_of(mask).passed;

	if (!before->exists || mask == r->policy.mask)
		return 0;
	int rc = kernel_flows_forget(r->kernel, mark, mask, err);
	for (size_t i = 0; i < before->chains_len && rc == 0; i++)
		if (sscanf(before->chains[i].text, "take_%8x", &mark) == 1)
			rc = kernel_flows_forget(r->kernel, mark, mask, err);
	return rc;
}

static int replace_table(struct reconcile *r, struct err *err)
{
	CLEAN(text_free) struct text transaction = { 0 };
	struct policy_state *p = &r->policy;

	policy_transaction_render(&transaction, p->rules.data, &p->seen, p->mask);
	int rc = transaction.failed ? err_set(err, -ENOMEM, "out of memory")
				    : kernel_policy_replace(r->kernel, transaction.data, err);
	if (rc < 0)
		return err_set(&p->refused, rc, "%s", err ? err->text : "");
	p->read_at = 0;
	p->is_sum_known = false;
	return forget_flows(r, err);
}

int policy_table_apply(struct reconcile *r, const struct entry *e, const struct finding *f,
		       struct err *err)
{
	struct policy_state *p = &r->policy;
	int rc = 0;

	(void)f;
	if (e->kind == &kind_policy)
		rc = put_refusals(r, e->body, err);
	if (rc == 0)
		rc = look(r, err);
	const bool is_as_wanted =
		p->seen.exists && strcmp(p->seen.comment, p->digest) == 0 && p->is_sum_known;
	return rc < 0 || is_as_wanted ? rc : replace_table(r, err);
}

int policy_table_sweep(struct reconcile *r, struct err *err)
{
	size_t at = 0, at_exit = 0;

	// Nobody but this program makes it.
	if (entry_next(r, &kind_policy, &at) || entry_next(r, &kind_exit, &at_exit)) {
		r->policy.is_known_absent = false;
		return 0;
	}
	if (r->policy.is_known_absent)
		return 0;
	int rc = look(r, err);
	if (rc == 0 && r->policy.seen.exists) {
		r->policy.read_at = 0;
		rc = kernel_policy_replace(r->kernel,
					   "add table inet weft_policy\n"
					   "delete table inet weft_policy\n",
					   err);
	}
	r->policy.is_known_absent = rc == 0;
	return rc;
}

struct kernel_counter policy_table_counter(struct reconcile *r, const char *name)
{
	if (look(r, NULL) == 0)
		for (size_t i = 0; i < r->policy.seen.counters_len; i++)
			if (strcmp(r->policy.seen.counters[i].name, name) == 0)
				return r->policy.seen.counters[i].count;
	return (struct kernel_counter){ 0 };
}

void policy_run_begin(struct reconcile *r)
{
	text_free(&r->policy.rules);
	r->policy.rules = (struct text){ 0 };
	r->policy.digest[0] = '\0';
	r->policy.refused = (struct err){ 0 };
}

void policy_done(struct reconcile *r)
{
	text_free(&r->policy.rules);
	kernel_policy_done(&r->policy.seen);
}
