// RSTP under random faults: the ports that forward never form a loop, at no instant, and what can
// be connected is, within a second of the last detection.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"

#include "sim/schedules.h"
#include "sim/sim.h"
#include "sim/storm.h"
#include "steer/rstp.h"

enum {
	SECOND = 1000000,
	NODES_MAX = 12,
	LINKS_MAX = 40,
	STORM_S = 20,         // faults come within these
	CALM_S = 15,          // after them all is connected again: lost sessions, silent neighbours
	SETTLED_S = 8,        // from cold to a tree
	HEAL_US = SECOND,     // the promise
	CHANGES_EVERY = 500,  // a cost or a priority is another after so many looks, on average
	DETECTION_US = 50000, // one end may detect so much later than the other
};

struct bridge {
	struct rstp *machine;
	struct rstp_config config;
	uint8_t *saved;
	bool has_saved, is_host_dead, was_crashed;
	enum rstp_state kernel[LINKS_MAX]; // by link: what the kernel does, agent or none
};

struct world {
	struct sim *sim;
	unsigned nodes, links;
	unsigned ends[LINKS_MAX][2];
	bool is_away[LINKS_MAX]; // cut, or one of its hosts is dead
	bool is_probed;          // which is detected
	bool kills_midway;
	bool are_settings_changing;
	struct bridge bridges[NODES_MAX];
	uint64_t sessions;
	bool is_told;
	char why[512];
};

static uint64_t random_below(struct world *w, uint64_t below)
{
	return sim_below(sim_dice(w->sim), below);
}

// --- the graph of links that carry frames

static unsigned root_of(unsigned *parent, unsigned n)
{
	while (parent[n] != n)
		n = parent[n] = parent[parent[n]];
	return n;
}

static bool conducts(const struct world *w, unsigned link)
{
	for (unsigned end = 0; end < 2; end++) {
		const struct bridge *b = &w->bridges[w->ends[link][end]];

		if (b->is_host_dead || b->kernel[link] != RSTP_FORWARDING)
			return false;
	}
	return true;
}

// Joins the ends of every link that is chosen; returns how many parts remain, or 0: there is a
// loop.
static unsigned parts_of(const struct world *w, bool (*is_chosen)(const struct world *, unsigned))
{
	unsigned parent[NODES_MAX], parts = w->nodes;

	for (unsigned n = 0; n < w->nodes; n++)
		parent[n] = n;
	for (unsigned link = 0; link < w->links; link++) {
		if (!is_chosen(w, link))
			continue;
		const unsigned a = root_of(parent, w->ends[link][0]),
			       b = root_of(parent, w->ends[link][1]);

		if (a == b && is_chosen == conducts)
			return 0;
		parts -= a != b;
		parent[a] = b;
	}
	return parts;
}

static bool is_whole(const struct world *w, unsigned link)
{
	return !w->is_away[link];
}

static bool is_connected(const struct world *w)
{
	return parts_of(w, conducts) == parts_of(w, is_whole);
}

static void look_for_loop(struct world *w)
{
	size_t used = 0;

	if (w->why[0] || parts_of(w, conducts) != 0)
		return;
	used = (size_t)snprintf(w->why, sizeof w->why, "at %.6f s a loop among the links",
				(double)sim_now(w->sim) / SECOND);
	for (unsigned link = 0; link < w->links && used < sizeof w->why; link++)
		if (conducts(w, link))
			used += (size_t)snprintf(w->why + used, sizeof w->why - used, " %u-%u",
						 w->ends[link][0], w->ends[link][1]);
}

// --- a node: an agent with its machine, and a kernel that outlives it

static void set_state(struct world *w, unsigned node, unsigned link, enum rstp_state state)
{
	w->bridges[node].kernel[link] = state;
	if (w->is_told)
		(void)printf("%10.6f node %u: link %u-%u %s\n", (double)sim_now(w->sim) / SECOND,
			     node, w->ends[link][0], w->ends[link][1], rstp_state_name(state));
	look_for_loop(w);
}

