// Where the numbers begin that Weft takes of the kernel's on a host, so that others there can have
// theirs. Pure.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define MARK_MASK_DEFAULT 0x0fff0000 // and the highest: the next bit is the agents' control.mark
#define MARK_MASK_LOWEST  0x00000fff

#define TABLE_BASE_DEFAULT 22342
#define TABLE_BASE_MIN     256 // behind the kernel's own
#define TABLE_BASE_MAX     2000000000

#define PRIORITY_BASE_DEFAULT 22341
#define PRIORITY_BASE_MIN     10
#define PRIORITY_BASE_MAX     32600 // all of them before the main table's

#define VNI_BASE_MAX 0x400000

struct host_numbers {
	uint32_t mark_mask;     // the 12 bits of packets' marks that are Weft's
	uint32_t table_base;    // the first table of routes
	uint32_t priority_base; // the first priority of rules
	uint32_t vni_base;      // wires' VNIs are counted from it
};

// Whether a mask is of 12 bits, one beside the other.
bool mark_mask_is_good(uint32_t mask);

// Fills in the default of what is 0. -EINVAL and a sentence that begins with the setting's name.
int host_numbers_check(struct host_numbers *numbers, struct err *err);
