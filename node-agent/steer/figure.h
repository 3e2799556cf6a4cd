// Figures as a person would write them.
#pragma once

#include <stdint.h>

enum { FIGURE_SIZE = 32 };

// "4.2 ms", "612 ms", "12 s", "3 min": two digits or more, in the unit that says it. Returns buf.
const char *figure_duration(int64_t us, char buf[FIGURE_SIZE]);