static void send(struct world *w, unsigned node, const struct rstp_action *a)
{
	uint8_t bytes[BPDU_SIZE_MAX];

	sim_send(w->sim, node, a->port, bytes, bpdu_encode(&a->bpdu, bytes));
}

// Does what the machine wants, as the agent does: written down first.
static void act(struct world *w, unsigned node)
{
	struct bridge *b = &w->bridges[node];
	struct rstp_action a;

	if (rstp_wants_saving(b->machine)) {
		rstp_save(b->machine, b->saved);
		b->has_saved = true;
	}
	while (rstp_take(b->machine, &a)) {
		if (w->kills_midway && random_below(w, 2000) == 0 &&
		    !sim_is_crashed(w->sim, node)) {
			sim_crash(w->sim, node);
			return;
		}
		if (a.kind == RSTP_SET_STATE)
			set_state(w, node, a.port, a.state);
		else if (a.kind == RSTP_SEND)
			send(w, node, &a);
	}
	sim_set_timer(w->sim, node, 0, rstp_due(b->machine));
}

static void on_receive(void *user, unsigned node, unsigned link, const void *bytes, size_t len)
{
	struct world *w = user;
	struct bpdu bpdu;

	if (bpdu_decode(bytes, len, &bpdu, NULL) < 0)
		(void)snprintf(w->why, sizeof w->why, "a BPDU is not understood");
	rstp_receive(w->bridges[node].machine, link, &bpdu, sim_clock(w->sim, node));
	act(w, node);
}

static void on_timer(void *user, unsigned node, unsigned timer)
{
	struct world *w = user;

	(void)timer;
	rstp_tick(w->bridges[node].machine, sim_clock(w->sim, node));
	act(w, node);
}

static void close_all(struct world *w, unsigned node)
{
	for (unsigned link = 0; link < w->links; link++)
		w->bridges[node].kernel[link] = RSTP_DISCARDING;
}

static void begin_cold(struct world *w, unsigned node)
{
	struct bridge *b = &w->bridges[node];
	// Priorities draw the root; sessions come from a clock that may have gone back.
	b->config = (struct rstp_config){ .id.bytes = { (uint8_t)(random_below(w, 4) << 4), 0, 2, 0,
							0, 0, 0, (uint8_t)(node + 1) },
					  .hello_us = SECOND,
					  .max_age_us = 20 * SECOND,
					  .forward_delay_us = 6 * SECOND,
					  .session = w->sessions + random_below(w, 1 << 30) };

	w->sessions += 1 << 28;
	close_all(w, node);
	if (rstp_new(&b->config, &b->machine, NULL) < 0)
		abort();
	for (unsigned link = 0; link < w->links; link++)
		if (sim_is_end(w->sim, link, node))
			rstp_port_set(b->machine, link,
				      &(struct rstp_port_config){
					      .id = (uint16_t)(0x8000 | (link + 1)),
					      .cost = 1 + (uint32_t)random_below(w, 50) },
				      sim_clock(w->sim, node));
}

static void on_start(void *user, unsigned node)
{
	struct world *w = user;
	struct bridge *b = &w->bridges[node];
	const bool is_adopting = b->has_saved && !b->is_host_dead && random_below(w, 4) != 0;

	rstp_free(take_ptr(&b->machine));
	b->is_host_dead = false;
	if (is_adopting) {
		if (rstp_load(b->saved, rstp_save_size(), sim_clock(w->sim, node), &b->machine,
			      NULL) < 0)
			abort();
		rstp_configure(b->machine, &b->config, sim_clock(w->sim, node));
		rstp_repeat_states(b->machine);
		act(w, node);
	} else {
		begin_cold(w, node);
	}
	for (unsigned link = 0; link < w->links; link++)
		if (sim_is_end(w->sim, link, node))
			rstp_port_up(b->machine, link, !w->is_probed || !w->is_away[link],
				     sim_clock(w->sim, node));
	act(w, node);
}

// --- detection: each end learns by itself, a little later, that its link is away or back

enum { VERDICT_NODE = 8, STOPPED_AGAIN_US = 50000 };

