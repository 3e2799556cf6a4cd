#include "bridge/tree.h"

#include <errno.h>
#include <linux/if_bridge.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#include "bridge/tree_inside.h"

// How long a topology change is shown: as long as it is told to the others.
#define CHANGING_US (2 * INT64_C(1000000))

static struct wire *wire_of(struct segment *s, const char *device)
{
	for (size_t i = 0; i < RSTP_PORTS_MAX; i++)
		if (s->wires[i].is_used && strcmp(s->wires[i].device, device) == 0)
			return &s->wires[i];
	return NULL;
}

// --- what a machine wants

static void note_changes(struct segment *s)
{
	struct rstp_view view;

	rstp_look(s->machine, &view);
	if (view.topology_changes != s->changes)
		s->changed_us = tree_now_us();
	s->changes = view.topology_changes;
}

void segment_act(struct segment *s)
{
	const bool is_news = rstp_wants_saving(s->machine);
	struct rstp_action a;

	if (is_news)
		saved_write(s->tree);
	while (rstp_take(s->machine, &a)) {
		struct wire *w = &s->wires[a.port];

		if (a.kind == RSTP_SET_STATE)
			wire_set_state(w, a.state);
		else if (a.kind == RSTP_FLUSH)
			wire_flush(w);
		else if (w->socket)
			wire_socket_send(w->socket, &a.bpdu);
	}
	// What is done must not be done again by the next agent.
	if (is_news)
		saved_write(s->tree);
	note_changes(s);
}

void wire_heard(void *context, const struct bpdu *bpdu)
{
	struct wire *w = context;
	struct segment *s = w->segment;

	rstp_receive(s->machine, (unsigned)(w - s->wires), bpdu, tree_now_us());
	segment_act(s);
	tree_schedule(s->tree);
}

static void on_due(uv_timer_t *timer)
{
	struct tree *tree = timer->data;

	for (struct segment *s = tree->segments; s; s = s->next) {
		rstp_tick(s->machine, tree_now_us());
		segment_act(s);
	}
	tree_schedule(tree);
}

void tree_schedule(struct tree *tree)
{
	const int64_t now = tree_now_us();
	int64_t due = RSTP_NEVER;

	for (const struct segment *s = tree->segments; s; s = s->next) {
		const int64_t at = rstp_due(s->machine);

		due = at < due ? at : due;
	}
	if (due == RSTP_NEVER) {
		(void)uv_timer_stop(&tree->timer);
		return;
	}
	// A millisecond late rather than early: the loop's own time lags behind.
	uv_update_time(tree->config.loop);
	(void)uv_timer_start(&tree->timer, on_due, due > now ? (uint64_t)(due - now) / 1000 + 1 : 0,
			     0);
}

// --- from outside

void tree_look(struct tree *tree)
{
	CLEAN(kernel_snapshot_done) struct kernel_snapshot seen = { 0 };
	struct err err = { 0 };

	if (!tree->segments)
		return;
	if (kernel_dump_links(tree->config.kernel, &seen, &err) < 0) {
		log_warn("spanning tree: %s", err.text);
		return;
	}
	for (struct segment *s = tree->segments; s; s = s->next)
		segment_look(s, &seen);
	tree_schedule(tree);
}

void tree_link(struct tree *tree, const char *link, bool is_up)
{
	bool any = false;

	for (struct segment *s = tree->segments; s; s = s->next)
		for (size_t i = 0; i < RSTP_PORTS_MAX; i++) {
			struct wire *w = &s->wires[i];

			if (!w->is_used || strcmp(w->link, link) != 0 || w->is_doubted == !is_up)
				continue;
			wire_doubt(w, !is_up);
			any = true;
		}
	if (any)
		tree_look(tree);
}

void tree_wire(struct tree *tree, const char *device, bool forwards)
{
	for (struct segment *s = tree->segments; s; s = s->next)
		for (size_t i = 0; i < RSTP_PORTS_MAX; i++) {
			struct wire *w = &s->wires[i];

			if (!w->is_used || strcmp(w->device, device) != 0 ||
			    w->is_dead == !forwards)
				continue;
			w->is_dead = !forwards;
			tree_look(tree);
			return;
		}
}

static void overlay_bridge(const struct segment *s, struct kernel_bridge *b)
{
	struct rstp_view view;

	rstp_look(s->machine, &view);
	memcpy(b->root_id, view.root.bytes, sizeof b->root_id);
	b->root_cost = view.root_cost;
	b->root_port = (uint16_t)(view.root_port + 1);
	b->hello_time = (uint32_t)(view.times.hello / 10000);
	b->max_age = (uint32_t)(view.times.max_age / 10000);
	b->forward_delay = (uint32_t)(view.times.forward_delay / 10000);
	b->topology_change = s->changed_us && tree_now_us() - s->changed_us < CHANGING_US;
}

static void overlay_port(const struct segment *s, const struct wire *w, struct kernel_port *p)
{
	const unsigned number = (unsigned)(w - s->wires);
	struct rstp_port_view view;

	rstp_port_look(s->machine, number, &view);
	if (view.role == RSTP_DISABLED)
		p->state = BR_STATE_DISABLED;
	else if (p->state == BR_STATE_LISTENING)
		p->state = BR_STATE_BLOCKING;
	p->id = view.id;
	p->cost = w->cost.value;
	p->is_measuring = w->is_measuring;
	p->is_measured = w->cost.is_measured;
	p->rtt_us = w->cost.rtt_us;
	p->loss_ppm = w->cost.loss_ppm;
	p->number = (uint16_t)(number + 1);
	p->designated_port = view.priority.port;
	p->designated_cost = view.priority.cost;
	memcpy(p->designated_root, view.priority.root.bytes, sizeof p->designated_root);
	memcpy(p->designated_bridge, view.priority.bridge.bytes, sizeof p->designated_bridge);
}

void tree_overlay(const struct tree *tree, struct kernel_link *link)
{
	for (struct segment *s = tree->segments; s; s = s->next) {
		const struct wire *w = wire_of(s, link->name);

		if (strcmp(s->device, link->name) == 0)
			overlay_bridge(s, &link->bridge);
		else if (w)
			overlay_port(s, w, &link->port);
	}
}

// --- life

int tree_new(const struct tree_config *config, struct tree **ret, struct err *err)
{
	struct tree *tree = calloc(1, sizeof *tree);

	if (!tree)
		return err_set(err, -ENOMEM, "out of memory");
	tree->config = *config;
	(void)uv_timer_init(config->loop, &tree->timer);
	tree->timer.data = tree;
	doubts_start(tree);
	*ret = tree;
	return 0;
}

void segment_free(struct segment *s)
{
	for (size_t i = 0; i < RSTP_PORTS_MAX; i++) {
		wire_forget(&s->wires[i]);
		wire_close(&s->wires[i]);
	}
	rstp_free(s->machine);
	free(s);
}

static void on_timer_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void on_doubts_closed(uv_handle_t *handle)
{
	struct tree *tree = handle->data;

	uv_close((uv_handle_t *)&tree->timer, on_timer_closed);
}

void tree_close(struct tree *tree)
{
	if (!tree)
		return;
	for (struct segment *s; (s = tree->segments);) {
		tree->segments = s->next;
		segment_free(s);
	}
	(void)uv_timer_stop(&tree->timer);
	uv_close((uv_handle_t *)&tree->doubts, on_doubts_closed);
}
