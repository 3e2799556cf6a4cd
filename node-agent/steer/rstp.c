#include "steer/rstp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "steer/rstp_inside.h"

enum { STEPS_MAX = 2000 }; // of one event; far more than 64 ports ever took

struct rstp_port *rstp_next_port(struct rstp *b, unsigned *at)
{
	while (*at < RSTP_PORTS_MAX)
		if (b->ports[(*at)++].is_used)
			return &b->ports[*at - 1];
	return NULL;
}

static bool wants_selection(struct rstp *b)
{
	const struct rstp_port *p;

	for (unsigned i = 0; (p = rstp_next_port(b, &i));)
		if (p->reselect)
			return true;
	return false;
}

static bool step(struct rstp *b, int64_t now)
{
	struct rstp_port *p;
	bool changed = false;

	for (unsigned i = 0; (p = rstp_next_port(b, &i));)
		changed = information_step(b, p, now) || changed;
	if (wants_selection(b)) {
		selection_run(b);
		return true;
	}
	changed = promise_run(b) || changed;
	for (unsigned i = 0; (p = rstp_next_port(b, &i));) {
		changed = transition_step(b, p, now) || changed;
		changed = topology_step(b, p, now) || changed;
	}
	return changed;
}

// Runs all machines until none has anything to do.
static void settle(struct rstp *b, int64_t now)
{
	struct rstp_port *p;

	b->ran = now;
	// Whatever is left is done at the next event.
	for (int i = 0; i < STEPS_MAX && step(b, now); i++)
		;
	for (unsigned i = 0; (p = rstp_next_port(b, &i));)
		transmit_run(b, p, now);
}

static void take_config(struct rstp *b, const struct rstp_config *config)
{
	b->config = *config;
	if (!b->config.tx_hold)
		b->config.tx_hold = TX_HOLD_DEFAULT;
}

int rstp_new(const struct rstp_config *config, struct rstp **ret, struct err *err)
{
	struct rstp *b = calloc(1, sizeof *b);

	if (!b)
		return err_set(err, -ENOMEM, "out of memory");
	take_config(b, config);
	b->next_session = config->session ? config->session : 1;
	selection_run(b);
	*ret = b;
	return 0;
}

void rstp_free(struct rstp *b)
{
	free(b);
}

static void reselect(struct rstp *b)
{
	struct rstp_port *p;

	for (unsigned i = 0; (p = rstp_next_port(b, &i));)
		p->reselect = true;
}

void rstp_configure(struct rstp *b, const struct rstp_config *config, int64_t now_us)
{
	take_config(b, config);
	reselect(b);
	settle(b, now_us);
}

void rstp_port_set(struct rstp *b, unsigned port, const struct rstp_port_config *config,
		   int64_t now_us)
{
	struct rstp_port *p = &b->ports[port];

	if (!p->is_used) {
		*p = (struct rstp_port){ .is_used = true };
		information_disable(p);
	}
	p->id = config->id;
	p->cost = config->cost;
	p->reselect = true;
	settle(b, now_us);
}

void rstp_port_drop(struct rstp *b, unsigned port, int64_t now_us)
{
	struct rstp_port *p = &b->ports[port];

	if (!p->is_used)
		return;
	*p = (struct rstp_port){ 0 };
	reselect(b);
	// Also when it was the last one.
	selection_run(b);
	settle(b, now_us);
}

static void enable(struct rstp *b, struct rstp_port *p, int64_t now)
{
	promise_new_session(b, p);
	p->is_subordinate = false;
	p->hello_when = now;
	p->heard_when = p->answered_when = now;
	migration_enable(p, now);
	information_age(p);
}

void rstp_port_up(struct rstp *b, unsigned port, bool is_up, int64_t now_us)
{
	struct rstp_port *p = &b->ports[port];

	if (!p->is_used || p->is_up == is_up)
		return;
	p->is_up = is_up;
	if (is_up)
		enable(b, p, now_us);
	else
		information_disable(p);
	settle(b, now_us);
}

void rstp_receive(struct rstp *b, unsigned port, const struct bpdu *bpdu, int64_t now_us)
{
	struct rstp_port *p = &b->ports[port];

	if (!p->is_used || !p->is_up)
		return;
	const bool counts = promise_accepts(b, p, bpdu, now_us);
	if (counts || bpdu->has_extension)
		migration_heard(p, bpdu, now_us);
	if (p->reselect)
		settle(b, now_us);
	if (counts)
		information_receive(b, p, bpdu, now_us);
	settle(b, now_us);
}

void rstp_vouch(struct rstp *b, unsigned port, int64_t now_us)
{
	struct rstp_port *p = &b->ports[port];
	const int64_t until = now_us + SILENT_HELLOS * b->config.hello_us;

	if (!p->is_used || !p->is_up || p->peer != RSTP_WEFT)
		return;
	// Its next agent first says again what the one before had heard: that, too, is no reason to
	// take the link for one that carries one way.
	p->answered_when = now_us;
	if (p->info == INFO_RECEIVED && p->rcvd_info_while < until)
		p->rcvd_info_while = until;
}

void rstp_tick(struct rstp *b, int64_t now_us)
{
	settle(b, now_us);
}

bool rstp_take(struct rstp *b, struct rstp_action *ret)
{
	return state_take(b, ret) || transmit_take(b, ret);
}

void rstp_repeat_states(struct rstp *b)
{
	struct rstp_port *p;

	// What is to be closed is told as if it were open, and the other way round.
	for (unsigned i = 0; (p = rstp_next_port(b, &i));)
		p->told = state_of(p) == RSTP_FORWARDING ? RSTP_DISCARDING : RSTP_FORWARDING;
}

void rstp_port_look(const struct rstp *b, unsigned port, struct rstp_port_view *ret)
{
	const struct rstp_port *p = &b->ports[port];

	*ret = (struct rstp_port_view){ .is_used = p->is_used,
					.is_up = p->is_up,
					.role = p->role,
					.state = state_of(p),
					.peer = p->peer,
					.heard_us = p->heard_when,
					.id = p->id,
					.cost = p->cost,
					.is_agreed = p->agreed && p->role == RSTP_DESIGNATED,
					.priority = p->priority };
}

void rstp_look(const struct rstp *b, struct rstp_view *ret)
{
	*ret = (struct rstp_view){ .id = b->config.id,
				   .root = b->root_priority.root,
				   .root_cost = b->root_priority.cost,
				   .root_port = b->root_port,
				   .topology_changes = b->topology_changes,
				   .times = b->root_times };
}

const char *rstp_role_name(enum rstp_role role)
{
	static const char *const names[] = { [RSTP_DISABLED] = "disabled",
					     [RSTP_ALTERNATE] = "alternate",
					     [RSTP_BACKUP] = "backup",
					     [RSTP_ROOT] = "root",
					     [RSTP_DESIGNATED] = "designated" };

	return names[role];
}

const char *rstp_state_name(enum rstp_state state)
{
	static const char *const names[] = { [RSTP_DISCARDING] = "discarding",
					     [RSTP_LEARNING] = "learning",
					     [RSTP_FORWARDING] = "forwarding" };

	return names[state];
}
