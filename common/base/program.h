// Another program run to its end, what it says caught.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

// Runs argv (found on PATH, NULL-terminated) without input and waits; standard error is thrown
// away. *ret_output gets at most `limit` bytes of what it printed, NUL-terminated, the caller
// frees. -ENOENT: there is no such program; -ETIMEDOUT: killed after `timeout_ms`; -ECHILD: it
// failed (what it printed is thrown away).
int program_output(const char *const *argv, int timeout_ms, size_t limit, char **ret_output,
		   struct err *err);

// Whether this very process is a service of systemd: a child in some namespace inherits its
// variables, but is not meant.
bool program_is_service(void);

// The path of a program that is installed beside this one; its bare name when that is not known.
void program_beside(const char *name, char *ret, size_t size);
