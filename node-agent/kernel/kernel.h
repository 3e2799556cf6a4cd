// The only door to the kernel: links, addresses, routes, WireGuard, nftables, sysctls, offloads and
// their events.
//
// Everything stands behind one struct of functions so that reconcile runs on a fake in tests. The
// functions block for the time of a system call (starting a wireguard-go: some tens of
// milliseconds). An object belongs to one thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clean.h"
#include "base/err.h"

#include "kernel/values.h"

struct kernel;

enum kernel_link_kind { KERNEL_LINK_VXLAN, KERNEL_LINK_BRIDGE };

// A link to make. It is down and has no alias yet; kernel_link_change() follows.
struct kernel_link_make {
	char name[IFNAMSIZ];
	enum kernel_link_kind kind;
	uint8_t mac[6]; // all zero: the kernel chooses
	struct kernel_vxlan vxlan;
	struct kernel_bridge bridge;
};

enum kernel_link_field {
	KERNEL_LINK_ALIAS = 1 << 0,
	KERNEL_LINK_MTU = 1 << 1,
	KERNEL_LINK_MAC = 1 << 2,
	KERNEL_LINK_MASTER = 1 << 3, // "" takes the link out of its bridge
	KERNEL_LINK_UP = 1 << 4,
	KERNEL_LINK_NO_ADDR_GEN = 1 << 5, // no link-local IPv6 address by itself
	KERNEL_LINK_BRIDGE_OPTIONS = 1 << 6,
	KERNEL_LINK_PORT_OPTIONS = 1 << 7, // cost and priority of a port
	KERNEL_LINK_GROUP_CLEAR = 1 << 8,
	KERNEL_LINK_PORT_STATE = 1 << 9,  // BR_STATE_*, where the kernel's spanning tree is off
	KERNEL_LINK_PORT_FLUSH = 1 << 10, // forget the addresses learnt on a port
	KERNEL_LINK_STP_OFF = 1 << 11,    // nothing else of a bridge; its ports stay as they are
};

struct kernel_link_change {
	unsigned fields; // enum kernel_link_field, ored: what to change
	const char *alias;
	const char *master;
	uint32_t mtu;
	uint8_t mac[6];
	struct kernel_bridge bridge; // stp, priority, timers, mcast_snooping
	struct kernel_port port;     // cost, priority, state
};

struct kernel_peer_change {
	struct kernel_key public_key;
	bool remove;
	bool set_allowed; // replace the allowed IPs by those given
	bool set_keepalive;
	uint16_t keepalive;
	struct kernel_endpoint endpoint; // family 0: left as it is
	const struct kernel_prefix *allowed;
	size_t allowed_len;
};

struct kernel_wg_change {
	const struct kernel_key *private_key; // NULL: left as it is
	const uint16_t *port;                 // NULL: left as it is
	const struct kernel_peer_change *peers;
	size_t peers_len;
};

// The functions a backend (the system's, a test's) has. Same contracts as the kernel_… functions
// below.
struct kernel_ops {
	int (*dump)(struct kernel *k, struct kernel_snapshot *ret, struct err *err);
	int (*dump_links)(struct kernel *k, struct kernel_snapshot *ret, struct err *err);
	int (*link_create)(struct kernel *k, const struct kernel_link_make *make, struct err *err);
	int (*link_change)(struct kernel *k, const char *name, const struct kernel_link_change *c,
			   struct err *err);
	int (*link_delete)(struct kernel *k, const char *name, struct err *err);
	int (*address_add)(struct kernel *k, const struct kernel_address *a, struct err *err);
	int (*address_drop)(struct kernel *k, const struct kernel_address *a, struct err *err);
	int (*route_put)(struct kernel *k, const struct kernel_route *r, bool replace,
			 struct err *err);
	int (*route_drop)(struct kernel *k, const struct kernel_route *r, struct err *err);
	int (*rule_add)(struct kernel *k, const struct kernel_rule *r, struct err *err);
	int (*rule_drop)(struct kernel *k, const struct kernel_rule *r, struct err *err);
	int (*wg_create)(struct kernel *k, const char *device, struct err *err);
	int (*wg_delete)(struct kernel *k, const char *device, struct err *err);
	int (*wg_change)(struct kernel *k, const char *device, const struct kernel_wg_change *c,
			 struct err *err);
	int (*sysctl_read)(struct kernel *k, const char *name, char *ret, size_t size,
			   struct err *err);
	int (*sysctl_write)(struct kernel *k, const char *name, const char *value, struct err *err);
	int (*default_route)(struct kernel *k, const char *device, uint8_t family,
			     struct kernel_route *ret, struct err *err);
	int (*guard_replace)(struct kernel *k, const char *ruleset, struct err *err);
	int (*guard_delete)(struct kernel *k, struct err *err);
	int (*policy_read)(struct kernel *k, struct kernel_policy *ret, struct err *err);
	int (*policy_replace)(struct kernel *k, const char *ruleset, struct err *err);
	int (*flows_forget)(struct kernel *k, uint32_t mark, uint32_t mask, struct err *err);
	int (*checksum_off)(struct kernel *k, const char *device, struct err *err);
	const char *(*wireguard_name)(struct kernel *k);
	void (*close)(struct kernel *k);
};

