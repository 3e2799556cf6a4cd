#include "failover_promises.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

// ---- what is true ----

void fleet_broken(struct fleet *f, const char *fmt, ...)
{
	va_list args;

	if (f->why[0])
		return;
	int len = snprintf(f->why, sizeof(f->why), "at %.6f s: ", (double)sim_now(f->sim) / 1e6);

	va_start(args, fmt);
	(void)vsnprintf(f->why + len, sizeof(f->why) - (size_t)len, fmt, args);
	va_end(args);
}

static const struct sim_line *line_between(const struct fleet *f, unsigned a, unsigned b)
{
	return sim_line(f->sim, f->link[a][b], a);
}

static bool is_line_clean(const struct fleet *f, unsigned a, unsigned b)
{
	const struct sim_line *now = line_between(f, a, b), *normal = &f->normal[a][b];

	return !now->is_cut && now->loss_permille == normal->loss_permille &&
	       now->delay_us == normal->delay_us && now->jitter_us == normal->jitter_us;
}

static bool is_line_dead(const struct fleet *f, unsigned a, unsigned b)
{
	const struct sim_line *now = line_between(f, a, b);

	return now->is_cut || now->loss_permille >= 1000;
}

static bool any_line(const struct fleet *f, unsigned a, unsigned b, uint8_t path,
		     bool (*is)(const struct fleet *, unsigned, unsigned))
{
	unsigned via = fleet_via(f, a, b, path);

	if (via == a)
		return is(f, a, b) || is(f, b, a);
	return is(f, a, via) || is(f, via, b) || is(f, b, via) || is(f, via, a);
}

static bool is_line_unclean(const struct fleet *f, unsigned a, unsigned b)
{
	return !is_line_clean(f, a, b);
}

static void since(int64_t *at_us, bool is_so, int64_t now_us)
{
	if (!is_so)
		*at_us = INT64_MAX;
	else if (*at_us == INT64_MAX)
		*at_us = now_us;
}

static bool is_up(const struct fleet *f, unsigned node, unsigned peer, uint8_t path)
{
	return f->ends[node][peer].judges[path].state == JUDGE_UP;
}

void promise_look_at(struct fleet *f, unsigned a, unsigned b, uint8_t path)
{
	struct fleet_truth *t = &f->truth[a < b ? a : b][a < b ? b : a][path];

	since(&t->ready_us,
	      t->clean_us != INT64_MAX && is_up(f, a, b, path) && is_up(f, b, a, path),
	      sim_now(f->sim));
}

static void look_at_lines(struct fleet *f)
{
	int64_t now = sim_now(f->sim);

	if (f->acts == sim_acts(f->sim) && now > 0)
		return;
	f->acts = sim_acts(f->sim);
	for (unsigned a = 0; a < f->nodes; a++)
		since(&f->running_us[a], sim_runs(f->sim, a), now);
	for (unsigned a = 0; a < f->nodes; a++) {
		for (unsigned b = a + 1; b < f->nodes; b++) {
			for (uint8_t p = 0; p < f->nodes - 1; p++) {
				struct fleet_truth *t = &f->truth[a][b][p];
				bool is_running = sim_runs(f->sim, a) && sim_runs(f->sim, b) &&
						  sim_runs(f->sim, fleet_via(f, a, b, p));

				since(&t->dead_us,
				      !is_running || any_line(f, a, b, p, is_line_dead), now);
				since(&t->clean_us,
				      is_running && !any_line(f, a, b, p, is_line_unclean), now);
				promise_look_at(f, a, b, p);
			}
		}
	}
}

// ---- the promises ----

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

// Round trip of a path as its lines are without faults.
static int64_t normal_rtt(const struct fleet *f, unsigned a, unsigned b, uint8_t path)
{
	unsigned via = fleet_via(f, a, b, path);
	const struct sim_line *first = &f->normal[a][via == a ? b : via],
			      *second = &f->normal[via][b];

	return 2 * (first->delay_us + first->jitter_us +
		    (via == a ? 0 : second->delay_us + second->jitter_us));
}

// Since when an end could have been on a path that is up: both ends call it so and have told.
static int64_t ready_since(const struct fleet *f, unsigned a, unsigned b)
{
	int64_t best_us = INT64_MAX;

	for (uint8_t p = 0; p < f->nodes - 1; p++) {
		int64_t ready = f->truth[a][b][p].ready_us;

		if (ready != INT64_MAX)
			best_us = earlier(best_us, ready + f->judge.interval_us +
							   2 * normal_rtt(f, a, b, p));
	}
	return best_us;
}

