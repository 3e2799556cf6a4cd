// The kernel's connection tracking.
#pragma once

#include <stdint.h>

#include "base/err.h"

// Forgets the connections that have that mark in the bits of the mask: what they send from now on
// is decided, and its address translated, anew. No error where connections are not tracked at all.
int conntrack_forget(uint32_t mark, uint32_t mask, struct err *err);

// The same, as one of the system's functions.
struct kernel;
int system_flows_forget(struct kernel *k, uint32_t mark, uint32_t mask, struct err *err);
