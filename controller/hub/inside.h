// What the hub's files share. Private to hub.
//
// A session lives from the websocket's upgrade until libwebsockets says it is closed. Ending one is
// two steps: logically at once (session_end: its node is told gone, nothing it says is heard any
// more), and on the wire when its bye is sent or 2 s have passed. Sockets are only killed from the
// hub's own timer, never from within a libwebsockets callback.
#pragma once

#include <libwebsockets.h>
#include <openssl/ssl.h>

#include "base/map.h"
#include "base/text.h"
#include "loop/lobby.h"

#include "hub/hub.h"

#define TICK_MS          250
#define BYE_MS           2000
#define STALL_MS         30000 // a reader that takes nothing, or a message that never ends
#define WRITE_CHUNK      16384
#define REQUESTS_MAX     64
#define HASHES_MAX       65536 // told by one node in one comparison
#define DISAGREEMENT_MAX 10
#define LISTEN_MAX       8

struct frame {
	struct frame *next;
	size_t len;
	unsigned char bytes[]; // LWS_PRE bytes of room, then the message
};

enum session_state {
	SESSION_GREETING, // admitted; hello has not come yet
	SESSION_OPEN,
	SESSION_ENDING, // only its bye is still to be written
};

struct session {
	struct session *next;
	struct session *previous;
	struct hub *hub;
	struct lws *wsi;
	enum session_state state;
	int64_t node_id;
	char *name;
	char *address;
	bool is_renew_only;
	bool is_watched;   // the node was told that samples are wanted
	bool is_resyncing; // its hashes were asked for
	bool is_reobserving;
	bool is_doomed;         // to be killed by the timer
	bool is_ping_due;       // to be written as soon as there is room
	bool is_pinged;         // since it was heard last
	unsigned disagreements; // comparisons in a row that led to nothing
	unsigned mismatches;    // likewise, of the observed state
	unsigned requests;      // open ones
	int64_t since_ms;       // of the connection; in SESSION_ENDING, of the end
	int64_t heard_ms;       // last sign of life: a message or a pong
	int64_t allowance;      // thousandths of a message it may still send
	int64_t allowance_at_ms;
	int64_t bytes_allowance; // likewise, of bytes
	int64_t bytes_at_ms;
	struct digest desired; // what the node will have when all that is queued has been applied
	struct text in;        // the message that is being received
	int64_t in_since_ms;
	struct frame *out;
	struct frame *out_last;
	size_t out_at; // bytes of the first frame that are written
	size_t out_bytes;
	size_t out_frames;
	int64_t out_since_ms; // of the last progress
	struct entry_hash *hashes;
	size_t hashes_count;
	struct digest hashes_digest;
	bool is_owed; // its hashes are all here, the difference is still to be made
	struct session *owed_next, *owed_previous;
};

struct request {
	struct request *next;
	uint64_t id;
	struct session *session;
	int64_t until_ms;
	hub_answer_fn answer;
	void *ctx;
};

struct listener {
	struct hub *hub;
	int fd;
	uv_poll_t poll;
};

struct hub {
	int64_t started_ms;
	struct hub_config config; // its strings are not kept but for `version`
	json_t *urls;             // array of strings
	char *version;
	struct hub_ops ops;
	void *ctx;
	X509_STORE *ca;
	struct lws_context *lws;
	struct lws_vhost *vhost;
	SSL_CTX *tls; // the vhost's
	uv_timer_t timer;
	uv_timer_t owing; // makes the differences that are owed
	struct session *owed, *owed_last;
	struct listener *listeners[LISTEN_MAX];
	size_t listeners_count;
	struct session *sessions;
	struct map *nodes; // id in digits -> session past its hello
	struct map *wants; // id in digits -> count, as a pointer
	int64_t want_all;
	size_t connections;
	size_t contents;     // being sent
	struct lobby *lobby; // those that are no node's yet
	size_t assembly_bytes;
	struct request *requests;
	uint64_t last_request;
	struct hub_counters counters;
	int64_t stopping_ms; // 0 while it runs
	unsigned stop_step;
	unsigned closed_timers;
	void (*stopped)(void *ctx);
	void *stopped_ctx;
};

// hub.c
void hub_kill(struct lws *wsi);

// listen.c
int hub_listen(struct hub *hub, const char *address, struct err *err);
void hub_listen_again(struct hub *hub); // after running out of descriptors
void hub_listen_stop(struct hub *hub);

// tls.c
int hub_tls_read_ca(const char *path, X509_STORE **ret_store, struct err *err);
void hub_tls_configure(struct hub *hub, SSL_CTX *ctx);
bool hub_tls_accepts(X509_STORE_CTX *chain, bool is_good);
int hub_tls_peer(struct lws *wsi, unsigned char **ret_der, size_t *ret_len, bool *ret_is_expired);

// serve.c
const struct lws_protocols *hub_protocols(void);

// content.c: `is_sending` belongs to the connection, NULL before it asked. Nonzero closes it.
int content_serve(struct hub *hub, struct lws *wsi, const char *uri, bool *is_sending);
void content_served(struct hub *hub, bool *is_sending);

// session.c
struct session *session_new(struct hub *hub, struct lws *wsi);
void session_free(struct session *s);
struct session *session_of_node(const struct hub *hub, int64_t node_id);
int session_register(struct session *s);
void session_end(struct session *s, bool retry, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
// The same, but what is queued goes out before the bye.
void session_finish(struct session *s, const char *reason);
// As session_end with `retry`, and counted as dropped: the session's own fault.
void session_drop(struct session *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void session_tick(struct session *s, int64_t now_ms);
void session_heard(struct session *s);

// queue.c
void queue_message(struct session *s, const struct msg *msg);
void queue_bye(struct session *s, const char *reason, bool retry); // beyond the bounds
int queue_frame(void *session, const char *text, size_t len);      // a msg_frame_fn
void queue_clear(struct session *s);
int queue_write(struct session *s); // from the writable callback; -1 closes

// dispatch.c
void dispatch_message(struct session *s, const char *text, size_t len);

// desired.c
void desired_begin(struct session *s, const struct msg_hello *hello,
		   const struct hub_target *target);
void desired_push(struct session *s, int64_t revision, const struct entry_delta *delta);
void desired_resync(struct session *s);
void desired_keys(struct session *s, const struct msg_keys *keys);
void desired_applied(struct session *s, const struct msg_applied *applied);
void desired_forget(struct session *s); // nothing is owed to it any more
void desired_settle(uv_timer_t *owing); // makes what is owed, for a moment

// request.c
void request_response(struct session *s, const struct msg_response *response);
void request_end_all(struct session *s, const char *reason);
void request_tick(struct hub *hub, int64_t now_ms);

// watch.c
bool watch_wanted(const struct hub *hub, int64_t node_id);
void watch_update(struct session *s);
