#include "steer/path.h"

#include <string.h>

// How good a path is; a lower grade goes before every cost.
enum grade {
	GRADE_UP,
	GRADE_DEGRADED,
	GRADE_UP_DRAINED,
	GRADE_DEGRADED_DRAINED,
	GRADE_UNKNOWN,
	GRADE_UNKNOWN_DRAINED,
	GRADE_DOWN,
};

enum { STATE_MASK = 3, DRAINED_BIT = 4 };

static const struct path nothing = {
	.rtt_us = JUDGE_UNMEASURED,
	.cost_us = -1,
	.better_us = PATH_NEVER,
};

struct path_config path_config_default(void)
{
	return (struct path_config){
		.hold_us = 10000000,
		.hold_max_us = 300000000,
		.forget_us = 600000000,
		.linger_us = 2000000,
		.margin_us = 2000,
		.margin_permille = 100,
	};
}

struct path_set path_set_make(const struct path_config *config, uint64_t self, uint64_t other,
			      uint8_t adopt, int64_t now_us)
{
	struct path_set set = {
		.current = adopt,
		.cause = { PATH_FIRST, PATH_NONE, JUDGE_UNMEASURED },
		.since_us = now_us,
		.config = *config,
		.is_chooser = self < other,
		.theirs = PATH_NONE,
		.linger_until_us = now_us,
		.forgot_us = now_us,
	};

	for (int i = 0; i < PATHS_MAX; i++)
		set.paths[i] = nothing;
	if (adopt < PATHS_MAX)
		set.paths[adopt].is_there = set.paths[adopt].is_standing = true;
	return set;
}

// ---- ranking ----

static unsigned told(const struct path_set *set, unsigned path)
{
	return (unsigned)(set->told >> (4 * path)) & 15;
}

// The worse of both ends; one that does not know yet goes by what the other says.
static enum judge_state state_of(const struct path_set *set, unsigned path)
{
	enum judge_state own = set->paths[path].state;
	enum judge_state other = (enum judge_state)(told(set, path) & STATE_MASK);

	return own > other ? own : other;
}

static bool is_drained(const struct path_set *set, unsigned path)
{
	return set->paths[path].is_drained || told(set, path) & DRAINED_BIT;
}

static enum grade grade_of(const struct path_set *set, unsigned path)
{
	static const enum grade grades[][2] = {
		[JUDGE_UP] = { GRADE_UP, GRADE_UP_DRAINED },
		[JUDGE_DEGRADED] = { GRADE_DEGRADED, GRADE_DEGRADED_DRAINED },
		[JUDGE_UNKNOWN] = { GRADE_UNKNOWN, GRADE_UNKNOWN_DRAINED },
		[JUDGE_DOWN] = { GRADE_DOWN, GRADE_DOWN },
	};

	if (path >= PATHS_MAX || !set->paths[path].is_there)
		return GRADE_DOWN;
	return grades[state_of(set, path)][is_drained(set, path)];
}

// What was never measured costs more than everything that was.
static double cost_of(const struct path_set *set, unsigned path)
{
	double cost = set->paths[path].cost_us;

	return cost < 0 ? 1e15 : cost;
}

static double margin(const struct path_set *set, double a, double b)
{
	double share = (a > b ? a : b) * set->config.margin_permille / 1000;

	return share > (double)set->config.margin_us ? share : (double)set->config.margin_us;
}

static bool is_liked_more(const struct path_set *set, unsigned a, unsigned b)
{
	bool a_waits = set->paths[a].is_standby, b_waits = set->paths[b].is_standby;

	return a_waits != b_waits ? b_waits : a < b;
}

// The best of all, whatever is in use: grade, then cost, and among equal costs what is liked most.
static uint8_t best(const struct path_set *set)
{
	enum grade grade = GRADE_DOWN;
	double least = 0;
	uint8_t found = PATH_NONE;

	for (unsigned i = 0; i < PATHS_MAX; i++) {
		enum grade g = grade_of(set, i);

		if (g < grade || (g == grade && g < GRADE_DOWN && cost_of(set, i) < least)) {
			grade = g;
			least = cost_of(set, i);
		}
	}
	for (unsigned i = 0; i < PATHS_MAX && grade < GRADE_DOWN; i++) {
		double cost = cost_of(set, i);

		if (grade_of(set, i) == grade && cost - least <= margin(set, cost, least) &&
		    (found == PATH_NONE || is_liked_more(set, i, found)))
			found = (uint8_t)i;
	}
	return found;
}

