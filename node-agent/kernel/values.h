// Plain values of the kernel's networking objects: what a dump returns and what a change is
// described by.
//
// Devices are named, never numbered: an index belongs to one life of a device. Everything is host
// byte order unless a comment says otherwise. No function here touches the system.
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"

#define KERNEL_ALIAS_PREFIX                                                                        \
	"weft:" // an interface whose alias starts so was made by Weft; the entry's key follows
#define KERNEL_ALIAS_SIZE     256
#define KERNEL_LINK_GROUP     0x5746u // marks a new link until it has its alias
#define KERNEL_ADDR_TEXT_SIZE 64      // any address, prefix or endpoint as text
#define KERNEL_MAC_TEXT_SIZE  18
#define KERNEL_KEY_TEXT_SIZE  45 // base64 of 32 bytes
#define KERNEL_BRIDGE_ID_SIZE 18 // "8000.02aabbccddee"

struct kernel_ip {
	uint8_t family; // AF_INET, AF_INET6, or 0: no address
	uint8_t bytes[16];
};

struct kernel_prefix {
	struct kernel_ip ip; // host bits are kept: an interface address is a prefix too
	uint8_t len;
};

struct kernel_endpoint {
	struct kernel_ip ip; // family 0: none
	uint16_t port;
};

struct kernel_key {
	uint8_t bytes[32];
};

// "192.0.2.1", "2001:db8::1". -EINVAL otherwise.
int kernel_ip_parse(const char *text, struct kernel_ip *ret, struct err *err);
void kernel_ip_format(const struct kernel_ip *ip, char ret[KERNEL_ADDR_TEXT_SIZE]);
bool kernel_ip_equal(const struct kernel_ip *a, const struct kernel_ip *b);

// "10.0.0.0/8"; without a length it is a host's.
int kernel_prefix_parse(const char *text, struct kernel_prefix *ret, struct err *err);
void kernel_prefix_format(const struct kernel_prefix *p, char ret[KERNEL_ADDR_TEXT_SIZE]);
bool kernel_prefix_equal(const struct kernel_prefix *a, const struct kernel_prefix *b);
// True when `a` lies within `b`; equal ones lie within each other.
bool kernel_prefix_within(const struct kernel_prefix *a, const struct kernel_prefix *b);

// "192.0.2.1:51820", "[2001:db8::1]:51820". A name instead of an address is -EDESTADDRREQ (it has
// to be resolved).
int kernel_endpoint_parse(const char *text, struct kernel_endpoint *ret, struct err *err);
void kernel_endpoint_format(const struct kernel_endpoint *e, char ret[KERNEL_ADDR_TEXT_SIZE]);
bool kernel_endpoint_equal(const struct kernel_endpoint *a, const struct kernel_endpoint *b);

int kernel_mac_parse(const char *text, uint8_t ret[6], struct err *err);
void kernel_mac_format(const uint8_t mac[6], char ret[KERNEL_MAC_TEXT_SIZE]);

// WireGuard's base64 form.
int kernel_key_parse(const char *text, struct kernel_key *ret, struct err *err);
void kernel_key_format(const struct kernel_key *key, char ret[KERNEL_KEY_TEXT_SIZE]);

struct kernel_vxlan {
	uint32_t vni;
	uint16_t port; // UDP destination port
	struct kernel_ip local;
	struct kernel_ip remote;
	uint8_t ttl;
	bool learning;
	bool udp_csum;       // outer UDP checksum over IPv4
	bool zero_csum6;     // no outer UDP checksum over IPv6, sent and accepted
	char link[IFNAMSIZ]; // "": the route decides
};

// Times are in hundredths of a second, as the kernel has them.
struct kernel_bridge {
	bool stp;
	bool mcast_snooping;
	bool topology_change;
	uint16_t priority;
	uint16_t root_port; // port number, 0: this bridge is the root
	uint32_t root_cost;
	uint32_t forward_delay, hello_time, max_age;
	uint32_t ageing_time;
	uint64_t hello_timer, tcn_timer, topology_change_timer, gc_timer;
	uint8_t id[8], root_id[8]; // priority (2, network order) and MAC
};

struct kernel_port {
	uint8_t state; // BR_STATE_*
	uint16_t priority;
	uint32_t cost;
	uint16_t id, number;
	uint16_t designated_port;
	uint32_t designated_cost;
	uint8_t designated_root[8], designated_bridge[8];
	uint64_t message_age_timer, forward_delay_timer, hold_timer;
	// Not the kernel's: what the agent's own tree knows besides.
	bool is_measuring; // its cost is to follow what is measured,
	bool is_measured;  // and does
	int64_t rtt_us;    // what its cost rests on
	uint32_t loss_ppm;
};

// "8000.02aabbccddee".
void kernel_bridge_id_format(const uint8_t id[8], char ret[KERNEL_BRIDGE_ID_SIZE]);
const char *kernel_port_state_name(uint8_t state);

struct kernel_stats {
	uint64_t rx_bytes, tx_bytes, rx_packets, tx_packets, rx_drops;
};

struct kernel_link {
	int index;
	int parent_index; // IFLA_LINK or the VXLAN's link, while parsing
	int master_index;
	char name[IFNAMSIZ];
	char kind[IFNAMSIZ]; // "vxlan", "bridge", "wireguard", "tun", "" for a physical device
	char alias[KERNEL_ALIAS_SIZE];
	char master[IFNAMSIZ]; // "": none
	uint32_t flags;        // IFF_*
	uint32_t mtu;
	uint32_t group;
	uint8_t mac[6];
	int accept_ra; // -1: unknown
	bool ipv6_off; // disable_ipv6
	bool is_port;  // `port` is filled
	struct kernel_vxlan vxlan;
	struct kernel_bridge bridge;
	struct kernel_port port;
	struct kernel_stats stats;
};

