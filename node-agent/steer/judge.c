#include "steer/judge.h"

#include <string.h>

#include "steer/judge_sla.h"

#define REPLY_MAX_US INT64_C(3600000000) // a longer round trip is garbage
#define STALL_US     INT64_C(100000)     // a shorter pause is no stop of the process

struct judge_config judge_config_default(void)
{
	return (struct judge_config){
		.interval_us = 200000,
		.down = 3,
		.up = 5,
		.sla = { .for_us = 3000000, .clear_for_us = 30000000 },
		.hold_down_us = 2000000,
		.hold_down_max_us = 60000000,
		.forget_us = 60000000,
	};
}

static int64_t clamp(int64_t value, int64_t least, int64_t most)
{
	return value < least ? least : value > most ? most : value;
}

static struct judge_config config_in_range(const struct judge_config *config)
{
	struct judge_config c = *config;
	const int64_t hour = INT64_C(3600000000);

	c.interval_us = clamp(c.interval_us, 1000, hour);
	c.down = (uint32_t)clamp(c.down, 1, JUDGE_MAX_COUNT);
	c.up = (uint32_t)clamp(c.up, 1, JUDGE_MAX_COUNT);
	c.sla.for_us = clamp(c.sla.for_us, 0, 24 * hour);
	c.sla.clear_for_us = clamp(c.sla.clear_for_us, 0, 24 * hour);
	c.hold_down_us = clamp(c.hold_down_us, 0, 24 * hour);
	c.hold_down_max_us = clamp(c.hold_down_max_us, c.hold_down_us, 24 * hour);
	c.forget_us = clamp(c.forget_us, 1000, 24 * hour);
	return c;
}

void judge_init(struct judge *j, const struct judge_config *config, int64_t now_us)
{
	memset(j, 0, sizeof(*j));
	j->config = config_in_range(config);
	j->since_us = j->now_us = j->forgot_us = now_us;
	j->last_reply_us = JUDGE_UNMEASURED;
	j->cause = (struct judge_cause){ .reason = JUDGE_NO_PROBE,
					 .last_reply_us = JUDGE_UNMEASURED,
					 .rtt_us = JUDGE_UNMEASURED };
	sla_reset(j);
}

void judge_configure(struct judge *j, const struct judge_config *config, int64_t now_us)
{
	j->config = config_in_range(config);
	(void)judge_tick(j, now_us);
}

// ---- the window ----

static bool take_bit(uint64_t *bits, uint32_t index)
{
	uint64_t bit = UINT64_C(1) << index;
	bool was_set = *bits & bit;

	*bits &= ~bit;
	return was_set;
}

// The bits that are newer than the newest of `bits`.
static uint64_t newer_than(uint64_t bits)
{
	return bits ? (bits & -bits) - 1 : UINT64_MAX;
}

// Misses in a row, newer than every reply; and the other way round.
static uint32_t misses(const struct judge *j)
{
	return (uint32_t)__builtin_popcountll(j->missed & newer_than(j->returned));
}

static uint32_t returns(const struct judge *j)
{
	return (uint32_t)__builtin_popcountll(j->returned & newer_than(j->missed));
}

static int64_t *sent_at(struct judge *j, uint32_t index)
{
	return &j->sent_us[(j->newest - index) % JUDGE_WINDOW];
}

static uint32_t oldest(uint64_t bits)
{
	return 63 - (uint32_t)__builtin_clzll(bits);
}

static void lose(struct judge *j, uint32_t index)
{
	(void)take_bit(&j->pending, index);
	j->missed |= UINT64_C(1) << index;
	j->counts.lost++;
	sla_outcome(j, true);
}

int64_t judge_patience_us(const struct judge *j)
{
	int64_t interval = j->config.interval_us;
	int64_t rtt = j->value[JUDGE_LATENCY];

	if ((j->state != JUDGE_UP && j->state != JUDGE_DEGRADED) || rtt == JUDGE_UNMEASURED)
		return JUDGE_PATIENCE_US;
	int64_t wait = interval < JUDGE_PATIENCE_US ? interval : JUDGE_PATIENCE_US;
	// Never so long that a pending probe leaves the window.
	return clamp(wait + rtt + JUDGE_MARGIN_US, 0,
		     (JUDGE_WINDOW - 4) * interval > JUDGE_PATIENCE_US
			     ? (JUDGE_WINDOW - 4) * interval
			     : JUDGE_PATIENCE_US);
}

