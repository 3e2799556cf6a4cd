// Which one of an ordered list carries the traffic: the first that is well, or the nearest. Pure:
// how each is found and the time come in, the choice comes out. It is made at one end alone (the
// paths that two ends have to agree about are path.h's).
//
// What goes bad is left at once. To one that is preferred, and came back, traffic returns only when
// that has been well for the hold-down in a row, and each return soon after another takes twice as
// long: what comes and goes does not take the traffic with it.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "steer/judge.h"

#define CHOICE_NEVER INT64_MAX

enum { CHOICE_MAX = 16, CHOICE_NONE = 255 };

struct choice_config {
	bool by_latency;          // else in order
	int64_t hold_us;          // preferred and well for so long, before traffic returns
	int64_t hold_max_us;      // each return doubles it, up to this
	int64_t forget_us;        // and so long without one halves it
	int64_t start_us;         // one whose state is not known yet is taken for well so long
	int64_t margin_us;        // latencies that differ by less are equal,
	uint32_t margin_permille; // or by less than this share of the larger
};

enum choice_reason {
	CHOICE_FIRST,     // there was none before
	CHOICE_DOWN,      // the one before is down or gone
	CHOICE_WORSE,     // the one before is degraded or not known, this one is not
	CHOICE_DRAINED,   // the one before is drained
	CHOICE_PREFERRED, // it comes first, or is nearer
	CHOICE_LOST,      // none is left
};

// How one of the list is found.
struct choice_finding {
	enum judge_state state;
	bool is_drained;
	int64_t rtt_us; // JUDGE_UNMEASURED when not known
};

struct choice_option {
	struct choice_finding found;
	int64_t unknown_us; // since when its state is not known
	int64_t better_us;  // since when it is preferred to the one in use; CHOICE_NEVER: it is not
};

// Read `current`, `reason`, `from` and `moves`; leave the rest alone.
struct choice {
	uint8_t current; // place in the list, or CHOICE_NONE
	enum choice_reason reason;
	uint8_t from;
	uint64_t moves;

	struct choice_config config;
	struct choice_option options[CHOICE_MAX];
	uint8_t len;
	uint32_t returns; // doublings in force
	int64_t forgot_us;
};

struct choice_config choice_config_default(void); // 30 s, 10 min, 10 min, 2 s, 2 ms, 10 %

// `adopt`: what is in use already (a restart), or CHOICE_NONE.
struct choice choice_make(const struct choice_config *config, size_t len, uint8_t adopt,
			  int64_t now_us);

// How the one in that place is found now; then choice_decide().
void choice_found(struct choice *c, uint8_t place, const struct choice_finding *found,
		  int64_t now_us);

// True when the choice is another than before. Call it after every finding, and when it is due.
bool choice_decide(struct choice *c, int64_t now_us);

// When choice_decide has something to do without a finding; CHOICE_NEVER when it has not.
int64_t choice_due_us(const struct choice *c, int64_t now_us);
