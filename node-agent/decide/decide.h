// By which rule of which policy a flow goes, where names are known: weft-dns for the way that a
// question takes, weft-proxy for the flows that it looks into, the agent to explain. What has no
// name nftables decides by the same entries (reconcile/policy_rules.h). Pure but for the mapping of
// list images.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clean.h"
#include "base/err.h"
#include "model/kinds.h"
#include "model/net.h"

#include "decide/marks.h"
#include "names/list.h"

enum { DECIDE_LISTS_MAX = KIND_LISTS_MAX };

// Lists, each by its place in `struct decide`.
struct decide_set {
	uint64_t bits[DECIDE_LISTS_MAX / 64];
};

bool decide_set_has(const struct decide_set *set, size_t place);
void decide_set_put(struct decide_set *set, size_t place);
bool decide_set_is_empty(const struct decide_set *set);
bool decide_set_equal(const struct decide_set *a, const struct decide_set *b);
bool decide_set_meets(const struct decide_set *a, const struct decide_set *b); // have one in common

struct decide_list {
	uint32_t id; // names the kernel's sets of its addresses
	char *name;
	struct name_list_file file; // of no size: there is no image, and nothing is in the list
};

struct decide_ports {
	uint8_t protocol; // of IP: 6 (TCP) or 17 (UDP)
	uint16_t first, last;
};

struct decide_rule {
	uint32_t number; // its place
	uint32_t slot;   // by which a connection's mark tells of it, wherever it stands
	struct prefix *to;
	size_t n_to;
	struct decide_set lists; // neither these nor prefixes: anything
	struct decide_ports *ports;
	size_t n_ports;     // 0: all, and every protocol
	uint32_t mark;      // within the mask, also of what is direct or refused
	bool takes_unknown; // what of the split ports names nobody and was not learned is its
	bool is_nxdomain;   // the names of its lists are said not to exist
};

struct decide_policy {
	uint32_t id;
	char *name;
	struct prefix *from;
	size_t n_from;
	struct decide_rule *rules;
	size_t n_rules;
	struct decide_ports *split; // what weft-proxy looks into
	size_t n_split;
	bool has_lists; // some rule has
};

struct decide {
	struct policy_marks marks; // of all the policies
	struct decide_policy *policies;
	size_t n_policies;
	struct decide_list lists[DECIDE_LISTS_MAX];
	size_t n_lists;
};

// From a list of bodies of the entries `policy/<name>` with "name", and with "path" in their rules'
// lists where there is an image. NULL and a sentence that names the field.
struct decide *decide_new(const json_t *policies, struct err *err);
void decide_free(struct decide *decide);
CLEAN_FUNC(struct decide, decide_free)

// The mask of the marks that an entry's body tells; of one that does not, what it was before there
// was a choice. 0: it is none.
uint32_t decide_mask_of(const json_t *body);

// The policy that names the client most closely; NULL: none.
const struct decide_policy *decide_policy_of(const struct decide *decide,
					     const struct address *client);

// The lists that have the name.
void decide_lists_of(const struct decide *decide, const struct name *name, struct decide_set *ret);

// The first rule for a name whose address nobody knows yet: by its lists, or for anything. Rules by
// prefixes only are passed over, ports left open. NULL: none, the host's own way.
const struct decide_rule *decide_by_name(const struct decide_policy *policy,
					 const struct decide_set *lists);

struct decide_flow {
	uint8_t protocol;
	uint16_t port;
	struct address to; // family 0: not known
	struct decide_set
		lists; // of its name; of a flow without one, what its address was learned for
	bool is_named;
};

// Whether a rule is for a flow, and if not, why.
enum decide_fit {
	DECIDE_FITS,
	DECIDE_OTHER_PORT,    // or protocol
	DECIDE_OTHER_ADDRESS, // of a rule by prefixes only
	DECIDE_OTHER_NAME,
	DECIDE_NO_NAME, // it names nobody, and the rule does not take such flows
};
enum decide_fit decide_fit(const struct decide_rule *rule, const struct decide_flow *flow);

// The first rule that fits; NULL: none, the host's own way.
const struct decide_rule *decide_flow(const struct decide_policy *policy,
				      const struct decide_flow *flow);
