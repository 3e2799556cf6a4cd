#include "probe/history.h"

_Static_assert(HISTORY_SLOTS_MAX >= HISTORY_HOUR_SLOTS && HISTORY_SLOTS_MAX >= HISTORY_DAY_SLOTS,
	       "a view has room for every span");

enum { CODE_BITS = 11, CODE_HIGHEST = 0xfffe, CODE_UNKNOWN = 0xffff };

static const struct {
	int64_t step_us;
	int64_t count;
} spans[HISTORY_SPANS] = {
	[HISTORY_HOUR] = { INT64_C(10000000), HISTORY_HOUR_SLOTS },
	[HISTORY_DAY] = { INT64_C(300000000), HISTORY_DAY_SLOTS },
};

// Up to 11 bits as they are; above, 12 bits of which the first is always set and not kept, and how
// far they are shifted, plus one.
uint16_t history_code(int64_t value)
{
	if (value < 0)
		return CODE_UNKNOWN;
	if (value < INT64_C(1) << CODE_BITS)
		return (uint16_t)value;
	const int shift = 63 - __builtin_clzll((unsigned long long)value) - CODE_BITS;
	const int64_t code = (int64_t)(shift + 1) << CODE_BITS |
			     (value >> shift & ((INT64_C(1) << CODE_BITS) - 1));
	return (uint16_t)(code < CODE_HIGHEST ? code : CODE_HIGHEST);
}

int64_t history_value(uint16_t code)
{
	const int shift = (code >> CODE_BITS) - 1;
	const int64_t low = code & ((1 << CODE_BITS) - 1);
	if (code == CODE_UNKNOWN)
		return HISTORY_UNKNOWN;
	return shift < 0 ? low : (low | INT64_C(1) << CODE_BITS) << shift;
}

static struct history_slot *slot_at(struct history *h, enum history_span span, int64_t number)
{
	struct history_slot *slots = span == HISTORY_HOUR ? h->hour : h->day;
	return &slots[number % spans[span].count];
}

static void slot_clear(struct history_slot *slot)
{
	for (size_t m = 0; m < HISTORY_MEASURES; m++)
		slot->code[m] = CODE_UNKNOWN;
}

static void open_begin(struct history_open *open, int64_t number)
{
	*open = (struct history_open){ .number = number, .jitter_us = HISTORY_UNKNOWN };
}

static int64_t bits_per_second(uint64_t bytes, int64_t us)
{
	return us > 0 ? (int64_t)((double)bytes * 8e6 / (double)us) : HISTORY_UNKNOWN;
}

static void open_values(const struct history_open *open, int64_t ret[HISTORY_MEASURES])
{
	const bool has_rtt = open->rtt_count > 0;
	const uint64_t fates = open->returned + open->lost;
	ret[HISTORY_RTT_MIN] = has_rtt ? open->rtt_min_us : HISTORY_UNKNOWN;
	ret[HISTORY_RTT_AVG] = has_rtt ? open->rtt_sum_us / open->rtt_count : HISTORY_UNKNOWN;
	ret[HISTORY_RTT_MAX] = has_rtt ? open->rtt_max_us : HISTORY_UNKNOWN;
	ret[HISTORY_JITTER] = open->jitter_us;
	ret[HISTORY_LOSS] = fates ? (int64_t)(open->lost * 1000000 / fates) : HISTORY_UNKNOWN;
	ret[HISTORY_RX] = bits_per_second(open->rx_bytes, open->traffic_us);
	ret[HISTORY_TX] = bits_per_second(open->tx_bytes, open->traffic_us);
}

static void open_close(struct history *h, enum history_span span)
{
	int64_t values[HISTORY_MEASURES];
	struct history_slot *slot = slot_at(h, span, h->open[span].number);
	open_values(&h->open[span], values);
	for (size_t m = 0; m < HISTORY_MEASURES; m++)
		slot->code[m] = history_code(values[m]);
}

// Closes the slots that are over by now.
static void advance(struct history *h, int64_t now_us)
{
	for (enum history_span span = 0; span < HISTORY_SPANS; span++) {
		struct history_open *open = &h->open[span];
		const int64_t number = now_us / spans[span].step_us;
		if (number <= open->number)
			continue;
		open_close(h, span);
		int64_t gap = open->number + 1;
		if (number - gap > spans[span].count)
			gap = number - spans[span].count;
		for (; gap < number; gap++)
			slot_clear(slot_at(h, span, gap));
		open_begin(open, number);
	}
}

void history_init(struct history *h, int64_t now_us)
{
	*h = (struct history){ .traffic_us = HISTORY_UNKNOWN };
	for (enum history_span span = 0; span < HISTORY_SPANS; span++) {
		for (int64_t i = 0; i < spans[span].count; i++)
			slot_clear(slot_at(h, span, i));
		open_begin(&h->open[span], now_us / spans[span].step_us);
	}
}

void history_reply(struct history *h, int64_t now_us, int64_t rtt_us, int64_t jitter_us)
{
	advance(h, now_us);
	for (enum history_span span = 0; span < HISTORY_SPANS; span++) {
		struct history_open *open = &h->open[span];
		if (open->rtt_count == 0 || rtt_us < open->rtt_min_us)
			open->rtt_min_us = rtt_us;
		if (open->rtt_count == 0 || rtt_us > open->rtt_max_us)
			open->rtt_max_us = rtt_us;
		open->rtt_sum_us += rtt_us;
		open->rtt_count++;
		if (jitter_us > open->jitter_us)
			open->jitter_us = jitter_us;
	}
}

void history_outcomes(struct history *h, int64_t now_us, uint64_t returned, uint64_t lost)
{
	advance(h, now_us);
	for (enum history_span span = 0; span < HISTORY_SPANS; span++) {
		h->open[span].returned += returned - h->returned;
		h->open[span].lost += lost - h->lost;
	}
	h->returned = returned;
	h->lost = lost;
}

void history_traffic(struct history *h, int64_t now_us, uint64_t rx_bytes, uint64_t tx_bytes)
{
	const bool goes_on = h->traffic_us != HISTORY_UNKNOWN && rx_bytes >= h->rx_bytes &&
			     tx_bytes >= h->tx_bytes;
	advance(h, now_us);
	for (enum history_span span = 0; goes_on && span < HISTORY_SPANS; span++) {
		h->open[span].rx_bytes += rx_bytes - h->rx_bytes;
		h->open[span].tx_bytes += tx_bytes - h->tx_bytes;
		h->open[span].traffic_us += now_us - h->traffic_us;
	}
	h->rx_bytes = rx_bytes;
	h->tx_bytes = tx_bytes;
	h->traffic_us = now_us;
}

void history_read(struct history *h, enum history_span span, int64_t now_us,
		  struct history_view *ret)
{
	int64_t values[HISTORY_MEASURES];
	advance(h, now_us);
	const struct history_open *open = &h->open[span];
	const int64_t last = spans[span].count - 1; // of the columns
	ret->step_us = spans[span].step_us;
	ret->age_us = now_us - open->number * spans[span].step_us;
	ret->count = (size_t)spans[span].count;
	for (int64_t i = 0; i < last; i++) {
		const int64_t number = open->number - last + i;
		for (size_t m = 0; m < HISTORY_MEASURES; m++)
			ret->value[m][i] =
				number < 0 ? HISTORY_UNKNOWN
					   : history_value(slot_at(h, span, number)->code[m]);
	}
	open_values(open, values);
	for (size_t m = 0; m < HISTORY_MEASURES; m++)
		ret->value[m][last] = values[m];
}
