// Random schedules for HA groups: never two active at one instant, epochs only grow, and somebody
// is active within the promise while a majority is healthy.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <inttypes.h>
#include <stdio.h>

#include "base/clean.h"

#include "sim/lease_world.h"
#include "sim/schedules.h"

enum { SECOND = 1000000, ORDINARY = 300, FAULTS = 14 };

static struct {
	int64_t longest_gap_us;
	uint64_t events;
	unsigned told[LEASE_LONG_READY + 1];
} tally;

static int64_t between(struct world *w, int64_t least, int64_t most)
{
	return sim_between(sim_dice(w->sim), least, most);
}

static unsigned below(struct world *w, unsigned n)
{
	return (unsigned)sim_below(sim_dice(w->sim), n);
}

static void shape_links(struct world *w, bool is_clean)
{
	struct sim_line line = {
		.delay_us = between(w, 100, 30000),
		.jitter_us = between(w, 0, is_clean ? 15000 : 400000),
		.loss_permille = is_clean ? 0 : below(w, 400),
		.repeat_permille = below(w, 200),
	};
	for (unsigned link = 0; link < sim_links(w->sim); link++) {
		for (unsigned node = 0; node < w->n_nodes; node++) {
			if (sim_is_end(w->sim, link, node))
				*sim_line(w->sim, link, node) = line;
		}
	}
}

// Parts the nodes in two, or cuts one direction of a link, or that between the first two members.
static void cut(struct world *w)
{
	unsigned a = below(w, w->n_nodes);
	unsigned b = (a + 1 + below(w, w->n_nodes - 1)) % w->n_nodes;
	unsigned side = below(w, 1u << w->n_nodes);
	switch (below(w, 3)) {
	case 0:
		for (unsigned i = 0; i < w->n_nodes; i++) {
			for (unsigned o = i + 1; o < w->n_nodes; o++)
				world_cut(w, i, o, (side >> i & 1) != (side >> o & 1));
		}
		return;
	case 1:
		sim_line(w->sim, world_link(w, a, b), a)->is_cut = true;
		return;
	default:
		world_cut(w, 0, 1, true);
		return;
	}
}

// One voter more or less, once all have the generation before and a member is active under it.
static void change_voters(struct world *w)
{
	struct lease_config next = w->config;
	unsigned active = world_active(w);
	if (active == w->n_nodes || w->nodes[active].lease.held_generation != w->config.generation)
		return;
	for (unsigned i = 0; i < w->n_nodes; i++) {
		const struct world_node *n = &w->nodes[i];
		if (!sim_runs(w->sim, i) ||
		    (n->is_voter && n->lease.config.generation != w->config.generation))
			return;
	}
	next.generation++;
	if (next.n_voters > next.n_members && below(w, 2)) {
		next.n_voters--;
	} else if (next.n_voters < w->n_nodes) {
		next.voters[next.n_voters] = (uint32_t)next.n_voters + 1;
		next.n_voters++;
	}
	world_reconfigure(w, &next);
}

static void plan_restart(struct world *w, unsigned node)
{
	if (!sim_runs(w->sim, node) || !w->nodes[node].is_voter || !world_is_active(w, node))
		return;
	w->excused_us = sim_now(w->sim) + 20 * SECOND;
	world_prepare_restart(w, node, 8 * SECOND);
}

static void wake(struct world *w, unsigned node)
{
	if (sim_is_crashed(w->sim, node))
		sim_restart(w->sim, node);
	else if (!sim_runs(w->sim, node))
		world_continue(w, node);
}

static void happen(struct world *w, bool is_clean)
{
	unsigned node = below(w, w->n_nodes);
	unsigned active = world_active(w);
	if (active < w->n_nodes && below(w, 3) == 0)
		node = active;
	unsigned what = below(w, 12);
	if (what < 2 && sim_runs(w->sim, node))
		world_kill(w, node);
	else if (what == 2)
		world_power_off(w, node);
	else if (what == 3 || what == 4)
		sim_stop(w->sim, node);
	else if (what == 5 || what == 6)
		cut(w);
	else if (what == 7)
		shape_links(w, is_clean);
	else if (what == 8)
		world_set_fit(w, node, !w->nodes[node].is_fit);
	else if (what == 9)
		plan_restart(w, node);
	else if (what == 10)
		change_voters(w);
	else
		wake(w, node);
	// The promise counts from the last failure.
	w->gap_since_us = sim_now(w->sim);
}

static void mend(struct world *w, bool is_clean)
{
	for (unsigned a = 0; a < w->n_nodes; a++) {
		for (unsigned b = a + 1; b < w->n_nodes; b++)
			world_cut(w, a, b, false);
		if (below(w, 4) > 0)
			wake(w, a);
		if (below(w, 4) > 0)
			world_set_fit(w, a, true);
	}
	if (is_clean)
		shape_links(w, true);
	w->gap_since_us = sim_now(w->sim);
}

// An agent whose long lease is there restarts.
static void restart_planned(struct world *w)
{
	for (unsigned node = 0; node < w->n_nodes; node++) {
		if (w->nodes[node].is_long && sim_runs(w->sim, node))
			world_kill(w, node);
	}
}

static void storm(struct world *w, bool is_clean)
{
	for (unsigned i = 0; i < FAULTS && !w->breach[0]; i++) {
		world_run(w, between(w, 0, i % 4 ? 3 * SECOND / 2 : SECOND / 20));
		happen(w, is_clean);
		restart_planned(w);
		if (i % 4 == 3) {
			mend(w, is_clean);
			world_run(w, between(w, 0, 3 * SECOND));
		}
	}
}

static bool schedule(uint64_t seed, bool is_told, char *ret_why, size_t size)
{
	struct world w;
	size_t members = 2 + (size_t)(seed % 2);
	size_t voters = members + (size_t)(seed / 2 % 4);
	bool is_clean = seed / 8 % 3 > 0;
	if (world_init(&w, seed, members, voters < 3 ? 3 : voters) < 0) {
		(void)snprintf(ret_why, size, "out of memory");
		return false;
	}
	w.config.hold_down_us = between(&w, 1, 5) * SECOND;
	w.promise_us = SECOND;
	w.is_told = is_told;
	shape_links(&w, is_clean);
	world_run(&w, SECOND);
	storm(&w, is_clean);
	if (w.longest_gap_us > tally.longest_gap_us)
		tally.longest_gap_us = w.longest_gap_us;
	for (unsigned i = 0; i < w.n_nodes; i++) {
		for (size_t c = 0; c < ARRAY_LEN(tally.told); c++)
			tally.told[c] += w.nodes[i].told[c];
	}
	tally.events += w.events;
	(void)snprintf(ret_why, size, "%s", w.breach);
	if (is_told)
		print_message("longest gap %.3f s, %" PRIu64 " events, %zu members of %zu voters\n",
			      (double)w.longest_gap_us / 1e6, w.events, members, voters);
	world_done(&w);
	return !ret_why[0];
}

static void random_schedules(void **state)
{
	static const struct schedules all = { "lease", ORDINARY, schedule };
	(void)state;
	bool holds = schedules_hold(&all);
	print_message("lease: %" PRIu64
		      " events; longest gap with a healthy majority %.3f s; taken over %u times, "
		      "handed over %u, resumed %u, majority lost %u\n",
		      tally.events, (double)tally.longest_gap_us / 1e6, tally.told[LEASE_TOOK_OVER],
		      tally.told[LEASE_TOOK_HANDED], tally.told[LEASE_RESUMED],
		      tally.told[LEASE_LOST_MAJORITY]);
	assert_true(holds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_schedules),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
