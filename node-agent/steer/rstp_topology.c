// Topology change (17.31): what was learnt is forgotten where the way may have changed.
#include "steer/rstp_inside.h"

static bool is_active_role(const struct rstp_port *p)
{
	return p->role == RSTP_ROOT || p->role == RSTP_DESIGNATED;
}

// setTcFlags(), 17.21.17
void topology_flags(struct rstp_port *p, const struct bpdu *m)
{
	p->rcvd_tcn = p->rcvd_tcn || m->type == BPDU_TCN;
	p->rcvd_tc = p->rcvd_tc || m->topology_change;
	p->rcvd_tc_ack = p->rcvd_tc_ack || m->topology_change_ack;
}

// newTcWhile(), 17.21.7
static void start_timer(const struct rstp *b, struct rstp_port *p, int64_t now)
{
	if (rstp_runs(p->tc_while, now))
		return;
	p->new_info = true;
	if (!p->send_rstp) {
		p->tc_while = now + b->root_times.max_age + b->root_times.forward_delay;
		return;
	}
	p->tc_while = now + b->config.hello_us + RSTP_SECOND;
	transmit_soon(p, now);
}

// setTcPropTree(), 17.21.18
static void propagate(struct rstp *b, const struct rstp_port *from)
{
	struct rstp_port *p;

	for (unsigned i = 0; (p = rstp_next_port(b, &i));)
		if (p != from)
			p->tc_prop = true;
}

static void forget(struct rstp_port *p)
{
	p->rcvd_tc = p->rcvd_tcn = p->rcvd_tc_ack = p->tc_prop = false;
}

static bool step_learning(struct rstp *b, struct rstp_port *p, int64_t now)
{
	forget(p);
	if (!p->learn) {
		p->topology = TOPOLOGY_INACTIVE;
		p->flush = true;
		p->tc_while = 0;
		p->tc_ack = false;
		return true;
	}
	if (!is_active_role(p) || !p->forward)
		return false;
	b->topology_changes++;
	start_timer(b, p, now);
	propagate(b, p);
	p->new_info = true;
	p->topology = TOPOLOGY_ACTIVE;
	return true;
}

static bool step_active(struct rstp *b, struct rstp_port *p, int64_t now)
{
	// The standard keeps a designated port that was closed active. Here it may stay closed for
	// long, and what is behind it may have gone elsewhere.
	if (!is_active_role(p) || !p->forward) {
		p->topology = TOPOLOGY_LEARNING;
		return true;
	}
	if (p->rcvd_tcn || p->rcvd_tc) {
		if (p->rcvd_tcn)
			start_timer(b, p, now);
		p->tc_ack = p->tc_ack || (p->rcvd_tcn && p->role == RSTP_DESIGNATED);
		p->rcvd_tcn = p->rcvd_tc = false;
		propagate(b, p);
		return true;
	}
	if (p->tc_prop) {
		start_timer(b, p, now);
		p->flush = true;
		p->tc_prop = false;
		return true;
	}
	if (p->rcvd_tc_ack) {
		p->tc_while = 0;
		p->rcvd_tc_ack = false;
		return true;
	}
	return false;
}

bool topology_step(struct rstp *b, struct rstp_port *p, int64_t now)
{
	switch (p->topology) {
	case TOPOLOGY_INACTIVE:
		forget(p);
		if (p->learn)
			p->topology = TOPOLOGY_LEARNING;
		return p->learn;
	case TOPOLOGY_LEARNING:
		return step_learning(b, p, now);
	case TOPOLOGY_ACTIVE:
		return step_active(b, p, now);
	}
	return false;
}
