#include "steer/lease.h"

#include <errno.h>
#include <string.h>

#include "steer/lease_moves.h"
#include "steer/lease_votes.h"

void lease_config_init(struct lease_config *c)
{
	*c = (struct lease_config){
		.lease_us = 650000,
		.renew_us = 60000,
		.trial_us = 150000,
		.stagger_us = 60000,
		.bid_us = 400000,
		.hold_down_us = 30000000,
		.margin_us = 50000,
		.drift_ppm = 1000,
	};
}

int lease_config_check(const struct lease_config *c, struct err *err)
{
	if (c->n_voters < 1 || c->n_voters > LEASE_VOTERS_MAX)
		return err_set(err, -EINVAL, "a group of %zu voters, 1 to %d are possible",
			       c->n_voters, LEASE_VOTERS_MAX);
	if (c->n_members < 1 || c->n_members > c->n_voters)
		return err_set(err, -EINVAL, "%zu of %zu voters are members", c->n_members,
			       c->n_voters);
	if (lease_rank(c, c->self) == c->n_voters)
		return err_set(err, -EINVAL, "node %u is no voter of the group", c->self);
	for (size_t i = 0; i < c->n_voters; i++) {
		if (c->voters[i] == LEASE_NOBODY || lease_rank(c, c->voters[i]) != i)
			return err_set(err, -EINVAL, "voter %u is no node or there twice",
				       c->voters[i]);
	}
	if (c->renew_us <= 0 || c->trial_us <= 0 || c->bid_us <= 0 || c->stagger_us < 0 ||
	    c->margin_us < 0)
		return err_set(err, -EINVAL, "a span of the lease is not positive");
	if (c->lease_us > LEASE_LONGEST_US || c->drift_ppm > 100000 ||
	    lease_span_held(c, c->lease_us) < 3 * c->renew_us)
		return err_set(err, -EINVAL,
			       "a lease of %lld ms leaves no room for three renewals of %lld ms",
			       (long long)c->lease_us / 1000, (long long)c->renew_us / 1000);
	if (c->bid_us >= c->lease_us)
		return err_set(err, -EINVAL, "a bid of %lld ms is longer than the lease",
			       (long long)c->bid_us / 1000);
	return 0;
}

void lease_init(struct lease *l, const struct lease_config *config, const struct lease_boot *boot,
		int64_t now_us)
{
	*l = (struct lease){ .config = *config, .random = boot->seed };
	lease_grantor_init(&l->grantor, boot->record, config->lease_us, now_us);
	l->needed = config->n_voters / 2 + 1;
	l->rank = lease_rank(config, config->self);
	lease_peers_of(l, config, 0);
	l->epoch = l->grantor.record.epoch;
	l->highest = l->epoch;
	l->held_epoch = l->epoch;
	l->is_unique = true;
	l->want_us = config->lease_us;
	l->is_resuming = boot->active_until_us > now_us && lease_is_member(l) &&
			 l->grantor.record.holder == config->self;
	l->active_until_us = l->is_resuming ? boot->active_until_us : now_us;
	l->bid_not_before_us = now_us;
	l->fit_since_us = now_us;
	l->heard_since_us = now_us;
	l->trial_next_us = now_us;
}

// What time alone has decided. First in every input, so that nothing is done on a lease that ended
// while the agent was stopped.
static void catch_up(struct lease *l, int64_t now_us, struct lease_out *out)
{
	const struct lease_config *c = &l->config;
	if (l->want_us != c->lease_us && now_us >= l->want_until_us)
		l->want_us = c->lease_us;
	if (lease_heard(l, now_us) < l->needed)
		l->heard_since_us = now_us;
	if ((l->state == LEASE_HOLDS || l->is_resuming) && now_us >= l->active_until_us)
		lease_give_up(l, now_us, (struct lease_event){ .cause = LEASE_LOST_MAJORITY }, out);
	if (l->state == LEASE_BIDS && now_us >= l->bid_since_us + c->bid_us)
		lease_end_bid(l, now_us, out);
}

