// The messages of the protocol weft.v1: one struct and one table row each; decoding is strict and
// answers in sentences.
//
// Pure: no socket, no clock. Every message is one JSON object in one websocket text message of at
// most WIRE_FRAME_MAX bytes. Unknown fields are ignored, an unknown type is -ENOMSG (ignore it and
// log at debug); anything else that is wrong is -EBADMSG or -E2BIG with a sentence that names the
// field, and ends the session.
//
// Decoded strings, changes and JSON values belong to the message and live until msg_done. To send,
// point the fields at your own values, encode, and do not call msg_done.
//
// The dance: agent hello -> controller welcome. If the agent's base is the node's target nothing
// follows; if only the revision differs, a `desired` without changes tells the agent's new one;
// else `resync` -> agent `keys` -> controller `desired`. Later commits come as `desired` right
// away. An agent that gets a `desired` whose base digest is not its own, and whose digest is not
// its own either, drops it and sends `keys` unasked; if the digest is its own already, it is done.
// Down `observe` asks for the whole observed state again (the digests differed).
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"
#include "wire/digest.h"
#include "wire/entries.h"
#include "wire/limits.h"

enum msg_direction {
	MSG_UP,   // agent to controller
	MSG_DOWN, // controller to agent
};

enum msg_type {
	MSG_HELLO,
	MSG_APPLIED,
	MSG_KEYS,
	MSG_OBSERVE,
	MSG_SAMPLES,
	MSG_EVENT,
	MSG_RENEW,
	MSG_RESPONSE,
	MSG_ASK,
	MSG_LEASE,
	MSG_WELCOME,
	MSG_DESIRED,
	MSG_RESYNC,
	MSG_REOBSERVE,
	MSG_WATCH,
	MSG_RENEWED,
	MSG_REQUEST,
	MSG_ANSWER,
	MSG_VOTE,
	MSG_BYE,
};

// Of another major protocol only the major and the version are read; the rest is empty.
struct msg_hello {
	int64_t protocol_major;
	int64_t protocol_minor;
	const char *version; // of the agent program
	const char *boot_id;
	const char *public_key; // WireGuard, 44 characters of base64
	int64_t base_revision;
	struct digest base_digest;     // of the desired state it holds
	struct digest observed_digest; // of what it will report; zero when not told
};

struct msg_entry_error {
	const char *entry;
	const char *text;
	const char *blocked_by; // entry key or NULL
};

struct msg_applied {
	int64_t revision;
	struct digest digest;
	const struct msg_entry_error *errors;
	size_t errors_count;
	int64_t errors_total; // more than errors_count when they did not fit; set by the encoder
	int64_t writes;       // netlink, nft and sysctl writes made for this revision
	int64_t refused; // revision that the node went back from and does not try again; 0: none
	const char *refused_text; // why, one sentence; NULL without one
};

// One part of the hashes of all desired entries. The digest is that of the agent's whole desired
// state.
struct msg_keys {
	const struct entry_hash *hashes;
	size_t count;
	struct digest digest;
	bool more;
};

// One part of a change of the observed state. `reset` in the first part begins anew. The digest is
// that after the last part.
struct msg_observe {
	bool reset;
	bool more;
	const struct entry_change *changes;
	size_t count;
	struct digest digest;
};

struct msg_samples {
	int64_t at_ms;        // since 1970
	const json_t *values; // {key: {name: number}}
};

struct msg_event {
	int64_t at_ms;        // since 1970
	const char *severity; // "info", "warning" or "error"; what else was told is a warning
	const char *kind;     // a word such as "drift_repaired"
	const char *entry;    // entry key or NULL
	const char *text;     // one sentence
};

// `csr` up (MSG_RENEW) is a certificate request, `certificate` down (MSG_RENEWED) what came of it.
struct msg_renew {
	const char *csr;
};

struct msg_renewed {
	const char *certificate;
};

// MSG_RESPONSE up answers a request, MSG_ANSWER down a question (MSG_ASK).
struct msg_response {
	int64_t id;
	bool ok;
	const json_t *result; // any JSON value or NULL
	const char *error;    // sentence when not ok, else NULL
};

struct msg_welcome {
	const char *version; // of the controller
	const char *name;    // the node's present name
	int64_t revision;    // of the node's target
	bool samples;        // samples are wanted now
	bool observe_reset;  // answer with the whole observed state; always true at present
	const json_t *hubs;  // ["wss://host:port/agent"], the best first; NULL: as before
	int64_t uptime_ms;   // since the controller's start; -1: not told
};

// One part of a delta. Parts accumulate until `more` is false.
struct msg_desired {
	int64_t revision;
	struct digest base;
	struct digest digest; // after the last part
	const struct entry_change *changes;
	size_t count;
	bool more;
};

// MSG_WATCH: type "samples" down.
struct msg_watch {
	bool on;
};

// MSG_REQUEST down asks a node to do something once, MSG_ASK up asks the controller.
struct msg_request {
	int64_t id;
	const char *verb;
	const json_t *args; // object; NULL encodes as {}
};

// MSG_LEASE up is a voter's message to the controller about an HA group's lease, MSG_VOTE down the
// controller's to that voter: the octets of common/lease/message.h in hexadecimal digits.
struct msg_lease {
	const char *message;
};

struct msg_bye {
	const char *reason; // one sentence
	bool retry;         // false: coming back without a change is of no use
};

struct msg {
	enum msg_type type;
	union {
		struct msg_hello hello;
		struct msg_applied applied;
		struct msg_keys keys;
		struct msg_observe observe;
		struct msg_samples samples;
		struct msg_event event;
		struct msg_renew renew;
		struct msg_response response;
		struct msg_request ask;
		struct msg_lease lease;
		struct msg_welcome welcome;
		struct msg_desired desired;
		struct msg_watch watch;
		struct msg_renewed renewed;
		struct msg_request request;
		struct msg_response answer;
		struct msg_lease vote;
		struct msg_bye bye;
	};
	json_t *json; // what the strings above point into; NULL in a message made by hand
	void *list;   // the array above, when decoded
};

// Decodes one message that came from the given direction. On success the caller ends it with
// msg_done.
int msg_decode(enum msg_direction from, const char *text, size_t len, struct msg *ret_msg,
	       struct err *err);
void msg_done(struct msg *msg);

// Writes the message into `out`, which must be empty. -E2BIG when it would exceed WIRE_FRAME_MAX
// (then use the functions below), -EINVAL when a field breaks what the decoder demands.
int msg_encode(const struct msg *msg, struct text *out, struct err *err);

// The word in "type", and the direction; for logs.
const char *msg_type_name(enum msg_type type);
enum msg_direction msg_type_direction(enum msg_type type);

// Receives one encoded frame; it is the caller's only during the call. A negative return stops and
// is passed on.
typedef int (*msg_frame_fn)(void *ctx, const char *frame, size_t len);

// Encode something that may need several frames, each within WIRE_FRAME_MAX and WIRE_ENTRIES_MAX;
// at least one frame.
int msg_desired_frames(int64_t revision, const struct entry_delta *delta, msg_frame_fn emit,
		       void *ctx, struct err *err);
int msg_observe_frames(bool reset, const struct entry_delta *delta, msg_frame_fn emit, void *ctx,
		       struct err *err);
int msg_observe_all_frames(const struct entry_set *set, msg_frame_fn emit, void *ctx,
			   struct err *err);
int msg_keys_frames(const struct entry_set *set, msg_frame_fn emit, void *ctx, struct err *err);
int msg_samples_frames(int64_t at_ms, const json_t *values, msg_frame_fn emit, void *ctx,
		       struct err *err);
