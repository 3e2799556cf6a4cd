// The text of table `inet weft_policy`: which flows get which mark, what goes out with this node's
// address, and what may come by gateway wires. Pure: what is in force in, nft's language out.
#pragma once

#include "base/text.h"

#include "decide/marks.h"
#include "reconcile/body.h"

#define POLICY_CHAIN_FIRST "arrival" // has the digest of the rules for its comment

struct policy_ports {
	bool is_udp;
	uint16_t first, last;
};

struct policy_rule {
	uint32_t number;       // its place
	uint32_t id;           // its own wherever it stands: names its counters
	uint32_t slot;         // the same, of what a connection's mark has room for
	struct prefix_list to; // none, and no lists: any
	struct policy_ports *ports;
	size_t ports_len; // 0: all, and every protocol
	uint32_t *lists;  // ids of the lists of names that it is for as well
	size_t lists_len;
	uint32_t mark; // all bits, also of what is direct or refused
};

struct policy {
	uint32_t id;
	uint32_t priority; // of the first of the two rules for what is refused
	struct policy_marks marks;
	struct prefix_list from;
	struct policy_rule *rules;
	size_t rules_len;
	struct policy_ports *split; // whose flows are looked into
	size_t split_len;
	bool has_lists; // some rule has
};

struct policy_exit {
	char device[IFNAMSIZ]; // the gateway wire
	struct prefix_list from;
	char *uplink; // "uplink/fibre"; NULL: the way that the main table's default route goes
	struct key_list checks; // what measures whether that is well
	uint32_t mark, mask, table;
	char out[2][IFNAMSIZ]; // IPv4, IPv6: where it leaves; "": nowhere now
	bool is_private[2];    // and that is within private addresses itself
};

// What there is to be written.
struct policy_table {
	const struct policy **policies; // by id
	size_t policies_len;
	const struct policy_exit **exits;
	size_t exits_len;
	const char **wires; // devices of the wires to exits
	size_t wires_len;
	const char **uplinks; // devices of this node's uplinks
	size_t uplinks_len;
	uint16_t splitter_port;    // where weft-proxy listens; 0: nothing is looked into
	struct policy_marks marks; // of all of them
};

enum { POLICY_COUNTER_SIZE = 40 };

// Counter of all that the rule's flows carry, and of the flows themselves.
void policy_counter_name(const struct policy *p, const struct policy_rule *rule, bool of_flows,
			 char ret[POLICY_COUNTER_SIZE]);

// Body of the table, with `digest` in it.
void policy_rules_render(struct text *out, const struct policy_table *table, const char *digest);

// The comment of a table, for `digest` of policy_rules_render, and the mask that it tells of.
enum { POLICY_COMMENT_SIZE = 80 };
void policy_comment(const char *digest, uint32_t mask, char ret[POLICY_COMMENT_SIZE]);
uint32_t policy_comment_mask(const char *comment);

// The whole transaction: `rules` in the place of what `seen` has. What counters that are still
// there have counted stays, and so does what the table's sets hold; but flows that were noted with
// marks of another mask are forgotten.
void policy_transaction_render(struct text *out, const char *rules,
			       const struct kernel_policy *seen, uint32_t mask);
