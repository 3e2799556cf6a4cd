#include "proxy/verdict.h"

#include <string.h>

// The names that hellos with another one inside say to the world (RFC 9849 "public name"): who says
// one of these wants to go elsewhere.
static const char *const fronts[] = { "cloudflare-ech.com" };

static bool is_front(const struct name *name)
{
	struct name front;
	for (size_t i = 0; i < sizeof(fronts) / sizeof(fronts[0]); i++)
		if (name_parse(fronts[i], strlen(fronts[i]), &front, NULL) == 0 &&
		    front.len == name->len && memcmp(front.wire, name->wire, front.len) == 0)
			return true;
	return false;
}

struct verdict_sniffed verdict_sniff(const uint8_t *data, size_t len, size_t *ret_wants)
{
	struct sniff sniff;
	enum sniff_result result = sniff_tls(data, len, &sniff);
	if (result == SNIFF_FOREIGN)
		result = sniff_http(data, len, &sniff);
	*ret_wants = sniff.wants;
	return (struct verdict_sniffed){ result, sniff.name, sniff.has_ech };
}

// The lists of what is said; false: it says nothing that counts.
static bool lists_said(const struct decide *decide, const struct verdict_sniffed *sniffed,
		       struct decide_set *ret)
{
	*ret = (struct decide_set){ 0 };
	if (sniffed->result != SNIFF_NAME)
		return false;
	decide_lists_of(decide, &sniffed->name, ret);
	return !sniffed->has_ech || !decide_set_is_empty(ret) || !is_front(&sniffed->name);
}

bool verdict_needs_address(const struct decide *decide, const struct verdict_sniffed *sniffed)
{
	struct decide_set lists;
	return !lists_said(decide, sniffed, &lists) ||
	       (sniffed->has_ech && decide_set_is_empty(&lists));
}

bool verdict_stands(const struct decide *decide, uint32_t mark)
{
	const uint32_t way = mark & decide->marks.mask;
	if (way == decide->marks.direct)
		return true;
	for (size_t i = 0; i < decide->n_policies; i++)
		for (size_t k = 0; k < decide->policies[i].n_rules; k++)
			if (decide->policies[i].rules[k].mark == way)
				return true;
	return false;
}

uint32_t verdict_of(const struct decide *decide, const struct verdict_flow *flow,
		    const struct verdict_sniffed *sniffed, const struct verdict_learned *learned)
{
	const struct decide_policy *policy = decide_policy_of(decide, &flow->client);
	struct decide_flow wanted = { .protocol = flow->protocol,
				      .port = flow->port,
				      .to = flow->to };
	wanted.is_named = lists_said(decide, sniffed, &wanted.lists);
	// A name in no list, which may be a front, and an address of names in lists, but not of
	// this one: by the address.
	if (wanted.is_named && sniffed->has_ech && decide_set_is_empty(&wanted.lists) && learned &&
	    !learned->is_of_name && !decide_set_is_empty(&learned->lists))
		wanted.is_named = false;
	if (!wanted.is_named)
		wanted.lists = learned ? learned->lists : (struct decide_set){ 0 };
	const struct decide_rule *rule = policy ? decide_flow(policy, &wanted) : NULL;
	return rule ? rule->mark | policy_rule_bits(&decide->marks, policy->id, rule->slot)
		    : decide->marks.direct;
}
