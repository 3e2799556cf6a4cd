// One websocket over TLS to the hub, made by hand on libuv, so that thousands fit into one process.
//
// One owner, the loop's thread. Pings are answered and sent by the line itself.
#pragma once

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stddef.h>
#include <uv.h>

struct line;

struct line_events {
	void (*on_open)(void *ctx); // the websocket stands
	void (*on_message)(void *ctx, const char *text, size_t len);
	void (*on_closed)(void *ctx, const char *why); // also when it never opened; then it is gone
	void *ctx;
};

// Begins to connect; NULL when out of memory or descriptors. `tls` must outlive the line.
struct line *line_new(uv_loop_t *loop, SSL_CTX *tls, const struct sockaddr_in *hub,
		      const struct line_events *events);

// Queues one text message.
void line_send(struct line *line, const char *text, size_t len);

// Closes without on_closed; not from within one of the line's own events.
void line_close(struct line *line);
