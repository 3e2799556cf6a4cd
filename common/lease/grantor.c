#include "lease/grantor.h"

#include <string.h>

void lease_grantor_init(struct lease_grantor *g, const struct lease_record *record,
			int64_t lease_us, int64_t now_us)
{
	memset(g, 0, sizeof *g);
	g->lease_us = lease_us;
	g->until_us = now_us;
	g->quiet_until_us = now_us + lease_us;
	if (!record)
		return;
	g->record = *record;
	if (record->longest_us > lease_us)
		g->quiet_until_us = now_us + record->longest_us;
}

uint32_t lease_grantor_holder(const struct lease_grantor *g, int64_t now_us)
{
	return now_us < g->until_us ? g->record.holder : LEASE_NOBODY;
}

int64_t lease_grantor_free_us(const struct lease_grantor *g, uint32_t node)
{
	// Every promise was on disk first, so a forgotten one can only be to this node.
	if (node == g->record.holder)
		return INT64_MIN;
	return g->until_us > g->quiet_until_us ? g->until_us : g->quiet_until_us;
}

static struct lease_message answer_to(const struct lease_grantor *g, int64_t now_us,
				      const struct lease_message *ask)
{
	struct lease_message m = *ask;
	m.type = LEASE_ANSWER;
	m.verdict = LEASE_GRANTED;
	m.flags = ask->type == LEASE_TRIAL ? LEASE_FLAG_TRIAL : 0;
	m.node = lease_grantor_holder(g, now_us);
	m.highest = g->is_saving ? g->saving.epoch : g->record.epoch;
	return m;
}

// The reason not to promise to `from`, LEASE_GRANTED when there is none.
static enum lease_verdict judge(const struct lease_grantor *g, int64_t now_us, uint32_t from,
				const struct lease_message *ask, struct lease_message *m)
{
	if (g->is_saving && g->ask.node != from) {
		m->node = g->ask.node;
		m->span_us = g->ask.span_us;
		return LEASE_HELD;
	}
	if (from != g->record.holder && now_us < g->until_us) {
		m->span_us = g->until_us - now_us;
		return LEASE_HELD;
	}
	if (from != g->record.holder && now_us < g->quiet_until_us) {
		m->span_us = g->quiet_until_us - now_us;
		return LEASE_QUIET;
	}
	bool is_above = ask->epoch > m->highest;
	bool is_same = from == g->record.holder && ask->epoch == g->record.epoch;
	return ask->type == LEASE_TRIAL || is_above || is_same ? LEASE_GRANTED : LEASE_STALE;
}

static void promise(struct lease_grantor *g, int64_t now_us, const struct lease_message *ask)
{
	g->seq = ask->seq;
	g->until_us = now_us + ask->span_us;
}

// What the record must say before a promise of `span_us`. A long promise from before a restart is
// remembered nowhere else, so a request that was under way for long must not shorten it.
static int64_t longest_after(const struct lease_grantor *g, int64_t now_us, uint32_t from,
			     int64_t span_us)
{
	int64_t longest = span_us > g->lease_us ? span_us : g->lease_us;
	bool is_kept = from == g->record.holder && now_us < g->quiet_until_us;
	return is_kept && g->record.longest_us > longest ? g->record.longest_us : longest;
}

enum lease_step lease_grantor_ask(struct lease_grantor *g, int64_t now_us, uint32_t from,
				  const struct lease_message *ask, struct lease_message *ret)
{
	struct lease_message m = answer_to(g, now_us, ask);
	if (from == LEASE_NOBODY || ask->span_us <= 0 || ask->span_us > LEASE_LONGEST_US)
		return LEASE_STEP_NONE;
	if (g->is_saving && g->ask.node == from && ask->type == LEASE_ASK) {
		// The promise will be for the newest that it asked; its span must be what is saved.
		if (ask->epoch == g->ask.epoch && ask->seq > g->ask.seq &&
		    ask->span_us <= g->saving.longest_us) {
			g->ask.seq = ask->seq;
			g->ask.span_us = ask->span_us;
		}
		return LEASE_STEP_NONE;
	}
	m.verdict = judge(g, now_us, from, ask, &m);
	if (m.verdict != LEASE_GRANTED || ask->type == LEASE_TRIAL) {
		*ret = m;
		return LEASE_STEP_ANSWER;
	}
	bool is_renewal = ask->epoch == g->record.epoch;
	if (is_renewal && ask->seq <= g->seq)
		return LEASE_STEP_NONE;
	int64_t longest = longest_after(g, now_us, from, ask->span_us);
	if (is_renewal && longest == g->record.longest_us) {
		promise(g, now_us, ask);
		*ret = m;
		return LEASE_STEP_ANSWER;
	}
	g->is_saving = true;
	g->is_void = false;
	g->saving = (struct lease_record){ ask->epoch, from, longest };
	g->ask = *ask;
	g->ask.node = from;
	return LEASE_STEP_SAVE;
}

bool lease_grantor_saved(struct lease_grantor *g, int64_t now_us, bool is_ok, uint32_t *ret_to,
			 struct lease_message *ret)
{
	if (!g->is_saving)
		return false;
	g->is_saving = false;
	if (!is_ok)
		return false;
	g->record = g->saving;
	if (g->is_void) {
		g->seq = g->ask.seq;
		g->until_us = now_us;
		return false;
	}
	promise(g, now_us, &g->ask);
	*ret_to = g->ask.node;
	*ret = answer_to(g, now_us, &g->ask);
	return true;
}

bool lease_grantor_release(struct lease_grantor *g, int64_t now_us, uint32_t from,
			   const struct lease_message *release)
{
	if (g->is_saving && g->ask.node == from && g->ask.epoch <= release->epoch) {
		g->is_void = true;
		return true;
	}
	// Who releases an epoch is not active in a lower one either.
	bool is_late = release->epoch < g->record.epoch ||
		       (release->epoch == g->record.epoch && release->seq <= g->seq);
	if (g->record.holder != from || is_late || now_us >= g->until_us)
		return false;
	g->seq = release->seq;
	g->until_us = now_us;
	return true;
}