// ---- the verdict ----

static void move(struct judge *j, enum judge_state state, const struct judge_cause *cause)
{
	j->state = state;
	j->since_us = j->now_us;
	j->cause = *cause;
}

static struct judge_cause cause_of(const struct judge *j, enum judge_reason reason, uint32_t count)
{
	int64_t last = j->last_reply_us;

	return (struct judge_cause){
		.reason = reason,
		.count = count,
		.last_reply_us = last == JUDGE_UNMEASURED ? last : j->now_us - last,
		.rtt_us = j->value[JUDGE_LATENCY],
		.usual = JUDGE_UNMEASURED,
	};
}

// Doubled by every flap that is not forgotten, up to the most.
static int64_t hold_down_us(const struct judge *j)
{
	int64_t held = j->config.hold_down_us;

	for (uint32_t i = 1; i < j->flaps && held < j->config.hold_down_max_us; i++)
		held *= 2;
	return held < j->config.hold_down_max_us ? held : j->config.hold_down_max_us;
}

static void go_down(struct judge *j, enum judge_reason reason)
{
	struct judge_cause cause = cause_of(j, reason, misses(j));

	j->held_until_us = j->now_us;
	if (j->state == JUDGE_UP || j->state == JUDGE_DEGRADED) {
		// One more than the most needs is one more to forget: none is counted for nothing.
		if (hold_down_us(j) < j->config.hold_down_max_us || j->flaps == 0)
			j->flaps++;
		cause.held_us = hold_down_us(j);
		cause.flaps = j->flaps;
		j->held_until_us += cause.held_us;
	}
	move(j, JUDGE_DOWN, &cause);
	sla_reset(j);
}

static void go_up(struct judge *j)
{
	struct judge_cause cause = cause_of(j, JUDGE_RETURNED, returns(j));

	j->forgot_us = j->now_us;
	sla_forget_losses(j);
	sla_look(j);
	// A link that comes back bad does not carry traffic until that is known for sure.
	if (sla_is_broken(j, true, &cause))
		move(j, JUDGE_DEGRADED, &cause);
	else
		move(j, JUDGE_UP, &cause);
}

static bool judge_sla(struct judge *j)
{
	struct judge_cause cause = cause_of(j, JUDGE_BROKEN, 0);

	sla_look(j);
	if (j->state == JUDGE_UP && sla_is_broken(j, false, &cause)) {
		move(j, JUDGE_DEGRADED, &cause);
		return true;
	}
	int64_t kept = sla_kept_us(j);
	if (j->state != JUDGE_DEGRADED || kept == JUDGE_NEVER ||
	    j->now_us - kept < j->config.sla.clear_for_us)
		return false;
	cause.reason = JUDGE_KEPT;
	cause.lasting_us = j->now_us - kept;
	sla_forget_losses(j);
	move(j, JUDGE_UP, &cause);
	return true;
}

static bool verdict(struct judge *j)
{
	bool was_up = j->state == JUDGE_UP || j->state == JUDGE_DEGRADED;

	if (j->state != JUDGE_DOWN && misses(j) >= j->config.down) {
		go_down(j, JUDGE_MISSED);
		return true;
	}
	if (was_up)
		return judge_sla(j);
	if (returns(j) < j->config.up || (j->state == JUDGE_DOWN && j->now_us < j->held_until_us))
		return false;
	go_up(j);
	return true;
}

// ---- the events ----

// Time only goes forward. Having been stopped, we know nothing of the probes that were on their
// way: their replies may be waiting in the socket.
static void advance_clock(struct judge *j, int64_t now_us)
{
	if (now_us <= j->now_us)
		return;
	int64_t idle = now_us - j->now_us;

	j->now_us = now_us;
	if (idle > STALL_US && idle > 2 * j->config.interval_us) {
		for (uint64_t bits = j->pending; bits; bits &= bits - 1)
			*sent_at(j, (uint32_t)__builtin_ctzll(bits)) = now_us;
	}
	bool is_up = j->state == JUDGE_UP || j->state == JUDGE_DEGRADED;
	while (is_up && j->flaps && now_us - j->forgot_us >= j->config.forget_us) {
		j->flaps--;
		j->forgot_us += j->config.forget_us;
	}
}