// "(down + 1) x interval + RTT + 30 ms", and longer only while a restarted node knows nothing yet.
static int64_t promised_us(const struct fleet *f, unsigned node, unsigned peer, uint8_t path)
{
	const struct judge *j = &f->ends[node][peer].judges[path];
	int64_t interval = f->judge.interval_us;

	if (j->state == JUDGE_UNKNOWN)
		return (f->judge.down + 1) * interval + JUDGE_PATIENCE_US + PATH_START_US;
	return (f->judge.down + 1) * interval + f->rtt_us[node][peer][path] + 30000;
}

// Traffic from `node` leaves a dead path within the promise while another is ready.
static void promise_moved(struct fleet *f, unsigned node, unsigned peer)
{
	unsigned a = node < peer ? node : peer, b = node < peer ? peer : node;
	uint8_t path = f->ends[node][peer].set.current;
	int64_t dead = path == PATH_NONE ? f->running_us[node] : f->truth[a][b][path].dead_us;
	int64_t ready = dead == INT64_MAX ? dead : ready_since(f, a, b);

	if (ready == INT64_MAX || f->running_us[node] == INT64_MAX)
		return;
	int64_t gap = sim_now(f->sim) - later(later(dead, ready), f->running_us[node]);
	int64_t promised = promised_us(f, node, peer, path == PATH_NONE ? 0 : path);

	f->longest_gap_us = later(f->longest_gap_us, gap);
	if (gap > promised)
		fleet_broken(
			f,
			"%u still sends to %u by path %u, dead for %.3f s while another was ready; "
			"promised %.3f s",
			node, peer, path, (double)gap / 1e6, (double)promised / 1e6);
}

// Both ends use the same path but for a bounded time, while notes can pass.
static void promise_same(struct fleet *f, unsigned a, unsigned b)
{
	const struct path_set *x = &f->ends[a][b].set, *y = &f->ends[b][a].set;
	int64_t now = sim_now(f->sim);
	int64_t running = later(f->running_us[a], f->running_us[b]);

	since(&f->differ_us[a][b], x->current != y->current, now);
	int64_t ready = f->differ_us[a][b] == INT64_MAX ? INT64_MAX : ready_since(f, a, b);
	if (ready == INT64_MAX || running == INT64_MAX)
		return;
	int64_t differ = now - later(later(f->differ_us[a][b], ready), running);
	int64_t longest_rtt = 0;

	for (uint8_t p = 0; p < f->nodes - 1; p++)
		longest_rtt = later(longest_rtt, normal_rtt(f, a, b, p));
	int64_t promised = (f->judge.down + 2) * f->judge.interval_us + 2 * longest_rtt + 30000;

	f->longest_differ_us = later(f->longest_differ_us, differ);
	if (differ > promised)
		fleet_broken(f, "%u and %u use paths %u and %u for %.3f s; promised %.3f s", a, b,
			     x->current, y->current, (double)differ / 1e6, (double)promised / 1e6);
}

// From `a` to `b`: the node it enters chooses, the others forward directly.
static void promise_no_loop(struct fleet *f, unsigned a, unsigned b)
{
	uint8_t path = f->ends[a][b].set.current;

	if (path >= PATHS_MAX)
		return;
	unsigned via = fleet_via(f, a, b, path);
	uint8_t own = f->ends[via][b].set.current;

	if (via != a && own < PATHS_MAX && fleet_via(f, via, b, own) == a)
		f->detours++;
	for (unsigned at = a, hops = 0; at != b; hops++) {
		at = at == a && hops == 0 && via != a ? via : b;
		if (hops > 1 || at == a)
			fleet_broken(f, "a packet from %u to %u passes a node twice", a, b);
	}
}

// Doublings up to the cap, each then paid for with the cap or with a time of calm.
static int64_t most_flaps(int64_t run_us, int64_t hold_us, int64_t max_us, int64_t forget_us)
{
	int64_t doublings = 1;

	for (; hold_us < max_us; hold_us *= 2)
		doublings++;
	return doublings + 1 + run_us / forget_us + run_us / max_us;
}

