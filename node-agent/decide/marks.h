// The numbers by which the kernel, weft-dns and weft-proxy tell of a flow what was decided. Pure.
//
// Of a packet's mark only the bits of a mask are Weft's; the controller says which. Of a
// connection's mark so are 16 more, the lowest beside the mask: by which rule it was decided, for
// the counters, and whether weft-proxy carries it.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	POLICY_MARK_BITS = 12, // of the mask, one beside the other
	POLICY_RULES_MAX = 0x7fff,
};

#define POLICY_MASK_UNSAID 0x0fff0000u // of controllers that do not tell theirs

struct policy_marks {
	uint32_t mask;
	uint32_t direct;  // decided: as if there were no policy
	uint32_t reject;  // decided: refused, and told so
	uint32_t drop;    // the same, silently
	uint32_t split;   // not decided: for weft-proxy to look into
	uint32_t passed;  // of a connection only: no rule was for it when it began
	uint32_t proxied; // weft-proxy made the connection in the client's name
	uint32_t rules;   // which rule
	uint32_t flow;    // all of these bits
};

// Bits that are counted from the lowest one beside the mask.
static inline uint32_t policy_bits_beside(uint32_t mask, uint32_t bits)
{
	const uint32_t below = (mask & -mask) - 1;

	return (bits & below) | (bits & ~below) << POLICY_MARK_BITS;
}

// The mask is a good one (mark_mask_is_good of model/host_numbers.h).
static inline struct policy_marks policy_marks_of(uint32_t mask)
{
	const uint32_t one = mask & -mask;
	struct policy_marks marks = { .mask = mask,
				      .direct = 0xfff * one,
				      .reject = 0xffe * one,
				      .drop = 0xffd * one,
				      .passed = 0xff1 * one,
				      .split = 0xff0 * one };

	marks.proxied = policy_bits_beside(mask, POLICY_RULES_MAX + 1);
	marks.rules = policy_bits_beside(mask, POLICY_RULES_MAX);
	marks.flow = mask | marks.proxied | marks.rules;
	return marks;
}

// Of the flow that has it nobody leads it to a gateway-group.
static inline bool policy_mark_is_fixed(const struct policy_marks *marks, uint32_t mark)
{
	return mark == marks->direct || mark == marks->reject || mark == marks->drop;
}

// The number of the rule that decided a connection, 1 to POLICY_RULES_MAX: the rule's own as long
// as there are at most 127 policies with 255 rules.
static inline uint32_t policy_rule_number(uint32_t policy_id, uint32_t rule_slot)
{
	return (uint32_t)(((uint64_t)policy_id * 256 + rule_slot) % POLICY_RULES_MAX) + 1;
}

// What a connection's mark says of that rule: never 0.
static inline uint32_t policy_rule_bits(const struct policy_marks *marks, uint32_t policy_id,
					uint32_t rule_slot)
{
	return policy_bits_beside(marks->mask, policy_rule_number(policy_id, rule_slot));
}
