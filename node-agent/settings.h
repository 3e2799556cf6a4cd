// The agent's settings: /etc/weft/agent.yaml.
#pragma once

#include <stdint.h>

#include "base/log.h"
#include "settings/settings.h"

#define AGENT_CONFIG_PATH "/etc/weft/agent.yaml"

struct agent_settings {
	char *state_dir; // keys, certificate, desired state
	char *run_dir;   // control socket
	enum log_level log_level;
	char *wireguard;    // "auto", "kernel" or "wireguard-go"
	char *wireguard_go; // program
	uint32_t route_protocol;
	struct setting_list controllers; // "host:port" of hubs, instead of those the identity names
};

extern const struct setting agent_settings_table[];

// `path` NULL: the usual file, which may be absent. Release with agent_settings_done.
int agent_settings_read(const char *path, struct agent_settings *ret_settings, struct err *err);
void agent_settings_done(struct agent_settings *settings);

// Path of a file in the state or the run directory; the caller frees, NULL when out of memory.
char *agent_state_path(const struct agent_settings *settings, const char *file);
char *agent_run_path(const struct agent_settings *settings, const char *file);
