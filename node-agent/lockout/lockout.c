#include "lockout/lockout.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clean.h"

// How long a revision may be without an answer in the n-th round, and how long the state before.
static const struct {
	int64_t trial_ms;
	int64_t undone_ms;
} rounds[LOCKOUT_ROUNDS] = {
	{ LOCKOUT_TRIAL_MS, 20000 },
	{ 600000, 60000 },
	{ 3600000, 180000 },
};

static void move(struct lockout *l, enum lockout_state state, int64_t now_ms)
{
	l->state = state;
	l->since_ms = now_ms;
	l->is_answered = false;
	l->is_asked = false;
}

bool lockout_is_proven(const struct lockout *l)
{
	return l->state != LOCKOUT_TRIAL || l->is_answered;
}

void lockout_begin(struct lockout *l, int64_t revision, struct digest digest, int64_t before)
{
	int64_t kept = lockout_is_proven(l) ? before : l->before;

	*l = (struct lockout){
		.state = LOCKOUT_TRIAL, .revision = revision, .digest = digest, .before = kept
	};
}

void lockout_applied(struct lockout *l, int64_t now_ms)
{
	move(l, LOCKOUT_TRIAL, now_ms);
	l->began_ms = now_ms;
}

bool lockout_refuses(const struct lockout *l, struct digest digest)
{
	return l->state == LOCKOUT_REFUSED && digest_equal(l->digest, digest);
}

void lockout_target(struct lockout *l, int64_t revision)
{
	if (l->state == LOCKOUT_REFUSED && l->revision != revision)
		*l = (struct lockout){ 0 };
}

bool lockout_retry(struct lockout *l)
{
	if (l->state != LOCKOUT_REFUSED)
		return false;
	*l = (struct lockout){ 0 };
	return true;
}

static enum lockout_order answer_undone(struct lockout *l, int64_t now_ms, int64_t uptime_ms)
{
	// A controller that was started since the trial began was away by itself.
	if (uptime_ms >= 0 && uptime_ms < now_ms - l->began_ms) {
		*l = (struct lockout){ 0 };
		return LOCKOUT_FORGIVE;
	}
	move(l, LOCKOUT_REFUSED, now_ms);
	return LOCKOUT_REFUSE;
}

enum lockout_order lockout_answer(struct lockout *l, int64_t now_ms, int64_t uptime_ms)
{
	if (l->state == LOCKOUT_UNDONE)
		return answer_undone(l, now_ms, uptime_ms);
	l->is_answered = true;
	if (l->state != LOCKOUT_TRIAL || now_ms - l->since_ms < LOCKOUT_SETTLE_MS)
		return LOCKOUT_NOTHING;
	*l = (struct lockout){ 0 };
	return LOCKOUT_KEEP;
}

static enum lockout_order tick_trial(struct lockout *l, int64_t now_ms)
{
	int64_t passed = now_ms - l->since_ms;

	if (passed >= rounds[l->round].trial_ms) {
		move(l, LOCKOUT_UNDONE, now_ms);
		return LOCKOUT_UNDO;
	}
	if (passed < LOCKOUT_SETTLE_MS || l->is_asked)
		return LOCKOUT_NOTHING;
	l->is_asked = true;
	return LOCKOUT_ASK;
}

static enum lockout_order tick_undone(struct lockout *l, int64_t now_ms)
{
	if (now_ms - l->since_ms < rounds[l->round].undone_ms)
		return LOCKOUT_NOTHING;
	if (++l->round < LOCKOUT_ROUNDS)
		move(l, LOCKOUT_TRIAL, now_ms);
	else
		*l = (struct lockout){ 0 };
	return LOCKOUT_REDO;
}

enum lockout_order lockout_tick(struct lockout *l, int64_t now_ms)
{
	if (l->state == LOCKOUT_TRIAL)
		return tick_trial(l, now_ms);
	return l->state == LOCKOUT_UNDONE ? tick_undone(l, now_ms) : LOCKOUT_NOTHING;
}

void lockout_resume(struct lockout *l, int64_t now_ms)
{
	move(l, l->state, now_ms);
	l->began_ms = now_ms;
}

void lockout_sentence(const struct lockout *l, char *ret, size_t size)
{
	ret[0] = '\0';
	if (l->state == LOCKOUT_REFUSED)
		(void)snprintf(ret, size,
			       "revision %" PRId64
			       " cut this node off its controller and was undone; "
			       "it is not tried again until it changes or you ask for a retry",
			       l->revision);
	else if (l->state == LOCKOUT_UNDONE)
		(void)snprintf(ret, size,
			       "under revision %" PRId64
			       " the controller did not answer, so it was "
			       "undone; it is seen whether the controller answers now",
			       l->revision);
}
