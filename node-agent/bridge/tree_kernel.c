// The trees and the kernel: which wires are there and up, and that each port is as its machine
// says.
#include <linux/if_bridge.h>
#include <string.h>

#include "base/log.h"

#include "bridge/tree_inside.h"

// Of a closed port: the kernel, without a tree of its own, opens whatever is blocked.
static uint8_t kernel_state_of(enum rstp_state state)
{
	static const uint8_t states[] = { [RSTP_DISCARDING] = BR_STATE_LISTENING,
					  [RSTP_LEARNING] = BR_STATE_LEARNING,
					  [RSTP_FORWARDING] = BR_STATE_FORWARDING };

	return states[state];
}

void wire_set_state(struct wire *w, enum rstp_state state)
{
	const struct kernel_link_change c = { .fields = KERNEL_LINK_PORT_STATE,
					      .port.state = kernel_state_of(state) };
	struct rstp_port_view view;
	struct err err = { 0 };

	// One that is not there carries nothing.
	if (!w->index || w->kernel_state == c.port.state)
		return;
	if (kernel_link_change(w->segment->tree->config.kernel, w->device, &c, &err) < 0) {
		log_warn("spanning tree: %s cannot be made %s: %s", w->device,
			 rstp_state_name(state), err.text);
		return;
	}
	w->kernel_state = c.port.state;
	rstp_port_look(w->segment->machine, (unsigned)(w - w->segment->wires), &view);
	log_info("spanning tree: %s, to %s, is %s (%s port)", w->device, w->link,
		 rstp_state_name(state), rstp_role_name(view.role));
}

void wire_flush(struct wire *w)
{
	const struct kernel_link_change c = { .fields = KERNEL_LINK_PORT_FLUSH };

	if (w->index)
		(void)kernel_link_change(w->segment->tree->config.kernel, w->device, &c, NULL);
}

void wire_close(struct wire *w)
{
	wire_socket_close(w->socket);
	w->socket = NULL;
	w->index = 0;
}

static const struct kernel_link *find_port(const struct segment *s, const struct wire *w,
					   const struct kernel_snapshot *seen)
{
	const struct kernel_link *link = kernel_snapshot_link(seen, w->device);

	return link && link->is_port && strcmp(link->master, s->device) == 0 ? link : NULL;
}

// A device made anew under the same name is another wire.
static void look_at_wire(struct segment *s, struct wire *w, const struct kernel_link *link)
{
	const unsigned port = (unsigned)(w - s->wires);
	struct err err = { 0 };

	if (w->index && (!link || link->index != w->index)) {
		wire_close(w);
		rstp_port_up(s->machine, port, false, tree_now_us());
	}
	if (!link)
		return;
	w->kernel_state = link->port.state;
	if (!w->index && wire_socket_open(s->tree->config.loop, link->index, link->mac, wire_heard,
					  w, &w->socket, &err) < 0) {
		log_warn("spanning tree: %s: %s", w->device, err.text);
		return;
	}
	w->index = link->index;
	rstp_port_up(s->machine, port,
		     (link->flags & IFF_UP) && (link->flags & IFF_RUNNING) && !w->is_link_down &&
			     !w->is_dead,
		     tree_now_us());
}

// What somebody else changed is changed back, first what has to be closed.
static void set_states(struct segment *s, bool is_closing)
{
	for (unsigned i = 0; i < RSTP_PORTS_MAX; i++) {
		struct wire *w = &s->wires[i];
		struct rstp_port_view view;

		if (!w->is_used || !w->index)
			continue;
		rstp_port_look(s->machine, i, &view);
		if ((view.state == RSTP_DISCARDING) == is_closing &&
		    w->kernel_state != BR_STATE_DISABLED)
			wire_set_state(w, view.state);
	}
}

void segment_look(struct segment *s, const struct kernel_snapshot *seen)
{
	for (unsigned i = 0; i < RSTP_PORTS_MAX; i++)
		if (s->wires[i].is_used)
			look_at_wire(s, &s->wires[i], find_port(s, &s->wires[i], seen));
	set_states(s, true);
	segment_act(s);
	set_states(s, false);
}
