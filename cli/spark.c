#include "cli/spark.h"

enum { LEVELS = 8 };

// The highest of values[from..to); negative when none is known.
static double highest(const json_t *values, size_t from, size_t to)
{
	double most = -1;
	for (size_t i = from; i < to; i++) {
		const json_t *value = json_array_get(values, i);
		if (json_is_number(value) && json_number_value(value) > most)
			most = json_number_value(value);
	}
	return most;
}

void spark_add(struct text *t, const json_t *values, size_t width, double most)
{
	static const char *const bars[LEVELS] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	const size_t count = json_array_size(values);
	for (size_t column = 0; column < width; column++) {
		const double value =
			highest(values, column * count / width, (column + 1) * count / width);
		const double part = most > 0 ? value / most : 0;
		size_t level = (size_t)(part > 0 ? part * LEVELS : 0);
		level = level < LEVELS ? level : LEVELS - 1;
		text_add(t, value < 0 ? " " : bars[level]);
	}
}
