// The agents' way in: websocket sessions over mutual TLS, one per node, each with bounded queues
// and a bounded say.
//
// One hub per process, on one libuv loop; every function and callback runs on that loop's thread.
// The hub holds no intent and no observed state: it asks and tells by the callbacks of struct
// hub_ops, which must not block. A session that misbehaves is ended with a reason, and nothing else
// is touched. One line per session is logged at its begin and its end.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/err.h"
#include "wire/entries.h"
#include "wire/message.h"

#define HUB_NAME_SIZE   256
#define HUB_REASON_SIZE 512
#define HUB_ALL_NODES   0 // as a node id of hub_samples_want

#define HUB_SESSIONS_DEFAULT   12000
#define HUB_HANDSHAKES_DEFAULT 512

struct hub;

enum hub_verdict {
	HUB_REFUSE, // bye with the reason, `retry` false
	HUB_ADMIT,
	HUB_RENEW_ONLY, // expired but may renew: only `hello` and `renew` are heard
};

// A client whose certificate was issued by the CA; it may have expired.
struct hub_peer {
	const unsigned char *certificate; // DER
	size_t certificate_len;
	const char *address; // "192.0.2.7:51234", "[2001:db8::7]:51234"
	bool is_expired;
};

struct hub_admission {
	enum hub_verdict verdict;
	int64_t node_id; // positive
	char name[HUB_NAME_SIZE];
	char reason[HUB_REASON_SIZE]; // one sentence when refused
};

struct hub_target {
	int64_t revision;
	struct digest digest;
};

struct hub_connection {
	int64_t node_id;
	const char *name;
	const char *address;
	const struct msg_hello *hello;
};

typedef int (*hub_entry_fn)(void *visitor, const char *key, const char *body, size_t body_len);

// NULL hooks: the message is accepted and ignored. authorise, target and entries are required.
struct hub_ops {
	// Decides by the certificate; fills *ret_admission.
	void (*authorise)(void *ctx, const struct hub_peer *peer,
			  struct hub_admission *ret_admission);

	// The node's target. -ENOENT when there is no such node any more.
	int (*target)(void *ctx, int64_t node_id, struct hub_target *ret_target, struct err *err);

	// Calls `visit` for each entry of that same target; passes on a negative return.
	int (*entries)(void *ctx, int64_t node_id, hub_entry_fn visit, void *visitor,
		       struct err *err);

	// After hello, before anything else of that session. Not for renew-only sessions.
	void (*connected)(void *ctx, const struct hub_connection *connection);

	// The counterpart. A session replaced by a newer one of the same node ends before the newer
	// begins.
	void (*disconnected)(void *ctx, int64_t node_id, const char *reason);

	void (*applied)(void *ctx, int64_t node_id, const struct msg_applied *applied);

	// -EBADMSG: the digests differ, the hub asks for the whole again. Any other failure ends
	// the session.
	int (*observed)(void *ctx, int64_t node_id, const struct msg_observe *observe,
			struct err *err);
	void (*samples)(void *ctx, int64_t node_id, const struct msg_samples *samples);
	void (*event)(void *ctx, int64_t node_id, const struct msg_event *event);

	// Asks for a certificate; answered later by hub_renewed or hub_disconnect.
	void (*renew)(void *ctx, int64_t node_id, const char *csr_pem);

	// A question, answered later by hub_answer. A node that floods is dropped by its rate.
	void (*asked)(void *ctx, int64_t node_id, const struct msg_request *ask);

	// A voter's message about an HA group's lease; answered by hub_vote.
	void (*lease)(void *ctx, int64_t node_id, const char *message);

	// The path of the file with this hash, if the node may have it; else NULL. The hub frees
	// it.
	char *(*content)(void *ctx, int64_t node_id, const char *sha256);
};

// Zero means the default in the comment. Strings are copied.
struct hub_config {
	uv_loop_t *loop;
	const char *const *listen; // "0.0.0.0:8444", "[::]:8444"; ends with NULL; port 0 picks one
	const char *certificate_file; // PEM, of the controller
	const char *key_file;         // PEM
	const char *ca_file;          // PEM: issuer of the agents' certificates
	const char *version;          // told in `welcome`
	const char *const *urls;      // likewise: how nodes reach the controllers; ends with NULL
	size_t max_sessions;          // HUB_SESSIONS_DEFAULT nodes
	unsigned handshakes;          // HUB_HANDSHAKES_DEFAULT connections that are no node's yet
	unsigned handshakes_per_address; // as many, of them from one address
	size_t queue_bytes;              // 4 MiB waiting for one slow reader
	size_t queue_frames;             // 1024, likewise
	size_t assembly_bytes;           // 64 MiB of half-received messages, all sessions together
	unsigned messages_per_s;         // 100 on average for one session
	unsigned messages_burst;         // 1000
	unsigned bytes_per_s;            // 1 MiB, likewise
	unsigned bytes_burst;            // 32 MiB
	unsigned handshake_ms;           // 10000 from connection to admission, and to hello
	unsigned ping_s;                 // 10 s of silence until a ping
	unsigned silence_s;              // 25 s of silence until the end
};

