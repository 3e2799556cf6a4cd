#include "sim/sim.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"

enum {
	SOCKET_BUFFER = 256, // messages that wait for a stopped node
	NO_EVENT = UINT32_MAX,
};

enum event_kind { EVENT_MESSAGE, EVENT_TIMER, EVENT_ACT };

struct event {
	enum event_kind kind;
	unsigned node;
	unsigned which;      // link or timer
	uint32_t generation; // of the node's life or of the timer's setting
	uint32_t next;       // free list, or what waits for a stopped node
	size_t len;
	uint8_t bytes[SIM_MESSAGE_MAX];
	void (*act)(void *user, uint64_t arg);
	uint64_t arg;
};

// By time, then by order of making, so that a run is repeated exactly.
struct slot {
	int64_t at_us;
	uint64_t order;
	uint32_t event;
};

struct node {
	bool is_started, is_crashed, is_stopped;
	uint32_t life;
	uint32_t timer_generation[SIM_TIMERS];
	int64_t base_true_us, base_clock_us;
	int32_t drift_ppm;
	uint32_t waiting, waiting_last; // events, while stopped
	unsigned waiting_messages;
};

struct link {
	unsigned end[2];
	struct sim_line line[2]; // from end 0, from end 1
};

struct sim {
	struct sim_random random;
	struct sim_hooks hooks;
	void *user;
	int64_t now_us;
	uint64_t order;
	uint64_t acts;
	struct node nodes[SIM_NODES];
	struct link links[SIM_LINKS];
	unsigned node_count, link_count;
	struct slot *heap;
	size_t heap_count, heap_room;
	struct event *events;
	size_t event_room;
	uint32_t free_event;
};

// ---- randomness ----

