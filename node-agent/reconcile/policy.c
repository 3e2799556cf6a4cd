// policy/<name>: which of its clients' flows go by which gateway-group.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/host_numbers.h"

#include "reconcile/body.h"
#include "reconcile/policy_table.h"

enum {
	RULES_MAX = 1000,
	PORTS_MAX = 1000,
	LISTS_MAX = 256,
	NUMBER_MAX = 65535,
	PRIORITY_MAX = 32764, // before the main table's, as its second one
	PRIORITY_UNSAID = 22350,
};

static void done(void *body)
{
	struct policy *p = body;

	for (size_t i = 0; i < p->rules_len; i++) {
		prefix_list_done(&p->rules[i].to);
		free(p->rules[i].ports);
		free(p->rules[i].lists);
	}
	free(p->rules);
	free(p->split);
	prefix_list_done(&p->from);
}

static int parse_range(const json_t *json, struct policy_ports *ret, struct err *err)
{
	uint32_t first = 0, last = 0;
	const char *proto = NULL;

	int rc = body_string(json, "proto", &proto, err);
	if (rc == 0)
		rc = body_u32(json, "first", 1, 65535, &first, err);
	if (rc == 0)
		rc = body_u32(json, "last", 1, 65535, &last, err);
	if (rc < 0)
		return rc;
	ret->is_udp = strcmp(proto, "udp") == 0;
	ret->first = (uint16_t)first;
	ret->last = (uint16_t)last;
	if (!ret->is_udp && strcmp(proto, "tcp") != 0)
		return err_set(err, -EINVAL, "proto: `%.20s` is not tcp or udp", proto);
	return first <= last ? 0 : err_set(err, -EINVAL, "last: %u is before %u", last, first);
}

static int parse_ports(const json_t *json, const char *field, struct policy_ports **ret,
		       size_t *ret_len, struct err *err)
{
	const json_t *list = json_object_get(json, field), *item;
	const size_t len = json_array_size(list);
	size_t i;

	if (!json_is_array(list) || len > PORTS_MAX)
		return err_set(err, -EINVAL, "%s: a list of at most %d is missing", field,
			       PORTS_MAX);
	*ret = calloc(len + 1, sizeof **ret);
	if (!*ret)
		return err_set(err, -ENOMEM, "out of memory");
	json_array_foreach((json_t *)list, i, item)
	{
		if (parse_range(item, &(*ret)[i], err) < 0)
			return err_prefix(err, "%s[%zu]", field, i);
		++*ret_len;
	}
	return 0;
}

// Of lists of names only what names their sets: who may learn into them reads the rest.
static int parse_lists(const json_t *json, struct policy_rule *rule, struct err *err)
{
	const json_t *list = json_object_get(json, "lists"), *item;
	const size_t len = json_array_size(list);
	size_t i;

	if (list && (!json_is_array(list) || len > LISTS_MAX))
		return err_set(err, -EINVAL, "lists: a list of at most %d is expected", LISTS_MAX);
	rule->lists = calloc(len + 1, sizeof *rule->lists);
	if (!rule->lists)
		return err_set(err, -ENOMEM, "out of memory");
	json_array_foreach((json_t *)list, i, item)
	{
		if (body_u32(item, "id", 1, UINT32_MAX, &rule->lists[i], err) < 0)
			return err_prefix(err, "lists[%zu]", i);
		rule->lists_len++;
	}
	return 0;
}

int policy_mask_parse(const json_t *json, uint32_t *ret, struct err *err)
{
	uint32_t mask = POLICY_MASK_UNSAID;
	int rc = body_has(json, "mask") ? body_u32(json, "mask", 1, UINT32_MAX, &mask, err) : 0;

	if (rc == 0 && !mark_mask_is_good(mask))
		return err_set(err, -EINVAL, "mask: %#x is not %d bits one beside the other", mask,
			       POLICY_MARK_BITS);
	*ret = mask;
	return rc;
}

