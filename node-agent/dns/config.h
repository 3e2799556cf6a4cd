// The configuration of weft-dns: one JSON file, its field tables, and what is made of it.
//
// Reading maps the list images and makes the zones; it takes as long as it takes, on any thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/clean.h"
#include "base/err.h"
#include "model/net.h"
#include "settings/settings.h"

#include "dns/rules.h"
#include "dns/zones.h"

struct dns_settings {
	struct setting_list listen;
	uint32_t port;
	char *control; // path of the control socket, NULL: none
	char *user;    // whom it becomes when started by root
	struct setting_list clients;
	struct setting_list upstreams;
	char *log; // off, blocked or all
	uint32_t log_rows;
	uint32_t rate; // questions a second of one client, 0: as many as it likes
	uint32_t stale_ms;
	uint32_t cache_kb;
	char *doh;  // allow or block
	char *sets; // path of weft-sets' socket, NULL: nothing is learned
	uint32_t grace_ms;
	uint32_t mark; // of questions that leave by no policy's way, 0: none
	char *tls_ca;  // authorities that upstreams' certificates are checked by, NULL: the host's
};

struct dns_config {
	struct dns_settings settings;
	struct endpoint *listen; // settings.listen with ports
	size_t n_listen;
	struct dns_rules rules;
	struct dns_zones *zones;
};

// A new configuration, or NULL and one sentence that names the field.
struct dns_config *dns_config_read(const char *path, struct err *err);
void dns_config_free(struct dns_config *config);
CLEAN_FUNC(struct dns_config, dns_config_free)

// The same from a file's content.
struct dns_config *dns_config_parse(const char *text, size_t len, struct err *err);
