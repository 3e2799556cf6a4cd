// Names of the pools that the planner allocates from, and the bounds of each. Pure.
#pragma once

#include <stdint.h>
#include <stdio.h>

struct fleet;

#define POOL_NETWORK_NUMBER "network-number"
#define POOL_SEGMENT_NUMBER "segment-number"
#define POOL_PREFIX4        "prefix4"

#define NETWORKS_MAX        4095
#define SEGMENTS_MAX        2047
#define SEGMENT_MEMBERS_MAX 64 // pairs of 64 members fit a block of VNIs
#define SEGMENT_VNI_BLOCK   2048

// Gateways: VNIs above those of all segments; marks of the 12 bits of the mask, of which a group
// has two (for when none of its gateways is well: block or go on) and an exit one for each wire
// that it serves.
#define GATEWAYS_IN_ALL       2047
#define GATEWAY_GROUPS_IN_ALL 1023
#define GATEWAY_WIRES_IN_ALL  4194303 // behind the highest base of VNIs there is room for as many
#define GATEWAY_VNI_BASE      0x800000
#define RETURN_WAYS_MAX       1775 // below the marks of the splitter and the agents' own
#define MARK_GROUPS           0x100
#define MARK_RETURNS          0x900
#define MARK_SPLIT            0xff0
#define MARK_DIRECT           0xfff

// Tables of routes, from the first one on.
#define TABLE_ROUTED       0
#define TABLE_PASSING      1 // plus the segment's number, as far as there is room
#define TABLE_SPLIT        157
#define TABLE_GROUPS       158
#define TABLE_UPLINKS      2258
#define TABLE_RETURNS      4658
#define TABLE_PASSING_MORE 6434 // the other segments'

// Priorities of rules, from the first one on.
#define PRIORITY_PASSING      0
#define PRIORITY_ROUTED       1
#define PRIORITY_SPLIT_SENT   5  // but what it sends itself
#define PRIORITY_SPLIT        6  // what the splitter looks into is delivered here
#define PRIORITY_RETURN       7  // what returns takes its gateway wire
#define PRIORITY_EXIT         8  // what came by a gateway wire
#define PRIORITY_MARKED_LOCAL 9  // what is marked, but is reached without a default route
#define PRIORITY_MARKED       10 // the agents' refusals have these two as well
#define PRIORITY_DIRECT       11
#define PRIORITY_CLIENT_LOCAL 19  // the same without marks: when nft or a daemon is gone
#define PRIORITY_CLIENT       157 // less the length of the clients' prefix
#define PRIORITY_CLIENT_END   158 // nowhere, while the table before has nothing yet

#define SPLITTER_PORT 22380 // of weft-proxy, at the loopback addresses

#define TABLE_MAIN 254 // of the kernel
#define METRIC_LAN 512 // plus the segment's number: one LAN may be reached through several
// Behind every LAN's: what passes through a node stays in its segment.
#define METRIC_OUTSIDE (METRIC_LAN + SEGMENTS_MAX + 1)
#define METRIC_LAST    65535 // the route of last resort: only when the others are gone

#define OWNER_TEXT_SIZE 48

// "networks/5": who owns an allocation.
static inline void owner_text(char text[OWNER_TEXT_SIZE], const char *kind, int64_t id)
{
	(void)snprintf(text, OWNER_TEXT_SIZE, "%s/%lld", kind, (long long)id);
}

// "networks/5/index": the pool of the indexes of its nodes.
static inline void index_pool(char text[OWNER_TEXT_SIZE], const char *kind, int64_t id)
{
	(void)snprintf(text, OWNER_TEXT_SIZE, "%s/%lld/index", kind, (long long)id);
}

// As the settings have them: a mark of that number, a table and a priority counted from the first,
// a wire's VNI.
int64_t fleet_mark_mask(const struct fleet *fleet);
int64_t fleet_mark(const struct fleet *fleet, int64_t number);
int64_t fleet_table(const struct fleet *fleet, int64_t at);
int64_t fleet_passing_table(const struct fleet *fleet, int64_t segment_number);
int64_t fleet_priority(const struct fleet *fleet, int64_t at);
int64_t fleet_vni(const struct fleet *fleet, int64_t number);
