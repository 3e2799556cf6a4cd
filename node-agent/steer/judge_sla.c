#include "steer/judge_sla.h"

#include <string.h>

enum {
	LEARN_SAMPLES = 32, // until a baseline is used
	LOSSES_LEAST = 4,   // fewer prove nothing
	CLEAN_LEAST = 64,   // outcomes without a loss that outweigh those before
};

// A time constant of what is usual: falling, rising.
#define FALL_US 60e6
#define RISE_US 3600e6

// A link whose usual latency is 0.2 ms is not degraded at 0.5 ms: a factor allows at least so much
// more than usual.
static const int64_t factor_floor[JUDGE_MEASURES] = {
	[JUDGE_LATENCY] = 5000,
	[JUDGE_JITTER] = 5000,
	[JUDGE_LOSS] = 10000,
};

void sla_reset(struct judge *j)
{
	j->recent_count = 0;
	j->jitter_us = 0;
	for (int m = 0; m < JUDGE_MEASURES; m++) {
		j->value[m] = JUDGE_UNMEASURED;
		j->kept_us[m] = JUDGE_NEVER;
		j->broken_us[m] = JUDGE_NEVER;
	}
	sla_forget_losses(j);
}

void sla_forget_losses(struct judge *j)
{
	memset(j->history, 0, sizeof(j->history));
	j->history_count = 0;
	j->value[JUDGE_LOSS] = JUDGE_UNMEASURED;
	j->broken_us[JUDGE_LOSS] = JUDGE_NEVER;
}

// ---- measuring ----

// Outcomes lost among the newest `count`.
static uint32_t lost_among(const struct judge *j, uint32_t count)
{
	uint64_t low = count >= 64 ? j->history[0] : j->history[0] & ((UINT64_C(1) << count) - 1);
	uint64_t high = count <= 64    ? 0
			: count == 128 ? j->history[1]
				       : j->history[1] & ((UINT64_C(1) << (count - 64)) - 1);

	return (uint32_t)(__builtin_popcountll(low) + __builtin_popcountll(high));
}

void sla_outcome(struct judge *j, bool is_lost)
{
	j->history[1] = j->history[1] << 1 | j->history[0] >> 63;
	j->history[0] = j->history[0] << 1 | is_lost;
	if (j->history_count < JUDGE_HISTORY)
		j->history_count++;
	j->value[JUDGE_LOSS] =
		(int64_t)lost_among(j, j->history_count) * 1000000 / j->history_count;
}

static int64_t middle_of_recent(const struct judge *j)
{
	int64_t sorted[JUDGE_RECENT];
	uint32_t count = j->recent_count < JUDGE_RECENT ? j->recent_count : JUDGE_RECENT;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = i;

		for (; at > 0 && sorted[at - 1] > j->recent_us[i]; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = j->recent_us[i];
	}
	return sorted[count / 2];
}

static double distance(int64_t a, int64_t b)
{
	double d = (double)a - (double)b;

	return d < 0 ? -d : d;
}

// RFC 3550 section 6.4.1: a sixteenth of each change of the transit time. The direction that varies
// more counts; where the directions were not measured, the round trip does.
static void measure_jitter(struct judge *j, const struct judge_reply *reply)
{
	const struct judge_reply *before = &j->before;
	double change = distance(reply->rtt_us, before->rtt_us);

	if (reply->forward_us != JUDGE_UNMEASURED && reply->back_us != JUDGE_UNMEASURED &&
	    before->forward_us != JUDGE_UNMEASURED && before->back_us != JUDGE_UNMEASURED) {
		double forward = distance(reply->forward_us, before->forward_us);
		double back = distance(reply->back_us, before->back_us);

		change = forward > back ? forward : back;
	}
	j->jitter_us += (change - j->jitter_us) / 16;
	j->value[JUDGE_JITTER] = (int64_t)j->jitter_us;
}

void sla_reply(struct judge *j, const struct judge_reply *reply)
{
	j->recent_us[j->recent_count % JUDGE_RECENT] = reply->rtt_us;
	if (j->recent_count > 0)
		measure_jitter(j, reply);
	j->recent_count++;
	j->before = *reply;
	j->value[JUDGE_LATENCY] = middle_of_recent(j);
}

void sla_learn(struct judge *j, int64_t dt_us)
{
	struct judge_baseline *b = &j->baseline;

	for (int m = 0; m < JUDGE_MEASURES; m++) {
		double value = j->value[m] == JUDGE_UNMEASURED ? b->usual[m] : (double)j->value[m];
		double constant = value < b->usual[m] ? FALL_US : RISE_US;
		double share = (double)dt_us / constant;

		if (b->learnt < LEARN_SAMPLES)
			share = 1.0 / (b->learnt + 1);
		b->usual[m] += (value - b->usual[m]) * (share < 1 ? share : 1);
	}
	if (b->learnt < LEARN_SAMPLES)
		b->learnt++;
}

// ---- judging ----

