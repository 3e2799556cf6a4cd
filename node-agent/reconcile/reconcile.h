// Makes the kernel agree with the desired entries: dump, compare, change only what differs; observe
// and clean up.
//
// One thread, blocking for the time of the system calls. Time and facts are passed in. What Weft
// owns is recognised by alias (links), protocol (routes), device (addresses, peers) and name (table
// `inet weft`); nothing else is touched.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clean.h"
#include "base/err.h"
#include "wire/entries.h"
#include "wire/limits.h"

#include "kernel/kernel.h"

struct reconcile;
struct reconcile_gateway_group;

struct reconcile_now {
	int64_t mono_ms; // clock_mono_ms()
	int64_t wall_ms; // clock_wall_ms()
};

// What the probes know of the path to a peer.
struct reconcile_path {
	uint32_t path_mtu;     // 0: unknown
	const char *fragments; // "ok", "lost", or NULL: unknown
};

struct reconcile_config {
	struct kernel *kernel; // borrowed
	struct kernel_key private_key;
	struct kernel_key public_key;
	uint8_t route_protocol; // 0 is 87

	// The rule that leads the agent's own connection to its controller past every other one.
	// Family and protocol are filled in; mask 0: none is made.
	struct kernel_rule control;

	void *context; // first argument of the callbacks

	// The addresses now known for the endpoint "name:port", at most `cap`; 0 while it is not
	// resolved. Never blocks. NULL: names are not resolved.
	size_t (*resolve)(void *context, const char *name_port, struct kernel_endpoint *ret,
			  size_t cap);

	// Stores the object of former sysctl values ({"net.ipv4.ip_forward":"0"}) durably before a
	// sysctl is changed.
	int (*save_restore)(void *context, const json_t *former, struct err *err);
	json_t *restore; // what was stored by an earlier run, or NULL; borrowed

	// Why the link "home/bob" cannot be measured; 0 when it can. NULL: they all can.
	int (*probing)(void *context, const char *link, struct err *err);

	// Puts what the agent's spanning tree knows of a bridge, or of a port, in the place of what
	// the kernel's would. NULL: there is none.
	void (*tree)(void *context, struct kernel_link *link);

	// Chooses by which gateway the group's table leads, and makes it so, before anything leads
	// to that table. Once a run for each group whose needs stand. A gateway of it that is not
	// there has a why that says so. NULL: nobody chooses.
	void (*choose)(void *context, const struct reconcile_gateway_group *group);

	// False: nothing known of this peer's path ("peer/home/bob"). NULL: never anything.
	bool (*path)(void *context, const char *peer_key, struct reconcile_path *ret);
};

int reconcile_new(const struct reconcile_config *config, struct reconcile **ret, struct err *err);
void reconcile_free(struct reconcile *r);
CLEAN_FUNC(struct reconcile, reconcile_free)

struct reconcile_error {
	char *entry;
	char *text;
	char *blocked_by; // the entry that has to stand first, or NULL
};

struct reconcile_drift {
	char *entry;
	char *text; // one sentence: what was found and set right
};

struct reconcile_result {
	struct reconcile_error *errors;
	size_t errors_len;
	struct reconcile_drift *drifts; // entries that stood already and had to be set right again
	size_t drifts_len;
	unsigned writes;  // changes made: netlink, nftables, sysctl
	int64_t again_ms; // run again so soon, for new peers that are silent; 0: no matter
	unsigned
		endpoint_moves; // tries of another endpoint of a silent peer; not counted in writes
};

void reconcile_result_done(struct reconcile_result *result);

// Compares `desired` with the kernel and makes them agree: create and change by ascending rank,
// then drop what Weft owns and nothing desires by descending rank. A failed entry is rolled back
// and reported, its dependants are reported as blocked, the rest applies. Returns an error only
// when the kernel could not be read at all. Call it after every new desired set, on every kernel
// hint, and at least every 3 s (endpoints of silent peers rotate).
int reconcile_run(struct reconcile *r, const struct entry_set *desired,
		  const struct reconcile_now *now, struct reconcile_result *ret, struct err *err);

// Before the first run after a boot: puts what keeps clients of policies from leaving by another
// way until the agent has set up theirs (rule/policy/…). What stands already stays; the first
// failure is told, the rest is put all the same.
int reconcile_boot(struct kernel *kernel, uint8_t protocol, const struct entry_set *desired,
		   struct err *err);

