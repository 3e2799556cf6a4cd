// Another program run to its end, what it says caught.
#pragma once

#include <stddef.h>

#include "base/err.h"

// Runs argv (found on PATH, NULL-terminated) without input and waits; standard error is thrown
// away. *ret_output gets at most `limit` bytes of what it printed, NUL-terminated, the caller
// frees. -ENOENT: there is no such program; -ETIMEDOUT: killed after `timeout_ms`; -ECHILD: it
// failed (what it printed is thrown away).
int program_output(const char *const *argv, int timeout_ms, size_t limit, char **ret_output,
		   struct err *err);
