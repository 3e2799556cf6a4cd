// The settings of weft-controller: /etc/weft/controller.yaml into a struct.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "settings/settings.h"

// The lists have a NULL behind their last item.
struct controller_settings {
	char *state_dir;
	enum log_level log_level;
	struct setting_list advertise;
	struct setting_list rest_listen;
	uint32_t rest_connections;
	uint32_t rest_connections_per_address;
	struct setting_list hub_listen;
	char *tls_certificate;
	char *tls_key;
	bool metrics_open;
	char *packages_dir;
	char *web_dir;
	uint32_t vxlan_port;
	uint32_t wireguard_port;
	uint32_t events_days;
	uint32_t session_idle_ms;
	uint32_t session_max_ms;
	char *certificate_life;
	int64_t certificate_life_s; // the same, read
};

extern const struct setting controller_settings_table[];

// Reads the file; fills `advertise` with this host's addresses and name when it is empty.
int controller_settings_read(const char *path, bool may_be_absent,
			     struct controller_settings *ret_settings, struct err *err);
void controller_settings_done(struct controller_settings *settings);
