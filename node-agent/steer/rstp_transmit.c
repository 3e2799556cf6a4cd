// Port transmit (17.26): when a BPDU is due, and what it says.
#include "steer/rstp_inside.h"

void transmit_soon(struct rstp_port *p, int64_t now)
{
	p->retry_us = RETRY_FIRST_US;
	p->retry_when = now + p->retry_us;
}

static bool is_root_notifying(const struct rstp_port *p, int64_t now)
{
	return p->role == RSTP_ROOT && rstp_runs(p->tc_while, now);
}

static void run_hello(const struct rstp *b, struct rstp_port *p, int64_t now)
{
	if (rstp_runs(p->hello_when, now))
		return;
	p->hello_when = now + b->config.hello_us;
	if (p->role == RSTP_DESIGNATED || p->peer == RSTP_WEFT || is_root_notifying(p, now))
		p->new_info = true;
}

// What was not answered, or must not get lost, is said again at growing distances.
static void run_retry(struct rstp_port *p, int64_t now)
{
	if (!p->retry_us || rstp_runs(p->retry_when, now))
		return;
	p->new_info = true;
	const bool goes_on =
		(p->role == RSTP_DESIGNATED && !p->agreed) || rstp_runs(p->tc_while, now);
	p->retry_us = goes_on && p->retry_us < RETRY_LAST_US ? 2 * p->retry_us : 0;
	p->retry_when = now + p->retry_us;
}

static void run_refill(const struct rstp *b, struct rstp_port *p, int64_t now)
{
	const int64_t each = b->config.hello_us / b->config.tx_hold;

	while (p->tx_count && !rstp_runs(p->tx_refill_when, now)) {
		p->tx_count--;
		p->tx_refill_when += each;
	}
	if (!p->tx_count)
		p->tx_refill_when = now + each;
}

static bool has_something_to_say(const struct rstp_port *p, int64_t now)
{
	return p->send_rstp || p->role == RSTP_DESIGNATED || is_root_notifying(p, now);
}

void transmit_run(struct rstp *b, struct rstp_port *p, int64_t now)
{
	if (!p->is_up) {
		p->new_info = p->send = false;
		return;
	}
	run_hello(b, p, now);
	run_retry(p, now);
	run_refill(b, p, now);
	if (!p->new_info || p->tx_count >= b->config.tx_hold)
		return;
	p->new_info = false;
	if (!has_something_to_say(p, now) || p->send)
		return;
	p->tx_count++;
	p->send = true;
	p->is_tc_told = rstp_runs(p->tc_while, now);
}

static enum bpdu_role role_of(const struct rstp_port *p)
{
	if (p->role == RSTP_DESIGNATED)
		return BPDU_DESIGNATED;
	return p->role == RSTP_ROOT ? BPDU_ROOT : BPDU_ALTERNATE_OR_BACKUP;
}

static void build(const struct rstp *b, struct rstp_port *p, struct bpdu *ret)
{
	*ret = (struct bpdu){ .type = p->send_rstp ? BPDU_RST : BPDU_CONFIG,
			      .topology_change = p->is_tc_told,
			      .role = role_of(p),
			      .vector = p->designated,
			      .times = b->root_times };
	if (!p->send_rstp) {
		ret->topology_change_ack = p->tc_ack;
		if (p->role != RSTP_DESIGNATED)
			*ret = (struct bpdu){ .type = BPDU_TCN };
	} else {
		ret->proposal = p->proposing && p->role == RSTP_DESIGNATED;
		ret->agreement = p->agree && p->role != RSTP_DESIGNATED;
		ret->learning = p->learn;
		ret->forwarding = p->forward;
		promise_sent(b, p, ret);
	}
	p->tc_ack = false;
}

bool transmit_take(struct rstp *b, struct rstp_action *ret)
{
	struct rstp_port *p;

	for (unsigned i = 0; (p = rstp_next_port(b, &i));) {
		if (!p->send)
			continue;
		p->send = false;
		*ret = (struct rstp_action){ RSTP_SEND, .port = i - 1 };
		build(b, p, &ret->bpdu);
		return true;
	}
	return false;
}
