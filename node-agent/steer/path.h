// Which path carries the traffic to another node. Pure: one set for each destination; judgements,
// notes of the other end and time come in, orders come out. Every event costs O(paths of the set).
//
// A path is known to both ends by the same number: 0 is the direct one, the others lead through
// other nodes, in the order of preference of the plan. Each end judges every path end to end and
// adds what the other end tells, so that a path is only as good as the worse end says.
//
// The node with the lower id chooses. Every probe of either end, on every path, carries a note:
// which path its sender uses and how it finds each. The other end follows the newest note. A note
// may be lost, late or repeated: they are ordered by their stamp, and a sender that has fallen
// behind (a restart) is told so by what the other end has heard. Only an end whose own judge calls
// the chosen path down moves on its own at once, to what it would choose itself; it tells so, and
// the chooser, who now knows, ends the difference.
//
// No loop can form, whatever the ends choose at any instant, because the choice is made once, by
// the node where a packet enters: a node that forwards for others sends by the direct wire to the
// destination only, never by its own choice.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "steer/judge.h"

#define PATH_LOSS_US  2                // cost of a millionth of loss: 1 % is worth 20 ms
#define PATH_START_US INT64_C(2000000) // one that is up waits so long for one still unknown
#define PATH_NEVER    INT64_MAX

enum { PATHS_MAX = 16, PATH_NONE = 255, PATH_ORDERS = PATHS_MAX + 4 };

struct path_config {
	int64_t hold_us;     // better for so long in a row, before traffic moves for that alone
	int64_t hold_max_us; // each such move doubles it, up to this
	int64_t forget_us;   // and so long without one halves it
	int64_t linger_us;   // the old path stands so long, or until the other end has moved too
	int64_t margin_us;   // costs that differ by less are equal,
	uint32_t margin_permille; // or by less than this share of the larger
};

enum path_what {
	PATH_PREPARE, // make it stand beside the one in use
	PATH_SWITCH,  // traffic goes by it from now on
	PATH_RELEASE, // it need not stand any longer
	PATH_TELL,    // send a note now, not with the next probe
};

struct path_order {
	enum path_what what;
	uint8_t path;
};

// What one event asks for, to be done in this order; hand in an empty one with each event.
struct path_orders {
	unsigned count;
	struct path_order list[PATH_ORDERS];
};

enum path_reason {
	PATH_FIRST,    // there was none before
	PATH_DOWN,     // the one before is down or gone
	PATH_DEGRADED, // the one before is degraded or not known, this one is not
	PATH_DRAINED,  // the one before is drained
	PATH_BETTER,   // it costs less
	PATH_LIKED,    // it costs the same and is preferred
	PATH_FOLLOWED, // the other end has chosen it
};

struct path_cause {
	enum path_reason reason;
	uint8_t from;
	int64_t rtt_us; // of the new one; JUDGE_UNMEASURED when not known
};

// What a probe carries. `states` has four bits for each path, see path_note.
struct path_note {
	uint64_t stamp; // grows with every note of the sender
	uint64_t heard; // the newest stamp the sender has heard
	uint64_t states;
	uint8_t choice; // what the sender uses
};

enum path_drain {
	PATH_NOT_DRAINED,
	PATH_MOVING, // traffic still uses it, at one end at least
	PATH_STUCK,  // and nothing else is there to move to
	PATH_SAFE,   // no traffic uses it, at either end
};

struct path {
	bool is_there;
	bool is_standby; // preferred less among equals
	bool is_drained;
	bool is_standing;       // prepared and not released
	enum judge_state state; // as this end finds it
	int64_t rtt_us;
	double cost_us;    // smoothed; below 0: not measured
	int64_t better_us; // since when it is better than the one in use, PATH_NEVER: it is not
};

// Read `current`, `cause` and `since_us`; leave the rest alone.
struct path_set {
	uint8_t current; // PATH_NONE before the first choice
	struct path_cause cause;
	int64_t since_us;
	uint64_t switches;

	struct path_config config;
	bool is_chooser;
	struct path paths[PATHS_MAX];
	uint64_t stamp, heard;
	bool has_heard;
	uint64_t told;  // the other end's states
	uint8_t theirs; // what the other end uses
	int64_t linger_until_us;
	uint32_t moves; // doublings in force
	int64_t forgot_us;
};

struct path_config path_config_default(void); // 10 s, 5 min, 10 min, 2 s, 2 ms, 10 %

// Ids of the two ends; they differ. `adopt`: what is in use already (a restart), or PATH_NONE; it
// is there from the start, to be put or dropped with the others.
struct path_set path_set_make(const struct path_config *config, uint64_t self, uint64_t other,
			      uint8_t adopt, int64_t now_us);

// The events. Numbers from PATHS_MAX on are ignored.
void path_put(struct path_set *set, uint8_t path, bool is_standby, int64_t now_us,
	      struct path_orders *ret);
void path_drop(struct path_set *set, uint8_t path, int64_t now_us, struct path_orders *ret);
void path_drain(struct path_set *set, uint8_t path, bool is_drained, int64_t now_us,
		struct path_orders *ret);
// How this end finds the path now: at each change of state and whenever it was measured.
void path_judged(struct path_set *set, uint8_t path, const struct judge *judge, int64_t now_us,
		 struct path_orders *ret);
// A note of the other end, come by whatever path. One that makes no sense is ignored; those of a
// probe session that another has taken the place of are not to be handed in.
void path_heard(struct path_set *set, const struct path_note *note, int64_t now_us,
		struct path_orders *ret);
void path_tick(struct path_set *set, int64_t now_us, struct path_orders *ret);
// When path_tick has something to do; PATH_NEVER when it has not.
int64_t path_due_us(const struct path_set *set);

// The note for the next probe. Bits 4n..4n+1: state of path n, 4n+2: drained.
struct path_note path_note(struct path_set *set);

enum path_drain path_drain_state(const struct path_set *set, uint8_t path);

// "moved to rho-epsilon-bob, 38 ms: rho-bob is down". Names of the path in use and the one before.
void path_sentence(const struct path_cause *cause, const char *to, const char *from, char *ret,
		   size_t size);
