// Port role selection (17.28): the root port, and every port's role and report.
#include <string.h>

#include "steer/rstp_inside.h"

static bool is_own(const struct rstp *b, const struct bpdu_bridge_id *id)
{
	return memcmp(id->bytes + 2, b->config.id.bytes + 2, 6) == 0;
}

static struct bpdu_vector through(const struct rstp_port *p)
{
	struct bpdu_vector v = p->priority;

	v.cost = v.cost > UINT32_MAX - p->cost ? UINT32_MAX : v.cost + p->cost;
	return v;
}

// The best of this bridge itself and what comes through its ports (17.6).
static struct bpdu_vector find_root(struct rstp *b)
{
	struct bpdu_vector best = { .root = b->config.id, .bridge = b->config.id };
	struct rstp_port *p;

	b->root_port = -1;
	for (unsigned i = 0; (p = rstp_next_port(b, &i));) {
		if (p->info != INFO_RECEIVED || is_own(b, &p->priority.bridge))
			continue;
		const struct bpdu_vector v = through(p);
		const int order = bpdu_vector_compare(&v, &best);

		if (order < 0 ||
		    (order == 0 && b->root_port >= 0 && p->id < b->ports[b->root_port].id)) {
			best = v;
			b->root_port = (int)i - 1;
		}
	}
	return best;
}

static void set_times(struct rstp *b)
{
	if (b->root_port < 0) {
		b->root_times = (struct bpdu_times){ .max_age = b->config.max_age_us,
						     .hello = b->config.hello_us,
						     .forward_delay = b->config.forward_delay_us };
		return;
	}
	b->root_times = b->ports[b->root_port].times;
	// "Incremented by 1 second and rounded to the nearest whole second", 17.21.25
	b->root_times.message_age = (b->root_times.message_age + RSTP_SECOND + RSTP_SECOND / 2) /
				    RSTP_SECOND * RSTP_SECOND;
}

static void select_received(struct rstp *b, struct rstp_port *p, bool is_root_port)
{
	p->updt_info = false;
	if (is_root_port) {
		p->selected_role = RSTP_ROOT;
	} else if (bpdu_vector_compare(&p->designated, &p->priority) < 0) {
		p->selected_role = RSTP_DESIGNATED;
		p->updt_info = true;
	} else {
		p->selected_role = is_own(b, &p->priority.bridge) ? RSTP_BACKUP : RSTP_ALTERNATE;
	}
}

static void select_role(struct rstp *b, struct rstp_port *p, bool is_root_port)
{
	switch (p->info) {
	case INFO_DISABLED:
		p->selected_role = RSTP_DISABLED;
		break;
	case INFO_AGED:
		p->selected_role = RSTP_DESIGNATED;
		p->updt_info = true;
		break;
	case INFO_MINE:
		p->selected_role = RSTP_DESIGNATED;
		if (bpdu_vector_compare(&p->designated, &p->priority) != 0 ||
		    !bpdu_times_equal(&p->times, &b->root_times))
			p->updt_info = true;
		break;
	case INFO_RECEIVED:
		select_received(b, p, is_root_port);
		break;
	}
}

void selection_run(struct rstp *b)
{
	struct bpdu_vector root = find_root(b);
	struct rstp_port *p;

	root.bridge = b->config.id;
	b->root_priority = root;
	set_times(b);
	for (unsigned i = 0; (p = rstp_next_port(b, &i));) {
		p->reselect = false;
		p->designated = root;
		p->designated.port = p->id;
		select_role(b, p, (int)i - 1 == b->root_port);
	}
}
