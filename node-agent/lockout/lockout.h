// Whether a revision has cut this node off its controller, and what to do about it. Pure: time is
// passed in, orders come out.
//
// A revision that changes anything is on trial until the controller has answered under it for
// SETTLE_MS. When it has not after 30 s, the state before is put back. What then happens tells the
// two causes apart: a controller that answers soon under the state before was cut off by the
// revision, which is refused from then on; one that stays away was away itself, and the revision is
// put in force again. Since a controller may also be slow to be found again, that question is asked
// LOCKOUT_ROUNDS times, each time later and with more patience; then the revision stays.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "wire/digest.h"

enum {
	LOCKOUT_TRIAL_MS = 30000,  // without an answer until the first return to the state before
	LOCKOUT_SETTLE_MS = 10000, // an answer counts when the revision has been in force so long
	LOCKOUT_ROUNDS = 3,
};

enum lockout_state {
	LOCKOUT_CALM,    // the state in force is good, or there is none to compare it with
	LOCKOUT_TRIAL,   // a revision is in force under which the controller has yet to answer
	LOCKOUT_UNDONE,  // the state before is in force: will the controller answer now?
	LOCKOUT_REFUSED, // it did: the revision is not taken again
};

enum lockout_order {
	LOCKOUT_NOTHING,
	LOCKOUT_ASK,     // ask the controller for an answer
	LOCKOUT_KEEP,    // the revision is good: the state before may be forgotten
	LOCKOUT_UNDO,    // put the state before in force
	LOCKOUT_REDO,    // put the revision in force again
	LOCKOUT_REFUSE,  // the revision was the cause: forget it, tell the controller
	LOCKOUT_FORGIVE, // the controller had been restarted: it may offer the revision again
};

struct lockout {
	enum lockout_state state;
	int64_t revision;     // on trial, undone or refused
	struct digest digest; // of the state it makes
	int64_t before;       // the revision of the state before
	unsigned round;       // how often it was undone
	int64_t since_ms;     // of the state; of a trial: when it was in force
	int64_t began_ms;     // of the revision's first trial
	bool is_answered;     // in this state
	bool is_asked;        // in this trial
};

// Is the state in force one to go back to? Else it is on trial itself and the one before it stays
// the state before.
bool lockout_is_proven(const struct lockout *l);

// A revision is about to be applied, and has been. The state before is that of revision `before`;
// while the one in force is not proven, it stays as it was.
void lockout_begin(struct lockout *l, int64_t revision, struct digest digest, int64_t before);
void lockout_applied(struct lockout *l, int64_t now_ms);

// The state that is offered was refused: it must not be applied.
bool lockout_refuses(const struct lockout *l, struct digest digest);

// The controller wants the node at `revision`: a refusal of another one is over.
void lockout_target(struct lockout *l, int64_t revision);

// An operator asks for another try. False when nothing is refused.
bool lockout_retry(struct lockout *l);

// The controller answered. `uptime_ms`: how long it has been running, -1 when not known.
enum lockout_order lockout_answer(struct lockout *l, int64_t now_ms, int64_t uptime_ms);

// Time passed: call every second while the state is a trial or undone.
enum lockout_order lockout_tick(struct lockout *l, int64_t now_ms);

// After a restart: the windows begin anew.
void lockout_resume(struct lockout *l, int64_t now_ms);

// "revision 41 cut this node off its controller: ...", for a refused or undone one; "" otherwise.
void lockout_sentence(const struct lockout *l, char *ret, size_t size);

// ---- record.c: what outlives the process, as JSON text ----

// A text the caller frees; NULL when out of memory.
char *lockout_write(const struct lockout *l);
// -EINVAL with a sentence when it is damaged; `l` is then as before.
int lockout_read(struct lockout *l, const char *text, struct err *err);
