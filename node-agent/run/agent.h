// The running agent: desired state in, kernel kept in agreement, observed state out. One loop
// thread.
#pragma once

#include "base/err.h"

#include "settings.h"

// Runs until SIGTERM, SIGINT or `leave`. The data plane stays as it is, except after `leave`.
// Returns 0, or a negative errno with a sentence when it could not start.
int agent_run(const struct agent_settings *settings, struct err *err);

// Before the network is up: what of the last good state keeps clients of policies from leaving by
// another way than theirs. Needs neither a network nor a controller.
int agent_boot_host(const struct agent_settings *settings, struct err *err);

// What `leave` does where no agent is running: removes everything Weft made on this host, restores
// what it saved, and deletes identity and state. Goes on after a failure and returns the first.
int agent_leave_host(const struct agent_settings *settings, struct err *err);
