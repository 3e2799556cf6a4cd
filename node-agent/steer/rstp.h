// The Rapid Spanning Tree Protocol of IEEE 802.1D-2004 clause 17 for one bridge whose ports are
// point-to-point wires. Pure: time and BPDUs come in, actions come out.
//
// What is promised. Between Weft bridges the ports that forward never form a loop, at no instant,
// however BPDUs are lost, late, doubled or out of order, and whichever agents are dead with their
// ports as they were. 802.1D alone promises less: what a bridge knows of its neighbours may be
// stale, and in the moment it acts on it a loop may stand. The promise rests on one invariant
// (rstp_promise.c):
//
//     what a bridge holds as its root port's report is better than every report of its own that a
//     bridge behind one of its open designated ports may still hold.
//
// Each link that carries frames has a designated end, opened only when the other end has answered
// to that very report, and a root end, of which a bridge has one. Around a loop the reports held
// would have to get better for ever. So no timer opens a port towards a Weft bridge, nor towards
// one never heard: a dead agent's blocked port stays blocked at both ends, and its open ones keep
// to what it last knew, which the others still honour.
//
// Towards a bridge that speaks RSTP or STP without the extension (bpdu.h) the standard holds, no
// more: its handshake, its timers (forward delay, max age).
//
// Deviations from the standard, all towards Weft bridges and invisible to others: ports of
// every role send hellos; a handshake that is not answered is repeated within milliseconds, not at
// the next hello; BPDUs are limited to `tx_hold` a hello time, not a second each after a burst; a
// report whose path contains this bridge is no information (no counting to infinity through it).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clean.h"
#include "base/err.h"

#include "steer/bpdu.h"

#define RSTP_NEVER INT64_MAX

enum { RSTP_PORTS_MAX = 64 };

enum rstp_role { RSTP_DISABLED, RSTP_ALTERNATE, RSTP_BACKUP, RSTP_ROOT, RSTP_DESIGNATED };
enum rstp_state { RSTP_DISCARDING, RSTP_LEARNING, RSTP_FORWARDING };
enum rstp_peer { RSTP_UNHEARD, RSTP_STP, RSTP_RSTP, RSTP_WEFT }; // what the other end speaks

struct rstp_config {
	struct bpdu_bridge_id id;
	int64_t hello_us;         // 1 s
	int64_t max_age_us;       // also, in seconds, how many bridges away the root may be
	int64_t forward_delay_us; // how long a port waits where nothing better is known
	unsigned tx_hold;         // BPDUs per port and hello time; 0 is 20
	uint64_t session;         // of the first port; greater than any this bridge had before
};

struct rstp_port_config {
	uint16_t id;   // priority in the high bits, number in the low 10; unique in the bridge
	uint32_t cost; // of the path through it
};

struct rstp;

// All ports are discarding until told otherwise.
int rstp_new(const struct rstp_config *config, struct rstp **ret, struct err *err);
void rstp_free(struct rstp *b);
CLEAN_FUNC(struct rstp, rstp_free)

// Changes priority or times; what stands goes on.
void rstp_configure(struct rstp *b, const struct rstp_config *config, int64_t now_us);

// `port` is 0..RSTP_PORTS_MAX-1. Adding one that is there changes its cost and id. A new one is
// down.
void rstp_port_set(struct rstp *b, unsigned port, const struct rstp_port_config *config,
		   int64_t now_us);
void rstp_port_drop(struct rstp *b, unsigned port, int64_t now_us);

// The link can carry frames, or cannot: by carrier, by the device's flags, or because probes call
// it down.
void rstp_port_up(struct rstp *b, unsigned port, bool is_up, int64_t now_us);

void rstp_receive(struct rstp *b, unsigned port, const struct bpdu *bpdu, int64_t now_us);

// The other end's agent is silent, but its kernel answers: the link carries both ways, its ports
// are as they were, and what it last said holds. Nothing ages on that port for another three
// hellos.
void rstp_vouch(struct rstp *b, unsigned port, int64_t now_us);

// Call it at rstp_due(), which may be in the past.
void rstp_tick(struct rstp *b, int64_t now_us);
int64_t rstp_due(const struct rstp *b);

enum rstp_action_kind {
	RSTP_SET_STATE, // the port's state
	RSTP_FLUSH,     // forget what was learnt on the port
	RSTP_SEND,      // a BPDU out of the port
};

struct rstp_action {
	enum rstp_action_kind kind;
	unsigned port;
	enum rstp_state state;
	struct bpdu bpdu;
};

// Takes the next action; false when there is none left. To be emptied after each call above, and
// done in this order: what closes comes before what opens, and BPDUs, which tell of both, come
// last.
bool rstp_take(struct rstp *b, struct rstp_action *ret);

// Repeats the state of every port as an action, for a kernel that may have other ideas.
void rstp_repeat_states(struct rstp *b);

struct rstp_port_view {
	bool is_used, is_up;
	enum rstp_role role;
	enum rstp_state state;
	enum rstp_peer peer;
	uint16_t id;
	uint32_t cost;
	int64_t heard_us;            // when a Weft bridge was last heard
	bool is_agreed;              // a designated one whose other end has answered
	struct bpdu_vector priority; // the port's priority vector: of the best bridge on the link
};

struct rstp_view {
	struct bpdu_bridge_id id, root;
	uint32_t root_cost;
	int root_port; // -1: this bridge is the root
	bool topology_change;
	uint64_t topology_changes; // so far
	struct bpdu_times times;   // the root's
};

void rstp_port_look(const struct rstp *b, unsigned port, struct rstp_port_view *ret);
void rstp_look(const struct rstp *b, struct rstp_view *ret);

const char *rstp_role_name(enum rstp_role role);
const char *rstp_state_name(enum rstp_state state);

// A machine as bytes, for a program that starts again while the kernel goes on. Only the very
// program that saved it may load it, on the same boot (times are of one monotonic clock). The
// promise holds over the restart if, whenever rstp_wants_saving(), it is saved before the actions
// that rstp_take() gives next are done. -EBADMSG when the bytes are not whole or of another
// version.
size_t rstp_save_size(void);
bool rstp_wants_saving(const struct rstp *b);
void rstp_save(struct rstp *b, void *ret);
int rstp_load(const void *data, size_t size, int64_t now_us, struct rstp **ret, struct err *err);
