// The two clocks: monotonic for intervals, wall for people and certificates. Pure modules get their
// values passed in.
#pragma once

#include <stdint.h>

int64_t clock_mono_ms(void); // CLOCK_BOOTTIME, milliseconds: counts through suspend
int64_t clock_wall_ms(void); // CLOCK_REALTIME, milliseconds since 1970
