#include "sim/lease_world.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { TIMER_TICK, TIMER_SAVED, WORLD_ONE_WAY_US = 50000 };

// ---- the promises ----

bool world_is_active(const struct world *w, unsigned node)
{
	return sim_clock(w->sim, node) < w->nodes[node].element_clock_us;
}

unsigned world_active(const struct world *w)
{
	unsigned i = 0;
	while (i < w->n_nodes && !world_is_active(w, i))
		i++;
	return i;
}

// Runs, has the newest list of voters, and its quiet time after a restart is over.
static bool is_well(const struct world *w, unsigned i)
{
	const struct world_node *n = &w->nodes[i];
	return sim_runs(w->sim, i) && n->is_voter &&
	       n->lease.config.generation == w->config.generation &&
	       sim_clock(w->sim, i) >= n->lease.grantor.quiet_until_us;
}

// A majority is well, every running node reaches every other within a round trip of 100 ms, and one
// of them may be active.
static bool is_healthy(const struct world *w)
{
	size_t well = 0;
	bool is_fit = false;
	for (unsigned a = 0; a < w->n_nodes; a++) {
		well += is_well(w, a);
		is_fit |= is_well(w, a) && w->nodes[a].is_fit && a < w->config.n_members;
		for (unsigned b = 0; b < w->n_nodes; b++) {
			if (a == b || !sim_runs(w->sim, a) || !sim_runs(w->sim, b))
				continue;
			const struct sim_line *line = sim_line(w->sim, world_link(w, a, b), a);
			if (line->is_cut || line->loss_permille > 0 ||
			    line->delay_us + line->jitter_us > WORLD_ONE_WAY_US)
				return false;
		}
	}
	return is_fit && well > w->config.n_voters / 2;
}

static void check(void *user)
{
	struct world *w = user;
	int64_t now = sim_now(w->sim);
	w->events++;
	if (!w->promise_us || now < w->excused_us || world_active(w) < w->n_nodes ||
	    !is_healthy(w)) {
		w->gap_since_us = now;
		return;
	}
	int64_t gap = now - w->gap_since_us;
	if (gap > w->longest_gap_us)
		w->longest_gap_us = gap;
	if (gap > w->promise_us && !w->breach[0])
		(void)snprintf(w->breach, sizeof w->breach,
			       "%.3f s: nobody is active for %.3f s though a majority is healthy",
			       (double)now / 1e6, (double)gap / 1e6);
}

static void check_active(struct world *w, unsigned node, uint64_t epoch)
{
	uint32_t id = node + 1;
	double now = (double)sim_now(w->sim) / 1e6;
	for (unsigned i = 0; i < w->n_nodes; i++) {
		if (i != node && world_is_active(w, i) && !w->breach[0])
			(void)snprintf(w->breach, sizeof w->breach,
				       "%.6f s: node %u is active (epoch %llu) and so is node %u",
				       now, id, (unsigned long long)epoch, i + 1);
	}
	if (epoch <= w->epoch && id != w->epoch_holder && !w->breach[0])
		(void)snprintf(w->breach, sizeof w->breach,
			       "%.6f s: node %u is active in epoch %llu, node %u was in %llu", now,
			       id, (unsigned long long)epoch, w->epoch_holder,
			       (unsigned long long)w->epoch);
	if (epoch > w->epoch) {
		w->epoch = epoch;
		w->epoch_holder = id;
	}
}

// ---- the doer ----

static const char *name_of(const void *context, uint32_t node)
{
	static char names[WORLD_NODES + 1][16];
	(void)context;
	(void)snprintf(names[node], sizeof names[node], "node %u", node);
	return names[node];
}

static void print_orders(const struct world *w, unsigned node, const struct lease_out *out)
{
	char sentence[256];
	for (size_t i = 0; i < out->n; i++) {
		const struct lease_action *a = &out->items[i];
		double at = (double)sim_now(w->sim) / 1e6;
		unsigned long long epoch =
			a->order == LEASE_SEND ? a->message.epoch : a->record.epoch;
		if (a->order == LEASE_TELL) {
			lease_sentence(&a->event, name_of, NULL, sentence, sizeof sentence);
			(void)printf("%9.6f node %u: %s\n", at, node + 1, sentence);
		} else if (a->order == LEASE_SAVE) {
			(void)printf("%9.6f node %u: saves epoch %llu for %u\n", at, node + 1,
				     epoch, a->record.holder);
		} else if (a->order == LEASE_SEND) {
			(void)printf("%9.6f node %u: type %u to %u, epoch %llu, verdict %u\n", at,
				     node + 1, a->message.type, a->node, epoch, a->message.verdict);
		}
	}
}

