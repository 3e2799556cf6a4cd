// Port protocol migration (17.24): a bridge that speaks only STP is spoken to in STP.
#include "steer/rstp_inside.h"

void migration_enable(struct rstp_port *p, int64_t now)
{
	p->send_rstp = true;
	p->peer = RSTP_UNHEARD;
	p->mdelay_while = now + MIGRATE_TIME_US;
}

static enum rstp_peer speech_of(const struct bpdu *m)
{
	if (m->type != BPDU_RST)
		return RSTP_STP;
	return m->has_extension ? RSTP_WEFT : RSTP_RSTP;
}

void migration_heard(struct rstp_port *p, const struct bpdu *m, int64_t now)
{
	p->peer = speech_of(m);
	// For a while after a change the other end may not have noticed it yet.
	if (rstp_runs(p->mdelay_while, now) || p->send_rstp == (m->type == BPDU_RST))
		return;
	p->send_rstp = m->type == BPDU_RST;
	p->mdelay_while = now + MIGRATE_TIME_US;
}