static int64_t limit_of(const struct judge *j, enum judge_measure m, int64_t *ret_usual)
{
	const struct judge_limit *limit = &j->config.sla.limit[m];
	int64_t most = limit->most > 0 ? limit->most : INT64_MAX;

	*ret_usual = JUDGE_UNMEASURED;
	if (limit->factor_permille > 0 && j->baseline.learnt >= LEARN_SAMPLES) {
		double usual = j->baseline.usual[m];
		double times = usual * (double)limit->factor_permille / 1000;
		double least = usual + (double)factor_floor[m];
		int64_t allowed = (int64_t)(times > least ? times : least);

		if (allowed < most) {
			*ret_usual = (int64_t)usual;
			return allowed;
		}
	}
	return most;
}

int64_t judge_limit(const struct judge *j, enum judge_measure measure)
{
	int64_t usual, most = limit_of(j, measure, &usual);

	return most == INT64_MAX ? JUDGE_UNMEASURED : most;
}

// Would a link that loses no more than `limit` (millionths) lose `lost` of `count`? Not when that
// is more than 4.5 deviations above what it should, in which case the loss is beyond chance.
static bool is_beyond_chance(uint32_t lost, uint32_t count, int64_t limit)
{
	int64_t beyond = (int64_t)lost * 1000000 - limit * count;

	return lost >= LOSSES_LEAST && beyond > 0 &&
	       (double)beyond * (double)beyond >
		       20 * (double)limit * (double)(1000000 - limit) * count;
}

// Since when the loss is beyond the limit, going by the oldest outcome lost; JUDGE_NEVER if it is
// not. Short stretches show a sudden loss soon, long ones a small loss surely.
static int64_t loss_broken_us(const struct judge *j, int64_t limit)
{
	int64_t since = JUDGE_NEVER;

	for (uint32_t stretch = 16; stretch <= JUDGE_HISTORY && limit < 1000000; stretch *= 2) {
		uint32_t count = stretch < j->history_count ? stretch : j->history_count;

		if (!is_beyond_chance(lost_among(j, count), count, limit))
			continue;
		while (lost_among(j, count - 1) == lost_among(j, count))
			count--;
		since = j->now_us - (count - 1) * j->config.interval_us;
	}
	return since;
}

// Outcomes since the newest loss.
static uint32_t clean_count(const struct judge *j)
{
	if (j->history[0])
		return (uint32_t)__builtin_ctzll(j->history[0]);
	return j->history[1] ? 64 + (uint32_t)__builtin_ctzll(j->history[1]) : j->history_count;
}

void sla_look(struct judge *j)
{
	for (int m = 0; m < JUDGE_MEASURES; m++) {
		int64_t usual, limit = limit_of(j, (enum judge_measure)m, &usual);
		int64_t since = j->value[m] > limit ? j->now_us : JUDGE_NEVER;

		if (m == JUDGE_LOSS)
			since = loss_broken_us(j, limit);
		if (since == JUDGE_NEVER || since < j->broken_us[m])
			j->broken_us[m] = since;
		if (since != JUDGE_NEVER)
			j->kept_us[m] = JUDGE_NEVER;
		else if (j->kept_us[m] == JUDGE_NEVER)
			j->kept_us[m] = j->now_us;
	}
	// The history is long; the end of a loss is seen sooner than by its leaving it.
	if (j->broken_us[JUDGE_LOSS] != JUDGE_NEVER && clean_count(j) >= CLEAN_LEAST)
		j->kept_us[JUDGE_LOSS] = j->now_us - clean_count(j) * j->config.interval_us;
}

bool sla_is_broken(const struct judge *j, bool at_once, struct judge_cause *ret)
{
	for (int m = 0; m < JUDGE_MEASURES; m++) {
		int64_t since = j->broken_us[m];

		if (since == JUDGE_NEVER || (!at_once && j->now_us - since < j->config.sla.for_us))
			continue;
		ret->reason = JUDGE_BROKEN;
		ret->measure = (enum judge_measure)m;
		ret->value = j->value[m];
		ret->limit = limit_of(j, ret->measure, &ret->usual);
		ret->lasting_us = j->now_us - since;
		return true;
	}
	return false;
}

int64_t sla_kept_us(const struct judge *j)
{
	int64_t kept = j->kept_us[0];

	for (int m = 1; m < JUDGE_MEASURES; m++)
		kept = j->kept_us[m] > kept ? j->kept_us[m] : kept;
	return kept;
}

int64_t sla_due_us(const struct judge *j)
{
	int64_t due = JUDGE_NEVER, kept = sla_kept_us(j);

	if (j->state == JUDGE_DEGRADED && kept != JUDGE_NEVER)
		return kept + j->config.sla.clear_for_us;
	for (int m = 0; j->state == JUDGE_UP && m < JUDGE_MEASURES; m++) {
		int64_t since = j->broken_us[m];

		if (since != JUDGE_NEVER && since + j->config.sla.for_us < due)
			due = since + j->config.sla.for_us;
	}
	return due;
}
