// Why a flow goes where it goes, in sentences for people: which policy and which rule, what is
// known of the addresses of a name, which gateway and why not the others. Pure: what is in force
// and what the kernel and weft-dns said comes in, the answer goes out.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#include "decide/decide.h"
#include "kernel/values.h"

enum { EXPLAIN_ADDRESSES_MAX = 8 }; // of a name that are looked at

// What is in force on this node. Borrowed.
struct explain_facts {
	const struct decide *decide;
	const json_t
		*entries; // bodies of gateway/…, gateway-group/… and rule/gateway-group/…, by key
	const json_t *gateways; // [{key, state, since, cause, drained}]
	const json_t *groups;   // [{key, gateway, since, cause}]
	const json_t *counts;   // [{key, rules: [{number, flows, packets, bytes}]}]
	const json_t *splitter; // [{state}], or empty: no weft-proxy is wanted here
};

struct explain_question {
	struct address client;
	const char *name; // canonical; NULL: by address
	uint8_t protocol; // of IP
	uint16_t port;
	const json_t *dns;   // what weft-dns would do with the name; NULL: it did not say,
	const char *dns_why; // for this reason
};

// Who decides a flow to an address.
enum explain_by {
	EXPLAIN_BY_KERNEL, // at its first packet, by address and port
	EXPLAIN_BY_NAME,   // weft-proxy, by the name that the client says
	EXPLAIN_BY_SAYING, // likewise, and no name was given here
};

// Why policies do not hold for an address.
enum explain_beyond {
	EXPLAIN_WITHIN, // they do
	EXPLAIN_OWN,    // it is the node's own
	EXPLAIN_ITSELF, // the client is the node
	EXPLAIN_MANY,   // it is not for one
	EXPLAIN_KNOWN,  // there is a way to it other than a default route
};

// One address that the flow may go to; of a name of which none is known one of family 0.
struct explain_address {
	struct address address;
	// What the kernel's sets say.
	bool has_sets;           // there are any
	bool is_known;           // it was learned, and all of its names are in the same lists
	struct decide_set lists; // as whose address it was learned
	int64_t left_ms;         // till it is forgotten
	json_t *names;           // [{name, lists, expires_s}] as weft-dns told, or NULL

	// Decided by explain_decide().
	enum explain_by by;
	const struct decide_rule *rule; // NULL: none

	// What the kernel's routes say of a packet with the rule's mark.
	struct kernel_route route;
	struct err unrouted; // code 0: `route` is filled
	bool is_from_node;   // the client's address is its own

	enum explain_beyond beyond; // by explain_settle()
};

// The policy that the client is subject to, or NULL.
const struct decide_policy *explain_policy(const struct explain_facts *facts,
					   const struct explain_question *question);

// Fills `by` and `rule`. NULL policy: no rule.
void explain_decide(const struct explain_facts *facts, const struct explain_question *question,
		    struct explain_address *a);

// After `route`: of an address that policies do not hold for no rule decides.
void explain_settle(const struct explain_facts *facts, struct explain_address *a);

// The mark that the flow's packets get; 0: none.
uint32_t explain_mark(const struct explain_address *a);

// The answer as api/openapi.yaml's Explanation has it, without node and asked. NULL when out of
// memory.
json_t *explain_answer(const struct explain_facts *facts, const struct explain_question *question,
		       const struct explain_address *addresses, size_t count);
