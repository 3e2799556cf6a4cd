#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/host_numbers.h"

#include "decide/decide.h"
#include "decide/marks.h"

enum { PORT_MAX = 65535, TCP = 6, UDP = 17 };

static int no_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "out of memory");
}

static int parse_prefixes(const json_t *json, const char *field, struct prefix **ret,
			  size_t *ret_len, struct err *err)
{
	const json_t *list = json_object_get(json, field), *item;
	size_t i;
	if (!json_is_array(list))
		return err_set(err, -EINVAL, "%s: a list is missing", field);
	*ret = calloc(json_array_size(list) + 1, sizeof(**ret));
	if (!*ret)
		return no_memory(err);
	json_array_foreach((json_t *)(uintptr_t)list, i, item)
	{
		const char *text = json_string_value(item);
		if (!text)
			return err_set(err, -EINVAL, "%s[%zu]: a text is missing", field, i);
		if (prefix_parse_host(text, &(*ret)[i], err) < 0)
			return err_prefix(err, "%s[%zu]", field, i);
		(*ret_len)++;
	}
	return 0;
}

static int parse_range(const json_t *json, struct decide_ports *ret, struct err *err)
{
	const char *protocol = json_string_value(json_object_get(json, "proto"));
	const json_int_t first = json_integer_value(json_object_get(json, "first"));
	const json_int_t last = json_integer_value(json_object_get(json, "last"));
	if (!protocol || (strcmp(protocol, "tcp") != 0 && strcmp(protocol, "udp") != 0))
		return err_set(err, -EINVAL, "proto: it is not tcp or udp");
	if (first < 1 || last > PORT_MAX || last < first)
		return err_set(err, -EINVAL, "first, last: they are no range of ports");
	*ret = (struct decide_ports){ strcmp(protocol, "tcp") == 0 ? TCP : UDP, (uint16_t)first,
				      (uint16_t)last };
	return 0;
}

// A field that is not there is empty.
static int parse_ports(const json_t *json, const char *field, struct decide_ports **ret,
		       size_t *ret_len, struct err *err)
{
	const json_t *list = json_object_get(json, field), *item;
	size_t i;
	*ret = calloc(json_array_size(list) + 1, sizeof(**ret));
	if (!*ret)
		return no_memory(err);
	json_array_foreach((json_t *)(uintptr_t)list, i, item)
	{
		if (parse_range(item, &(*ret)[i], err) < 0)
			return err_prefix(err, "%s[%zu]", field, i);
		(*ret_len)++;
	}
	return 0;
}

// ---- lists ----

// The place of a list, each once however many rules speak of it.
static int place_list(struct decide *decide, const json_t *json, size_t *ret, struct err *err)
{
	const json_int_t id = json_integer_value(json_object_get(json, "id"));
	const char *name = json_string_value(json_object_get(json, "name"));
	const char *path = json_string_value(json_object_get(json, "path"));
	if (id < 1 || id > UINT32_MAX || !name)
		return err_set(err, -EINVAL, "id and name are missing");
	for (*ret = 0; *ret < decide->n_lists; (*ret)++)
		if (decide->lists[*ret].id == (uint32_t)id)
			return 0;
	if (decide->n_lists == DECIDE_LISTS_MAX)
		return err_set(err, -EINVAL, "the policies of a node speak of more than %d lists",
			       DECIDE_LISTS_MAX);
	struct decide_list *list = &decide->lists[decide->n_lists++];
	list->id = (uint32_t)id;
	list->name = strdup(name);
	if (!list->name)
		return no_memory(err);
	return path ? name_list_open(path, &list->file, err) : 0;
}

static int parse_lists(struct decide *decide, const json_t *json, struct decide_rule *rule,
		       struct err *err)
{
	const json_t *item;
	size_t i, place = 0;
	json_array_foreach(json_object_get(json, "lists"), i, item)
	{
		if (place_list(decide, item, &place, err) < 0)
			return err_prefix(err, "lists[%zu]", i);
		decide_set_put(&rule->lists, place);
	}
	return 0;
}

// ---- rules ----

static int parse_verdict(const json_t *json, const struct policy_marks *marks,
			 struct decide_rule *rule, struct err *err)
{
	const char *verdict = json_string_value(json_object_get(json, "verdict"));
	const char *block = json_string_value(json_object_get(json, "block"));
	const json_int_t mark = json_integer_value(json_object_get(json, "mark"));
	if (verdict && strcmp(verdict, "block") == 0) {
		rule->mark = block && strcmp(block, "drop") == 0 ? marks->drop : marks->reject;
		return 0;
	}
	if (verdict && strcmp(verdict, "direct") == 0) {
		rule->mark = marks->direct;
		return 0;
	}
	if (!verdict || strcmp(verdict, "mark") != 0)
		return err_set(err, -EINVAL, "verdict: it is not mark, direct or block");
	if (mark < 1 || mark & ~(json_int_t)marks->mask)
		return err_set(err, -EINVAL, "mark: it is not within the mask %#x", marks->mask);
	rule->mark = (uint32_t)mark;
	return 0;
}

