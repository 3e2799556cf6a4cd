#include "probe/offset.h"

// Two clocks part by at most so much, in millionths; NTP itself slews by 500.
#define DRIFT_PPM 1000
// The offset may be this part of the round trip wrong, to either side.
#define PRECISION 4

static int64_t less(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t more(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

void offset_take(struct offset *offset, const struct offset_exchange *exchange, int64_t now_us)
{
	int64_t low = -exchange->back_us;
	int64_t high = exchange->forward_us;
	if (exchange->error_us != OFFSET_UNKNOWN &&
	    more(low, -exchange->error_us) <= less(high, exchange->error_us)) {
		low = more(low, -exchange->error_us);
		high = less(high, exchange->error_us);
	}
	const int64_t drift = (now_us - offset->at_us) * DRIFT_PPM / 1000000 + 1;
	const int64_t low_both = more(low, offset->low_us - drift);
	const int64_t high_both = less(high, offset->high_us + drift);
	// Bounds that exclude each other: one of the clocks was set. Only the newest count then.
	const bool agree = offset->at_us && low_both <= high_both;
	*offset = (struct offset){ agree ? low_both : low, agree ? high_both : high, now_us };
}

bool offset_delays(const struct offset *offset, const struct offset_exchange *exchange,
		   int64_t *ret_forward_us, int64_t *ret_back_us)
{
	const int64_t rtt = exchange->forward_us + exchange->back_us;
	const int64_t error = (offset->high_us - offset->low_us + 1) / 2;
	const int64_t middle = offset->low_us + (offset->high_us - offset->low_us) / 2;
	if (!offset->at_us || error < 0 || error * PRECISION > rtt)
		return false;
	const int64_t forward = more(0, less(rtt, exchange->forward_us - middle));
	*ret_forward_us = forward;
	*ret_back_us = rtt - forward;
	return true;
}
