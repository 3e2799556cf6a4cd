// Probes links in a thread of its own, so that nothing else the agent does makes a link look slow
// or down, and answers the other ends' probes.
//
// Called from the loop's thread only. Links share one pair of sockets per device and address
// family; they are looked after in passes, so that many cost little more than few.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/err.h"

#include "probe/history.h"
#include "probe/link.h"
#include "steer/judge.h"

enum { PROBER_KEY_MAX = 200, PROBER_TEXT_MAX = 256 };

struct prober;

// Strings are borrowed.
struct prober_target {
	const char *key;      // "home/bob": what the link is called here
	const char *own_name; // "rho", "bob": of the two ends, in sentences
	const char *peer_name;
	const char *device; // the WireGuard device, or the external link's
	const char *own;    // overlay address; NULL: an external link
	const char *peer;   // of the same family; NULL: a wire, whose device leads to one end only
	// Both ends answer on it; of an external link the target's, 0: it is asked by ICMP.
	uint16_t port;
	uint8_t secret[LINK_KEY_SIZE]; // not of external links
	struct judge_config judge;
	// What its rider calls it; 0: it has none. The changes of one that has are told if it is an
	// external link.
	uint64_t rider;
};

// Somebody who travels with the probes of some links: each packet carries his note to the other
// end, he hears the other end's notes and what the judge says; of external links only that, their
// other end knows nothing of him. Called on the prober's thread, which waits meanwhile, or by
// prober_tell(); never calls the prober.
struct prober_rider {
	void *context;
	// Returns its length; 0: there is none.
	size_t (*note)(void *context, uint64_t link, uint8_t ret_note[STAMP_NOTE_MAX]);
	// Of the confirmed session, each once.
	void (*heard)(void *context, uint64_t link, const uint8_t *note, size_t len,
		      int64_t now_us);
	// At each change of state, and whenever something was measured. `name`: "rho-bob".
	void (*judged)(void *context, uint64_t link, const struct judge *judge, const char *name,
		       int64_t now_us);
	// Does what is due, and tells when there will be more.
	int64_t (*tick)(void *context, int64_t now_us);
	// A link whose note is not to wait for its next probe; false: there is none.
	bool (*hurry)(void *context, uint64_t *ret_link);
};

// A link's state is another.
struct prober_change {
	char key[PROBER_KEY_MAX + 1];
	enum judge_state before, state;
	char sentence[PROBER_TEXT_MAX]; // why
};
typedef void (*prober_change_fn)(void *context, const struct prober_change *change);

struct prober_reading {
	struct judge_config config;
	enum judge_state state;
	int64_t since_ms; // of the state, wall clock
	char sentence[PROBER_TEXT_MAX];
	struct judge_counts counts;
	int64_t value[JUDGE_MEASURES];       // JUDGE_UNMEASURED when not known
	int64_t rtt_us, forward_us, back_us; // last; OFFSET_UNKNOWN when not known
	struct sender_counts sender;
	struct reflector_counts reflector;
	uint64_t garbage;
	struct link_histogram histogram;
	struct link_histogram forward, back;
};

int prober_new(uv_loop_t *loop, prober_change_fn change, void *context, struct prober **ret_prober,
	       struct err *err);

// Before there is any target with a rider; `rider` is copied.
void prober_take_rider(struct prober *prober, const struct prober_rider *rider);

// Takes over which links there are; one that is the same but for its judge goes on as it is.
int prober_set(struct prober *prober, const struct prober_target *targets, size_t count,
	       struct err *err);

// Has the link's rider told what the judge says now; nothing if there is no such link, or rider.
void prober_tell(struct prober *prober, const char *key);

// Something happened to the host's devices: the thread looks at its own now.
void prober_look(struct prober *prober);

// Lets the riders look at once whether there is something to tell. Any thread.
void prober_wake(const struct prober *prober);

// False: no such link.
bool prober_read(struct prober *prober, const char *key, struct prober_reading *ret_reading);

// What a link was like, and the most that its sla allows now (JUDGE_UNMEASURED: no limit).
struct prober_history {
	struct history_view view;
	int64_t limit[JUDGE_MEASURES];
};

// False: no such link.
bool prober_history(struct prober *prober, const char *key, enum history_span span,
		    struct prober_history *ret);

// The bytes that a link has carried, counted from some beginning; ignored when there is no such
// link.
void prober_traffic(struct prober *prober, const char *key, uint64_t rx_bytes, uint64_t tx_bytes);

// Why that link cannot be probed; false when it can, or there is none.
bool prober_trouble(struct prober *prober, const char *key, struct err *ret_trouble);

// The clock that the judges go by. Any thread.
int64_t prober_now_us(void);

// Ends the thread; frees itself once the loop has let go of its handle.
void prober_close(struct prober *prober);