unsigned world_link(const struct world *w, unsigned a, unsigned b)
{
	unsigned low = a < b ? a : b, high = a < b ? b : a;
	return low * w->n_nodes - low * (low + 1) / 2 + high - low - 1;
}

static int64_t up_to(struct world *w, int64_t us)
{
	return sim_between(sim_dice(w->sim), 0, us);
}

static void act(struct world *w, unsigned node, const struct lease_action *a)
{
	struct world_node *n = &w->nodes[node];
	uint8_t bytes[LEASE_MESSAGE_SIZE];
	switch (a->order) {
	case LEASE_SEND:
		lease_message_encode(&a->message, bytes);
		sim_send(w->sim, node, world_link(w, node, a->node - 1), bytes, sizeof bytes);
		break;
	case LEASE_SAVE:
		n->saving = a->record;
		n->token = a->token;
		n->save_succeeds = !sim_chance(sim_dice(w->sim), 5);
		// The promise counts from the last failure.
		if (!n->save_succeeds)
			w->gap_since_us = sim_now(w->sim);
		sim_set_timer(w->sim, node, TIMER_SAVED,
			      sim_clock(w->sim, node) + 500 + up_to(w, w->save_us));
		break;
	case LEASE_ACTIVE:
		n->element_clock_us = a->until_us + up_to(w, w->slop_us);
		check_active(w, node, a->epoch);
		break;
	case LEASE_INACTIVE:
		n->element_clock_us = 0;
		break;
	case LEASE_TELL:
		n->last = a->event;
		n->told[a->event.cause]++;
		n->is_long |= a->event.cause == LEASE_LONG_READY;
		break;
	}
}

static void carry_out(struct world *w, unsigned node, const struct lease_out *out)
{
	if (out->n == LEASE_ACTIONS_MAX)
		(void)snprintf(w->breach, sizeof w->breach, "the list of orders is full");
	if (w->is_told)
		print_orders(w, node, out);
	for (size_t i = 0; i < out->n; i++)
		act(w, node, &out->items[i]);
	int64_t next = lease_next_us(&w->nodes[node].lease, sim_clock(w->sim, node));
	// A loop wakes up a little late.
	if (next != INT64_MAX)
		next += up_to(w, 2000);
	sim_set_timer(w->sim, node, TIMER_TICK, next);
}

static void receive(void *user, unsigned node, unsigned link, const void *bytes, size_t len)
{
	struct world *w = user;
	struct lease_message m;
	struct lease_out out = { .n = 0 };
	if (!w->nodes[node].is_voter || lease_message_decode(bytes, len, &m, NULL) < 0)
		return;
	lease_receive(&w->nodes[node].lease, sim_clock(w->sim, node),
		      sim_far_end(w->sim, link, node) + 1, &m, &out);
	carry_out(w, node, &out);
}

static void keep_record(struct world_node *n)
{
	n->record = n->saving;
	n->has_record = true;
}

static void timer(void *user, unsigned node, unsigned which)
{
	struct world *w = user;
	struct world_node *n = &w->nodes[node];
	struct lease_out out = { .n = 0 };
	int64_t now = sim_clock(w->sim, node);
	if (which == TIMER_SAVED && n->save_succeeds)
		keep_record(n);
	if (!n->is_voter)
		return;
	if (which == TIMER_SAVED) {
		uint64_t token = n->token;
		n->token = 0;
		lease_saved(&n->lease, now, token, n->save_succeeds, &out);
	} else {
		lease_tick(&n->lease, now, &out);
	}
	carry_out(w, node, &out);
}

static bool config_of(const struct lease_config *config, unsigned node, struct lease_config *ret)
{
	*ret = *config;
	ret->self = node + 1;
	for (size_t i = 0; i < config->n_voters; i++) {
		if (config->voters[i] == ret->self)
			return true;
	}
	return false;
}

static void start(void *user, unsigned node)
{
	struct world *w = user;
	struct world_node *n = &w->nodes[node];
	struct lease_config config;
	struct lease_out out = { .n = 0 };
	int64_t now = sim_clock(w->sim, node);
	n->has_next = false;
	n->is_long = false;
	n->token = 0;
	n->is_voter = config_of(&w->config, node, &config);
	if (!n->is_voter)
		return;
	struct lease_boot boot = {
		.record = n->has_record ? &n->record : NULL,
		.active_until_us = n->element_clock_us,
		.seed = sim_random(sim_dice(w->sim)),
	};
	lease_init(&n->lease, &config, &boot, now);
	lease_set_fit(&n->lease, now, n->is_fit, &out);
	carry_out(w, node, &out);
}

// ---- the world ----