// Is it better than the one in use, and why? To leave for a preference alone, the costs must be
// nearer than the margin that it takes to leave for the cost: so what is about equal does not flap.
static bool is_better(const struct path_set *set, unsigned path, enum path_reason *ret)
{
	enum grade grade = grade_of(set, path), used = grade_of(set, set->current);
	double cost = cost_of(set, path), used_cost = cost_of(set, set->current);
	double m = margin(set, cost, used_cost);

	if (grade != used) {
		*ret = is_drained(set, set->current) ? PATH_DRAINED : PATH_DEGRADED;
		return grade < used;
	}
	if (cost + m < used_cost) {
		*ret = PATH_BETTER;
		return true;
	}
	*ret = PATH_LIKED;
	return cost <= used_cost + m / 2 && is_liked_more(set, path, set->current);
}

// ---- moving ----

static void order(struct path_orders *ret, enum path_what what, uint8_t path)
{
	if (ret->count < PATH_ORDERS)
		ret->list[ret->count++] = (struct path_order){ what, path };
}

static void move(struct path_set *set, uint8_t path, enum path_reason reason, int64_t now_us,
		 struct path_orders *ret)
{
	uint8_t from = set->current;

	if (path == from)
		return;
	if (!set->paths[path].is_standing)
		order(ret, PATH_PREPARE, path);
	order(ret, PATH_SWITCH, path);
	order(ret, PATH_TELL, path);
	set->paths[path].is_standing = true;
	set->current = path;
	set->cause = (struct path_cause){ from == PATH_NONE ? PATH_FIRST : reason, from,
					  set->paths[path].rtt_us };
	set->since_us = now_us;
	set->linger_until_us = now_us + set->config.linger_us;
	set->switches++;
	for (int i = 0; i < PATHS_MAX; i++)
		set->paths[i].better_us = PATH_NEVER;
}

// Paths that are not used stand until the other end has moved too, or for the linger time: what is
// under way still arrives.
static void release(struct path_set *set, int64_t now_us, struct path_orders *ret)
{
	bool is_over = set->theirs == set->current || now_us >= set->linger_until_us;

	for (unsigned i = 0; i < PATHS_MAX && is_over; i++) {
		if (i != set->current && set->paths[i].is_standing) {
			set->paths[i].is_standing = false;
			order(ret, PATH_RELEASE, (uint8_t)i);
		}
	}
}

static int64_t hold_us(const struct path_set *set)
{
	int64_t hold = set->config.hold_us;

	for (uint32_t i = 0; i < set->moves && hold < set->config.hold_max_us; i++)
		hold *= 2;
	return hold < set->config.hold_max_us ? hold : set->config.hold_max_us;
}

// How long a path must be better than the one in use: a bad one is left at once.
static int64_t patience_us(const struct path_set *set, enum path_reason reason)
{
	if (reason == PATH_BETTER || reason == PATH_LIKED)
		return hold_us(set);
	return grade_of(set, set->current) >= GRADE_UNKNOWN ? PATH_START_US : 0;
}

// The best of those that have been better for long enough.
static void improve(struct path_set *set, int64_t now_us, struct path_orders *ret)
{
	uint8_t found = PATH_NONE;
	enum path_reason reason = PATH_BETTER, why;

	for (unsigned i = 0; i < PATHS_MAX; i++) {
		struct path *p = &set->paths[i];

		if (i == set->current || !is_better(set, i, &why)) {
			p->better_us = PATH_NEVER;
			continue;
		}
		if (p->better_us == PATH_NEVER)
			p->better_us = now_us;
		if (now_us - p->better_us < patience_us(set, why))
			continue;
		if (found == PATH_NONE || grade_of(set, i) < grade_of(set, found) ||
		    (grade_of(set, i) == grade_of(set, found) &&
		     cost_of(set, i) < cost_of(set, found))) {
			found = (uint8_t)i;
			reason = why;
		}
	}
	if (found == PATH_NONE)
		return;
	if (reason == PATH_BETTER || reason == PATH_LIKED) {
		if (hold_us(set) < set->config.hold_max_us)
			set->moves++;
		set->forgot_us = now_us;
	}
	move(set, found, reason, now_us, ret);
}

// Does the other end say which path to take?
static bool is_led(const struct path_set *set)
{
	return !set->is_chooser && set->theirs < PATHS_MAX && set->paths[set->theirs].is_there;
}

static void decide(struct path_set *set, int64_t now_us, struct path_orders *ret)
{
	while (set->moves && now_us - set->forgot_us >= set->config.forget_us) {
		set->moves--;
		set->forgot_us += set->config.forget_us;
	}
	if (is_led(set) && set->paths[set->theirs].state != JUDGE_DOWN) {
		move(set, set->theirs, PATH_FOLLOWED, now_us, ret);
	} else if (grade_of(set, set->current) == GRADE_DOWN) {
		uint8_t other = best(set);

		if (other != PATH_NONE)
			move(set, other, PATH_DOWN, now_us, ret);
	} else if (!is_led(set)) {
		improve(set, now_us, ret);
	}
	release(set, now_us, ret);
}

