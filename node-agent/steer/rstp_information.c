// Port information (17.27): what is known of the best bridge on the link.
#include <string.h>

#include "steer/rstp_inside.h"

enum { NUMBER_BITS = 0x3ff };

enum verdict { SUPERIOR, REPEATED, INFERIOR, NOT_DESIGNATED, OTHER };

void information_disable(struct rstp_port *p)
{
	p->proposing = p->proposed = p->agree = p->agreed = p->disputed = false;
	p->rcvd_info_while = 0;
	p->info = INFO_DISABLED;
	p->updt_info = false;
	p->reselect = true;
}

void information_age(struct rstp_port *p)
{
	p->info = INFO_AGED;
	p->agree = false;
	p->reselect = true;
}

static void update(struct rstp_port *p)
{
	const bool is_no_worse =
		p->info == INFO_MINE && bpdu_vector_compare(&p->designated, &p->priority) <= 0;

	p->proposing = p->proposed = false;
	// Towards a Weft bridge the invariant decides (promise_run).
	if (!promise_is_strict(p))
		p->agreed = p->agreed && is_no_worse;
	p->synced = p->synced && p->agreed;
	p->priority = p->designated;
	p->updt_info = false;
	p->info = INFO_MINE;
	p->new_info = true;
}

bool information_step(struct rstp *b, struct rstp_port *p, int64_t now)
{
	if (p->info == INFO_RECEIVED && !rstp_runs(p->rcvd_info_while, now)) {
		information_age(p);
		return true;
	}
	if (!p->updt_info)
		return false;
	p->times = b->root_times;
	update(p);
	return true;
}

static bool is_of_same_port(const struct bpdu_vector *a, const struct bpdu_vector *b)
{
	return memcmp(a->bridge.bytes + 2, b->bridge.bytes + 2, 6) == 0 &&
	       (a->port & NUMBER_BITS) == (b->port & NUMBER_BITS);
}

// rcvInfo(), 17.21.8
static enum verdict judge(const struct rstp_port *p, const struct bpdu *m)
{
	const int order = bpdu_vector_compare(&m->vector, &p->priority);

	if (m->type == BPDU_TCN)
		return OTHER;
	if (m->role != BPDU_DESIGNATED)
		return order >= 0 ? NOT_DESIGNATED : OTHER;
	if (order == 0 && p->info == INFO_RECEIVED)
		return bpdu_times_equal(&m->times, &p->times) ? REPEATED : SUPERIOR;
	if (order < 0 || (p->info == INFO_RECEIVED && is_of_same_port(&m->vector, &p->priority)))
		return SUPERIOR;
	return INFERIOR;
}

static void record(struct rstp_port *p, const struct bpdu *m)
{
	p->priority = m->vector;
	p->times = m->times;
	p->path_len = m->extension.path_len;
	memcpy(p->path, m->extension.path, sizeof p->path);
}

// updtRcvdInfoWhile(), 17.21.23. Of a Weft bridge it counts from the last sign that it hears this
// one: a link that carries in one direction only is none.
static void prolong(struct rstp_port *p, const struct bpdu *m, int64_t now)
{
	const int64_t from = m->has_extension ? p->answered_when : now;
	const int64_t age = m->times.message_age + RSTP_SECOND;

	p->rcvd_info_while = age <= m->times.max_age ? from + SILENT_HELLOS * m->times.hello : now;
}

static void take_superior(struct rstp_port *p, const struct bpdu *m, int64_t now)
{
	p->agreed = p->proposing = false;
	p->proposed = m->proposal;
	p->agree = p->agree && p->info == INFO_RECEIVED &&
		   bpdu_vector_compare(&m->vector, &p->priority) <= 0;
	topology_flags(p, m);
	record(p, m);
	prolong(p, m, now);
	p->info = INFO_RECEIVED;
	p->updt_info = false;
	p->reselect = true;
}

static void take_inferior(struct rstp_port *p, const struct bpdu *m, int64_t now)
{
	// It does not hear this bridge, or not yet (17.21.9).
	if (m->type == BPDU_RST && m->learning && (p->learn || p->forward))
		p->disputed = true;
	if (m->type == BPDU_RST && m->learning)
		p->agreed = false;
	transmit_soon(p, now);
}

static void take_agreement(struct rstp_port *p, const struct bpdu *m)
{
	if (m->has_extension) {
		promise_agreement(p, m);
		if (m->agreement)
			p->disputed = false;
	} else {
		p->agreed = m->agreement;
		if (p->agreed)
			p->proposing = p->disputed = false;
	}
	topology_flags(p, m);
}

// Two reports that cross may make each end take the other for the designated one. The standard
// waits for them to age; a Weft bridge says what its port is.
static bool is_no_longer_designated(const struct rstp_port *p, const struct bpdu *m)
{
	return m->has_extension && m->role != BPDU_DESIGNATED && p->info == INFO_RECEIVED;
}

void information_receive(const struct rstp *b, struct rstp_port *p, const struct bpdu *m,
			 int64_t now)
{
	if (m->type != BPDU_TCN && m->role == BPDU_DESIGNATED && promise_is_looped(b, m)) {
		if (p->info == INFO_RECEIVED && is_of_same_port(&m->vector, &p->priority))
			information_age(p);
		take_inferior(p, m, now);
		return;
	}
	if (is_no_longer_designated(p, m)) {
		topology_flags(p, m);
		information_age(p);
		return;
	}
	switch (judge(p, m)) {
	case SUPERIOR:
		take_superior(p, m, now);
		break;
	case REPEATED:
		p->proposed = p->proposed || m->proposal;
		topology_flags(p, m);
		record(p, m);
		prolong(p, m, now);
		break;
	case INFERIOR:
		take_inferior(p, m, now);
		break;
	case NOT_DESIGNATED:
		take_agreement(p, m);
		break;
	case OTHER:
		if (m->type == BPDU_TCN)
			topology_flags(p, m);
		break;
	}
}
