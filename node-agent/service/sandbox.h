// What a program that reads what strangers send gives up for good when it starts.
#pragma once

#include <stdint.h>

#include "base/err.h"

// Becomes `user`, who keeps these capabilities (a mask of 1 << CAP_…) and can have no others, for
// good. When not started by root only new privileges are ruled out.
int sandbox_enter(const char *user, uint32_t capabilities, struct err *err);
