// The voters of an HA group change while a member is active: members come and go, a witness is put
// in the place of another. Never two are active, and who is stays so unless it is itself that goes.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <string.h>

#include "sim/lease_world.h"
#include "sim/schedules.h"

enum {
	SECOND = 1000000,
	STEP_US = 5000,
	SPREAD_US = 2000000, // the last node has the new list so much later than the first
	NODES = 7,
	CHANGES = 10,
	ORDINARY = 60,
};

struct story {
	struct world world;
	unsigned changes, handed;
	char why[256];
};

static struct {
	unsigned changes, handed;
	int64_t longest_gap_us;
} tally;

static unsigned below(struct story *s, unsigned n)
{
	return (unsigned)sim_below(sim_dice(s->world.sim), n);
}

static unsigned take_overs(const struct world *w)
{
	unsigned count = 0;
	for (unsigned i = 0; i < w->n_nodes; i++)
		count += w->nodes[i].told[LEASE_TOOK_FREE] + w->nodes[i].told[LEASE_TOOK_OVER] +
			 w->nodes[i].told[LEASE_TOOK_HANDED];
	return count;
}

static bool is_voter(const struct lease_config *c, uint32_t id)
{
	for (size_t i = 0; i < c->n_voters; i++)
		if (c->voters[i] == id)
			return true;
	return false;
}

// ---- changes of the list, one voter each ----

static void add_at(struct lease_config *c, size_t at, uint32_t id, bool is_member)
{
	memmove(&c->voters[at + 1], &c->voters[at], (c->n_voters - at) * sizeof c->voters[0]);
	c->voters[at] = id;
	c->n_voters++;
	c->n_members += is_member;
}

static void remove_at(struct lease_config *c, size_t at)
{
	c->n_members -= at < c->n_members;
	c->n_voters--;
	memmove(&c->voters[at], &c->voters[at + 1], (c->n_voters - at) * sizeof c->voters[0]);
}

static uint32_t outsider(struct story *s, const struct lease_config *c)
{
	uint32_t id = 1 + below(s, NODES);
	while (is_voter(c, id))
		id = id % NODES + 1;
	return id;
}

// A voter more or less, of either kind and at any place; false when that would leave too few.
static bool change(struct story *s, struct lease_config *c)
{
	switch (below(s, 5)) {
	case 0:
		if (c->n_voters == NODES)
			return false;
		add_at(c, c->n_voters, outsider(s, c), false);
		return true;
	case 1:
		if (c->n_voters == NODES)
			return false;
		// Also before the active one: it is not to take over from it here.
		add_at(c, below(s, (unsigned)c->n_members + 1), outsider(s, c), true);
		return true;
	case 2:
		if (c->n_voters < 4 || c->n_voters == c->n_members)
			return false;
		remove_at(c, c->n_voters - 1);
		return true;
	default:
		if (c->n_voters < 4 || c->n_members < 3)
			return false;
		remove_at(c, below(s, (unsigned)c->n_members));
		return true;
	}
}

// ---- one story ----

static bool fails(struct story *s, const char *why)
{
	if (!s->why[0])
		(void)snprintf(s->why, sizeof s->why, "%.3f s, change %u: %s",
			       (double)sim_now(s->world.sim) / 1e6, s->changes,
			       s->world.breach[0] ? s->world.breach : why);
	return false;
}

// All have the newest list, and whoever is active has it agreed upon.
static bool is_settled(const struct world *w)
{
	const unsigned active = world_active(w);
	for (unsigned i = 0; i < w->n_nodes; i++)
		if (w->nodes[i].is_voter != is_voter(&w->config, i + 1) ||
		    (w->nodes[i].is_voter &&
		     w->nodes[i].lease.config.generation != w->config.generation))
			return false;
	return active < w->n_nodes &&
	       w->nodes[active].lease.held_generation == w->config.generation;
}

// The one that was active is it at each moment, or another soon after it was taken off the list.
static bool settles(struct story *s, unsigned before, bool is_leaving)
{
	struct world *w = &s->world;
	int64_t idle_since = -1;
	const int64_t end = sim_now(w->sim) + 10 * SECOND;
	while (sim_now(w->sim) < end && !is_settled(w)) {
		world_run(w, STEP_US);
		const unsigned active = world_active(w);
		const int64_t now = sim_now(w->sim);
		if (w->breach[0])
			return fails(s, "");
		if (!is_leaving && active != before)
			return fails(s, "the active member is it no more, for no reason");
		idle_since = active < w->n_nodes ? -1 : idle_since < 0 ? now : idle_since;
		if (idle_since >= 0 && now - idle_since > tally.longest_gap_us)
			tally.longest_gap_us = now - idle_since;
		if (idle_since >= 0 && now - idle_since > SECOND)
			return fails(s, "nobody is active for more than a second");
	}
	return is_settled(w) || fails(s, "the new list is not agreed upon");
}

static bool changes_once(struct story *s)
{
	struct world *w = &s->world;
	struct lease_config next = w->config;
	const unsigned before = world_active(w), taken = take_overs(w);
	if (!change(s, &next))
		return true;
	const bool is_leaving = !is_voter(&next, before + 1);
	next.generation++;
	s->changes++;
	s->handed += is_leaving;
	world_reconfigure_within(w, &next, SPREAD_US);
	if (!settles(s, before, is_leaving))
		return false;
	for (int i = 0; i < 2 * SECOND / STEP_US; i++) {
		world_run(w, STEP_US);
		if (w->breach[0] || world_active(w) == w->n_nodes)
			return fails(s, "nobody is active");
	}
	if (take_overs(w) - taken != is_leaving)
		return fails(s, is_leaving ? "it was not taken over once"
					   : "it was taken over for no reason");
	return true;
}

static bool schedule(uint64_t seed, bool is_told, char *ret_why, size_t size)
{
	struct story s = { .changes = 0 };
	bool holds = world_init(&s.world, seed, 2, NODES) == 0;
	if (!holds)
		(void)snprintf(ret_why, size, "out of memory");
	if (!holds)
		return false;
	s.world.config.n_voters = 3;
	s.world.config.n_members = 2 + seed % 2;
	s.world.config.hold_down_us = -1;
	s.world.is_told = is_told;
	world_run(&s.world, 3 * SECOND);
	for (unsigned i = 0; i < CHANGES && holds; i++)
		holds = changes_once(&s);
	tally.changes += s.changes;
	tally.handed += s.handed;
	(void)snprintf(ret_why, size, "%s", s.why);
	world_done(&s.world);
	return holds;
}

static void the_active_member_stays(void **state)
{
	static const struct schedules all = { "voters", ORDINARY, schedule };
	(void)state;
	const bool holds = schedules_hold(&all);
	print_message("voters: %u changes, of which %u took the active member off the list; nobody "
		      "was active for at most %.3f s\n",
		      tally.changes, tally.handed, (double)tally.longest_gap_us / 1e6);
	assert_true(holds);
	assert_true(tally.handed > 0 && tally.changes > 2 * tally.handed);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(the_active_member_stays) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
