#include "steer/cost.h"

#include "steer/path.h"

enum { UNIT_US = 100, OF_A_WIRE_US = 1000 };

uint32_t cost_of(int64_t rtt_us, uint32_t loss_ppm)
{
	const int64_t most = (int64_t)COST_MAX * UNIT_US;
	const int64_t rtt = rtt_us < 0 ? 0 : rtt_us > most ? most : rtt_us;
	const int64_t cost = (rtt + OF_A_WIRE_US + (int64_t)loss_ppm * PATH_LOSS_US) / UNIT_US;

	return cost > COST_MAX ? COST_MAX : (uint32_t)cost;
}

void cost_init(struct cost *c, uint32_t configured)
{
	*c = (struct cost){ .value = configured };
}

static bool is_other(uint32_t value, uint32_t wanted)
{
	const uint32_t apart = wanted > value ? wanted - value : value - wanted;

	return apart >= COST_MARGIN &&
	       (uint64_t)apart * 100 >= (uint64_t)value * COST_MARGIN_PERCENT;
}

static bool take(struct cost *c, int64_t rtt_us, uint32_t loss_ppm, int64_t now_us)
{
	const uint32_t wanted = cost_of(rtt_us, loss_ppm);
	const bool is_news = c->value != wanted || !c->is_measured;

	c->value = wanted;
	c->rtt_us = rtt_us;
	c->loss_ppm = loss_ppm;
	c->is_measured = true;
	c->is_insisting = false;
	c->changed_us = now_us;
	return is_news;
}

static int64_t least_of(struct cost *c, int64_t rtt_us)
{
	int64_t least = rtt_us;

	c->samples[c->taken++ % COST_SAMPLES] = rtt_us;
	for (unsigned i = 0; i < COST_SAMPLES && i < c->taken; i++)
		least = c->samples[i] < least ? c->samples[i] : least;
	return least;
}

bool cost_measure(struct cost *c, int64_t sample_us, uint32_t loss_ppm, int64_t now_us)
{
	const int64_t rtt_us = least_of(c, sample_us);

	loss_ppm = loss_ppm < COST_LOSS_LEAST_PPM ? 0 : loss_ppm;
	const uint32_t wanted = cost_of(rtt_us, loss_ppm);

	if (!c->is_measured && c->taken < COST_SAMPLES_LEAST)
		return false;
	if (!c->is_measured)
		return take(c, rtt_us, loss_ppm, now_us);
	if (!is_other(c->value, wanted)) {
		c->is_insisting = false;
		return false;
	}
	if (!c->is_insisting)
		c->since_us = now_us;
	c->is_insisting = true;
	if (now_us - c->since_us < COST_INSIST_US || now_us - c->changed_us < COST_REST_US)
		return false;
	return take(c, rtt_us, loss_ppm, now_us);
}
