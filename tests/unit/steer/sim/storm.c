#include "sim/storm.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIDES = 2 };

struct fault {
	struct storm *storm;
	enum storm_kind kind;
	int64_t begin_us, end_us;
	unsigned which; // link or node
	unsigned sides; // bit 0: from its first end on, bit 1: from the other
	uint64_t nodes; // of a partition: one side
	int64_t amount; // permille, us or ppm
	bool is_on;
};

struct storm {
	struct sim *sim;
	unsigned count;
	bool is_link_busy[SIM_LINKS], is_node_busy[SIM_NODES];
	struct sim_line before[SIM_LINKS][SIDES];
	struct fault faults[];
};

static const char *const kind_names[] = {
	[STORM_CUT] = "cut",     [STORM_ONE_WAY] = "one-way", [STORM_LOSS] = "loss",
	[STORM_DELAY] = "delay", [STORM_REORDER] = "reorder", [STORM_PARTITION] = "partition",
	[STORM_CRASH] = "crash", [STORM_STOP] = "stop",       [STORM_DRIFT] = "drift",
};

static bool is_of_node(enum storm_kind kind)
{
	return kind == STORM_CRASH || kind == STORM_STOP || kind == STORM_DRIFT;
}

// Does the fault touch this link?
static bool touches(const struct fault *f, unsigned link)
{
	const struct sim *s = f->storm->sim;

	if (f->kind != STORM_PARTITION)
		return !is_of_node(f->kind) && f->which == link;
	for (unsigned n = 0; n < sim_nodes(s); n++) {
		if (sim_is_end(s, link, n))
			return (f->nodes >> n & 1) != (f->nodes >> sim_far_end(s, link, n) & 1);
	}
	return false;
}

static unsigned first_end(const struct sim *s, unsigned link)
{
	unsigned node = 0;

	while (!sim_is_end(s, link, node))
		node++;
	return node;
}

static struct sim_line *line_of(struct storm *storm, unsigned link, unsigned side)
{
	unsigned node = first_end(storm->sim, link);

	return sim_line(storm->sim, link, side ? sim_far_end(storm->sim, link, node) : node);
}

// ---- on and off ----

static void spoil_line(const struct fault *f, struct sim_line *line)
{
	if (f->kind == STORM_LOSS)
		line->loss_permille = (uint32_t)f->amount;
	else if (f->kind == STORM_DELAY)
		line->delay_us += f->amount;
	else if (f->kind == STORM_REORDER) {
		line->jitter_us += f->amount;
		line->repeat_permille = 300;
	} else {
		line->is_cut = true;
	}
}

static void spoil_links(struct fault *f, bool is_on)
{
	struct storm *storm = f->storm;

	for (unsigned link = 0; link < sim_links(storm->sim); link++) {
		if (!touches(f, link))
			continue;
		storm->is_link_busy[link] = is_on;
		for (unsigned side = 0; side < SIDES; side++) {
			struct sim_line *line = line_of(storm, link, side);

			if (!is_on) {
				*line = storm->before[link][side];
				continue;
			}
			storm->before[link][side] = *line;
			if (f->sides >> side & 1)
				spoil_line(f, line);
		}
	}
}

static void spoil_node(struct fault *f, bool is_on)
{
	struct sim *s = f->storm->sim;

	f->storm->is_node_busy[f->which] = is_on;
	if (f->kind == STORM_DRIFT)
		sim_set_clock(s, f->which, sim_clock(s, f->which), is_on ? (int32_t)f->amount : 0);
	else if (f->kind == STORM_CRASH)
		is_on ? sim_crash(s, f->which) : sim_restart(s, f->which);
	else
		is_on ? sim_stop(s, f->which) : sim_continue(s, f->which);
}

static bool is_free(const struct fault *f)
{
	const struct storm *storm = f->storm;
	bool is_any_touched = false;

	if (is_of_node(f->kind))
		return !storm->is_node_busy[f->which];
	for (unsigned link = 0; link < sim_links(storm->sim); link++) {
		if (!touches(f, link))
			continue;
		is_any_touched = true;
		if (storm->is_link_busy[link])
			return false;
	}
	return is_any_touched;
}

static void begin(void *user, uint64_t arg)
{
	struct fault *f = (struct fault *)(uintptr_t)arg;

	(void)user;
	f->is_on = is_free(f);
	if (f->is_on)
		is_of_node(f->kind) ? spoil_node(f, true) : spoil_links(f, true);
}