// Starts listening. The CA, certificate and key are read now. `ops` is copied; `ctx` goes to each
// callback.
int hub_new(const struct hub_config *config, const struct hub_ops *ops, void *ctx,
	    struct hub **ret_hub, struct err *err);

// Reads certificate and key again, for the connections from now on. The old ones stay in use when
// it fails: -EINVAL, and why.
int hub_reload_certificate(struct hub *hub, const char *certificate_file, const char *key_file,
			   struct err *err);

// Says bye (retry) to everyone, stops listening; `done` (may be NULL) is called on the loop when
// all is closed, at most 2 s later, and the hub is then freed. No callback of hub_ops but
// `disconnected` comes after this call.
void hub_stop(struct hub *hub, void (*done)(void *ctx), void *ctx);

// The port of the n-th listening address, 0 when there is none: for tests with port 0.
unsigned hub_port(const struct hub *hub, size_t n);

// Number of nodes with a session past its hello.
size_t hub_count(const struct hub *hub);
bool hub_is_connected(const struct hub *hub, int64_t node_id);

// Sends what a commit changed on a node. The delta is encoded at once. A node that is away, or
// whose state is not `delta->base`, is brought to the target by comparison instead, so a failure
// here needs no other answer than a log.
void hub_push(struct hub *hub, int64_t node_id, int64_t revision, const struct entry_delta *delta);

// Compares by hashes and sends the difference to the target: for changes without a delta.
void hub_resync(struct hub *hub, int64_t node_id);

// Sends the certificate that `renew` asked for; a session that was admitted only to renew ends with
// it, so that the node comes back with the new one. -ENOTCONN when the node has gone.
int hub_renewed(struct hub *hub, int64_t node_id, const char *certificate_pem, struct err *err);

// Counts who wants samples of a node, or of HUB_ALL_NODES: +1 and -1. The nodes are told when that
// changes.
void hub_samples_want(struct hub *hub, int64_t node_id, int change);

// Tells about the outcome once; `result` (borrowed) is NULL when not ok, then `error` is a
// sentence.
typedef void (*hub_answer_fn)(void *ctx, const json_t *result, const char *error);

struct hub_question {
	const char *verb;
	const json_t *args; // borrowed, may be NULL
	unsigned timeout_ms;
	hub_answer_fn answer;
	void *ctx; // of answer
};

// Asks a node something; `ret_id` may be NULL. Failure (-ENOTCONN, -EBUSY: more than
// 64 open requests of that node) means that `answer` is never called; otherwise it is called
// exactly once, at the latest after timeout_ms.
int hub_request(struct hub *hub, int64_t node_id, const struct hub_question *question,
		uint64_t *ret_id, struct err *err);

// Forgets a request: its `answer` is not called any more.
void hub_request_cancel(struct hub *hub, uint64_t id);

// Answers the question `id` of a node: `result` (borrowed), or `error`, a sentence, when it is
// NULL.
void hub_answer(struct hub *hub, int64_t node_id, int64_t id, const json_t *result,
		const char *error);

// Sends the controller's own message about an HA group's lease; one that is away does not get it.
void hub_vote(struct hub *hub, int64_t node_id, const char *message);

// Ends a node's sessions now, with a bye when it can still be sent. `retry` false: the node need
// not come back.
void hub_disconnect(struct hub *hub, int64_t node_id, const char *reason, bool retry);

struct hub_counters {
	uint64_t sessions_total;
	uint64_t refused_total; // no admission, no room, or waited too long to be admitted
	uint64_t dropped_total; // slow, silent, oversized, malformed, lying
	uint64_t messages_in;
	uint64_t messages_out;
	uint64_t bytes_in;
	uint64_t bytes_out;
	size_t queued_bytes;
};

// For /metrics.
void hub_counters_read(const struct hub *hub, struct hub_counters *ret_counters);