static void on_verdict(void *user, uint64_t arg)
{
	struct world *w = user;
	const unsigned link = arg & 255, node = (unsigned)(arg >> VERDICT_NODE);

	if (sim_is_crashed(w->sim, node))
		return;
	if (!sim_runs(w->sim, node)) {
		sim_at(w->sim, sim_now(w->sim) + STOPPED_AGAIN_US, on_verdict, arg);
		return;
	}
	rstp_port_up(w->bridges[node].machine, link, !w->is_away[link], sim_clock(w->sim, node));
	act(w, node);
}

static void watch_links(struct world *w)
{
	for (unsigned link = 0; link < w->links; link++) {
		const unsigned a = w->ends[link][0], b = w->ends[link][1];
		const bool is_away = sim_line(w->sim, link, a)->is_cut ||
				     sim_line(w->sim, link, b)->is_cut ||
				     w->bridges[a].is_host_dead || w->bridges[b].is_host_dead;

		if (is_away == w->is_away[link])
			continue;
		w->is_away[link] = is_away;
		for (unsigned end = 0; w->is_probed && end < 2; end++)
			sim_at(w->sim, sim_now(w->sim) + 1 + (int64_t)random_below(w, DETECTION_US),
			       on_verdict, link | (uint64_t)w->ends[link][end] << VERDICT_NODE);
	}
}

// A crash is the agent's alone, whose ports stay as they were, or the host's.
static void watch_crashes(struct world *w)
{
	for (unsigned node = 0; node < w->nodes; node++) {
		struct bridge *b = &w->bridges[node];
		const bool is_crashed = sim_is_crashed(w->sim, node);

		if (is_crashed && !b->was_crashed && random_below(w, 2)) {
			b->is_host_dead = true;
			close_all(w, node);
		}
		b->was_crashed = is_crashed;
	}
}

// --- costs follow what is measured, priorities what the controller says

static void set_cost(struct world *w, unsigned node, unsigned link)
{
	const struct rstp_port_config config = { .id = (uint16_t)(0x8000 | (link + 1)),
						 .cost = 1 + (uint32_t)random_below(w, 50) };

	if (w->is_told)
		(void)printf("%10.6f node %u: link %u-%u costs %u\n",
			     (double)sim_now(w->sim) / SECOND, node, w->ends[link][0],
			     w->ends[link][1], config.cost);
	rstp_port_set(w->bridges[node].machine, link, &config, sim_clock(w->sim, node));
}

static void set_priority(struct world *w, unsigned node)
{
	struct bridge *b = &w->bridges[node];

	b->config.id.bytes[0] = (uint8_t)(random_below(w, 4) << 4);
	if (w->is_told)
		(void)printf("%10.6f node %u has priority %u\n", (double)sim_now(w->sim) / SECOND,
			     node, b->config.id.bytes[0]);
	rstp_configure(b->machine, &b->config, sim_clock(w->sim, node));
}

static void change_settings(struct world *w)
{
	const unsigned link = (unsigned)random_below(w, w->links);
	const unsigned node = w->ends[link][random_below(w, 2)];

	if (!sim_runs(w->sim, node))
		return;
	if (random_below(w, 3))
		set_cost(w, node, link);
	else
		set_priority(w, node);
	act(w, node);
}

static void on_check(void *user)
{
	struct world *w = user;

	if (w->are_settings_changing && random_below(w, CHANGES_EVERY) == 0)
		change_settings(w);
	watch_crashes(w);
	watch_links(w);
}

// --- worlds

static void add_link(struct world *w, unsigned a, unsigned b, const struct sim_line *line)
{
	w->ends[w->links][0] = a;
	w->ends[w->links][1] = b;
	w->links++;
	(void)sim_add_link(w->sim, a, b, line);
}

static bool has_link(const struct world *w, unsigned a, unsigned b)
{
	for (unsigned i = 0; i < w->links; i++)
		if ((w->ends[i][0] == a && w->ends[i][1] == b) ||
		    (w->ends[i][0] == b && w->ends[i][1] == a))
			return true;
	return false;
}

