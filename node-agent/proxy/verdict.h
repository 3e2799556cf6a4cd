// What becomes of a flow: by the name that it says, else by what its address was learned for, else
// by the rule that takes what names nobody. Pure.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "decide/decide.h"
#include "proxy/sniff.h"

// What the first bytes have said.
struct verdict_sniffed {
	enum sniff_result result;
	struct name name; // of result SNIFF_NAME
	bool has_ech;
};

// Reads as TLS, else as HTTP. SNIFF_MORE: `ret_wants` bytes are needed.
struct verdict_sniffed verdict_sniff(const uint8_t *data, size_t len, size_t *ret_wants);

// Who wants to go where.
struct verdict_flow {
	uint8_t protocol; // of IP
	uint16_t port;
	struct address client, to;
};

// What is known of a flow's address.
struct verdict_learned {
	struct decide_set lists; // those of the names that it was learned for
	bool is_of_name;         // the name that the flow says is one of them
};

// Whether the address has to be asked for: nothing is said, or what is said may be a front. Every
// hello of some browsers pretends to have another one inside (RFC 9849 §6.2), so that alone says
// little: a name that is in a list counts.
bool verdict_needs_address(const struct decide *decide, const struct verdict_sniffed *sniffed);

// Whether flows may go by a mark that was decided once: it is still that of a rule, or of none.
bool verdict_stands(const struct decide *decide, uint32_t mark);

// The mark of a flow and the bits of the rule that decided it; direct alone: no rule did.
// `learned` NULL: it was not needed.
uint32_t verdict_of(const struct decide *decide, const struct verdict_flow *flow,
		    const struct verdict_sniffed *sniffed, const struct verdict_learned *learned);
