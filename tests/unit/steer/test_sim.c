// The simulator itself: a seed repeats its run exactly, faults do what they are called.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "base/clean.h"

#include "sim/sim.h"
#include "sim/storm.h"

enum { SECOND = 1000000, LOG = 4096 };

// Two or three nodes that greet each other every 100 ms by their own clocks.
struct world {
	struct sim *sim;
	uint64_t trace; // of all that happened, in order
	int64_t arrived_us[LOG];
	unsigned count, starts;
	unsigned received[3];
	int64_t fired_clock_us;
	unsigned fired;
};

static void note(struct world *w, uint64_t what)
{
	w->trace = (w->trace ^ what) * UINT64_C(0x100000001b3);
}

static void receive(void *user, unsigned node, unsigned link, const void *bytes, size_t len)
{
	struct world *w = user;

	assert_memory_equal(bytes, "hello", len);
	note(w, (uint64_t)sim_now(w->sim) << 8 | node << 4 | link);
	w->received[node]++;
	if (w->count < LOG)
		w->arrived_us[w->count++] = sim_now(w->sim);
}

static void timer(void *user, unsigned node, unsigned which)
{
	struct world *w = user;

	w->fired++;
	w->fired_clock_us = sim_clock(w->sim, node);
	for (unsigned link = 0; link < sim_links(w->sim); link++) {
		if (sim_is_end(w->sim, link, node))
			sim_send(w->sim, node, link, "hello", 5);
	}
	sim_set_timer(w->sim, node, which, sim_clock(w->sim, node) + 100000);
}

static void start(void *user, unsigned node)
{
	struct world *w = user;

	w->starts++;
	sim_set_timer(w->sim, node, 0, sim_clock(w->sim, node) + 100000);
}

static const struct sim_hooks hooks = { receive, timer, start, NULL };

static void begin(struct world *w, uint64_t seed, unsigned nodes, const struct sim_line *line)
{
	memset(w, 0, sizeof(*w));
	w->sim = sim_new(seed, &hooks, w);
	assert_non_null(w->sim);
	for (unsigned n = 0; n < nodes; n++) {
		(void)sim_add_node(w->sim);
		for (unsigned before = 0; before < n; before++)
			(void)sim_add_link(w->sim, before, n, line);
	}
}

static uint64_t trace_of_storm(uint64_t seed)
{
	const struct sim_line line = { 5000, 3000, 20, 10, false };
	const struct storm_plan plan = { .weight = { 1, 1, 1, 1, 1, 1, 1, 1, 1 },
					 .faults = 20,
					 .until_us = 10 * SECOND,
					 .longest_us = 3 * SECOND };
	struct world w;

	begin(&w, seed, 3, &line);
	struct storm *storm = storm_new(w.sim, &plan);
	char told[4096];

	assert_non_null(storm);
	sim_run(w.sim, 10 * SECOND);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(sim_runs(w.sim, i));
		assert_memory_equal(sim_line(w.sim, i, i == 2 ? 1 : 0), &line, sizeof(line));
	}
	unsigned before = w.received[0];

	sim_run(w.sim, 12 * SECOND);
	assert_true(w.received[0] > before + 20);
	storm_tell(storm, told, sizeof(told));
	assert_non_null(strstr(told, " s "));
	storm_free(storm);
	sim_free(w.sim);
	return w.trace;
}

static void a_seed_repeats_its_run_and_another_does_not(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed < 20; seed++)
		assert_true(trace_of_storm(seed) == trace_of_storm(seed));
	assert_true(trace_of_storm(1) != trace_of_storm(2));
}

static void a_line_delays_loses_and_repeats_as_told(void **state)
{
	struct sim_line line = { .delay_us = 30000 };
	struct world w;

	(void)state;
	begin(&w, 1, 2, &line);
	sim_run(w.sim, 131000);
	assert_int_equal(w.count, 2);
	assert_int_equal(w.arrived_us[0], 130001);
	sim_line(w.sim, 0, 0)->is_cut = true;
	sim_run(w.sim, 10 * SECOND);
	assert_int_equal(w.received[1], 1);
	assert_in_range(w.received[0], 97, 99);
	*sim_line(w.sim, 0, 0) = line;
	sim_line(w.sim, 0, 0)->loss_permille = 300;
	sim_line(w.sim, 0, 1)->repeat_permille = 500;
	sim_run(w.sim, 110 * (int64_t)SECOND);
	assert_in_range(w.received[1], 640, 760);
	assert_in_range(w.received[0], 1500, 1700);
	sim_free(w.sim);
}

static void a_stopped_node_gets_its_messages_late_and_a_crashed_one_never(void **state)
{
	const struct sim_line line = { .delay_us = 1000 };
	struct world w;

	(void)state;
	begin(&w, 1, 2, &line);
	sim_run(w.sim, SECOND + 50000);
	unsigned had = w.received[1];

	sim_stop(w.sim, 1);
	sim_run(w.sim, 2 * SECOND + 50000);
	assert_int_equal(w.received[1], had);
	sim_continue(w.sim, 1);
	sim_run(w.sim, 2 * SECOND + 60000);
	assert_int_equal(w.received[1], had + 10);
	sim_crash(w.sim, 1);
	sim_run(w.sim, 3 * SECOND);
	sim_restart(w.sim, 1);
	assert_int_equal(w.starts, 3);
	assert_int_equal(w.received[1], had + 10);
	sim_run(w.sim, 4 * SECOND + 50000);
	assert_in_range(w.received[1], had + 19, had + 21);
	sim_free(w.sim);
}

static void a_timer_fires_by_the_clock_of_its_node(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 1, 1, &(struct sim_line){ 0 });
	sim_set_clock(w.sim, 0, 77 * SECOND, 500);
	sim_run(w.sim, 1);
	sim_set_timer(w.sim, 0, 0, 1077 * (int64_t)SECOND);
	sim_run(w.sim, 999 * (int64_t)SECOND);
	assert_int_equal(w.fired, 0);
	sim_run(w.sim, 999 * (int64_t)SECOND + SECOND / 2 + 10000);
	assert_int_equal(w.fired, 1);
	assert_true(w.fired_clock_us >= 1077 * (int64_t)SECOND);
	assert_true(w.fired_clock_us < 1077 * (int64_t)SECOND + 1000);
	sim_free(w.sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_seed_repeats_its_run_and_another_does_not),
		cmocka_unit_test(a_line_delays_loses_and_repeats_as_told),
		cmocka_unit_test(a_stopped_node_gets_its_messages_late_and_a_crashed_one_never),
		cmocka_unit_test(a_timer_fires_by_the_clock_of_its_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
