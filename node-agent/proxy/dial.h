// Sockets that speak in the client's name: bound to its address, marked for the way that was
// decided, and only ever to where the client itself wanted to go.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#include "decide/marks.h"
#include "service/place.h"

// Of the sockets by which weft-proxy speaks with clients: what they send belongs to the
// connections that were led here, and is routed as if it were not marked.
uint32_t dial_client_mark(const struct policy_marks *marks);

struct dial_form {
	struct place client, to;
	uint32_t mark;
	bool has_words; // of a stream: it is spoken by as soon as it stands, then dial_spoken()
};

// A non-blocking socket of `type`: of streams one that is being connected, of datagrams one to send
// by. (Not connected: the kernel would take the server's answers for this socket's and not forward
// them.) The client's port is kept where the kernel allows; it may be in use a minute longer than
// at the client's own. A negative errno.
int dial(const struct dial_form *form, int type);
// The words are sent: from now on what the server says is acknowledged at once again. (A server
// that waits for that before it goes on would lose 40 ms; Nagle, RFC 896.)
void dial_spoken(int fd);
int dial_send(int fd, const struct dial_form *form, const uint8_t *data, size_t len);

// A listening socket for what is led to `at` (TPROXY). Of UDP datagrams it tells where they were
// sent to.
int dial_listen(const struct place *at, int type, const struct policy_marks *marks,
		struct err *err);

// What is still sent for this socket goes nowhere.
void dial_mute(int fd, const struct policy_marks *marks);