// A path that carries everything is not called down, and one that does not is so only as often as
// the damping allows.
void promise_no_false_down(struct fleet *f, unsigned node, unsigned peer, uint8_t path)
{
	unsigned a = node < peer ? node : peer, b = node < peer ? peer : node;
	struct fleet_end *e = &f->ends[node][peer];
	int64_t clean = f->truth[a][b][path].clean_us, interval = f->judge.interval_us;
	int64_t most = most_flaps(sim_now(f->sim), f->judge.hold_down_us, f->judge.hold_down_max_us,
				  f->judge.forget_us);

	f->downs++;
	if (clean != INT64_MAX &&
	    sim_now(f->sim) - clean > (f->judge.down + 2) * interval + JUDGE_PATIENCE_US)
		fleet_broken(f, "%u calls path %u to %u down, which has been clean for %.3f s",
			     node, path, peer, (double)(sim_now(f->sim) - clean) / 1e6);
	if (e->judges[path].cause.flaps > 0 && ++e->downs[path] > most * f->life[node])
		fleet_broken(f,
			     "%u called path %u to %u down %u times; at most %" PRId64
			     " are promised",
			     node, path, peer, e->downs[path], most);
}

static void promise_calm(struct fleet *f, unsigned node, unsigned peer)
{
	const struct fleet_end *e = &f->ends[node][peer];

	if (e->liked <= 2)
		return;
	int64_t most = most_flaps(sim_now(f->sim), f->path.hold_us, f->path.hold_max_us,
				  f->path.forget_us);

	if (e->liked > most * f->life[node])
		fleet_broken(f,
			     "%u moved %u times to %u for cost alone; at most %" PRId64
			     " are promised",
			     node, e->liked, peer, most);
}

void promise_switched(struct fleet *f, unsigned node, unsigned peer)
{
	promise_no_loop(f, node, peer);
	promise_calm(f, node, peer);
}

void promise_check(void *user)
{
	struct fleet *f = user;

	look_at_lines(f);
	for (unsigned a = 0; a < f->nodes; a++) {
		for (unsigned b = a + 1; b < f->nodes; b++) {
			promise_same(f, a, b);
			promise_moved(f, a, b);
			promise_moved(f, b, a);
		}
	}
}

static bool is_much_better(const struct fleet *f, const struct path_set *set, uint8_t path)
{
	return set->current < PATHS_MAX &&
	       set->paths[path].cost_us * 1.12 + (double)f->path.margin_us * 1.1 <
		       set->paths[set->current].cost_us;
}

// A loss is remembered for longer than the calm lasts.
static bool forwards(const struct judge *j)
{
	return j->state == JUDGE_UP || j->state == JUDGE_DEGRADED;
}

static bool is_pair_settled(struct fleet *f, unsigned a, unsigned b)
{
	const struct path_set *x = &f->ends[a][b].set;

	for (uint8_t p = 0; p < f->nodes - 1; p++) {
		if (!forwards(&f->ends[a][b].judges[p]) || !forwards(&f->ends[b][a].judges[p]))
			fleet_broken(f, "path %u of %u-%u is %s and %s after the calm", p, a, b,
				     judge_state_name(f->ends[a][b].judges[p].state),
				     judge_state_name(f->ends[b][a].judges[p].state));
		// Losses are remembered for a while: what has only just become ready may wait.
		if (f->truth[a][b][p].ready_us < sim_now(f->sim) - f->path.hold_max_us - 1000000 &&
		    is_much_better(f, x, p) &&
		    (x->paths[p].better_us == PATH_NEVER ||
		     sim_clock(f->sim, a) - x->paths[p].better_us > f->path.hold_max_us))
			fleet_broken(f,
				     "%u-%u uses path %u (%.1f ms) though %u is better (%.1f ms)",
				     a, b, x->current, x->paths[x->current].cost_us / 1e3, p,
				     x->paths[p].cost_us / 1e3);
	}
	// That they differ for a moment only is another promise.
	if (x->current == PATH_NONE)
		fleet_broken(f, "%u has no path to %u after the calm", a, b);
	return !f->why[0];
}

bool fleet_is_settled(struct fleet *f)
{
	for (unsigned a = 0; a < f->nodes; a++) {
		for (unsigned b = a + 1; b < f->nodes; b++)
			(void)is_pair_settled(f, a, b);
	}
	return !f->why[0];
}