// A connected graph of 2 to 12 bridges: a random tree, and random links besides.
static void make_world(struct world *w, uint64_t seed, bool is_told)
{
	static const struct sim_hooks hooks = { on_receive, on_timer, on_start, on_check };

	memset(w, 0, sizeof *w);
	w->is_told = is_told;
	w->sessions = UINT64_C(1) << 40;
	w->sim = sim_new(seed, &hooks, w);
	if (!w->sim)
		abort();
	w->nodes = 2 + (unsigned)random_below(w, NODES_MAX - 1);
	for (unsigned n = 0; n < w->nodes; n++) {
		(void)sim_add_node(w->sim);
		w->bridges[n].saved = malloc(rstp_save_size());
	}
	for (unsigned n = 1; n < w->nodes; n++) {
		const struct sim_line line = { .delay_us = 200 + (int64_t)random_below(w, 20000),
					       .jitter_us = (int64_t)random_below(w, 2000) };

		add_link(w, (unsigned)random_below(w, n), n, &line);
	}
	for (unsigned i = (unsigned)random_below(w, 2 * w->nodes + 1); i > 0; i--) {
		const struct sim_line line = { .delay_us = 200 + (int64_t)random_below(w, 20000) };
		const unsigned a = (unsigned)random_below(w, w->nodes),
			       b = (unsigned)random_below(w, w->nodes);

		if (a != b && !has_link(w, a, b))
			add_link(w, a, b, &line);
	}
}

static void end_world(struct world *w)
{
	for (unsigned n = 0; n < w->nodes; n++) {
		rstp_free(w->bridges[n].machine);
		free(w->bridges[n].saved);
	}
	sim_free(w->sim);
}

// For a person who replays a seed.
static void tell_world(const struct world *w)
{
	for (unsigned link = 0; link < w->links; link++) {
		(void)printf("link %u-%u%s:", w->ends[link][0], w->ends[link][1],
			     is_whole(w, link) ? "" : " is away");
		for (unsigned end = 0; end < 2; end++) {
			const unsigned node = w->ends[link][end];
			struct rstp_port_view v = { 0 };

			if (w->bridges[node].machine)
				rstp_port_look(w->bridges[node].machine, link, &v);
			(void)printf("  %s %s %s%s%s", v.is_up ? "up" : "down",
				     rstp_role_name(v.role), rstp_state_name(v.state),
				     v.is_agreed ? " agreed, kernel " : ", kernel ",
				     rstp_state_name(w->bridges[node].kernel[link]));
		}
		(void)printf("\n");
	}
}

static bool verdict(const struct world *w, char *ret_why, size_t size)
{
	(void)snprintf(ret_why, size, "%s", w->why);
	return w->why[0] == '\0';
}

// --- what is promised

static bool never_a_loop(uint64_t seed, bool is_told, char *ret_why, size_t size)
{
	const struct storm_plan plan = { .weight = { 3, 2, 3, 1, 2, 1, 4, 3, 1 },
					 .faults = 5 + (unsigned)(seed % 30),
					 .until_us = STORM_S * SECOND,
					 .longest_us = 6 * SECOND };
	char faults[4096];
	struct world w;

	make_world(&w, seed, is_told);
	w.is_probed = seed % 2;
	w.kills_midway = true;
	w.are_settings_changing = seed % 3 != 0;
	struct storm *storm = storm_new(w.sim, &plan);
	storm_tell(storm, faults, sizeof faults);
	if (is_told)
		(void)printf("%s", faults);
	sim_run(w.sim, STORM_S * SECOND);
	w.kills_midway = w.are_settings_changing = false;
	for (unsigned n = 0; n < w.nodes; n++)
		if (sim_is_crashed(w.sim, n))
			sim_restart(w.sim, n);
	sim_run(w.sim, (STORM_S + CALM_S) * (int64_t)SECOND);
	if (!w.why[0] && !is_connected(&w))
		(void)snprintf(w.why, sizeof w.why, "%d s after the storm not all are connected",
			       CALM_S);
	if (is_told)
		tell_world(&w);
	storm_free(storm);
	end_world(&w);
	return verdict(&w, ret_why, size);
}

static int64_t worst_heal_us;
static uint64_t heals;