// Facts of node/self that others know.
struct reconcile_self {
	const char *version;
	const char *boot_id;
	const char *csum_offload; // "on" or "off: reason"; NULL is "on"
};

// Fills `ret` (an empty set) with the observed entries of everything the last reconcile_run() was
// given.
int reconcile_observe(struct reconcile *r, const struct reconcile_self *self,
		      const struct reconcile_now *now, struct entry_set *ret, struct err *err);

// The sample values: {"peer/home/bob":{"rx_bytes":…}, …}. The caller frees with json_decref().
// node/self has the fields entries and writes_total; the caller adds its own (rss_kb, uptime_s).
int reconcile_samples(struct reconcile *r, const struct reconcile_now *now, json_t **ret,
		      struct err *err);

enum { RECONCILE_PROBE_KEY_SIZE = 32 };

// The most that a link may show: absolute, or in thousandths of what is usual for it. 0: not asked.
struct reconcile_limit {
	uint32_t most; // us; of the loss millionths
	uint32_t permille;
};

// A link to be measured. Borrowed.
struct reconcile_probe {
	const char *link; // "home/bob", of an external one its name
	const char *device;
	const char *local;  // overlay address; NULL: an external link, probed by echoes
	const char *remote; // of the same family
	uint16_t port;      // UDP; 0: ICMP echoes
	uint32_t interval_ms, down, up, hold_down_ms;
	struct reconcile_limit latency, jitter, loss; // its sla
	uint32_t for_ms, clear_for_ms;
	const uint8_t *key; // RECONCILE_PROBE_KEY_SIZE bytes; secret; NULL of an external one
};

// A point-to-point VXLAN. Borrowed.
struct reconcile_wire {
	const char *key; // "wire/internet/bob"
	const char *device;
	const char *over; // the link that carries it: "home/bob"
	uint32_t vni;
};

// Each wire whose needs stood in the last reconcile_run().
typedef void (*reconcile_wire_fn)(void *context, const struct reconcile_wire *wire);
void reconcile_each_wire(const struct reconcile *r, reconcile_wire_fn each, void *context);

// Each link whose needs stood in the last reconcile_run().
typedef void reconcile_probe_fn(void *context, const struct reconcile_probe *probe);
void reconcile_each_probe(const struct reconcile *r, reconcile_probe_fn *each, void *context);

// What each link has carried, as the last look at the kernel found it: of a network's ("home/bob")
// what WireGuard counts, of an external one its interface.
typedef void reconcile_traffic_fn(void *context, const char *link, uint64_t rx_bytes,
				  uint64_t tx_bytes);
void reconcile_each_traffic(const struct reconcile *r, reconcile_traffic_fn *each, void *context);

// What this node's weft-dns does, by kind ("names", "dns-zone", "dns-forward", "dns-block", "dns",
// in this order) and name; the bodies are as the controller sent them.
typedef void reconcile_resolver_fn(void *context, const char *kind, const char *name,
				   const json_t *body);
void reconcile_each_resolver(const struct reconcile *r, reconcile_resolver_fn *each, void *context);

// Each HA group that this node votes in, also while something that it needs does not stand.
struct ha_config;
typedef void reconcile_ha_fn(void *context, const struct ha_config *config);
void reconcile_each_ha(const struct reconcile *r, reconcile_ha_fn *each, void *context);

// Metric of the route to a node's own address by each way, plus its number: probes that are bound
// to the way's device take it.
#define RECONCILE_STANDING_METRIC 60000u

enum { RECONCILE_WAYS_MAX = 16, RECONCILE_NO_WAY = 255 };

// One way to another node. Borrowed.
struct reconcile_way {
	uint8_t number;          // what both ends call it
	const char *by;          // the node that it leads through; NULL: none; outside: the link
	uint64_t link;           // outside: the link's number, which a rename leaves alone
	const char *device;      // the wire that it begins with, or the link's interface
	struct kernel_ip via[2]; // who is at the other end of that; IPv4, IPv6; family 0: none
	bool is_standby, is_drained;
	struct reconcile_probe probe; // `link` is not filled; outside: nothing is, the link has one
};

