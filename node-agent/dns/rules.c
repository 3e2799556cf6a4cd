#include "dns/rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "names/list.h"

int dns_prefixes_match(const struct dns_prefixes *prefixes, const struct address *address)
{
	int longest = -1;
	for (size_t i = 0; i < prefixes->len; i++) {
		const struct prefix *prefix = &prefixes->items[i];
		if (prefix->length > longest && prefix_contains(prefix, address))
			longest = prefix->length;
	}
	return longest;
}

// ---- names and patterns ----

CLEAN_FUNC(struct name_list_builder, name_list_builder_free)

int dns_names_make(struct dns_names *ret, char *const *rules, size_t len, struct err *err)
{
	size_t size;
	CLEAN(name_list_builder_free_ptr)
	struct name_list_builder *builder = name_list_builder_new();
	if (len == 0)
		return 0;
	if (!builder)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < len; i++) {
		struct name_rule rule;
		int r = name_rule_parse(rules[i], strlen(rules[i]), &rule, err);
		if (r == 0)
			r = name_list_add(builder, &rule, err);
		if (r < 0)
			return r;
	}
	int r = name_list_image(builder, &ret->image, &size, err);
	if (r == 0)
		r = name_list_view(ret->image, size, &ret->list, err);
	return r;
}

void dns_names_done(struct dns_names *names)
{
	free(names->image);
	*names = (struct dns_names){ 0 };
}

// The labels that match, 0 for none.
static unsigned names_match(const struct dns_names *names, const struct name *name)
{
	return names->image ? name_list_find(&names->list, name).labels : 0;
}

