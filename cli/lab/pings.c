#include "pings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clean.h"
#include "base/clock.h"

#include "fleet_up.h"
#include "record.h"

// Round trip in milliseconds from `a` to `b`, negative when there is no answer.
static double ping(const struct record *record, const char *a, const char *b)
{
	const char *words[] = { "ping", a, b, "-c", "1", "-o", "json", NULL };
	CLEAN(free_ptr) char *output = NULL;
	if (lab_weft(record, words, &output, NULL) < 0)
		return -1;
	json_auto_t *result = json_loads(output, 0, NULL);
	const json_t *rtt = json_array_get(json_object_get(result, "rtt_ms"), 0);
	return json_is_number(rtt) ? json_number_value(rtt) : -1;
}

static size_t measure(const struct record *record, double *table, int64_t end)
{
	size_t n = record->sites.n_nodes;
	size_t missing = 0;
	for (size_t i = 0; i < n * n; i++) {
		if (i / n == i % n || table[i] >= 0)
			continue;
		table[i] = ping(record, record->sites.nodes[i / n].name,
				record->sites.nodes[i % n].name);
		missing += table[i] < 0;
		// Nothing answers yet: asking every other pair would only take time.
		if (table[i] < 0 && clock_mono_ms() < end)
			break;
	}
	return missing;
}

static void print_table(const struct record *record, const double *table)
{
	size_t n = record->sites.n_nodes;
	printf("%-12s", "ms");
	for (size_t j = 0; j < n; j++)
		printf(" %9.9s", record->sites.nodes[j].name);
	printf("\n");
	for (size_t i = 0; i < n; i++) {
		printf("%-12.12s", record->sites.nodes[i].name);
		for (size_t j = 0; j < n; j++) {
			if (i == j)
				printf(" %9s", "-");
			else if (table[i * n + j] < 0)
				printf(" %9s", "no answer");
			else
				printf(" %9.2f", table[i * n + j]);
		}
		printf("\n");
	}
}

int pings_table(const struct record *record, long wait_s, struct err *err)
{
	size_t n = record->sites.n_nodes;
	CLEAN(free_ptr) double *table = calloc(n * n, sizeof(*table));
	if (!table)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < n * n; i++)
		table[i] = -1;
	int64_t end = clock_mono_ms() + wait_s * 1000;
	size_t missing;
	while ((missing = measure(record, table, end)) > 0 && clock_mono_ms() < end) {
		struct timespec pause = { .tv_nsec = 500000000 };
		(void)nanosleep(&pause, NULL);
	}
	print_table(record, table);
	return missing ? 1 : 0;
}
