// Pieces of nft's language that table `inet weft_policy` is made of; only for the files that render
// it. Pure.
#pragma once

#include "reconcile/guard_text.h"
#include "reconcile/policy_rules.h"

// `tcp dport { 443, 5000-6000 } `, overlapping ranges as one; nothing when there are none.
void policy_add_ports(struct text *out, const struct policy_ports *ports, size_t len, bool is_udp);

// Rules that lead each client to the chain `<word>_<policy's number>`, or accept where the policy
// is not meant (NULL: all are). A client is subject to the policy that names it most closely:
// longer prefixes first.
void policy_add_clients(struct text *out, const struct policy_table *t, const char *word,
			bool (*is_meant)(const struct policy *p));

// ---- policy_names.c: where names decide ----

// Whether some policy has rules by name, and whether flows are looked into at all.
bool policy_has_names(const struct policy_table *t);
bool policy_has_split(const struct policy_table *t);

// Sets and maps of what is learned. Who learns fills them.
void policy_add_sets(struct text *out, const struct policy_table *t);

// Whole chains: what is looked into is told before connection tracking, and brought to weft-proxy.
void policy_add_looking(struct text *out, const struct policy_table *t);

// Rules of a policy's chain, before all others.
void policy_add_cut_off(struct text *out, const struct policy *p);

// Rules of the first chain: for what is looked into, and for what has been.
void policy_add_looked_into(struct text *out, const struct policy_table *t);
void policy_add_flows(struct text *out);