bool dns_pattern_match(const char *pattern, const char *name)
{
	const char *star = NULL, *retry = NULL;
	while (*name) {
		if (*pattern == '*') {
			star = pattern++;
			retry = name;
		} else if (*pattern == '?' || *pattern == *name) {
			pattern++;
			name++;
		} else if (star) {
			pattern = star + 1;
			name = ++retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

// A pattern says as much as its labels without a `*` or `?`.
static unsigned pattern_labels(const char *pattern)
{
	unsigned count = 0;
	while (*pattern) {
		size_t label = strcspn(pattern, ".");
		if (label > 0 && strcspn(pattern, "*?") >= label)
			count++;
		pattern += label + (pattern[label] == '.');
	}
	return count;
}

// ---- blocks ----

static bool is_blocked_by(struct dns_block *block, const struct address *client,
			  const struct name *name, struct dns_blocked *ret)
{
	for (size_t i = 0; i < block->n_lists; i++) {
		if (name_list_find(&block->lists[i].file.list, name).how == 0)
			continue;
		if (names_match(&block->except, name) > 0 ||
		    dns_prefixes_match(&block->exempt, client) >= 0)
			return false;
		*ret = (struct dns_blocked){ .block = block, .list = &block->lists[i] };
		return true;
	}
	return false;
}

bool dns_rules_blocked(const struct dns_rules *rules, const struct address *client,
		       const struct name *name, struct dns_blocked *ret)
{
	for (size_t i = 0; i < rules->n_blocks; i++)
		if (is_blocked_by(&rules->blocks[i], client, name, ret))
			return true;
	if (!rules->blocks_doh || !dns_doh_has(name))
		return false;
	*ret = (struct dns_blocked){ .is_doh = true };
	return true;
}

void dns_rules_fetch(const struct dns_rules *rules, const struct name *name, bool of_entries)
{
	for (size_t i = 0; i < rules->n_blocks; i++) {
		const struct dns_block *block = &rules->blocks[i];
		for (size_t k = 0; k < block->n_lists; k++)
			(of_entries ? name_list_fetch_entries
				    : name_list_fetch_tables)(&block->lists[k].file.list, name);
	}
}

// ---- forwards ----

struct match {
	unsigned labels;
	int prefix; // its length, -1: for everybody
	bool is_by_name;
};

static bool match_forward(const struct dns_forward *forward, const struct address *client,
			  const struct name *name, struct match *ret)
{
	*ret = (struct match){ .prefix = dns_prefixes_match(&forward->from, client) };
	if (forward->from.len > 0 && ret->prefix < 0)
		return false;
	if (!forward->names.image && forward->n_patterns == 0)
		return true;
	ret->labels = names_match(&forward->names, name);
	ret->is_by_name = ret->labels > 0;
	bool matches = ret->is_by_name;
	char text[NAME_TEXT_SIZE];
	if (forward->n_patterns > 0)
		name_text(name, text);
	for (size_t i = 0; i < forward->n_patterns; i++) {
		unsigned labels = pattern_labels(forward->patterns[i]);
		if ((matches && labels <= ret->labels) ||
		    !dns_pattern_match(forward->patterns[i], text))
			continue;
		ret->labels = labels;
		ret->is_by_name = false;
		matches = true;
	}
	return matches;
}

static bool is_longer(const struct match *a, const struct match *b)
{
	if (a->labels != b->labels)
		return a->labels > b->labels;
	if (a->prefix != b->prefix)
		return a->prefix > b->prefix;
	return a->is_by_name && !b->is_by_name;
}

const struct dns_forward *dns_rules_forward(const struct dns_rules *rules,
					    const struct address *client, const struct name *name)
{
	const struct dns_forward *best = NULL;
	struct match longest = { 0 };
	for (size_t i = 0; i < rules->n_forwards; i++) {
		struct match match;
		if (!match_forward(&rules->forwards[i], client, name, &match))
			continue;
		if (best && !is_longer(&match, &longest))
			continue;
		best = &rules->forwards[i];
		longest = match;
	}
	return best;
}

// ---- policies ----

struct decide_set dns_rules_lists(const struct dns_rules *rules, const struct name *name)
{
	struct decide_set lists = { 0 };
	if (rules->decide)
		dns_memo_lists(rules->memo, rules->decide, name, &lists);
	return lists;
}

uint32_t dns_rules_mark(const struct dns_rules *rules, const struct decide_rule *rule)
{
	return policy_mark_is_fixed(&rules->decide->marks, rule->mark) ? 0 : rule->mark;
}

struct dns_decided dns_rules_decide(const struct dns_rules *rules, const struct address *client,
				    const struct name *name)
{
	struct dns_decided ret = { .lists = dns_rules_lists(rules, name) };
	if (!rules->decide)
		return ret;
	ret.policy = decide_policy_of(rules->decide, client);
	ret.rule = ret.policy ? decide_by_name(ret.policy, &ret.lists) : NULL;
	ret.mark = ret.rule ? dns_rules_mark(rules, ret.rule) : 0;
	return ret;
}

void dns_rules_count(const struct dns_rules *rules, const struct dns_decided *decided)
{
	for (size_t i = 0; i < ARRAY_LEN(decided->lists.bits); i++) {
		uint64_t bits = decided->lists.bits[i] & decided->rule->lists.bits[i];
		for (; bits; bits &= bits - 1)
			rules->hits[i * 64 + (size_t)__builtin_ctzll(bits)]++;
	}
}

const struct dns_group *dns_rules_group(const struct dns_rules *rules, uint32_t mark)
{
	for (size_t i = 0; i < rules->n_views; i++)
		if (rules->views[i].mark == mark && rules->views[i].to.len > 0)
			return &rules->views[i].to;
	return &rules->upstreams;
}

struct dns_way dns_rules_way(const struct dns_rules *rules, const struct address *client,
			     const struct name *name, uint32_t mark)
{
	struct dns_way way = { .forward = dns_rules_forward(rules, client, name),
			       .mark = mark ? mark : rules->mark };
	way.group = way.forward ? &way.forward->to : dns_rules_group(rules, mark);
	way.space = way.group->space ^ mark * 0x9e3779b1u;
	return way;
}

// ---- the end ----

static void block_done(struct dns_block *block)
{
	for (size_t i = 0; i < block->n_lists; i++) {
		free(block->lists[i].path);
		name_list_close(&block->lists[i].file);
	}
	free(block->lists);
	free(block->name);
	free(block->exempt.items);
	dns_names_done(&block->except);
}

static void forward_done(struct dns_forward *forward)
{
	for (size_t i = 0; i < forward->n_patterns; i++)
		free(forward->patterns[i]);
	free(forward->patterns);
	free(forward->name);
	free(forward->from.items);
	dns_names_done(&forward->names);
}

void dns_rules_done(struct dns_rules *rules)
{
	for (size_t i = 0; i < rules->n_blocks; i++)
		block_done(&rules->blocks[i]);
	for (size_t i = 0; i < rules->n_forwards; i++)
		forward_done(&rules->forwards[i]);
	free(rules->blocks);
	free(rules->forwards);
	free(rules->clients.items);
	decide_free(rules->decide);
	dns_memo_free(rules->memo);
	free(rules->hits);
	free(rules->views);
	*rules = (struct dns_rules){ 0 };
}
