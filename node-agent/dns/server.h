// What weft-dns is made of while it runs. One loop thread owns it all.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <uv.h>

#include "base/clean.h"
#include "base/err.h"
#include "model/net.h"

#include "dns/cache.h"
#include "dns/config.h"
#include "dns/exchange.h"
#include "dns/journal.h"
#include "dns/rate.h"
#include "dns/upstreams.h"
#include "service/handover.h"
#include "service/reread.h"

struct dns_asks;
struct dns_held;
struct dns_learn;
struct service_control;
struct service_talk;
struct dns_udp;
struct dns_tcp;

struct dns_server {
	uv_loop_t *loop;
	struct dns_config *config;
	struct exchange_host host;
	struct dns_upstreams *upstreams;
	struct dns_upstream **held; // those of the configuration, kept while it holds
	size_t n_held;
	struct dns_cache *cache;
	struct dns_rate *rate;       // NULL: no limit
	struct dns_journal *journal; // NULL: nothing is kept
	bool logs_all;
	struct dns_asks *asks;
	struct dns_learn *learn;
	struct dns_udp *udp; // listening sockets
	struct dns_tcp *tcp;
	unsigned n_pending;      // answers that clients wait for
	struct handover *before; // its sockets are used first; NULL once this one serves
	struct service_control *control;
	struct service_reread reread;
	uv_timer_t drain;
	bool is_leaving; // another process answers now
	uint64_t leave_talk;
	int64_t left_ms;
	uint64_t outcomes[DNS_OUTCOMES];
	uint64_t doh_hits;
	uint64_t by_stream;                // of the outcomes
	uint64_t looked_up[DNS_STALE + 1]; // in the cache, by what was found
	uint64_t renewals;                 // of answers whose time is nearly over
	struct dns_latency latency;
	int64_t since_ms; // since 1970
};

// ---- server.c ----

// Opens what the configuration says, with the sockets of the process before. After a failure
// nothing is left open.
int dns_server_init(struct dns_server *server, uv_loop_t *loop, const char *path,
		    struct handover *before, struct err *err);
int dns_server_begin(struct dns_server *server, struct err *err); // the process before has left
void dns_server_done(struct dns_server *server);

// ---- serve.c: from a question to its answer ----

struct dns_from;

// How an answer goes back that could not be given at once.
struct dns_door {
	void (*hold)(struct dns_from *from); // one is to come
	// It is here; len 0: there will be none.
	void (*answer)(struct dns_from *from, const uint8_t *message, size_t len);
};

// Who asked, and by which way.
struct dns_from {
	const struct dns_door *door;
	void *place; // the door's: a socket or a connection
	struct address client;
	bool is_stream;
	// Of UDP:
	struct sockaddr_storage peer;
	struct address asked; // the address that was asked; family 0: the socket's own
};

// A question whose answer is to come.
struct dns_waiter {
	struct dns_waiter *next;
	struct dns_from from;
	struct dns_query query;
	uint8_t wire[DNS_HEADER_SIZE + NAME_WIRE_MAX + 4];
	struct name target; // when `is_alias`: what the local aliases of its name lead to
	bool is_alias;
	bool may_be_stale; // there is an old answer
	uint64_t began_us;
	int64_t stale_ms; // when the old one is told
	char rule[DNS_RULE_SIZE];
};

uint64_t dns_serve_now_us(void); // of a clock that only goes on

// A message as it was read, and what dns_query_read() said of it.
struct dns_asked {
	const uint8_t *wire;
	struct dns_query query;
	int said;
	uint64_t came_us;
};
void dns_serve_read(struct dns_asked *ret, const uint8_t *wire, size_t len, uint64_t now_us);

// Many at a time are answered sooner when this is done for all of them first.
void dns_serve_prepare(const struct dns_server *server, const struct dns_asked *asked, size_t len);

// The answer's length in `ret`; 0: it comes by the door, or never.
size_t dns_serve(struct dns_server *server, const struct dns_from *from,
		 const struct dns_asked *asked, uint8_t ret[DNS_MESSAGE_MAX]);

// Answers a waiter and frees it: with an upstream's answer as the cache keeps it, or (len 0) with
// an old one where it may be, else SERVFAIL.
void dns_serve_waiter(struct dns_server *server, struct dns_waiter *waiter, const uint8_t *message,
		      size_t len, const char *upstream);

// Sends an answer that waited (dns/learn.h), or SERVFAIL in its place; its waiter is freed.
void dns_serve_held(struct dns_server *server, struct dns_held *held, bool is_good);

// ---- ask.c: questions under way, each once however many wait ----

struct dns_asks *dns_asks_new(struct dns_server *server);
void dns_asks_free(struct dns_asks *asks); // ends them all

struct dns_wanted {
	const struct name *name;
	uint16_t type;
	bool wants_dnssec;
	const struct dns_way *way;
};

// Asks unless it is being asked already. `waiter` (NULL: only for the cache) is answered in any
// case, but not from within; what is answered is learned also without one. -EBUSY, -ENOMEM: nothing
// is asked, the waiter stays the caller's.
int dns_ask(struct dns_server *server, const struct dns_wanted *wanted, struct dns_waiter *waiter);

// ---- listen_udp.c, listen_tcp.c ----

// Opens what of `config` is not open yet. After a failure all is as it was.
int dns_udp_open(struct dns_server *server, const struct dns_config *config, struct err *err);
int dns_tcp_open(struct dns_server *server, const struct dns_config *config, struct err *err);
// Closes what `config` (NULL: nothing) does not say; by UDP, answers that are awaited still leave.
void dns_udp_keep(struct dns_server *server, const struct dns_config *config);
void dns_tcp_keep(struct dns_server *server, const struct dns_config *config);
// Takes no more connections; those that are there go on.
void dns_tcp_leave(struct dns_server *server);
bool dns_tcp_has_connections(const struct dns_server *server);
// Copies out the sockets that are listened at, at most `max`; returns how many.
size_t dns_udp_sockets(const struct dns_server *server, int *ret, size_t max);
size_t dns_tcp_sockets(const struct dns_server *server, int *ret, size_t max);

// A socket of `type` that is bound to it, of the process before or a new one, also before a device
// has the address. A negative errno.
int dns_listen_socket(const struct dns_server *server, const struct endpoint *endpoint, int type,
		      struct err *err);
// It is 0.0.0.0 or ::, so that the kernel tells which address was asked.
bool dns_listen_is_any(const struct endpoint *endpoint);
struct address dns_listen_address(const struct sockaddr *from);
bool dns_listen_has(const struct dns_config *config, const struct endpoint *endpoint);
