// When the machine wants to be called next (17.22). Timers are times, so nothing counts down.
#include "steer/rstp_inside.h"

// One that has run out since the machines last ran is due, one that had before then is not.
static int64_t earlier(int64_t due, int64_t timer, int64_t ran)
{
	return rstp_runs(timer, ran) && timer < due ? timer : due;
}

int64_t timers_due(const struct rstp *b, const struct rstp_port *p)
{
	int64_t due = RSTP_NEVER;

	if (!p->is_up)
		return due;
	due = earlier(due, p->hello_when, b->ran);
	if (p->retry_us)
		due = earlier(due, p->retry_when, b->ran);
	if (p->new_info && p->tx_count >= b->config.tx_hold)
		due = earlier(due, p->tx_refill_when, b->ran);
	if (p->info == INFO_RECEIVED)
		due = earlier(due, p->rcvd_info_while, b->ran);
	if (!p->forward && (p->role == RSTP_ROOT || p->role == RSTP_DESIGNATED)) {
		due = earlier(due, p->fd_while, b->ran);
		due = earlier(due, p->rb_while, b->ran);
	}
	return earlier(due, p->rr_while, b->ran);
}

int64_t rstp_due(const struct rstp *b)
{
	int64_t due = RSTP_NEVER;

	for (unsigned i = 0; i < RSTP_PORTS_MAX; i++) {
		const int64_t at = timers_due(b, &b->ports[i]);

		due = at < due ? at : due;
	}
	return due;
}
