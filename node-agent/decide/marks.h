// The numbers by which the kernel, weft-dns and weft-proxy tell of a flow what was decided. Pure.
//
// Of a packet's mark only the bits of POLICY_MASK are Weft's. Of a connection's mark so are the low
// 16, which say by which rule it was decided, for the counters, and whether weft-proxy carries it.
#pragma once

#include <stdint.h>

#define POLICY_MASK      0x0fff0000u
#define POLICY_DIRECT    0x0fff0000u // decided: as if there were no policy
#define POLICY_REJECT    0x0ffe0000u // decided: refused, and told so
#define POLICY_DROP      0x0ffd0000u
#define POLICY_SPLIT     0x0ff00000u // not decided: for weft-proxy to look into
#define POLICY_PASSED    0x0ff10000u // of a connection only: no rule was for it when it began
#define POLICY_PROXIED   0x00008000u // weft-proxy made the connection in the client's name
#define POLICY_RULE_BITS 0x00007fffu
#define POLICY_FLOW_BITS (POLICY_MASK | POLICY_PROXIED | POLICY_RULE_BITS)

// What a connection's mark says of the rule that decided it: never 0, and the rule's own as long as
// there are at most 127 policies with 255 rules.
static inline uint32_t policy_rule_bits(uint32_t policy_id, uint32_t rule_number)
{
	return (uint32_t)(((uint64_t)policy_id * 256 + rule_number) % POLICY_RULE_BITS) + 1;
}
