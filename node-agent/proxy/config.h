// The configuration of weft-proxy: one JSON file, its field table, and what is made of it.
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clean.h"
#include "base/err.h"

#include "decide/decide.h"

struct proxy_settings {
	char *control;        // path of the control socket, NULL: none
	char *user;           // whom it becomes when started by root
	uint32_t port;        // flows are led to it, at the loopback addresses
	uint32_t workers;     // threads that carry connections, 0: one a processor
	char *dns;            // weft-dns' control socket, NULL: there is none to ask
	char *sets;           // the set-writer's socket, NULL: none
	uint32_t idle_ms;     // a connection without a byte for so long ends
	uint32_t connect_ms;  // so long a server may take to answer
	uint32_t connections; // at a time
	uint32_t drain_ms;    // so long connections may go on once another process has taken over
};

// Shared by the threads: everyone who keeps it has a reference.
struct proxy_config {
	atomic_uint references;
	struct proxy_settings settings;
	struct decide *decide;
};

// A new configuration with one reference, or NULL and one sentence that names the field.
struct proxy_config *proxy_config_read(const char *path, struct err *err);
// The same from a file's content.
struct proxy_config *proxy_config_parse(const char *text, size_t len, struct err *err);

struct proxy_config *proxy_config_keep(struct proxy_config *config);
void proxy_config_release(struct proxy_config *config); // NULL is fine
CLEAN_FUNC(struct proxy_config, proxy_config_release)
