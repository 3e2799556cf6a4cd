#include "steer/figure.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clean.h"

const char *figure_duration(int64_t us, char buf[FIGURE_SIZE])
{
	static const struct {
		const char *name;
		int64_t us;
	} units[] = {
		{ "days", INT64_C(86400000000) },
		{ "hours", INT64_C(3600000000) },
		{ "min", 60000000 },
		{ "s", 1000000 },
	};

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (us >= 10 * units[i].us || (us >= units[i].us && us % units[i].us == 0)) {
			(void)snprintf(buf, FIGURE_SIZE, "%" PRId64 " %s", us / units[i].us,
				       units[i].name);
			return buf;
		}
	}
	(void)snprintf(buf, FIGURE_SIZE, us < 10000 ? "%.1f ms" : "%.0f ms", (double)us / 1000);
	return buf;
}