struct kernel_address {
	int index; // while parsing
	char device[IFNAMSIZ];
	struct kernel_prefix prefix;
	uint8_t scope;     // RT_SCOPE_*
	uint32_t flags;    // IFA_F_*
	bool is_no_source; // to be added as one that is never chosen as a source
};

enum kernel_route_type {
	KERNEL_ROUTE_UNICAST,
	KERNEL_ROUTE_UNREACHABLE,
	KERNEL_ROUTE_LOCAL, // delivered to this host
	KERNEL_ROUTE_OTHER,
};

struct kernel_route {
	int index; // while parsing
	struct kernel_prefix to;
	enum kernel_route_type type;
	char device[IFNAMSIZ];   // "": none
	struct kernel_ip via;    // family 0: none; of an IPv4 route perhaps an IPv6 address
	struct kernel_ip source; // preferred source, family 0: none
	uint32_t table;
	uint32_t metric;
	uint8_t protocol;
};

// A packet that is to be routed.
struct kernel_packet {
	struct kernel_ip to;
	struct kernel_ip from; // family 0: whatever this host chooses
	char device[IFNAMSIZ]; // by which it came in; "": this host sends it
	uint32_t mark;
};

enum kernel_rule_action {
	KERNEL_RULE_OTHER,
	KERNEL_RULE_LOOKUP,      // leads to a table
	KERNEL_RULE_UNREACHABLE, // the sender is told so
	KERNEL_RULE_BLACKHOLE,
};

// A policy rule, as far as Weft makes or looks at one.
struct kernel_rule {
	uint8_t family;
	uint8_t protocol; // who made it; 0: unsaid
	enum kernel_rule_action action;
	uint32_t priority;
	uint32_t mark; // with `mask` 0: looks at no mark
	uint32_t mask;
	uint32_t table;              // of a lookup
	bool is_suppressing;         // what the lookup finds
	uint32_t suppress;           // by a prefix as long or shorter does not count
	struct kernel_prefix from;   // ip.family 0: from anywhere
	struct kernel_prefix to;     // ip.family 0: to anywhere
	char from_device[IFNAMSIZ];  // "": any; "lo": what the host itself sends
	char bound_device[IFNAMSIZ]; // "": any; what sockets bound to that device send
};

struct kernel_peer {
	struct kernel_key public_key;
	struct kernel_endpoint endpoint;
	uint16_t keepalive; // s, 0: off
	int64_t handshake;  // Unix time in s, 0: never
	uint64_t rx_bytes, tx_bytes;
	struct kernel_prefix *allowed;
	size_t allowed_len;
};

struct kernel_wg {
	char device[IFNAMSIZ];
	struct kernel_key private_key;
	uint16_t port;
	uint32_t fwmark;
	struct kernel_peer *peers;
	size_t peers_len;
};

enum kernel_counter_id {
	KERNEL_COUNTER_SPOOF_IN,
	KERNEL_COUNTER_SPOOF_OUT,
	KERNEL_COUNTER_VXLAN_IN,
	KERNEL_COUNTER_VXLAN_OUT,
	KERNEL_COUNTER_OVERLAY_IN,
	KERNEL_COUNTERS,
};

extern const char *const kernel_counter_names[KERNEL_COUNTERS];

struct kernel_counter {
	uint64_t packets, bytes;
};

// Tables `inet weft` and `bridge weft`.
struct kernel_guard {
	bool exists;
	char comment[129];  // the table's comment
	uint64_t rules_sum; // changes when a rule, chain or set of the table does; counters do not
			    // count
	struct kernel_counter counters[KERNEL_COUNTERS];
};

enum { KERNEL_NFT_NAME_SIZE = 64 };

struct kernel_named_counter {
	char name[KERNEL_NFT_NAME_SIZE];
	struct kernel_counter count;
};

struct kernel_chain_name {
	char text[KERNEL_NFT_NAME_SIZE];
};

struct kernel_policy_set {
	char name[KERNEL_NFT_NAME_SIZE];
	bool is_map;
};

// Table `inet weft_policy`, but for what its sets hold.
struct kernel_policy {
	bool exists;
	char comment[129];  // of the first chain that has one
	uint64_t rules_sum; // changes when a rule or chain of the table does
	struct kernel_chain_name *chains;
	size_t chains_len;
	struct kernel_named_counter *counters;
	size_t counters_len;
	struct kernel_policy_set *sets; // those with a name
	size_t sets_len;
};

void kernel_policy_done(struct kernel_policy *p); // leaves it empty

// Everything reconcile looks at, as it was at one moment.
struct kernel_snapshot {
	struct kernel_link *links;
	size_t links_len;
	struct kernel_address *addresses;
	size_t addresses_len;
	struct kernel_route *routes; // only those of Weft's route protocol
	size_t routes_len;
	struct kernel_rule *rules; // everybody's, of both families
	size_t rules_len;
	struct kernel_wg *wgs; // only those whose alias says Weft made them
	size_t wgs_len;
	struct kernel_guard guard;
};

// They do the same, whoever made them.
bool kernel_rule_equal(const struct kernel_rule *a, const struct kernel_rule *b);

void kernel_peer_done(struct kernel_peer *p);
void kernel_wg_done(struct kernel_wg *wg);
void kernel_snapshot_done(struct kernel_snapshot *s); // leaves it empty

// NULL when absent. Valid until the snapshot is changed.
const struct kernel_link *kernel_snapshot_link(const struct kernel_snapshot *s, const char *name);
const struct kernel_wg *kernel_snapshot_wg(const struct kernel_snapshot *s, const char *device);
const struct kernel_peer *kernel_wg_peer(const struct kernel_wg *wg, const struct kernel_key *key);
