// Questions to the kernel that only an examination of the host asks. They change nothing, and each
// opens what it needs, so any thread or process may ask.
#pragma once

#include "base/err.h"

#include "kernel/values.h"

// Which route that packet would take now, by all rules and tables. -ENETUNREACH, -EACCES and the
// like when it would take none.
int kernel_route_to(const struct kernel_packet *packet, struct kernel_route *ret, struct err *err);

// Whether a set of table `inet weft_policy` has that address: 0, and how long it stays (INT64_MAX:
// for ever), or -ENOENT, also when there is no such set.
int kernel_policy_has(const char *set, const struct kernel_ip *ip, int64_t *ret_ms,
		      struct err *err);

// 0 when links of this kind ("vxlan", "wireguard") can be made, -EOPNOTSUPP when not. Loads the
// module if there is one.
int kernel_knows_kind(const char *kind, struct err *err);

// All nftables rules of this network namespace in nft's JSON, without the elements of named sets.
// The caller frees.
int kernel_ruleset(char **ret_json, struct err *err);
