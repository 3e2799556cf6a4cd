// What the files of explain share. Private to explain.
#pragma once

#include "base/text.h"

#include "decide/marks.h"
#include "explain/explain.h"

enum { EXPLAIN_GROUP_SIZE = 80, EXPLAIN_TABLE_MAIN = 254 };

// The gateway-group that a mark leads to.
struct explain_group {
	const char *key; // "gateway-group/tv.block"; NULL: to none
	char name[EXPLAIN_GROUP_SIZE];
	bool is_direct; // what it does when none of its gateways is well
};

// group.c
struct explain_group explain_group_of(const struct explain_facts *facts, uint32_t mark);
const char *explain_group_gateway(const struct explain_facts *facts,
				  const struct explain_group *group); // NULL: none
json_t *explain_group_json(const struct explain_facts *facts, const struct explain_group *group);

// flow.c
bool explain_is_split(const struct decide_policy *policy, const struct explain_question *question);
struct decide_flow explain_flow(const struct explain_facts *facts,
				const struct explain_question *question,
				const struct explain_address *a);
// Adds "netflix, bbc".
void explain_add_lists(struct text *out, const struct decide *decide, const struct decide_set *set);
json_t *explain_list_names(const struct decide *decide, const struct decide_set *set);

// rules.c
json_t *explain_rules_json(const struct explain_facts *facts,
			   const struct explain_question *question,
			   const struct explain_address *a);