// splitmix64: every seed is a good one.
uint64_t sim_random(struct sim_random *r)
{
	uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint64_t sim_below(struct sim_random *r, uint64_t below)
{
	return below ? sim_random(r) % below : 0;
}

int64_t sim_between(struct sim_random *r, int64_t least, int64_t most)
{
	return least + (int64_t)sim_below(r, (uint64_t)(most - least) + 1);
}

bool sim_chance(struct sim_random *r, uint32_t permille)
{
	return sim_below(r, 1000) < permille;
}

// ---- making ----

struct sim *sim_new(uint64_t seed, const struct sim_hooks *hooks, void *user)
{
	struct sim *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->random.state = seed;
	s->hooks = *hooks;
	s->user = user;
	s->free_event = NO_EVENT;
	return s;
}

void sim_free(struct sim *s)
{
	if (!s)
		return;
	free(s->heap);
	free(s->events);
	free(s);
}

struct sim_random *sim_dice(struct sim *s)
{
	return &s->random;
}

unsigned sim_add_node(struct sim *s)
{
	assert(s->node_count < SIM_NODES);
	s->nodes[s->node_count].waiting = NO_EVENT;
	return s->node_count++;
}

unsigned sim_add_link(struct sim *s, unsigned a, unsigned b, const struct sim_line *line)
{
	assert(s->link_count < SIM_LINKS && a < s->node_count && b < s->node_count);
	s->links[s->link_count] = (struct link){ { a, b }, { *line, *line } };
	return s->link_count++;
}

unsigned sim_nodes(const struct sim *s)
{
	return s->node_count;
}

unsigned sim_links(const struct sim *s)
{
	return s->link_count;
}

unsigned sim_far_end(const struct sim *s, unsigned link, unsigned node)
{
	return s->links[link].end[s->links[link].end[0] == node];
}

bool sim_is_end(const struct sim *s, unsigned link, unsigned node)
{
	return s->links[link].end[0] == node || s->links[link].end[1] == node;
}

struct sim_line *sim_line(struct sim *s, unsigned link, unsigned node)
{
	return &s->links[link].line[s->links[link].end[0] != node];
}

// ---- the queue ----

static void *grown(void *array, size_t *room, size_t size)
{
	size_t more = *room ? *room * 2 : 256;
	void *bigger = realloc(array, more * size);

	if (!bigger)
		abort();
	*room = more;
	return bigger;
}

static uint32_t take_event(struct sim *s)
{
	if (s->free_event == NO_EVENT) {
		size_t had = s->event_room;

		s->events = grown(s->events, &s->event_room, sizeof(*s->events));
		for (size_t i = had; i < s->event_room; i++) {
			s->events[i].next = s->free_event;
			s->free_event = (uint32_t)i;
		}
	}
	uint32_t at = s->free_event;

	s->free_event = s->events[at].next;
	return at;
}

static void give_event(struct sim *s, uint32_t event)
{
	s->events[event].next = s->free_event;
	s->free_event = event;
}

static bool is_before(const struct slot *a, const struct slot *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

static void push(struct sim *s, int64_t at_us, uint32_t event)
{
	if (s->heap_count == s->heap_room)
		s->heap = grown(s->heap, &s->heap_room, sizeof(*s->heap));
	struct slot slot = { at_us > s->now_us ? at_us : s->now_us, s->order++, event };
	size_t at = s->heap_count++;

	for (; at > 0 && is_before(&slot, &s->heap[(at - 1) / 2]); at = (at - 1) / 2)
		s->heap[at] = s->heap[(at - 1) / 2];
	s->heap[at] = slot;
}

static struct slot pop(struct sim *s)
{
	struct slot first = s->heap[0], last = s->heap[--s->heap_count];
	size_t at = 0;

	for (size_t child = 1; child < s->heap_count; child = 2 * at + 1) {
		if (child + 1 < s->heap_count && is_before(&s->heap[child + 1], &s->heap[child]))
			child++;
		if (!is_before(&s->heap[child], &last))
			break;
		s->heap[at] = s->heap[child];
		at = child;
	}
	s->heap[at] = last;
	return first;
}

// ---- clocks ----

int64_t sim_now(const struct sim *s)
{
	return s->now_us;
}

int64_t sim_clock(const struct sim *s, unsigned node)
{
	const struct node *n = &s->nodes[node];
	int64_t passed = s->now_us - n->base_true_us;

	return n->base_clock_us + passed + passed / 1000000 * n->drift_ppm +
	       passed % 1000000 * n->drift_ppm / 1000000;
}

void sim_set_clock(struct sim *s, unsigned node, int64_t clock_us, int32_t drift_ppm)
{
	struct node *n = &s->nodes[node];

	assert(!n->is_started || clock_us >= sim_clock(s, node));
	n->base_true_us = s->now_us;
	n->base_clock_us = clock_us;
	n->drift_ppm = drift_ppm;
}

// ---- sending and waiting ----

void sim_send(struct sim *s, unsigned node, unsigned link, const void *bytes, size_t len)
{
	const struct sim_line *line = sim_line(s, link, node);
	unsigned to = sim_far_end(s, link, node);
	int copies = 1 + sim_chance(&s->random, line->repeat_permille);

	assert(len <= SIM_MESSAGE_MAX && sim_is_end(s, link, node));
	for (; copies > 0; copies--) {
		int64_t delay = line->delay_us + sim_between(&s->random, 0, line->jitter_us);
		bool is_lost = sim_chance(&s->random, line->loss_permille);

		if (is_lost || line->is_cut || s->nodes[node].is_crashed)
			continue;
		uint32_t at = take_event(s);
		struct event *e = &s->events[at];

		e->kind = EVENT_MESSAGE;
		e->node = to;
		e->which = link;
		e->generation = s->nodes[to].life;
		e->len = len;
		memcpy(e->bytes, bytes, len);
		push(s, s->now_us + delay, at);
	}
}

void sim_set_timer(struct sim *s, unsigned node, unsigned timer, int64_t clock_us)
{
	struct node *n = &s->nodes[node];

	assert(timer < SIM_TIMERS);
	n->timer_generation[timer]++;
	if (clock_us == INT64_MAX)
		return;
	uint32_t at = take_event(s);
	struct event *e = &s->events[at];
	int64_t wait = clock_us - sim_clock(s, node);

	e->kind = EVENT_TIMER;
	e->node = node;
	e->which = timer;
	e->generation = n->timer_generation[timer];
	// A clock that runs fast needs less true time; one microsecond more than needed, never
	// less.
	wait = wait > 0 ? wait - wait / 1000000 * n->drift_ppm + 1 : 0;
	push(s, s->now_us + wait, at);
}

void sim_at(struct sim *s, int64_t at_us, void (*act)(void *user, uint64_t arg), uint64_t arg)
{
	uint32_t at = take_event(s);

	s->events[at].kind = EVENT_ACT;
	s->events[at].act = act;
	s->events[at].arg = arg;
	push(s, at_us, at);
}

uint64_t sim_acts(const struct sim *s)
{
	return s->acts;
}

// ---- running ----

static void start(struct sim *s, unsigned node)
{
	s->nodes[node].is_started = true;
	if (s->hooks.start)
		s->hooks.start(s->user, node);
}

static void wait_for_node(struct sim *s, struct node *n, uint32_t event)
{
	if (s->events[event].kind == EVENT_MESSAGE && n->waiting_messages++ >= SOCKET_BUFFER) {
		give_event(s, event);
		return;
	}
	s->events[event].next = NO_EVENT;
	if (n->waiting == NO_EVENT)
		n->waiting = event;
	else
		s->events[n->waiting_last].next = event;
	n->waiting_last = event;
}

static void deliver(struct sim *s, const struct event *e)
{
	const struct node *n = &s->nodes[e->node];

	if (e->kind == EVENT_ACT) {
		s->acts++;
		e->act(s->user, e->arg);
	} else if (n->is_crashed) {
		return;
	} else if (e->kind == EVENT_MESSAGE) {
		if (e->generation == n->life && s->hooks.receive)
			s->hooks.receive(s->user, e->node, e->which, e->bytes, e->len);
	} else if (e->generation == n->timer_generation[e->which] && s->hooks.timer) {
		s->hooks.timer(s->user, e->node, e->which);
	}
}

void sim_run(struct sim *s, int64_t until_us)
{
	for (unsigned i = 0; i < s->node_count; i++) {
		if (!s->nodes[i].is_started)
			start(s, i);
	}
	while (s->heap_count && s->heap[0].at_us <= until_us) {
		struct slot slot = pop(s);
		struct event e = s->events[slot.event];

		s->now_us = slot.at_us;
		if (e.kind != EVENT_ACT && s->nodes[e.node].is_stopped) {
			wait_for_node(s, &s->nodes[e.node], slot.event);
			continue;
		}
		give_event(s, slot.event);
		deliver(s, &e);
		if (s->hooks.check)
			s->hooks.check(s->user);
	}
	s->now_us = until_us;
}

// ---- faults ----

static void forget_waiting(struct sim *s, struct node *n, bool is_kept)
{
	uint32_t next;

	for (uint32_t at = n->waiting; at != NO_EVENT; at = next) {
		next = s->events[at].next;
		if (is_kept)
			push(s, s->now_us, at);
		else
			give_event(s, at);
	}
	n->waiting = NO_EVENT;
	n->waiting_messages = 0;
}

void sim_crash(struct sim *s, unsigned node)
{
	struct node *n = &s->nodes[node];

	forget_waiting(s, n, false);
	n->is_crashed = true;
	n->is_stopped = false;
	n->life++;
	for (int i = 0; i < SIM_TIMERS; i++)
		n->timer_generation[i]++;
}

void sim_restart(struct sim *s, unsigned node)
{
	if (!s->nodes[node].is_crashed)
		return;
	s->nodes[node].is_crashed = false;
	// What arrived while it was away was for nobody.
	s->nodes[node].life++;
	start(s, node);
}

void sim_stop(struct sim *s, unsigned node)
{
	s->nodes[node].is_stopped = !s->nodes[node].is_crashed;
}

void sim_continue(struct sim *s, unsigned node)
{
	s->nodes[node].is_stopped = false;
	forget_waiting(s, &s->nodes[node], true);
}

bool sim_runs(const struct sim *s, unsigned node)
{
	return !s->nodes[node].is_crashed && !s->nodes[node].is_stopped;
}

bool sim_is_crashed(const struct sim *s, unsigned node)
{
	return s->nodes[node].is_crashed;
}
