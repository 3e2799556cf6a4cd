// One question put to one upstream and its answer: over UDP, a stream (TCP, TLS) or HTTPS. Only
// who was asked can answer: the answer has the id, the port and the question with its random case
// (0x20), or comes on a connection.
//
// All on the loop thread. An exchange belongs to who starts it and must stay where it is until it
// is done or stopped; time-outs are the owner's.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/err.h"

#include "dns/message.h"
#include "dns/rules.h"
#include "dns/writer.h"

struct exchange;
struct exchange_datagram; // exchange_udp.c
struct exchange_request;  // exchange_https.c
struct exchange_stream;   // exchange_stream.c
struct exchange_https;

enum { EXCHANGE_WIRE_MAX = DNS_HEADER_SIZE + NAME_WIRE_MAX + 4 + DNS_OPT_SIZE };

// What every exchange uses.
struct exchange_host {
	uv_loop_t *loop;
	struct ssl_ctx_st *tls;
	char *tls_ca; // NULL: the host's own authorities
};

// One upstream that is spoken to.
struct exchange_place {
	struct exchange_host *host;
	struct upstream at;
	uint32_t mark; // of all that is sent to it, 0: none
	// The connections for what is asked next, NULL: none. Others end with what waits on them.
	struct exchange_stream *stream;
	struct exchange_https *https;
};

// Status 0 with the answer, or a negative errno. The exchange is over: it may be started again.
typedef void (*exchange_fn)(struct exchange *exchange, int status, const uint8_t *message,
			    size_t len);

struct exchange {
	struct exchange_place *place;
	exchange_fn done;
	void *owner;
	uint8_t wire[EXCHANGE_WIRE_MAX];
	size_t len, question_len;
	// The exchange's own from here on.
	struct exchange_datagram *datagram;
	struct exchange_request *request;
	struct exchange_stream *stream;
	struct exchange *next; // in its stream
	uint64_t started_ms;   // on its connection
	bool was_resent;
};

int exchange_host_init(struct exchange_host *host, uv_loop_t *loop, struct err *err);
// Reads the authorities from `path`, NULL: the host's own. After a failure all is as it was.
int exchange_host_trust(struct exchange_host *host, const char *path, struct err *err);
void exchange_host_done(struct exchange_host *host);

// Writes the question, with a random id and random case.
void exchange_ask(struct exchange *exchange, const struct name *name, uint16_t type,
		  bool wants_dnssec);

// Sends it. `place`, `done` and `owner` are set. A negative errno: it could not be sent, and `done`
// is not called.
int exchange_start(struct exchange *exchange);

// Nobody waits any more; fine when it is over.
void exchange_stop(struct exchange *exchange);

// The same, since its time is over. A connection on which nothing came in all that time may be dead
// without either end knowing: what is asked next goes by a new one.
void exchange_time_out(struct exchange *exchange);

bool exchange_is_under_way(const struct exchange *exchange);

// Closes a connection that was not used for a while, or does not come about; `now`: any, and what
// waits on it ends with -ECANCELED.
void exchange_place_tidy(struct exchange_place *place, bool now);

// `size` random bytes.
void exchange_random(void *ret, size_t size);
