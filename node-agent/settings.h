// The agent's settings: /etc/weft/agent.yaml.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "settings/settings.h"

#define AGENT_CONFIG_PATH "/etc/weft/agent.yaml"
// In the state directory: the file as it was when the agent last started well with it.
#define AGENT_CONFIG_COPY "agent.yaml.good"

struct agent_settings {
	char *state_dir; // keys, certificate, desired state
	char *run_dir;   // control socket
	char *dns_dir;   // what weft-dns reads, which is not root
	enum log_level log_level;
	char *wireguard;    // "auto", "kernel" or "wireguard-go"
	char *wireguard_go; // program
	char *hooks;        // directory of what may be run on events
	uint32_t route_protocol;
	uint32_t conflicts_every_ms;
	uint32_t control_mark;     // of the connection to the controller; 0: none, and no rule
	uint32_t control_mask;     // of the bits of a mark that control_mark decides
	uint32_t control_priority; // of the rule by that mark
	uint32_t control_table;    // it leads to
	struct setting_list controllers; // "host:port" of hubs, instead of those the identity names
	// Not of the file: it cannot be read and these are those of the copy; NULL: it can.
	char *trouble;
	bool is_usual;    // the usual file
	const char *file; // it was read from, NULL: the usual one
};

extern const struct setting agent_settings_table[];

// `path` NULL: the usual file, which may be absent. Release with agent_settings_done.
int agent_settings_read(const char *path, struct agent_settings *ret_settings, struct err *err);

// For when the usual file cannot be read, so that a slip in it does not keep a host's tunnels down:
// the copy in the usual state directory. `why` says what is wrong with the file.
int agent_settings_read_copy(const char *why, struct agent_settings *ret_settings, struct err *err);
// Makes `copy` agree with the usual file. What fails is no more than an older copy.
void agent_settings_keep(const struct agent_settings *settings, const char *copy);
void agent_settings_done(struct agent_settings *settings);

// Path of a file in the state or the run directory; the caller frees, NULL when out of memory.
char *agent_state_path(const struct agent_settings *settings, const char *file);
char *agent_run_path(const struct agent_settings *settings, const char *file);
