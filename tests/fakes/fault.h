// Makes the n-th allocation or file operation of a unit fail, so that a test can walk through every
// one.
//
// For programs built with `weft_unit(... FAULTS)`. Allocations: those of the modules under test and
// of the test itself (the linker sends them through here); a shared library's own are out of reach,
// but where it lets its allocator be replaced (jansson, SQLite, libuv, OpenSSL) hand it the
// fault_malloc family at the start of main. File operations: the shared libraries' as well. A test
// reads:
//
//	unsigned n = 0;
//	do {
//		fault_arm(FAULT_ALLOC, ++n);
//		r = unit_under_test(&err);
//		has_struck = fault_disarm();
//		assert_true(has_struck ? r < 0 && err.text[0] : r == 0);
//	} while (has_struck);
//
// With WEFT_FAULT_TRACE=1 in the environment each failure prints where it struck (sanitizer
// builds).
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum fault_kind {
	FAULT_ALLOC, // malloc, calloc, realloc, reallocarray, strdup, strndup, asprintf, vasprintf:
		     // out of memory
	FAULT_FILE,  // open to write, write, pwrite, fsync, fdatasync, ftruncate, rename, mkdir: no
		     // space left
	FAULT_SEAM,  // whatever a test's double counts by fault_strikes: a netlink request, a
		     // statement
};

// The n-th call from now on (1 = the next one) of this kind fails, on whichever thread; later ones
// work again.
void fault_arm(enum fault_kind kind, unsigned n);
// The same, and every later one fails as well: memory that stays short, a disk that stays full.
void fault_arm_from(enum fault_kind kind, unsigned n);
// Back to normal. True if a call was made to fail since it was armed.
bool fault_disarm(void);

// Counts one call of `kind`; true when it is the one to fail.
bool fault_strikes(enum fault_kind kind);

// For json_set_alloc_funcs, uv_replace_allocator and their like; memory is free()'s.
void *fault_malloc(size_t size);
void *fault_calloc(size_t count, size_t size);
void *fault_realloc(void *old, size_t size);
