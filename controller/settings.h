// The settings of weft-controller: /etc/weft/controller.yaml into a struct.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "model/host_numbers.h"
#include "settings/settings.h"

// The lists have a NULL behind their last item.
struct controller_settings {
	char *state_dir;
	enum log_level log_level;
	struct setting_list advertise;
	struct setting_list rest_listen;
	uint32_t rest_connections;
	uint32_t rest_connections_per_address;
	uint32_t rest_anonymous_ms;
	uint32_t rest_streams_per_user;
	struct setting_list hub_listen;
	uint32_t hub_nodes;
	uint32_t hub_handshakes;
	uint32_t hub_handshakes_per_address;
	uint32_t hub_handshake_ms;
	uint32_t hub_messages_per_s;
	uint32_t hub_messages_burst;
	uint32_t hub_bytes_per_s;
	uint32_t hub_bytes_burst;
	uint32_t hub_queue_bytes;
	uint32_t hub_receive_bytes;
	uint32_t node_entries;
	uint32_t node_bytes;
	uint32_t events_burst;
	uint32_t events_per_hour;
	uint32_t changes_burst;
	uint32_t changes_wait_ms;
	uint32_t login_attempts;
	uint32_t login_wait_ms;
	uint32_t login_user_attempts;
	uint32_t login_user_wait_ms;
	uint32_t enrol_attempts;
	uint32_t enrol_wait_ms;
	char *tls_certificate;
	char *tls_key;
	bool metrics_open;
	uint32_t metrics_links;
	char *packages_dir;
	char *lists_dir;
	char *web_dir;
	uint32_t vxlan_port;
	uint32_t wireguard_port;
	uint32_t probe_port;
	uint32_t ha_port;
	struct host_numbers numbers;
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
