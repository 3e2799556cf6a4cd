// Names of the pools that the planner allocates from, and the bounds of each. Pure.
#pragma once

#include <stdint.h>
#include <stdio.h>

#define POOL_NETWORK_NUMBER "network-number"
#define POOL_SEGMENT_NUMBER "segment-number"
#define POOL_PREFIX4        "prefix4"

#define NETWORKS_MAX        4095
#define SEGMENTS_MAX        2047
#define SEGMENT_MEMBERS_MAX 64 // pairs of 64 members fit a block of VNIs
#define SEGMENT_VNI_BLOCK   2048

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