void lease_tick(struct lease *l, int64_t now_us, struct lease_out *out)
{
	catch_up(l, now_us, out);
	if (l->release_left > 0 && now_us >= l->release_next_us)
		lease_send_release(l, now_us, out);
	if (l->state == LEASE_HOLDS && now_us >= l->renew_next_us)
		lease_renew(l, now_us, out);
	if (l->state == LEASE_BIDS && now_us >= l->renew_next_us)
		lease_ask_round(l, now_us, out);
	if (l->state == LEASE_FOLLOWS && lease_is_member(l) && now_us >= l->trial_next_us)
		lease_send_trial(l, now_us, out);
	if (lease_turn_us(l, now_us) <= now_us)
		lease_start_bid(l, now_us, out);
}

int64_t lease_next_us(const struct lease *l, int64_t now_us)
{
	int64_t next = INT64_MAX;
	int64_t times[4] = { INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX };
	if (l->release_left > 0)
		times[0] = l->release_next_us;
	if (l->state == LEASE_HOLDS || l->is_resuming)
		times[1] = l->active_until_us;
	if (l->state != LEASE_FOLLOWS)
		times[2] = l->renew_next_us;
	else if (lease_is_member(l))
		times[2] = l->trial_next_us;
	if (l->state == LEASE_BIDS)
		times[3] = l->bid_since_us + l->config.bid_us;
	else
		times[3] = lease_turn_us(l, now_us);
	for (size_t i = 0; i < sizeof times / sizeof *times; i++)
		next = times[i] < next ? times[i] : next;
	return next;
}

// ---- the voter ----

static void vote(struct lease *l, int64_t now_us, uint32_t from, const struct lease_message *ask,
		 struct lease_out *out)
{
	size_t rank = lease_rank(&l->config, from);
	if (rank >= l->config.n_members)
		return;
	if (ask->type == LEASE_ASK && l->state == LEASE_BIDS && !l->is_resuming && rank < l->rank)
		lease_end_bid(l, now_us, out);
	if (ask->flags & LEASE_FLAG_WANTS && l->state == LEASE_HOLDS && l->is_unique &&
	    rank < l->rank && l->want_us == l->config.lease_us)
		lease_give_up(l, now_us,
			      (struct lease_event){ .cause = LEASE_HANDED_OVER, .node = from },
			      out);
	struct lease_message answer = *ask;
	enum lease_step step = LEASE_STEP_ANSWER;
	if (l->state == LEASE_HOLDS && !l->is_unique) {
		// Its own promise to itself has run out, but it is active.
		answer.type = LEASE_ANSWER;
		answer.flags = ask->type == LEASE_TRIAL ? LEASE_FLAG_TRIAL : 0;
		answer.verdict = LEASE_HELD;
		answer.node = l->config.self;
		answer.highest = l->epoch;
	} else {
		step = lease_grantor_ask(&l->grantor, now_us, from, ask, &answer);
	}
	if (step == LEASE_STEP_ANSWER)
		lease_send(l, from, &answer, out);
	else if (step == LEASE_STEP_SAVE)
		lease_order_save(l, out);
	if (ask->type == LEASE_ASK && lease_grantor_holder(&l->grantor, now_us) == from)
		l->handed_by = LEASE_NOBODY;
}

static void take_release(struct lease *l, int64_t now_us, uint32_t from,
			 const struct lease_message *m)
{
	bool is_news = m->epoch >= l->grantor.record.epoch;
	(void)lease_grantor_release(&l->grantor, now_us, from, m);
	for (size_t i = 0; i < l->config.n_voters; i++) {
		struct lease_peer *p = &l->peers[i];
		if (p->holder == from && p->free_us > now_us)
			p->free_us = now_us;
	}
	if (!is_news || l->state != LEASE_FOLLOWS || m->node == LEASE_NOBODY)
		return;
	if (m->node == l->config.self) {
		l->handed_by = from;
		l->bid_not_before_us = now_us;
	} else if (m->node != LEASE_NOBODY) {
		l->bid_not_before_us = now_us + l->config.bid_us;
	}
}