int world_init(struct world *w, uint64_t seed, size_t n_members, size_t n_voters)
{
	static const struct sim_hooks hooks = {
		.receive = receive, .timer = timer, .start = start, .check = check
	};
	*w = (struct world){ .n_nodes = (unsigned)n_voters, .save_us = 20000, .slop_us = 49000 };
	w->sim = sim_new(seed, &hooks, w);
	if (!w->sim)
		return -ENOMEM;
	lease_config_init(&w->config);
	w->config.group = 7;
	w->config.n_members = n_members;
	w->config.n_voters = n_voters;
	struct sim_random *dice = sim_dice(w->sim);
	for (unsigned i = 0; i < w->n_nodes; i++) {
		w->config.voters[i] = i + 1;
		w->nodes[i].is_fit = true;
		(void)sim_add_node(w->sim);
		sim_set_clock(w->sim, i, sim_between(dice, 1, 600000000),
			      (int32_t)sim_between(dice, -1000, 1000));
	}
	const struct sim_line line = { .delay_us = 500, .jitter_us = 1000 };
	for (unsigned a = 0; a < w->n_nodes; a++) {
		for (unsigned b = a + 1; b < w->n_nodes; b++)
			(void)sim_add_link(w->sim, a, b, &line);
	}
	return 0;
}

void world_done(struct world *w)
{
	sim_free(w->sim);
	w->sim = NULL;
}

void world_run(struct world *w, int64_t us)
{
	// In steps, so that a breach is not buried under what follows it.
	int64_t end = sim_now(w->sim) + us;
	while (!w->breach[0] && sim_now(w->sim) < end) {
		int64_t step = sim_now(w->sim) + 100000;
		sim_run(w->sim, step < end ? step : end);
	}
}

void world_cut(struct world *w, unsigned a, unsigned b, bool is_cut)
{
	sim_line(w->sim, world_link(w, a, b), a)->is_cut = is_cut;
	sim_line(w->sim, world_link(w, a, b), b)->is_cut = is_cut;
}

void world_kill(struct world *w, unsigned node)
{
	struct world_node *n = &w->nodes[node];
	// What was being saved is on the disk or not.
	if (n->token && n->save_succeeds && sim_chance(sim_dice(w->sim), 500))
		keep_record(n);
	sim_crash(w->sim, node);
}

void world_power_off(struct world *w, unsigned node)
{
	world_kill(w, node);
	w->nodes[node].element_clock_us = 0;
}

static void apply_config(struct world *w, unsigned node, const struct lease_config *config)
{
	struct world_node *n = &w->nodes[node];
	struct lease_config own;
	struct lease_out out = { .n = 0 };
	bool is_voter = config_of(config, node, &own);
	if (!n->is_voter) {
		start(w, node);
		return;
	}
	if (!is_voter) {
		// As a group that is no longer the agent's: what it has is given back.
		lease_set_fit(&n->lease, sim_clock(w->sim, node), false, &out);
		carry_out(w, node, &out);
		n->is_voter = false;
		return;
	}
	lease_reconfigure(&n->lease, &own, sim_clock(w->sim, node), &out);
	carry_out(w, node, &out);
}

void world_set_fit(struct world *w, unsigned node, bool is_fit)
{
	struct world_node *n = &w->nodes[node];
	struct lease_out out = { .n = 0 };
	n->is_fit = is_fit;
	if (!sim_runs(w->sim, node) || !n->is_voter)
		return;
	lease_set_fit(&n->lease, sim_clock(w->sim, node), is_fit, &out);
	carry_out(w, node, &out);
}

void world_continue(struct world *w, unsigned node)
{
	struct world_node *n = &w->nodes[node];
	sim_continue(w->sim, node);
	if (n->has_next)
		apply_config(w, node, &n->next);
	n->has_next = false;
	world_set_fit(w, node, n->is_fit);
}

void world_prepare_restart(struct world *w, unsigned node, int64_t span_us)
{
	struct world_node *n = &w->nodes[node];
	struct lease_out out = { .n = 0 };
	n->is_long = false;
	(void)lease_prepare_restart(&n->lease, sim_clock(w->sim, node), span_us);
	carry_out(w, node, &out);
}

static void take_config(void *user, uint64_t node)
{
	struct world *w = user;
	apply_config(w, (unsigned)node, &w->config);
}

void world_reconfigure_within(struct world *w, const struct lease_config *config, int64_t us)
{
	w->config = *config;
	for (unsigned i = 0; i < w->n_nodes; i++)
		sim_at(w->sim, sim_now(w->sim) + up_to(w, us), take_config, i);
}

void world_reconfigure(struct world *w, const struct lease_config *config)
{
	w->config = *config;
	for (unsigned i = 0; i < w->n_nodes; i++) {
		if (sim_runs(w->sim, i)) {
			apply_config(w, i, config);
		} else if (!sim_is_crashed(w->sim, i)) {
			w->nodes[i].next = *config;
			w->nodes[i].has_next = true;
		}
	}
}
