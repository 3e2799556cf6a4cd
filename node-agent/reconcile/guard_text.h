// Pieces of nft's language that the rails are made of; only for the files that render them. Pure.
#pragma once

#include "reconcile/guard_rules.h"

// Before other people's filters, behind connection tracking: what is dropped here must not be
// accepted by them first.
#define GUARD_PRIORITY         "filter - 10"
#define GUARD_PRIORITY_POSTNAT "srcnat + 10" // sees the source that really leaves

struct guards {
	const struct guard *const *items;
	size_t len;
};

extern const char *const guard_family_name[2]; // IPv4, IPv6
extern const uint8_t guard_family_number[2];

// nft refuses intervals that overlap, so one inside another is left out, and all but the first of
// equals.
bool guard_is_covered(const struct prefix_list *list, size_t at);

// Host bits are cleared: an interface's address stands for its host when the length says so, else
// for the network.
void guard_add_prefix(struct text *out, const struct kernel_prefix *p);

// "{ a, b }", with `more` (may be NULL) at the end; nothing and false when it would be empty.
bool guard_add_set(struct text *out, const struct prefix_list *list, uint8_t family,
		   const char *more);

// `match`, then a source of either family that is not in `list`, then the drop.
void guard_add_foreign_source(struct text *out, const char *match, const struct prefix_list *list,
			      bool with_link_local, const char *counter);

// Tells the rules from any others: hexadecimal.
void rules_digest(const char *rules, char ret[65]);

void guard_open_chain(struct text *out, const char *name, const char *hook, const char *priority);

// guard_routed.c: the rails of routed segments.
void guard_routed_set(struct text *out, const struct guards *g, int family);
void guard_routed_chains(struct text *out, const struct guards *g);
