// Port role transitions (17.29): when a port may open, and when it must close.
#include "steer/rstp_inside.h"

static bool is_blocking(enum rstp_role role)
{
	return role == RSTP_ALTERNATE || role == RSTP_BACKUP;
}

static void set_sync_tree(struct rstp *b)
{
	struct rstp_port *p;

	for (unsigned i = 0; (p = rstp_next_port(b, &i));)
		p->sync = true;
}

static void set_re_root_tree(struct rstp *b)
{
	struct rstp_port *p;

	for (unsigned i = 0; (p = rstp_next_port(b, &i));)
		p->re_root = true;
}

static bool all_synced(struct rstp *b)
{
	const struct rstp_port *p;

	for (unsigned i = 0; (p = rstp_next_port(b, &i));)
		if (p->role != p->selected_role || p->updt_info ||
		    (!p->synced && p->role != RSTP_ROOT))
			return false;
	return true;
}

// No other port was the root port a moment ago and still forwards.
static bool is_re_rooted(struct rstp *b, const struct rstp_port *but, int64_t now)
{
	const struct rstp_port *p;

	for (unsigned i = 0; (p = rstp_next_port(b, &i));)
		if (p != but && rstp_runs(p->rr_while, now))
			return false;
	return true;
}

static void close_port(struct rstp_port *p)
{
	p->learn = p->forward = p->disputed = false;
}

static void leave_role(const struct rstp *b, struct rstp_port *p, int64_t now)
{
	const int64_t delay = b->root_times.forward_delay;

	if (p->role == RSTP_ROOT)
		p->rr_while = now + delay;
	if (is_blocking(p->role))
		p->fd_while = now + delay;
	if (p->role == RSTP_BACKUP)
		p->rb_while = now + 2 * b->config.hello_us;
	if (p->role == RSTP_DISABLED)
		p->fd_while = now + b->root_times.max_age;
}

static void enter_role(const struct rstp *b, struct rstp_port *p, int64_t now)
{
	leave_role(b, p, now);
	p->role = p->selected_role;
	if (p->role == RSTP_DESIGNATED) {
		p->agree = false;
		promise_designated(p);
	} else if (p->role != RSTP_ROOT) {
		close_port(p);
		p->synced = true;
		p->sync = p->re_root = false;
		p->rr_while = 0;
	}
}

// ROOT_PROPOSED, ROOT_AGREED, ALTERNATE_PROPOSED, ALTERNATE_AGREED
static bool answer_proposal(struct rstp *b, struct rstp_port *p)
{
	if (p->proposed && !p->agree) {
		set_sync_tree(b);
		p->proposed = false;
		return true;
	}
	if ((p->agree || !all_synced(b)) && !p->proposed)
		return false;
	p->proposed = p->sync = false;
	p->agree = true;
	p->new_info = true;
	return true;
}

static bool step_root(struct rstp *b, struct rstp_port *p, int64_t now)
{
	if (answer_proposal(b, p))
		return true;
	if (p->forward && p->re_root) {
		p->re_root = false;
		return true;
	}
	if (!p->forward && !p->re_root) {
		set_re_root_tree(b);
		return true;
	}
	const bool may_open = !rstp_runs(p->fd_while, now) ||
			      (is_re_rooted(b, p, now) && !rstp_runs(p->rb_while, now));
	if (!may_open || p->forward)
		return false;
	p->fd_while = p->learn ? 0 : now + b->root_times.forward_delay;
	p->forward = p->learn;
	p->learn = true;
	return true;
}

static bool must_close(const struct rstp_port *p, int64_t now)
{
	return (p->sync && !p->synced) || (p->re_root && rstp_runs(p->rr_while, now)) ||
	       p->disputed || (promise_is_strict(p) && !p->agreed);
}

static bool may_open(const struct rstp_port *p, int64_t now)
{
	const bool may = p->agreed || (!promise_is_strict(p) && !rstp_runs(p->fd_while, now));

	return may && !p->sync && (!p->re_root || !rstp_runs(p->rr_while, now));
}

static void open_designated(const struct rstp *b, struct rstp_port *p, int64_t now)
{
	if (!p->learn) {
		p->learn = true;
		p->fd_while = now + b->root_times.forward_delay;
		return;
	}
	p->forward = true;
	p->fd_while = 0;
	if (!promise_is_strict(p))
		p->agreed = p->send_rstp;
}

static bool step_designated(const struct rstp *b, struct rstp_port *p, int64_t now)
{
	const bool is_open = p->learn || p->forward;

	if (!p->forward && !p->agreed && !p->proposing) {
		p->proposing = true;
		p->new_info = true;
		transmit_soon(p, now);
		return true;
	}
	if ((!p->synced && (!is_open || p->agreed)) || (p->sync && p->synced)) {
		p->rr_while = 0;
		p->synced = true;
		p->sync = false;
		return true;
	}
	if (p->re_root && !rstp_runs(p->rr_while, now)) {
		p->re_root = false;
		return true;
	}
	if (is_open && must_close(p, now)) {
		close_port(p);
		p->fd_while = now + b->root_times.forward_delay;
		return true;
	}
	if (p->forward || !may_open(p, now))
		return false;
	open_designated(b, p, now);
	return true;
}

static bool step_closed(struct rstp_port *p)
{
	if (!p->sync && !p->re_root && p->synced)
		return false;
	p->synced = true;
	p->sync = p->re_root = false;
	return true;
}

bool transition_step(struct rstp *b, struct rstp_port *p, int64_t now)
{
	if (p->role != p->selected_role) {
		enter_role(b, p, now);
		return true;
	}
	switch (p->role) {
	case RSTP_ROOT:
		return step_root(b, p, now);
	case RSTP_DESIGNATED:
		return step_designated(b, p, now);
	case RSTP_ALTERNATE:
	case RSTP_BACKUP:
		return step_closed(p) || answer_proposal(b, p);
	case RSTP_DISABLED:
		return step_closed(p);
	}
	return false;
}
