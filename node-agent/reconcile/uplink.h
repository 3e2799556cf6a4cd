// What the other kinds of policies know of an uplink: entry uplink/<name>, after it was compared.
#pragma once

#include "reconcile/kind.h"

struct uplink_entry {
	char named[IFNAMSIZ]; // "": whatever the main table's default routes go by
	uint32_t table;
	struct kernel_ip given[2]; // IPv4, IPv6; family 0: follows the main table

	bool has_way[2];          // of the family,
	char device[2][IFNAMSIZ]; // by that
	struct kernel_ip via[2];  // family 0: there is nobody to go by
	bool is_up;
	char why[80]; // it is not up
};

// The body of that entry; NULL: there is none, or it could not be read.
const struct uplink_entry *uplink_of(const struct reconcile *r, const char *key);

extern const uint8_t uplink_family[2]; // AF_INET, AF_INET6

// The default route of that family, without device and next hop.
struct kernel_route uplink_default(int family, uint32_t table, uint32_t metric);
