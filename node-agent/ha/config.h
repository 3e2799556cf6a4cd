// What a node's part in one HA group is made of: plain values.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/vip.h"
#include "steer/lease.h"

#define HA_CONTROLLER UINT32_MAX // its number among the voters

enum { HA_NAME_SIZE = 64, HA_KEY_SIZE = 32, HA_HOPS_MAX = 16 };

struct ha_voter {
	uint32_t id;
	char name[HA_NAME_SIZE];  // for people
	struct kernel_ip address; // in the overlay; family 0: none
};

// Where the other sites of a bridge segment send what is for the site's LANs: addresses that the
// active member has there.
struct ha_hop {
	uint32_t segment;
	char device[IFNAMSIZ]; // the segment's bridge
	struct kernel_ip ips[2];
	size_t n;
};

struct ha_config {
	char name[HA_NAME_SIZE];
	uint32_t id, generation, self;
	struct ha_voter voters[LEASE_VOTERS_MAX]; // the members first
	size_t n_voters, n_members;
	char device[IFNAMSIZ]; // through which they talk
	struct kernel_ip local;
	uint16_t port;
	uint32_t lease_ms;
	int32_t hold_down_ms; // -1: never
	bool holds_isolated;
	struct kernel_ip vips[VIP_MAX]; // of a member
	size_t n_vips;
	char interface[IFNAMSIZ];
	char site[HA_NAME_SIZE]; // whose LANs follow the active member; "": none do
	struct ha_hop hops[HA_HOPS_MAX];
	size_t n_hops;
	bool is_drained;          // it is not to be active
	uint8_t key[HA_KEY_SIZE]; // secret
};

// The spans of the lease machine, in the proportions of its defaults. -EINVAL with a sentence when
// the machine cannot work with them.
int ha_lease_config(const struct ha_config *config, struct lease_config *ret, struct err *err);

// As far as the kernel is concerned.
struct vip_set ha_vip_set(const struct ha_config *config);
struct vip_set ha_hop_set(const struct ha_config *config, size_t at);

bool ha_config_equal(const struct ha_config *a, const struct ha_config *b);
