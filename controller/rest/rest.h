// The controller's HTTPS door: REST API, event stream, metrics, enrolment, downloads and the
// dashboard's files.
//
// Everything runs on the loop thread: libmicrohttpd's epoll descriptor is polled by libuv, a
// request that waits for the store or for a node is suspended meanwhile.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clean.h"
#include "base/err.h"

struct auth;
struct contract;
struct hub;
struct intent;
struct live;
struct pki;
struct rest;
struct store;
struct uv_loop_s;
struct vault;
struct webhooks;
struct lists;

struct rest_config {
	const char *const *listen; // "host:port" or "[v6]:port", NULL-terminated
	const char *certificate;   // the operator's PEM files, NULL: Weft's own for everyone
	const char *key;
	const char *const
		*urls; // how nodes reach this controller, "https://host:8443", NULL-terminated
	const char *const *hub_urls; // and its hub, "wss://host:8444/agent", NULL-terminated
	const char *packages_dir;    // where the .deb files lie
	const char *web_dir;         // dashboard files instead of the embedded ones, NULL: embedded
	bool metrics_open;           // /metrics without a token for clients on the loopback
	unsigned metrics_links;      // most links and their like that it tells one by one
	unsigned connections_max;    // in all
	unsigned connections_per_address; // from one IP address
	unsigned anonymous_ms;     // a connection without a request of somebody known ends after
	unsigned streams_per_user; // event streams at once
	unsigned enrol_attempts;   // refused enrolments from one address at once
	unsigned enrol_wait_ms;    // and the time for one more
};

// The modules it speaks to; all of them outlive it.
struct rest_services {
	const struct contract *contract;
	struct store *store;
	struct auth *auth;
	struct pki *pki;
	struct vault *vault;
	struct intent *intent;
	struct hub *hub;
	struct live *live;
	struct webhooks *webhooks;
	struct lists *lists;
};

// Binds the listeners and begins to answer. The strings of `config` must outlive it. Errors: a
// certificate that does not fit its key, an address in use.
int rest_new(struct uv_loop_s *loop, const struct rest_config *config,
	     const struct rest_services *services, struct rest **ret_rest, struct err *err);

// Reads the certificate files again for new connections; the old ones stay in use when it fails.
int rest_reload_certificates(struct rest *rest, struct err *err);

// Stops listening, ends event streams, answers what waits with 503 and closes. The loop must run
// once more after it, and rest_free only follow when no module can call back any more.
void rest_stop(struct rest *rest);
void rest_free(struct rest *rest);
CLEAN_FUNC(struct rest, rest_free)