static int parse_mark(const json_t *json, uint32_t mask, uint32_t *ret, struct err *err)
{
	int rc = body_u32(json, "mark", 1, UINT32_MAX, ret, err);

	if (rc == 0 && *ret & ~mask)
		return err_set(err, -EINVAL, "mark: %#x has bits that are not in the mask %#x",
			       *ret, mask);
	return rc;
}

static int parse_block(const json_t *json, const struct policy_marks *marks, uint32_t *ret,
		       struct err *err)
{
	const char *how = "reject";
	int rc = 0;

	if (body_has(json, "block"))
		rc = body_string(json, "block", &how, err);
	if (rc < 0)
		return rc;
	*ret = strcmp(how, "drop") == 0 ? marks->drop : marks->reject;
	return *ret == marks->drop || strcmp(how, "reject") == 0
		       ? 0
		       : err_set(err, -EINVAL, "block: `%.20s` is not reject or drop", how);
}

static int parse_verdict(const json_t *json, const struct policy_marks *marks,
			 struct policy_rule *rule, struct err *err)
{
	const char *verdict = NULL;

	int rc = body_string(json, "verdict", &verdict, err);
	if (rc < 0)
		return rc;
	if (strcmp(verdict, "block") == 0)
		return parse_block(json, marks, &rule->mark, err);
	if (strcmp(verdict, "mark") == 0)
		return parse_mark(json, marks->mask, &rule->mark, err);
	if (strcmp(verdict, "direct") != 0)
		return err_set(err, -EINVAL, "verdict: `%.20s` is not mark, direct or block",
			       verdict);
	rule->mark = marks->direct;
	return 0;
}

// Controllers that tell none mean the number.
static int parse_identity(const json_t *json, struct policy_rule *rule, struct err *err)
{
	int rc = 0;

	rule->id = rule->slot = rule->number;
	if (body_has(json, "id"))
		rc = body_u32(json, "id", 1, UINT32_MAX, &rule->id, err);
	if (rc == 0 && body_has(json, "slot"))
		rc = body_u32(json, "slot", 1, NUMBER_MAX, &rule->slot, err);
	return rc;
}

static int parse_rule(const json_t *json, const struct policy_marks *marks,
		      struct policy_rule *rule, struct err *err)
{
	int rc = body_u32(json, "number", 1, NUMBER_MAX, &rule->number, err);

	if (rc == 0)
		rc = parse_identity(json, rule, err);
	if (rc == 0)
		rc = body_prefixes(json, "to", &rule->to, err);
	if (rc == 0)
		rc = parse_ports(json, "ports", &rule->ports, &rule->ports_len, err);
	if (rc == 0)
		rc = parse_lists(json, rule, err);
	return rc < 0 ? rc : parse_verdict(json, marks, rule, err);
}

static int parse_rules(const json_t *json, struct policy *p, struct err *err)
{
	const json_t *list = json_object_get(json, "rules"), *item;
	const size_t len = json_array_size(list);
	size_t i;

	if (!json_is_array(list) || len > RULES_MAX)
		return err_set(err, -EINVAL, "rules: a list of at most %d is missing", RULES_MAX);
	p->rules = calloc(len + 1, sizeof *p->rules);
	if (!p->rules)
		return err_set(err, -ENOMEM, "out of memory");
	json_array_foreach((json_t *)list, i, item)
	{
		p->rules_len++;
		if (parse_rule(item, &p->marks, &p->rules[i], err) < 0)
			return err_prefix(err, "rules[%zu]", i);
		p->has_lists = p->has_lists || p->rules[i].lists_len > 0;
		for (size_t k = 0; k < i; k++)
			if (p->rules[k].number == p->rules[i].number)
				return err_set(err, -EINVAL, "rules[%zu]: number %u is there twice",
					       i, p->rules[i].number);
	}
	return 0;
}

