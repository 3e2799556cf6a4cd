// The agent's session with one controller of an ordered list: found, kept alive, and found again
// when it is lost.
//
// A websocket (subprotocol weft.v1) over mutual TLS by libwebsockets on the caller's libuv loop.
// The server must prove the name controller.weft with a certificate of the pinned authority, by
// whatever address it was reached. Names are resolved off the loop. A controller that says nothing
// for 20 s is given up. All functions and callbacks: loop thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/clean.h"
#include "base/err.h"
#include "base/text.h"

#include "uplink/identity.h"

struct uplink;

struct uplink_events {
	void (*on_open)(void *context); // the websocket stands: say hello
	void (*on_frame)(void *context, const char *data, size_t len); // one whole text message
	void (*on_close)(void *context,
			 const char *why); // after on_open only; a new attempt follows by itself
	void (*on_answer)(void *context);  // the controller answered a ping: both ways are good
	void *context;
};

// All functions but uplink_new take a NULL uplink for one that never has a session.

// `identity` is copied as far as needed; `clock_path` is credential_verify_time's. `list`, when
// count > 0, replaces the identity's hubs. Returns NULL and err on failure. Nothing happens before
// uplink_start.
struct uplink *uplink_new(uv_loop_t *loop, const struct identity *identity, const char *clock_path,
			  const struct uplink_events *events, struct err *err);
// Replaces the list; a standing session stays where it is.
int uplink_set_hubs(struct uplink *uplink, char *const *hubs, size_t count, struct err *err);
// The mark of its connections (SO_MARK), by which rules can tell them; 0: none.
void uplink_set_mark(struct uplink *uplink, uint32_t mark);
void uplink_start(struct uplink *uplink);

// Closes the session and every handle. The loop must run until `on_stopped`, which comes exactly
// once; free after that.
void uplink_stop(struct uplink *uplink, void (*on_stopped)(void *context), void *context);
void uplink_free(struct uplink *uplink);
CLEAN_FUNC(struct uplink, uplink_free)

// Queues one message. `may_drop`: forgotten rather than queued behind 64 KiB of others. -EAGAIN
// when it was dropped, -ENOTCONN without a session. A queue beyond 8 MiB ends the session: the next
// one begins with the whole state.
int uplink_send(struct uplink *uplink, const char *data, size_t len, bool may_drop);

// The network under us changed: an attempt that waits is made at once, a standing session has to
// answer within 4 s.
void uplink_nudge(struct uplink *uplink);

// Asks a standing session for a sign of life, which on_answer tells.
void uplink_ping(struct uplink *uplink);

// Ends the session (for a message that must not be, or a farewell). `patient`: next attempt only
// after a minute or more.
void uplink_drop(struct uplink *uplink, const char *why, bool patient);

// The welcome came: the session counts as good and the back-off starts anew.
void uplink_is_good(struct uplink *uplink);

// A renewed certificate, used from the next connection on.
int uplink_set_certificate(struct uplink *uplink, const char *certificate_pem, struct err *err);

bool uplink_is_open(const struct uplink *uplink);

// Seconds since 1970 by the time at which the controller's certificate of this session was found
// valid, moved on by a clock that does not jump. 0 without a session.
int64_t uplink_time(const struct uplink *uplink);

// "host:port" of the controller in use or tried last, and why there is no session ("" when there is
// one or no attempt has failed yet). Valid until the next call on the uplink.
const char *uplink_hub(const struct uplink *uplink);
const char *uplink_trouble(const struct uplink *uplink);
