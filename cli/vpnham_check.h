// The configuration file of vpnham (v0.0.9), held against its fields as vpnham itself does:
// strictly.
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"

// -EINVAL with a sentence that names the field, as in "bridges.lft.tunnel_interfaces.eth1.role:
// ...".
int vpnham_check(const json_t *config, struct err *err);

// Go's notation of durations: "1.5s", "1m30s", "250ms". -EINVAL with a sentence.
int vpnham_duration(const char *text, int64_t *ret_ms, struct err *err);
