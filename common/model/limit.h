// The limits of an sla as an operator writes them: absolute (150ms, 1%) or a factor of what is
// usual for the link itself (2x).
#pragma once

#include <stdint.h>

#include "base/err.h"

// One of the two is 0.
struct limit {
	int64_t most;            // of a duration: microseconds; of a share: millionths
	int64_t factor_permille; // 2500 for 2.5x
};

// "150ms" or "2x". -EINVAL with a sentence when it is neither, 0s, or a factor not in 1.1x..100x.
int limit_parse_duration(const char *text, struct limit *ret, struct err *err);
// "0.5%" or "2x", with up to three decimals. -EINVAL likewise, and for a share not in 0.01%..99%.
int limit_parse_share(const char *text, struct limit *ret, struct err *err);