// Runs until all that can be connected is; false when it took too long.
static void must_heal(struct world *w, int64_t from_us, const char *what)
{
	const int64_t deadline = from_us + DETECTION_US + HEAL_US;

	sim_run(w->sim, from_us + DETECTION_US);
	while (!is_connected(w) && sim_now(w->sim) < deadline)
		sim_run(w->sim, sim_now(w->sim) + 1000);
	const int64_t took = sim_now(w->sim) - from_us - DETECTION_US;

	worst_heal_us = took > worst_heal_us ? took : worst_heal_us;
	heals++;
	if (!is_connected(w) && !w->why[0])
		(void)snprintf(w->why, sizeof w->why, "%s at %.6f s is not healed after %d ms",
			       what, (double)from_us / SECOND, HEAL_US / 1000);
}

static void cut_or_mend(struct world *w)
{
	const unsigned link = (unsigned)random_below(w, w->links);
	const bool is_cut = !sim_line(w->sim, link, w->ends[link][0])->is_cut;

	for (unsigned end = 0; end < 2; end++)
		sim_line(w->sim, link, w->ends[link][end])->is_cut = is_cut;
	if (w->is_told)
		(void)printf("%10.6f link %u-%u is %s\n", (double)sim_now(w->sim) / SECOND,
			     w->ends[link][0], w->ends[link][1], is_cut ? "cut" : "whole");
	on_check(w);
	must_heal(w, sim_now(w->sim), is_cut ? "a cut" : "a mended link");
}

// The host goes with all its ports; its neighbours' probes notice.
static void kill_or_boot(struct world *w)
{
	const unsigned node = (unsigned)random_below(w, w->nodes);
	struct bridge *b = &w->bridges[node];
	const bool is_kill = !b->is_host_dead;

	if (w->is_told)
		(void)printf("%10.6f node %u %s\n", (double)sim_now(w->sim) / SECOND, node,
			     is_kill ? "dies" : "boots");
	if (is_kill) {
		sim_crash(w->sim, node);
		b->was_crashed = b->is_host_dead = true;
		close_all(w, node);
	} else {
		sim_restart(w->sim, node);
		b->was_crashed = false;
	}
	on_check(w);
	must_heal(w, sim_now(w->sim), is_kill ? "a dead host" : "a booted host");
}

static bool healed_within_a_second(uint64_t seed, bool is_told, char *ret_why, size_t size)
{
	struct world w;

	make_world(&w, seed, is_told);
	w.is_probed = true;
	sim_run(w.sim, SETTLED_S * SECOND);
	if (!is_connected(&w))
		(void)snprintf(w.why, sizeof w.why, "no tree %d s after the start", SETTLED_S);
	for (unsigned i = 0; i < 10 && !w.why[0]; i++) {
		switch (random_below(&w, 4)) {
		case 0:
			kill_or_boot(&w);
			break;
		case 1:
			change_settings(&w);
			must_heal(&w, sim_now(w.sim), "another cost or priority");
			break;
		default:
			cut_or_mend(&w);
		}
		sim_run(w.sim, sim_now(w.sim) + (int64_t)random_below(&w, 3 * SECOND));
	}
	if (is_told)
		tell_world(&w);
	end_world(&w);
	return verdict(&w, ret_why, size);
}

static void no_loop_whatever_is_lost_late_dead_or_begins_anew(void **state)
{
	const struct schedules s = { "rstp, never a loop", 30, never_a_loop };

	(void)state;
	assert_true(schedules_hold(&s));
}

static void a_detected_cut_is_healed_within_a_second(void **state)
{
	const struct schedules s = { "rstp, healed", 20, healed_within_a_second };

	(void)state;
	const bool holds = schedules_hold(&s);
	(void)printf("%" PRIu64 " cuts, kills and returns: at most %" PRId64
		     " ms from the last detection to a whole tree\n",
		     heals, worst_heal_us / 1000);
	assert_true(holds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_loop_whatever_is_lost_late_dead_or_begins_anew),
		cmocka_unit_test(a_detected_cut_is_healed_within_a_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