// A controller that does not tell them has the first ones.
static int parse_numbers(const json_t *json, struct policy *p, struct err *err)
{
	uint32_t mask = 0;

	int rc = policy_mask_parse(json, &mask, err);
	if (rc < 0)
		return rc;
	p->marks = policy_marks_of(mask);
	p->priority = PRIORITY_UNSAID;
	return body_has(json, "priority")
		       ? body_u32(json, "priority", 1, PRIORITY_MAX, &p->priority, err)
		       : 0;
}

static int parse(const json_t *json, void *body, struct err *err)
{
	struct policy *p = body;

	int rc = body_u32(json, "id", 1, UINT32_MAX, &p->id, err);
	if (rc == 0)
		rc = parse_numbers(json, p, err);
	if (rc == 0)
		rc = body_prefixes(json, "from", &p->from, err);
	if (rc == 0)
		rc = parse_rules(json, p, err);
	return rc < 0 || !body_has(json, "split")
		       ? rc
		       : parse_ports(json, "split", &p->split, &p->split_len, err);
}

struct counts {
	uint64_t flows, packets, bytes;
};

static struct counts counts_of(struct reconcile *r, const struct policy *p,
			       const struct policy_rule *rule)
{
	char name[POLICY_COUNTER_SIZE];

	policy_counter_name(p, rule, false, name);
	const struct kernel_counter all = policy_table_counter(r, name);
	policy_counter_name(p, rule, true, name);
	return (struct counts){ .flows = policy_table_counter(r, name).packets,
				.packets = all.packets,
				.bytes = all.bytes };
}

static struct counts sum_of(struct reconcile *r, const struct policy *p)
{
	struct counts sum = { 0 };

	for (size_t i = 0; i < p->rules_len; i++) {
		const struct counts one = counts_of(r, p, &p->rules[i]);

		sum.flows += one.flows;
		sum.packets += one.packets;
		sum.bytes += one.bytes;
	}
	return sum;
}

static void add_count(json_t *sample, uint32_t rule, const char *what, uint64_t count)
{
	char name[48];

	(void)snprintf(name, sizeof name, "rule_%u_%s_total", rule, what);
	(void)json_object_set_new(sample, name, json_integer((json_int_t)count));
}

// How many flows each rule has decided, and what these have carried in both directions:
// "rule_3_flows_total" and so on.
static json_t *sample(struct reconcile *r, const struct entry *e)
{
	const struct policy *p = e->body;
	json_t *sample = json_object();

	for (size_t i = 0; i < p->rules_len; i++) {
		const struct counts one = counts_of(r, p, &p->rules[i]);

		add_count(sample, p->rules[i].number, "flows", one.flows);
		add_count(sample, p->rules[i].number, "packets", one.packets);
		add_count(sample, p->rules[i].number, "bytes", one.bytes);
	}
	return sample;
}

static json_t *rules_json(struct reconcile *r, const struct policy *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->rules_len; i++) {
		const struct counts one = counts_of(r, p, &p->rules[i]);

		(void)json_array_append_new(list, json_pack("{s:I, s:I, s:I, s:I}", "number",
							    (json_int_t)p->rules[i].number, "flows",
							    (json_int_t)one.flows, "packets",
							    (json_int_t)one.packets, "bytes",
							    (json_int_t)one.bytes));
	}
	return list;
}

json_t *reconcile_policy_counts(struct reconcile *r)
{
	json_t *list = json_array();
	const struct entry *e;

	for (size_t at = 0; (e = entry_next(r, &kind_policy, &at));) {
		const struct counts sum = sum_of(r, e->body);

		(void)json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:I, s:o}", "key",
							    e->key, "flows", (json_int_t)sum.flows,
							    "packets", (json_int_t)sum.packets,
							    "bytes", (json_int_t)sum.bytes, "rules",
							    rules_json(r, e->body)));
	}
	return list;
}

const struct entry_kind kind_policy = {
	.name = "policy",
	.rank = 87,
	.body_size = sizeof(struct policy),
	.parse = parse,
	.done = done,
	.compare = policy_table_compare,
	.apply = policy_table_apply,
	.sweep = policy_table_sweep,
	.sample = sample,
};
