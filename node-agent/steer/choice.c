#include "steer/choice.h"

#define SECOND_US INT64_C(1000000)

enum { DOUBLINGS_MAX = 16 };

struct choice_config choice_config_default(void)
{
	return (struct choice_config){ .hold_us = 30 * SECOND_US,
				       .hold_max_us = 600 * SECOND_US,
				       .forget_us = 600 * SECOND_US,
				       .start_us = 2 * SECOND_US,
				       .margin_us = 2000,
				       .margin_permille = 100 };
}

struct choice choice_make(const struct choice_config *config, size_t len, uint8_t adopt,
			  int64_t now_us)
{
	struct choice c = { .current = adopt < len ? adopt : CHOICE_NONE,
			    .from = CHOICE_NONE,
			    .config = *config,
			    .len = (uint8_t)(len < CHOICE_MAX ? len : CHOICE_MAX),
			    .forgot_us = now_us };

	for (size_t i = 0; i < c.len; i++)
		c.options[i] = (struct choice_option){
			.found = { .state = JUDGE_UNKNOWN, .rtt_us = JUDGE_UNMEASURED },
			.unknown_us = now_us,
			.better_us = CHOICE_NEVER,
		};
	return c;
}

void choice_found(struct choice *c, uint8_t place, const struct choice_finding *found,
		  int64_t now_us)
{
	if (place >= c->len)
		return;
	struct choice_option *o = &c->options[place];
	if (found->state == JUDGE_UNKNOWN && o->found.state != JUDGE_UNKNOWN)
		o->unknown_us = now_us;
	o->found = *found;
}

// ---- how good one is ----

enum rank { RANK_DOWN, RANK_DRAINED, RANK_UNKNOWN, RANK_DEGRADED, RANK_UP };

static enum rank rank_of(const struct choice *c, uint8_t place)
{
	const struct choice_finding *f = &c->options[place].found;

	if (f->state == JUDGE_DOWN)
		return RANK_DOWN;
	if (f->is_drained)
		return RANK_DRAINED;
	if (f->state == JUDGE_UNKNOWN)
		return RANK_UNKNOWN;
	return f->state == JUDGE_DEGRADED ? RANK_DEGRADED : RANK_UP;
}

// By the list's rule, of two that are equally well.
static bool is_preferred(const struct choice *c, uint8_t a, uint8_t b)
{
	const int64_t x = c->options[a].found.rtt_us, y = c->options[b].found.rtt_us;

	if (!c->config.by_latency)
		return a < b;
	if (x == JUDGE_UNMEASURED)
		return false;
	if (y == JUDGE_UNMEASURED)
		return true;
	return y - x > c->config.margin_us && (y - x) * 1000 > y * c->config.margin_permille;
}

static uint8_t best_of(const struct choice *c)
{
	uint8_t best = CHOICE_NONE;

	for (uint8_t i = 0; i < c->len; i++) {
		const enum rank rank = rank_of(c, i);

		if (rank == RANK_DOWN)
			continue;
		if (best == CHOICE_NONE || rank > rank_of(c, best) ||
		    (rank == rank_of(c, best) && is_preferred(c, i, best)))
			best = i;
	}
	return best;
}

// It may turn out well any moment.
static bool is_awaited(const struct choice *c, uint8_t place, int64_t now_us)
{
	const struct choice_option *o = &c->options[place];

	return o->found.state == JUDGE_UNKNOWN && !o->found.is_drained &&
	       now_us - o->unknown_us < c->config.start_us;
}

// ---- the choice ----

static bool move(struct choice *c, uint8_t to, enum choice_reason reason)
{
	if (to == c->current)
		return false;
	c->from = c->current;
	c->current = to;
	c->reason = to == CHOICE_NONE ? CHOICE_LOST : reason;
	c->moves++;
	for (size_t i = 0; i < c->len; i++)
		c->options[i].better_us = CHOICE_NEVER;
	return true;
}

// Traffic that waits is better lost for a moment than sent where it will not stay.
static bool choose_first(struct choice *c, int64_t now_us)
{
	const uint8_t best = best_of(c);

	for (uint8_t i = 0; i < c->len; i++)
		if (is_awaited(c, i, now_us) && is_preferred(c, i, best))
			return move(c, i, CHOICE_FIRST);
	return move(c, best, CHOICE_FIRST);
}

static enum choice_reason reason_to_leave(const struct choice *c)
{
	switch (rank_of(c, c->current)) {
	case RANK_DOWN:
		return CHOICE_DOWN;
	case RANK_DRAINED:
		return CHOICE_DRAINED;
	case RANK_UNKNOWN:
	case RANK_DEGRADED:
	case RANK_UP:
	default:
		return CHOICE_WORSE;
	}
}

static int64_t hold_us(const struct choice *c)
{
	const int64_t most = c->config.hold_max_us > c->config.hold_us ? c->config.hold_max_us
								       : c->config.hold_us;
	int64_t hold = c->config.hold_us;

	for (uint32_t i = 0; i < c->returns && hold < most; i++)
		hold *= 2;
	return hold > most ? most : hold;
}

// The one that is preferred to the one in use, and has been for long enough.
static uint8_t find_return(struct choice *c, int64_t now_us)
{
	uint8_t found = CHOICE_NONE;

	for (uint8_t i = 0; i < c->len; i++) {
		struct choice_option *o = &c->options[i];

		if (rank_of(c, i) != rank_of(c, c->current) || !is_preferred(c, i, c->current)) {
			o->better_us = CHOICE_NEVER;
			continue;
		}
		if (o->better_us == CHOICE_NEVER)
			o->better_us = now_us;
		if (now_us - o->better_us >= hold_us(c) &&
		    (found == CHOICE_NONE || is_preferred(c, i, found)))
			found = i;
	}
	return found;
}

static void forget(struct choice *c, int64_t now_us)
{
	while (c->returns && now_us - c->forgot_us >= c->config.forget_us) {
		c->returns--;
		c->forgot_us += c->config.forget_us;
	}
}

bool choice_decide(struct choice *c, int64_t now_us)
{
	forget(c, now_us);
	if (c->current == CHOICE_NONE)
		return choose_first(c, now_us);
	const enum rank rank = rank_of(c, c->current);
	const uint8_t best = best_of(c);
	if (best == CHOICE_NONE)
		return move(c, CHOICE_NONE, CHOICE_LOST);
	if (rank_of(c, best) > rank)
		return !is_awaited(c, c->current, now_us) && move(c, best, reason_to_leave(c));
	const uint8_t to = find_return(c, now_us);
	if (to == CHOICE_NONE)
		return false;
	if (c->returns < DOUBLINGS_MAX)
		c->returns++;
	c->forgot_us = now_us;
	return move(c, to, CHOICE_PREFERRED);
}

int64_t choice_due_us(const struct choice *c, int64_t now_us)
{
	int64_t due = CHOICE_NEVER;

	for (uint8_t i = 0; i < c->len; i++) {
		const struct choice_option *o = &c->options[i];
		int64_t at = CHOICE_NEVER;

		if (o->better_us != CHOICE_NEVER)
			at = o->better_us + hold_us(c);
		else if (is_awaited(c, i, now_us) && (c->current == CHOICE_NONE || c->current == i))
			at = o->unknown_us + c->config.start_us;
		if (at < due)
			due = at;
	}
	return due;
}