static void end(void *user, uint64_t arg)
{
	struct fault *f = (struct fault *)(uintptr_t)arg;

	(void)user;
	if (f->is_on)
		is_of_node(f->kind) ? spoil_node(f, false) : spoil_links(f, false);
}

// ---- the schedule ----

static enum storm_kind draw_kind(struct sim_random *dice, const struct storm_plan *plan)
{
	uint64_t sum = 0;

	for (int k = 0; k < STORM_KINDS; k++)
		sum += plan->weight[k];
	uint64_t drawn = sim_below(dice, sum);
	int kind = 0;

	for (; kind < STORM_KINDS - 1 && drawn >= plan->weight[kind]; kind++)
		drawn -= plan->weight[kind];
	return (enum storm_kind)kind;
}

static int64_t draw_amount(struct sim_random *dice, enum storm_kind kind)
{
	if (kind == STORM_LOSS)
		return sim_between(dice, 50, 1000);
	if (kind == STORM_DELAY)
		return sim_chance(dice, 200) ? 6000000 : sim_between(dice, 10000, 500000);
	if (kind == STORM_REORDER)
		return sim_between(dice, 5000, 400000);
	return sim_between(dice, -500, 500);
}

static void draw(struct storm *storm, struct fault *f, const struct storm_plan *plan)
{
	struct sim *s = storm->sim;
	struct sim_random *dice = sim_dice(s);
	enum storm_kind kind = draw_kind(dice, plan);
	int64_t room_us = plan->until_us - plan->from_us;
	int64_t lasts =
		sim_between(dice, 0, plan->longest_us < room_us ? plan->longest_us : room_us);

	f->storm = storm;
	f->kind = kind;
	f->begin_us = sim_between(dice, plan->from_us, plan->until_us - lasts);
	f->end_us = f->begin_us + lasts;
	f->which = (unsigned)sim_below(dice, is_of_node(kind) ? sim_nodes(s) : sim_links(s));
	f->nodes = sim_random(dice);
	f->amount = draw_amount(dice, kind);
	f->sides = 3;
	if (kind == STORM_ONE_WAY ||
	    ((kind == STORM_LOSS || kind == STORM_DELAY) && sim_chance(dice, 500)))
		f->sides = sim_chance(dice, 500) ? 1 : 2;
}

struct storm *storm_new(struct sim *s, const struct storm_plan *plan)
{
	struct storm *storm = calloc(1, sizeof(*storm) + plan->faults * sizeof(struct fault));

	if (!storm)
		return NULL;
	storm->sim = s;
	storm->count = plan->faults;
	for (unsigned i = 0; i < storm->count; i++) {
		struct fault *f = &storm->faults[i];

		draw(storm, f, plan);
		sim_at(s, f->begin_us, begin, (uint64_t)(uintptr_t)f);
		sim_at(s, f->end_us, end, (uint64_t)(uintptr_t)f);
	}
	return storm;
}

void storm_free(struct storm *storm)
{
	free(storm);
}

static int tell_fault(const struct fault *f, char *ret, size_t size)
{
	static const char *const sides[] = { "", " there", " back", "" };
	const struct sim *s = f->storm->sim;
	int len = snprintf(ret, size, "%8.3f..%.3f s %s", (double)f->begin_us / 1e6,
			   (double)f->end_us / 1e6, kind_names[f->kind]);
	char *at = ret + (len < (int)size ? len : (int)size - 1);
	size_t left = size - (size_t)(at - ret);

	if (f->kind == STORM_PARTITION)
		return len + snprintf(at, left, " of nodes %#" PRIx64 "\n",
				      f->nodes & ((UINT64_C(1) << sim_nodes(s)) - 1));
	if (is_of_node(f->kind))
		return len + snprintf(at, left, " node %u (%" PRId64 ")\n", f->which, f->amount);
	unsigned node = first_end(s, f->which);

	return len + snprintf(at, left, " link %u (%u-%u)%s (%" PRId64 ")\n", f->which, node,
			      sim_far_end(s, f->which, node), sides[f->sides], f->amount);
}

void storm_tell(const struct storm *storm, char *ret, size_t size)
{
	size_t used = 0;

	ret[0] = '\0';
	for (unsigned i = 0; i < storm->count && used + 1 < size; i++)
		used += (size_t)tell_fault(&storm->faults[i], ret + used, size - used);
}