static int parse_rule(struct decide *decide, const json_t *json, struct decide_rule *rule,
		      struct err *err)
{
	const json_int_t number = json_integer_value(json_object_get(json, "number"));
	if (number < 1 || number > UINT16_MAX)
		return err_set(err, -EINVAL, "number: it is not 1-65535");
	rule->number = (uint32_t)number;
	// Controllers that tell none mean the number.
	const json_int_t slot = json_integer_value(json_object_get(json, "slot"));
	rule->slot = slot >= 1 && slot <= UINT16_MAX ? (uint32_t)slot : rule->number;
	rule->takes_unknown = json_is_true(json_object_get(json, "unknown"));
	rule->is_nxdomain = json_is_true(json_object_get(json, "nxdomain"));
	int r = parse_prefixes(json, "to", &rule->to, &rule->n_to, err);
	if (r == 0)
		r = parse_ports(json, "ports", &rule->ports, &rule->n_ports, err);
	if (r == 0)
		r = parse_lists(decide, json, rule, err);
	return r < 0 ? r : parse_verdict(json, &decide->marks, rule, err);
}

static int parse_rules(struct decide *decide, const json_t *json, struct decide_policy *policy,
		       struct err *err)
{
	const json_t *list = json_object_get(json, "rules"), *item;
	size_t i;
	policy->rules = calloc(json_array_size(list) + 1, sizeof(*policy->rules));
	if (!policy->rules)
		return no_memory(err);
	json_array_foreach((json_t *)(uintptr_t)list, i, item)
	{
		struct decide_rule *rule = &policy->rules[policy->n_rules++];
		if (parse_rule(decide, item, rule, err) < 0)
			return err_prefix(err, "rules[%zu]", i);
		policy->has_lists = policy->has_lists || !decide_set_is_empty(&rule->lists);
	}
	return 0;
}

uint32_t decide_mask_of(const json_t *body)
{
	const json_t *told = json_object_get(body, "mask");
	const json_int_t mask = told ? json_integer_value(told) : POLICY_MASK_UNSAID;
	const bool is_good = mask > 0 && mask <= UINT32_MAX && mark_mask_is_good((uint32_t)mask);
	return is_good ? (uint32_t)mask : 0;
}

static int parse_mask(struct decide *decide, const json_t *json, struct err *err)
{
	const uint32_t mask = decide_mask_of(json);
	if (mask == 0)
		return err_set(err, -EINVAL, "mask: it is not %d bits one beside the other",
			       POLICY_MARK_BITS);
	if (decide->n_policies > 1 && decide->marks.mask != mask)
		return err_set(err, -EINVAL, "mask: %#x is not %#x, that of the others", mask,
			       decide->marks.mask);
	decide->marks = policy_marks_of(mask);
	return 0;
}

static int parse_policy(struct decide *decide, const json_t *json, struct decide_policy *policy,
			struct err *err)
{
	const json_int_t id = json_integer_value(json_object_get(json, "id"));
	const char *name = json_string_value(json_object_get(json, "name"));
	if (id < 1 || id > UINT32_MAX || !name)
		return err_set(err, -EINVAL, "id and name are missing");
	policy->id = (uint32_t)id;
	policy->name = strdup(name);
	if (!policy->name)
		return no_memory(err);
	int r = parse_mask(decide, json, err);
	if (r == 0)
		r = parse_prefixes(json, "from", &policy->from, &policy->n_from, err);
	if (r == 0)
		r = parse_ports(json, "split", &policy->split, &policy->n_split, err);
	if (r == 0)
		r = parse_rules(decide, json, policy, err);
	return r < 0 ? err_prefix(err, "%.100s", name) : 0;
}

// ---- the whole ----

struct decide *decide_new(const json_t *policies, struct err *err)
{
	CLEAN(decide_free_ptr) struct decide *decide = calloc(1, sizeof(*decide));
	const json_t *item;
	size_t i;
	if (decide)
		decide->policies = calloc(json_array_size(policies) + 1, sizeof(*decide->policies));
	if (!decide || !decide->policies) {
		(void)no_memory(err);
		return NULL;
	}
	decide->marks = policy_marks_of(POLICY_MASK_UNSAID);
	json_array_foreach((json_t *)(uintptr_t)policies, i, item)
	{
		if (parse_policy(decide, item, &decide->policies[decide->n_policies++], err) < 0) {
			(void)err_prefix(err, "policies[%zu]", i);
			return NULL;
		}
	}
	return take_ptr(&decide);
}

static void policy_done(struct decide_policy *policy)
{
	for (size_t i = 0; i < policy->n_rules; i++) {
		free(policy->rules[i].to);
		free(policy->rules[i].ports);
	}
	free(policy->rules);
	free(policy->from);
	free(policy->split);
	free(policy->name);
}

void decide_free(struct decide *decide)
{
	if (!decide)
		return;
	for (size_t i = 0; i < decide->n_policies; i++)
		policy_done(&decide->policies[i]);
	for (size_t i = 0; i < decide->n_lists; i++) {
		name_list_close(&decide->lists[i].file);
		free(decide->lists[i].name);
	}
	free(decide->policies);
	free(decide);
}
