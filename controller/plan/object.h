// Parsed resources inside the fleet; only for the files of this module.
#pragma once

#include "base/clean.h"
#include "model/limit.h"
#include "model/match.h"
#include "model/net.h"

#include "plan/fleet.h"

struct fleet_node {
	const char *site;       // NULL: a site of its own
	const char *address;    // host or IP, NULL when it is to be found
	int address_port;       // 0: the port it listens on
	int listen_port;        // 0: the network's
	const char *public_key; // NULL until the agent told it
	const char *seen;       // address its session comes from, NULL unknown
	bool is_behind_nat;     // `seen` is none of its own addresses
	struct prefix *locals;  // prefixes on its own interfaces
	size_t local_count;
	bool is_drained;         // no traffic of others is to pass through it
	const json_t *endpoints; // network -> "ip:port" as public peers see it
	const json_t *path_mtu;  // "network/peer" -> largest overlay packet that passes, bytes
	const json_t *bridge_priorities; // segment's id -> its bridge's priority there
	char address_host[HOST_MAX_LEN + 1];
};

struct fleet_site {
	struct prefix *lan;
	size_t lan_count;
};

// Written or not; a pool that is not written is allocated.
struct fleet_pools {
	struct prefix v4, v6; // address.family 0: not written
};

struct net_member {
	const char *name;
	bool in_mesh;
	bool is_hub;
	bool is_spoke;
	const char **extra; // other ends of its single links
	size_t extra_count;
};

// How links are probed: what is written, or its default.
struct fleet_probe {
	bool is_written;
	int interval_ms;
	int down, up; // lost or returned probes in a row
	int hold_down_ms;
};

struct fleet_sla {
	struct limit latency, jitter, loss; // both 0: not asked
	int for_ms, clear_for_ms;
};

struct fleet_network {
	struct map *members; // node name -> struct net_member
	const char *hub;
	struct fleet_pools pools;
	int port;        // 0: allocated
	int keepalive_s; // -1: default
	struct fleet_probe probe;
	const char *sla; // NULL: none
};

struct fleet_link {
	const char *network;                   // NULL: an external one
	const char *a, *b;                     // a < b
	const char *node, *interface, *target; // of an external one
	int udp_port;                          // likewise; 0: it is asked by ICMP
	struct prefix *routes;                 // likewise: what is reached by it
	size_t route_count;
	const char *via[2]; // likewise: the router for these, IPv4 and IPv6; NULL: none
	bool is_disabled;
	bool is_standby; // preferred less among equals
	bool is_drained; // no traffic is to use it
	int cost;        // 0: default
	int mtu;         // 0: none
	struct fleet_probe probe;
	const char *sla; // NULL: none
};

struct fleet_segment {
	const char *network;
	bool is_routed;
	int mtu;
	struct fleet_pools pools;
	int hello_s, max_age_s, forward_delay_s;
};

enum { HA_VOTERS_MAX = 16, HA_VIPS_MAX = 16 };

// Names are of nodes.
struct fleet_ha {
	const char *members[HA_VOTERS_MAX];
	size_t n_members;
	const char *witnesses[HA_VOTERS_MAX];
	size_t n_witnesses;
	const char *site;    // NULL: none
	const char *network; // NULL: the first that has them all
	struct address vips[HA_VIPS_MAX];
	size_t n_vips;
	const char *interface;
	int lease_ms;
	int hold_down_ms; // -1: never
	bool holds_isolated;
	int64_t settled; // the generation of voters that all of them have by now, 0: none yet
};

// Where weft-dns runs.
struct fleet_resolver {
	const char *site;       // NULL: on `nodes`
	struct map *nodes;      // names; NULL: on those of `site`
	struct map *blocklists; // names that hold; NULL: all
};

enum { LIST_RULES_MAX = 1000, LIST_INLINE_MAX = 12000 };

// The names of a list, as its nodes get them.
struct fleet_list {
	bool is_inline;  // its `names` are few enough to stand in the entry
	char sha256[65]; // of the text, "" when there is none yet
	int64_t size;    // bytes of it
};

enum { GATEWAYS_MAX = 16, GATEWAY_CHECKS_MAX = 2 };

struct fleet_gateway {
	char node[NAME_MAX_LEN + 1]; // where it leaves
	const char *uplink;          // of the node; NULL: the node's own way
	const char *checks[GATEWAY_CHECKS_MAX];
	size_t n_checks;
	bool is_drained;
	struct fleet_probe probe;
	const char *sla; // NULL: none
};

// Names are of gateways.
struct fleet_gateway_group {
	const char *gateways[GATEWAYS_MAX];
	size_t n_gateways;
	bool is_by_latency;
	int hold_down_ms;
};

struct fleet_policy {
	struct source *sources; // names point into the spec
	size_t n_sources;
	const json_t *rules;
	bool has_lists; // of some rule
};

struct fleet_object {
	size_t refs;
	enum fleet_kind kind;
	int64_t id;
	char *name;
	json_t *spec;
	json_t *facts;
	union {
		struct fleet_node node;
		struct fleet_site site;
		struct fleet_network network;
		struct fleet_link link;
		struct fleet_segment segment;
		struct fleet_sla sla;
		struct fleet_ha ha;
		struct fleet_resolver resolver;
		struct fleet_list list;
		struct fleet_gateway gateway;
		struct fleet_gateway_group gateway_group;
		struct fleet_policy policy;
	} as;
};

CLEAN_FUNC(struct fleet_object, fleet_object_unref)

// ---- object_dns.c ----

int fleet_list_parse(struct fleet_object *o, struct err *err);
int fleet_resolver_parse(struct fleet_object *o, struct err *err);