// A verdict changes how long a probe is waited for: so it comes before each look at the next one.
static bool settle_overdue(struct judge *j)
{
	bool is_changed = verdict(j);

	while (j->pending) {
		uint32_t index = oldest(j->pending);

		if (j->now_us - *sent_at(j, index) < judge_patience_us(j))
			break;
		lose(j, index);
		is_changed |= verdict(j);
	}
	return is_changed;
}

bool judge_tick(struct judge *j, int64_t now_us)
{
	advance_clock(j, now_us);
	return settle_overdue(j);
}

bool judge_sent(struct judge *j, uint32_t sequence, int64_t now_us)
{
	bool is_changed = judge_tick(j, now_us);
	uint32_t step = sequence - j->newest;

	if (!j->has_sent || step == 0 || step >= JUDGE_WINDOW) {
		j->pending = j->returned = j->missed = 0;
	} else {
		j->pending <<= step;
		j->returned <<= step;
		j->missed <<= step;
	}
	j->has_sent = true;
	j->newest = sequence;
	j->pending |= 1;
	*sent_at(j, 0) = j->now_us;
	j->counts.sent++;
	return is_changed;
}

// What a link is like while it is not up is not usual for it.
static void learn(struct judge *j)
{
	if ((j->state == JUDGE_UP || j->state == JUDGE_DEGRADED) &&
	    j->last_reply_us != JUDGE_UNMEASURED)
		sla_learn(j, clamp(j->now_us - j->last_reply_us, 0, 2 * j->config.interval_us));
}

// Is it no reply to a probe that was sent?
static bool is_stray(const struct judge *j, uint32_t index, const struct judge_reply *reply)
{
	if (!j->has_sent || index > INT32_MAX || reply->rtt_us < 0 || reply->rtt_us > REPLY_MAX_US)
		return true;
	return index < JUDGE_WINDOW &&
	       !((j->pending | j->returned | j->missed) & (UINT64_C(1) << index));
}

bool judge_reply(struct judge *j, uint32_t sequence, const struct judge_reply *reply,
		 int64_t now_us)
{
	uint32_t index = j->newest - sequence;

	advance_clock(j, now_us);
	if (is_stray(j, index, reply)) {
		j->counts.stray++;
	} else if (index >= JUDGE_WINDOW || j->missed & (UINT64_C(1) << index)) {
		j->counts.late++;
	} else if (!take_bit(&j->pending, index)) {
		j->counts.duplicate++;
	} else {
		j->counts.reordered += (j->returned & ((UINT64_C(1) << index) - 1)) != 0;
		j->counts.returned++;
		j->returned |= UINT64_C(1) << index;
		sla_outcome(j, false);
		sla_reply(j, reply);
		learn(j);
		j->last_reply_us = j->now_us;
	}
	return settle_overdue(j);
}

bool judge_miss(struct judge *j, uint32_t sequence, int64_t now_us)
{
	uint32_t index = j->newest - sequence;

	advance_clock(j, now_us);
	if (j->has_sent && index < JUDGE_WINDOW && j->pending & (UINT64_C(1) << index))
		lose(j, index);
	return settle_overdue(j);
}

bool judge_sever(struct judge *j, int64_t now_us)
{
	advance_clock(j, now_us);
	while (j->pending)
		lose(j, oldest(j->pending));
	j->returned = 0;
	if (j->state == JUDGE_DOWN)
		return false;
	go_down(j, JUDGE_SEVERED);
	return true;
}

int64_t judge_due_us(const struct judge *j)
{
	int64_t due = JUDGE_NEVER;

	if (j->pending) {
		uint32_t index = oldest(j->pending);

		due = j->sent_us[(j->newest - index) % JUDGE_WINDOW] + judge_patience_us(j);
	}
	if (j->state == JUDGE_DOWN && returns(j) >= j->config.up && j->held_until_us < due)
		due = j->held_until_us;
	int64_t sla = sla_due_us(j);
	return sla < due ? sla : due;
}