// ---- the events ----

void path_put(struct path_set *set, uint8_t path, bool is_standby, int64_t now_us,
	      struct path_orders *ret)
{
	if (path >= PATHS_MAX)
		return;
	set->paths[path].is_there = true;
	set->paths[path].is_standby = is_standby;
	decide(set, now_us, ret);
}

void path_drop(struct path_set *set, uint8_t path, int64_t now_us, struct path_orders *ret)
{
	if (path >= PATHS_MAX)
		return;
	bool is_standing = set->paths[path].is_standing;

	set->paths[path] =
		(struct path){ .is_standing = is_standing, .cost_us = -1, .better_us = PATH_NEVER };
	decide(set, now_us, ret);
	if (set->current != path)
		return;
	// Nothing to move to: there is no path any more.
	order(ret, PATH_RELEASE, path);
	set->paths[path].is_standing = false;
	set->current = PATH_NONE;
	set->since_us = now_us;
}

void path_drain(struct path_set *set, uint8_t path, bool is_drained_now, int64_t now_us,
		struct path_orders *ret)
{
	if (path >= PATHS_MAX || set->paths[path].is_drained == is_drained_now)
		return;
	set->paths[path].is_drained = is_drained_now;
	order(ret, PATH_TELL, set->current);
	decide(set, now_us, ret);
}

void path_judged(struct path_set *set, uint8_t path, const struct judge *judge, int64_t now_us,
		 struct path_orders *ret)
{
	if (path >= PATHS_MAX)
		return;
	struct path *p = &set->paths[path];
	int64_t rtt = judge->value[JUDGE_LATENCY], loss = judge->value[JUDGE_LOSS];

	if (p->state != judge->state)
		order(ret, PATH_TELL, set->current);
	p->state = judge->state;
	p->rtt_us = rtt;
	if (rtt != JUDGE_UNMEASURED) {
		double cost = (double)rtt +
			      (loss == JUDGE_UNMEASURED ? 0.0 : (double)loss * PATH_LOSS_US);

		p->cost_us = p->cost_us < 0 ? cost : p->cost_us + (cost - p->cost_us) / 8;
	}
	decide(set, now_us, ret);
}

static bool is_newer(uint64_t a, uint64_t b)
{
	return (int64_t)(a - b) > 0;
}

void path_heard(struct path_set *set, const struct path_note *note, int64_t now_us,
		struct path_orders *ret)
{
	// What it has heard of us proves how far we were before a restart.
	if (is_newer(note->heard, set->stamp))
		set->stamp = note->heard;
	if ((set->has_heard && !is_newer(note->stamp, set->heard)) ||
	    (note->choice >= PATHS_MAX && note->choice != PATH_NONE))
		return;
	set->has_heard = true;
	set->heard = note->stamp;
	set->told = note->states;
	set->theirs = note->choice;
	decide(set, now_us, ret);
}

void path_tick(struct path_set *set, int64_t now_us, struct path_orders *ret)
{
	decide(set, now_us, ret);
}

int64_t path_due_us(const struct path_set *set)
{
	bool is_free = !is_led(set) && grade_of(set, set->current) != GRADE_DOWN;
	int64_t due = PATH_NEVER;
	enum path_reason why;

	for (unsigned i = 0; i < PATHS_MAX; i++) {
		const struct path *p = &set->paths[i];

		if (p->is_standing && i != set->current && set->linger_until_us < due)
			due = set->linger_until_us;
		if (is_free && p->better_us != PATH_NEVER && is_better(set, i, &why) &&
		    p->better_us + patience_us(set, why) < due)
			due = p->better_us + patience_us(set, why);
	}
	return due;
}

struct path_note path_note(struct path_set *set)
{
	struct path_note note = { .stamp = ++set->stamp,
				  .heard = set->heard,
				  .choice = set->current };

	for (unsigned i = 0; i < PATHS_MAX; i++) {
		const struct path *p = &set->paths[i];
		unsigned bits = (unsigned)p->state | (p->is_drained ? DRAINED_BIT : 0);

		if (p->is_there)
			note.states |= (uint64_t)bits << (4 * i);
	}
	return note;
}

enum path_drain path_drain_state(const struct path_set *set, uint8_t path)
{
	if (path >= PATHS_MAX || !set->paths[path].is_there || !is_drained(set, path))
		return PATH_NOT_DRAINED;
	if (set->current != path && set->theirs != path && !set->paths[path].is_standing)
		return PATH_SAFE;
	if (set->current != path)
		return PATH_MOVING;
	// To another that is drained, too, it need not move.
	return grade_of(set, best(set)) < grade_of(set, path) ? PATH_MOVING : PATH_STUCK;
}