void lease_receive(struct lease *l, int64_t now_us, uint32_t from, const struct lease_message *m,
		   struct lease_out *out)
{
	size_t at = lease_rank(&l->config, from);
	uint32_t apart = m->generation - l->config.generation;
	catch_up(l, now_us, out);
	if (at == l->config.n_voters || at == l->rank || m->group != l->config.group ||
	    apart + 1 > 2)
		return;
	switch (m->type) {
	case LEASE_ASK:
	case LEASE_TRIAL:
		vote(l, now_us, from, m, out);
		return;
	case LEASE_ANSWER:
		lease_take_answer(l, now_us, at, m, out);
		return;
	case LEASE_RELEASE:
		take_release(l, now_us, from, m);
		return;
	}
}

void lease_saved(struct lease *l, int64_t now_us, uint64_t token, bool is_ok, struct lease_out *out)
{
	struct lease_message answer;
	uint32_t to;
	catch_up(l, now_us, out);
	if (token != l->token)
		return;
	bool is_own = l->grantor.is_saving && l->grantor.ask.node == l->config.self;
	bool is_promised = lease_grantor_saved(&l->grantor, now_us, is_ok, &to, &answer);
	if (is_promised && !is_own) {
		lease_send(l, to, &answer, out);
	} else if (is_promised) {
		lease_take_answer(l, now_us, l->rank, &answer, out);
		if (l->state != LEASE_FOLLOWS)
			lease_ask_round(l, now_us, out);
	} else if (is_own && l->state == LEASE_BIDS) {
		lease_end_bid(l, now_us, out);
	}
}

// ---- wishes ----

// The first member in order, apart from this one, that answers.
static uint32_t successor(const struct lease *l, int64_t now_us)
{
	for (size_t i = 0; i < l->config.n_members; i++) {
		if (i != l->rank && lease_peer_is_heard(l, i, now_us))
			return l->config.voters[i];
	}
	return LEASE_NOBODY;
}

void lease_set_fit(struct lease *l, int64_t now_us, bool is_fit, struct lease_out *out)
{
	catch_up(l, now_us, out);
	if (is_fit && !l->is_fit)
		l->fit_since_us = now_us;
	l->is_fit = is_fit;
	if (is_fit)
		return;
	if (l->state == LEASE_HOLDS || l->is_resuming)
		lease_give_up(l, now_us,
			      (struct lease_event){ LEASE_UNFIT, .node = successor(l, now_us) },
			      out);
	else if (l->state == LEASE_BIDS)
		lease_end_bid(l, now_us, out);
}

bool lease_prepare_restart(struct lease *l, int64_t now_us, int64_t span_us)
{
	bool is_long = span_us > l->config.lease_us;
	l->want_us = is_long && span_us < LEASE_LONGEST_US ? span_us : l->config.lease_us;
	if (is_long && span_us >= LEASE_LONGEST_US)
		l->want_us = LEASE_LONGEST_US;
	l->want_until_us = now_us + l->want_us / 2;
	l->is_long_told = false;
	l->renew_next_us = l->state == LEASE_HOLDS ? now_us : l->renew_next_us;
	return lease_is_active(l, now_us);
}

void lease_reconfigure(struct lease *l, const struct lease_config *config, int64_t now_us,
		       struct lease_out *out)
{
	catch_up(l, now_us, out);
	size_t n_old = l->config.n_voters;
	size_t rank = lease_rank(config, config->self);
	if (rank >= config->n_members && (l->state == LEASE_HOLDS || l->is_resuming))
		lease_give_up(l, now_us,
			      (struct lease_event){ LEASE_UNFIT, .node = successor(l, now_us) },
			      out);
	else if (l->state == LEASE_BIDS)
		lease_end_bid(l, now_us, out);
	lease_peers_of(l, config, n_old);
	l->config = *config;
	l->needed = config->n_voters / 2 + 1;
	l->rank = rank;
	l->want_us = config->lease_us;
	l->grantor.lease_us = config->lease_us;
}