// Site LANs that are reached through a node while it is the active member of an HA group. Borrowed.
struct reconcile_lan {
	uint32_t group; // 0: there are none
	const char *name;
	uint32_t table;   // of who is in no LAN of the segment; its routes are by the direct way
	uint32_t passing; // of what passes through, likewise; 0: that is routed by `table`
	bool is_first;    // until somebody says that he is active
	const struct kernel_prefix *prefixes;
	size_t len;
	uint8_t in_use; // the way by which the kernel sends to all of them, or RECONCILE_NO_WAY
	bool is_direct; // in these tables it has the direct one
};

// Another node of a routed segment, and where it is reached; or a prefix outside, which external
// links lead to: that has no network, no addresses and no other end to agree with. Borrowed.
struct reconcile_destination {
	const char *key;     // "path/lan/bob", "outside/10.20.0.0/16"
	const char *network; // whose links the ways are made of; NULL: it is outside
	uint64_t self, other;
	struct kernel_ip own[2], peer[2]; // IPv4, IPv6; family 0: none
	uint32_t table, metric;           // of the routes by the way that is chosen
	const struct kernel_prefix *prefixes;
	size_t prefixes_len;
	const struct reconcile_way *ways;
	size_t ways_len;
	uint8_t in_use; // the way by which the kernel sends to all prefixes, or RECONCILE_NO_WAY
	bool stands;    // and the kernel has a route for each way, to probe it
	struct reconcile_lan lan;
};

// Each destination whose needs stood in the last reconcile_run().
typedef void reconcile_destination_fn(void *context, const struct reconcile_destination *d);
void reconcile_each_destination(const struct reconcile *r, reconcile_destination_fn *each,
				void *context);

// Default routes of the tables of uplinks and gateway-groups: those that lead somewhere, and below
// them those that refuse.
#define RECONCILE_GATEWAY_METRIC 100u
#define RECONCILE_LAST_METRIC    UINT32_MAX

enum { RECONCILE_GATEWAYS_MAX = 16, RECONCILE_CHECKS_MAX = 4 };

// One way out, as the last reconcile_run() found it. Borrowed.
struct reconcile_gateway {
	const char *key; // "gateway/rho-isp"
	bool is_drained;
	const char *const *checks; // "echo/gateway:rho-isp", what measures whether it is well
	size_t checks_len;
	const char *wire; // "wire/gateway:via-bob/bob" to the exit; NULL: an uplink of this node
	char over[WIRE_KEY_MAX + 1]; // "home/bob", the link that carries the wire; "": not known
	bool has_way[2];             // of IPv4, of IPv6,
	const char *device[2];       // by that
	struct kernel_ip via[2];     // family 0: there is nobody to go by
	const char *why;             // it cannot be used, as far as the kernel knows; NULL: it can
};

// A list of them to choose from. Borrowed.
struct reconcile_gateway_group {
	const char *key; // "gateway-group/tv.block"
	uint32_t table;
	uint32_t mark; // of what is led to the table, 0: nothing is, by a mark
	uint32_t mask; // and its bits
	bool by_latency, is_blocking;
	uint32_t hold_down_ms;
	const char *const *names; // "gateway/rho-isp", in order
	size_t names_len;
	const struct reconcile_gateway *gateways; // as many
	const struct kernel_route *in_use[2];     // the default routes of its table; NULL: none
};

typedef void reconcile_gateway_fn(void *context, const struct reconcile_gateway *g);
void reconcile_each_gateway(const struct reconcile *r, reconcile_gateway_fn *each, void *context);

// This node's end of a gateway wire whose traffic leaves by an uplink of its own. Borrowed.
struct reconcile_exit {
	const char *wire;          // "wire/gateway:bob-lte/rho"
	const char *const *checks; // "echo/gateway:bob-lte", what measures whether it is well
	size_t checks_len;
	bool is_up; // as far as the kernel knows
};
typedef void reconcile_exit_fn(void *context, const struct reconcile_exit *exit);
void reconcile_each_exit(const struct reconcile *r, reconcile_exit_fn *each, void *context);

// A new list: of each policy the key, and what all its rules and each have decided and carried.
json_t *reconcile_policy_counts(struct reconcile *r);

// Removes every object Weft owns, ends its wireguard-go processes and restores the saved sysctls.
// Goes on after a failure and returns the first one.
int reconcile_remove_all(struct reconcile *r, struct err *err);
