// Walks a packet through other people's firewall rules, to tell whether they would drop it. Pure.
//
// Rules are in nft's JSON form ("nft -j list ruleset"); what iptables-save prints can be turned
// into it. A rule of whose conditions one is not understood may match or not: what then hangs on it
// is "unsure". Known accepts of one packet are never unsure because of what comes behind them.
#pragma once

#include <jansson.h>
#include <stddef.h>

enum walk_hook { WALK_INPUT, WALK_FORWARD };

enum walk_verdict {
	WALK_ACCEPT,
	WALK_UNSURE, // dropped unless a rule that is not understood accepts it
	WALK_DROP,
};

// The first packet of a flow over UDP.
struct walk_packet {
	int family; // 4 or 6
	const char *in;
	const char *out; // WALK_FORWARD only
	unsigned port;   // destination
};

struct walk_result {
	enum walk_verdict verdict;
	char family[8]; // what drops it: "inet" "filter" "input"; "" when accepted
	char table[64];
	char chain[64];
};

// `rules` is {"nftables": [...]}; Weft's own tables are left out.
void firewall_walk(const json_t *rules, enum walk_hook hook, const struct walk_packet *packet,
		   struct walk_result *ret);
