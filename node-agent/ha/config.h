// What a node's part in one HA group is made of: plain values.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/vip.h"
#include "steer/lease.h"

#define HA_CONTROLLER UINT32_MAX // its number among the voters

enum { HA_NAME_SIZE = 64, HA_KEY_SIZE = 32 };

struct ha_voter {
	uint32_t id;
	char name[HA_NAME_SIZE];  // for people
	struct kernel_ip address; // in the overlay; family 0: none
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
	bool is_drained;          // it is not to be active
	uint8_t key[HA_KEY_SIZE]; // secret
};

// The spans of the lease machine, in the proportions of its defaults. -EINVAL with a sentence when
// the machine cannot work with them.
int ha_lease_config(const struct ha_config *config, struct lease_config *ret, struct err *err);

// As far as the kernel is concerned.
struct vip_set ha_vip_set(const struct ha_config *config);

bool ha_config_equal(const struct ha_config *a, const struct ha_config *b);
