// One TLS websocket at a time on a libwebsockets context: connect to an address, send, receive,
// close.
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/clean.h"
#include "base/err.h"

struct channel;

struct channel_events {
	void (*on_open)(void *context);
	void (*on_message)(void *context, const char *data, size_t len);
	void (*on_pong)(void *context);
	void (*on_heard)(void *context); // any sign of life
	void (*on_closed)(
		void *context,
		const char *why); // also for an attempt that failed; not after channel_close
	void *context;
};

// `tls` stays the caller's and must outlive the channel.
struct channel *channel_new(uv_loop_t *loop, SSL_CTX *tls, const struct channel_events *events,
			    struct err *err);

// SO_MARK of the connections from now on; 0: none.
void channel_set_mark(struct channel *channel, uint32_t mark);

// Begins to connect; what comes of it is told by on_open or on_closed, possibly before this
// returns.
void channel_connect(struct channel *channel, const char *address, int port);

int channel_send(struct channel *channel, const char *data, size_t len); // -ENOMEM, -ENOTCONN
size_t channel_queued(const struct channel *channel);                    // bytes
void channel_ping(struct channel *channel);

// Closes without on_closed.
void channel_close(struct channel *channel);

// Ends the context; run the loop until it has nothing left of it, then channel_free, which must
// follow.
void channel_shut(struct channel *channel);
void channel_free(struct channel *channel);
CLEAN_FUNC(struct channel, channel_free)
