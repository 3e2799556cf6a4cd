// A simulated agent: the real protocol and the real agent's code for the desired state, its report
// and its back-off, with a kernel that takes every entry in no time.
#pragma once

#include <jansson.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/err.h"

struct agent;

// Figures of all agents of one process together.
struct agent_totals {
	uint64_t messages; // from the hub
	uint64_t bytes;
	uint64_t entries;     // set or dropped
	uint64_t resyncs;     // hashes asked for, or a delta that did not fit
	uint64_t disconnects; // of a session that stood
	uint64_t failures;    // connections that never came to a welcome
};

struct agent_site {
	uv_loop_t *loop;
	struct sockaddr_in hub;
	const char *ca_pem;
	struct agent_totals totals;
};

// `identity` holds name, key, certificate and public_key; `site` must outlive the agent.
struct agent *agent_new(struct agent_site *site, const json_t *identity, struct err *err);

// Connects after `delay_ms`, and again whenever it lost the controller.
void agent_start(struct agent *agent, uint32_t delay_ms);

// Moments on CLOCK_MONOTONIC in nanoseconds, 0 when there was none yet.
struct agent_state {
	bool is_welcome;
	uint64_t welcome_ns;
	int64_t acked_revision;
	uint64_t acked_ns; // the last `applied` was handed to the socket
	size_t entries;
};

void agent_state(const struct agent *agent, struct agent_state *ret_state);
