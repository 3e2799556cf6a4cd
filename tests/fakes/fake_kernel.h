// A kernel in memory behind the struct of functions of kernel/kernel.h, able to fail its n-th
// change.
#pragma once

#include "base/map.h"

#include "kernel/kernel.h"

struct fake_marks {
	uint32_t mark, mask;
};

struct fake_kernel {
	struct kernel base;
	struct kernel_snapshot state;
	struct map *sysctls; // name -> char *
	unsigned calls;      // changes asked for, failed ones included
	unsigned fail_at;    // the call (from 1) that fails with -EIO; 0: none
	unsigned dumps;      // looks asked for
	unsigned fail_dump_at;
	char guard_table[65536];
	char policy_table[65536]; // the last transaction on it
	struct kernel_policy policy;
	struct kernel_route defaults[8]; // of the main table, anybody's
	size_t defaults_len;
	struct fake_marks forgotten[16]; // of connections, the last ones
	size_t forgotten_len;
};

// fake_kernel_done() frees what it holds.
void fake_kernel_init(struct fake_kernel *f);
void fake_kernel_done(struct fake_kernel *f);

// Makes things as somebody other than Weft would.
struct kernel_link *fake_kernel_add_link(struct fake_kernel *f, const char *name, const char *kind);
struct kernel_link *fake_kernel_link(struct fake_kernel *f, const char *name);
void fake_kernel_drop_link(struct fake_kernel *f, const char *name);
struct kernel_peer *fake_kernel_peer(struct fake_kernel *f, const char *device, size_t at);
void fake_kernel_set_sysctl(struct fake_kernel *f, const char *name, const char *value);
const char *fake_kernel_sysctl(struct fake_kernel *f, const char *name);
