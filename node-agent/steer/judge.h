// Whether a link or wire carries traffic, judged from its probes. Pure: time is passed in, the
// verdict comes out; one judge for each link and end.
//
// Times are microseconds of one monotonic clock. A probe has one outcome: returned, or missed when
// its reply has not come within judge_patience_us. Down after `down` misses in a row that are newer
// than every reply; up after `up` returns in a row that are newer than every miss, but not before
// the hold-down is over. A reply that comes after its miss is late, one that comes again is a
// duplicate, one to a probe that was never sent is a stray: each is counted and changes nothing.
// Loss in one direction loses the round trip, so it is down at both ends.
//
// The detection promise: a link that goes silent while up is down at most
// (down + 1) x interval + RTT + JUDGE_MARGIN_US later, when judge_tick is called at judge_due_us.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JUDGE_NEVER       INT64_MAX
#define JUDGE_UNMEASURED  INT64_MIN
#define JUDGE_MARGIN_US   INT64_C(20000)   // what a reply may be later than the others
#define JUDGE_PATIENCE_US INT64_C(1000000) // for a reply while the round trip is not known

enum {
	JUDGE_WINDOW = 64,    // probes whose outcome is remembered one by one
	JUDGE_HISTORY = 128,  // outcomes that the loss is measured over
	JUDGE_RECENT = 5,     // replies of which the middle round trip is the latency
	JUDGE_MAX_COUNT = 50, // of `down` and `up`
};

enum judge_state {
	JUDGE_UNKNOWN, // no verdict yet
	JUDGE_UP,
	JUDGE_DEGRADED, // it forwards, but its sla is broken
	JUDGE_DOWN,
};

enum judge_measure { JUDGE_LATENCY, JUDGE_JITTER, JUDGE_LOSS, JUDGE_MEASURES };

// The most that a measure may be: absolute (latency, jitter: us; loss: millionths), or that many
// thousandths of what the link itself has learnt to be usual. 0: not asked.
struct judge_limit {
	int64_t most;
	int64_t factor_permille;
};

struct judge_sla {
	struct judge_limit limit[JUDGE_MEASURES];
	int64_t for_us;       // broken so long: degraded
	int64_t clear_for_us; // kept so long: no more
};

struct judge_config {
	int64_t interval_us; // between two probes
	uint32_t down;       // misses in a row
	uint32_t up;         // returns in a row
	struct judge_sla sla;
	int64_t hold_down_us;     // down at least so long; doubled by every further flap
	int64_t hold_down_max_us; // up to this
	int64_t forget_us;        // without going down for so long, one doubling is forgotten
};

enum judge_reason {
	JUDGE_NO_PROBE, // nothing is known yet
	JUDGE_RETURNED, // `count` probes in a row came back
	JUDGE_MISSED,   // `count` probes in a row did not
	JUDGE_SEVERED,  // the device is gone or has no carrier
	JUDGE_BROKEN,   // `measure` is `value`, more than `limit`, since `lasting_us`
	JUDGE_KEPT,     // the sla has been kept for `lasting_us`
};

// Why the state is what it is, in numbers as they were when it changed.
struct judge_cause {
	enum judge_reason reason;
	uint32_t count;
	int64_t last_reply_us; // before the change; JUDGE_UNMEASURED when there never was one
	int64_t rtt_us;        // JUDGE_UNMEASURED when not known
	enum judge_measure measure;
	int64_t value, limit; // us or millionths
	int64_t usual; // the baseline the limit is a factor of; JUDGE_UNMEASURED: it is absolute
	int64_t lasting_us;
	int64_t held_us; // down: the hold-down, of which `flaps` is the reason
	uint32_t flaps;
};

struct judge_counts {
	uint64_t sent, returned, lost, late, duplicate, reordered, stray;
};

// What the link has learnt to be usual for it: slow to rise, so that a creeping fault is seen;
// quicker to fall. Plain values, to be kept over a restart.
struct judge_baseline {
	double usual[JUDGE_MEASURES]; // us, us, millionths
	uint32_t learnt;              // samples; below JUDGE_LEARNT it is not used
};

// A reply as the probe has measured it.
struct judge_reply {
	int64_t rtt_us; // without the time the other end took
	// There and back as the two clocks tell, offset included (only changes are used), or
	// JUDGE_UNMEASURED.
	int64_t forward_us, back_us;
};

// Read the first part, leave the second alone.
struct judge {
	struct judge_config config;
	enum judge_state state;
	int64_t since_us; // of the state
	struct judge_cause cause;
	struct judge_counts counts;
	struct judge_baseline baseline;
	int64_t value[JUDGE_MEASURES]; // now: us, us, millionths; JUDGE_UNMEASURED when not known

	int64_t now_us; // latest time seen
	int64_t last_reply_us;
	bool has_sent;
	uint32_t newest;               // sequence sent last
	uint64_t pending;              // bit i: of sequence newest - i
	uint64_t returned, missed;     // likewise
	int64_t sent_us[JUDGE_WINDOW]; // by sequence modulo its size
	int64_t recent_us[JUDGE_RECENT];
	uint32_t recent_count;     // round trips since the last down
	struct judge_reply before; // the reply before, for the jitter
	double jitter_us;
	uint64_t history[JUDGE_HISTORY / 64]; // outcomes, newest in bit 0; 1: lost
	uint32_t history_count;
	int64_t broken_us[JUDGE_MEASURES]; // since when, JUDGE_NEVER: it is not
	int64_t kept_us[JUDGE_MEASURES];   // since when it is kept, JUDGE_NEVER: it is not
	int64_t held_until_us;
	uint32_t flaps;    // doublings in force
	int64_t forgot_us; // when the last one was added or forgotten
};

// The defaults of DESIGN: 200 ms, 3, 5, no sla, hold-down 2 s to 60 s.
struct judge_config judge_config_default(void);

// Values out of range are brought into it.
void judge_init(struct judge *j, const struct judge_config *config, int64_t now_us);

// A changed configuration: what was learnt stays, the state too.
void judge_configure(struct judge *j, const struct judge_config *config, int64_t now_us);

// The events. Each returns true when the state has changed; `state`, `since_us` and `cause` then
// tell the new one. Read the socket's replies before judge_tick. When nobody called for two
// intervals the process itself was stopped: then what is outstanding is given its time anew.
//
// A probe leaves with this sequence number, one more than the last (modulo 2^32). Another number
// starts anew after a restart of the sender: what was outstanding is forgotten.
bool judge_sent(struct judge *j, uint32_t sequence, int64_t now_us);
bool judge_reply(struct judge *j, uint32_t sequence, const struct judge_reply *reply,
		 int64_t now_us);
// A probe is known to be lost before its time: it could not be sent, or was refused on the way.
bool judge_miss(struct judge *j, uint32_t sequence, int64_t now_us);
// The device is gone or has lost its carrier: down at once.
bool judge_sever(struct judge *j, int64_t now_us);
bool judge_tick(struct judge *j, int64_t now_us);

// When judge_tick has something to do next; JUDGE_NEVER when it has not.
int64_t judge_due_us(const struct judge *j);
// How long a probe waits for its reply now.
int64_t judge_patience_us(const struct judge *j);

// The most that its sla allows now, of a factor too; JUDGE_UNMEASURED: as much as it likes.
int64_t judge_limit(const struct judge *j, enum judge_measure measure);

const char *judge_state_name(enum judge_state state);

// "rho-bob down: 3 of 3 probes lost, last reply 612 ms ago". `link` is its name.
void judge_sentence(const char *link, enum judge_state state, const struct judge_cause *cause,
		    char *ret, size_t size);
