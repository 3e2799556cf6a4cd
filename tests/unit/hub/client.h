// A websocket client that can misbehave: OpenSSL and frames made by hand. While it waits it turns
// the hub's loop.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct client;

struct client_options {
	uv_loop_t *loop;
	unsigned port;
	const char *dir;         // with NAME.crt and NAME.key
	const char *certificate; // NAME; NULL: none is shown
	bool is_v6;
	const char *subprotocol; // NULL: weft.v1
	int receive_buffer;      // SO_RCVBUF, 0: as it is
};

// NULL when refused before or at the upgrade.
struct client *client_open(const struct client_options *options);
void client_close(struct client *c);

// One text message in one frame, or as a frame with any header byte and told length.
bool client_send(struct client *c, const char *text);
bool client_send_frame(struct client *c, unsigned char first, const char *bytes, size_t len,
		       size_t told);

// The next message, to be freed by json_decref; NULL when the connection is closed or nothing came
// in 5 s. Pings are answered unless `is_silent`.
json_t *client_receive(struct client *c);
void client_set_silent(struct client *c, bool is_silent);

// Does nothing for so long but answer pings.
void client_answer_pings(struct client *c, unsigned ms);

// Receives and checks "type"; fails the test otherwise.
json_t *client_expect(struct client *c, const char *type);

// True when the connection is closed within `ms`, whatever comes before.
bool client_is_closed_within(struct client *c, unsigned ms);

// The serial number of the certificate that the hub has shown.
long client_server_serial(const struct client *c);

// Turns the loop for so long.
void turn(uv_loop_t *loop, unsigned ms);