// First member of every backend's own struct.
struct kernel {
	const struct kernel_ops *ops;
	uint64_t writes; // successful and failed attempts to change something, since it was opened
};

struct kernel_config {
	const char *wireguard;    // "auto", "kernel" or "wireguard-go"; NULL is "auto"
	const char *wireguard_go; // program; NULL is "wireguard-go", found by PATH
	uint8_t route_protocol;   // 0 is 87
};

// Opens the sockets to the kernel of the caller's network namespace. kernel_close() frees; it
// accepts NULL and leaves every device and every wireguard-go process as it is.
int kernel_open(const struct kernel_config *config, struct kernel **ret, struct err *err);
void kernel_close(struct kernel *k);
CLEAN_FUNC(struct kernel, kernel_close)

// Reads everything. The caller calls kernel_snapshot_done().
int kernel_dump(struct kernel *k, struct kernel_snapshot *ret, struct err *err);
// The same, of links alone: quick.
int kernel_dump_links(struct kernel *k, struct kernel_snapshot *ret, struct err *err);

int kernel_link_create(struct kernel *k, const struct kernel_link_make *make, struct err *err);
int kernel_link_change(struct kernel *k, const char *name, const struct kernel_link_change *c,
		       struct err *err);
int kernel_link_delete(struct kernel *k, const char *name, struct err *err);

// Adds or drops `prefix` on `device`. -EEXIST and -EADDRNOTAVAIL are errors like any other.
int kernel_address_add(struct kernel *k, const struct kernel_address *a, struct err *err);
int kernel_address_drop(struct kernel *k, const struct kernel_address *a, struct err *err);

// Puts a route of Weft's protocol. Without `replace` a route to the same prefix with the same
// metric is -EEXIST.
int kernel_route_put(struct kernel *k, const struct kernel_route *r, bool replace, struct err *err);
int kernel_route_drop(struct kernel *k, const struct kernel_route *r, struct err *err);

// The main table's best default route by that device, or ("") by any, whoever made it. -ENOENT:
// there is none.
int kernel_default_route(struct kernel *k, const char *device, uint8_t family,
			 struct kernel_route *ret, struct err *err);

// Adds or drops a rule. -EEXIST and -ENOENT are errors like any other.
int kernel_rule_add(struct kernel *k, const struct kernel_rule *r, struct err *err);
int kernel_rule_drop(struct kernel *k, const struct kernel_rule *r, struct err *err);

// Makes a WireGuard device: the kernel's own, or a wireguard-go process in a session (or systemd
// service) of its own that outlives the caller. Deleting it also ends that process.
int kernel_wg_create(struct kernel *k, const char *device, struct err *err);
int kernel_wg_delete(struct kernel *k, const char *device, struct err *err);
int kernel_wg_change(struct kernel *k, const char *device, const struct kernel_wg_change *c,
		     struct err *err);

// "kernel" or "wireguard-go": what a new device would use, or the last one made does.
const char *kernel_wireguard_name(struct kernel *k);

// `name` is "net.ipv4.ip_forward" or, where a part has dots of its own,
// "net/ipv6/conf/eth0.7/accept_ra". The value is without its newline. -ENOENT when this kernel has
// no such setting.
int kernel_sysctl_read(struct kernel *k, const char *name, char *ret, size_t size, struct err *err);
int kernel_sysctl_write(struct kernel *k, const char *name, const char *value, struct err *err);

// Runs one nftables transaction, which may touch only the tables `inet weft` and `bridge weft`, and
// `inet weft_resolver`.
int kernel_guard_replace(struct kernel *k, const char *ruleset, struct err *err);
int kernel_guard_delete(struct kernel *k, struct err *err);

// Reads table `inet weft_policy`; the caller calls kernel_policy_done(). One transaction that may
// touch only this table: what its learned sets hold survives.
int kernel_policy_read(struct kernel *k, struct kernel_policy *ret, struct err *err);
int kernel_policy_replace(struct kernel *k, const char *ruleset, struct err *err);

// Forgets the connections that have that mark in the bits of the mask (kernel/conntrack.h).
int kernel_flows_forget(struct kernel *k, uint32_t mark, uint32_t mask, struct err *err);

// Switches transmit checksum offload of `device` off, for paths that pass half-made checksums on.
int kernel_checksum_off(struct kernel *k, const char *device, struct err *err);

enum kernel_hint {
	KERNEL_HINT_LINK = 1 << 0,
	KERNEL_HINT_ADDRESS = 1 << 1,
	KERNEL_HINT_ROUTE = 1 << 2, // a default route, or one of Weft's protocol
	KERNEL_HINT_LOST = 1 << 3,  // events were lost: look at everything
};

struct kernel_events;

// Events are hints that a dump is due, nothing more. Poll kernel_events_fd() for reading, then
// kernel_events_read() drains it without blocking and returns what was seen as enum kernel_hint,
// ored.
int kernel_events_open(uint8_t route_protocol, struct kernel_events **ret, struct err *err);
void kernel_events_free(struct kernel_events *ev);
CLEAN_FUNC(struct kernel_events, kernel_events_free)
int kernel_events_fd(const struct kernel_events *ev);
unsigned kernel_events_read(struct kernel_events *ev);
