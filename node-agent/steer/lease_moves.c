#include "steer/lease_moves.h"

#include "steer/lease_votes.h"

enum { RELEASES = 3 }; // how often a release is sent

// ---- orders ----

static struct lease_action *order(struct lease_out *out, enum lease_order what)
{
	// Each call gives a few rounds to all voters at most; LEASE_ACTIONS_MAX has room for four.
	struct lease_action *a =
		&out->items[out->n < LEASE_ACTIONS_MAX ? out->n++ : LEASE_ACTIONS_MAX - 1];
	*a = (struct lease_action){ .order = what };
	return a;
}

void lease_send(const struct lease *l, uint32_t node, const struct lease_message *m,
		struct lease_out *out)
{
	struct lease_action *a = order(out, LEASE_SEND);
	a->node = node;
	a->message = *m;
	a->message.group = l->config.group;
	a->message.generation = l->config.generation;
}

static void send_all(const struct lease *l, const struct lease_message *m, struct lease_out *out)
{
	for (size_t i = 0; i < l->config.n_voters; i++) {
		if (i != l->rank)
			lease_send(l, l->config.voters[i], m, out);
	}
}

static void tell(const struct lease *l, int64_t now_us, struct lease_event event,
		 struct lease_out *out)
{
	struct lease_action *a = order(out, LEASE_TELL);
	a->event = event;
	a->event.epoch = l->held_epoch;
	a->event.heard = lease_heard(l, now_us);
	a->event.needed = l->needed;
	a->event.voters = l->config.n_voters;
}

void lease_order_save(struct lease *l, struct lease_out *out)
{
	struct lease_action *a = order(out, LEASE_SAVE);
	a->record = l->grantor.saving;
	a->token = ++l->token;
}

static void activate(struct lease *l, int64_t until_us, struct lease_out *out)
{
	struct lease_action *a = order(out, LEASE_ACTIVE);
	l->active_until_us = until_us;
	a->until_us = until_us;
	a->epoch = l->held_epoch;
}

static int64_t random_us(struct lease *l, int64_t below_us)
{
	uint64_t z = l->random += 0x9e3779b97f4a7c15u;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return below_us > 0 ? (int64_t)((z ^ z >> 31) % (uint64_t)below_us) : 0;
}

// ---- what is known ----

bool lease_is_member(const struct lease *l)
{
	return l->rank < l->config.n_members;
}

static bool is_active(const struct lease *l)
{
	return l->state == LEASE_HOLDS || l->is_resuming;
}

bool lease_is_active(const struct lease *l, int64_t now_us)
{
	return is_active(l) && now_us < l->active_until_us;
}

size_t lease_heard(const struct lease *l, int64_t now_us)
{
	size_t n = 0;
	for (size_t i = 0; i < l->config.n_voters; i++)
		n += lease_peer_is_heard(l, i, now_us);
	return n;
}

uint32_t lease_holder(const struct lease *l, int64_t now_us)
{
	if (lease_is_active(l, now_us))
		return l->config.self;
	uint32_t promised = lease_grantor_holder(&l->grantor, now_us);
	if (promised != LEASE_NOBODY && promised != l->config.self)
		return promised;
	for (size_t i = 0; i < l->config.n_voters; i++) {
		const struct lease_peer *p = &l->peers[i];
		if (i != l->rank && p->holder != l->config.self && p->free_us > now_us &&
		    lease_peer_is_heard(l, i, now_us))
			return p->holder;
	}
	return LEASE_NOBODY;
}

// How many members that are there come before this one.
static size_t ahead(const struct lease *l, int64_t now_us)
{
	size_t n = 0;
	for (size_t i = 0; i < l->rank; i++)
		n += lease_peer_is_heard(l, i, now_us) &&
		     l->config.voters[i] != l->grantor.record.holder;
	return n;
}

// When this member may bid; INT64_MAX when nothing that it knows speaks for it.
int64_t lease_turn_us(const struct lease *l, int64_t now_us)
{
	if (!lease_is_member(l) || !l->is_fit || l->state != LEASE_FOLLOWS || l->grantor.is_saving)
		return INT64_MAX;
	int64_t turn = lease_votes_free(l, now_us);
	// No majority without the own vote: it is what puts the epoch on this node's disk.
	const int64_t earliest[] = { lease_grantor_free_us(&l->grantor, l->config.self),
				     l->bid_not_before_us, l->heard_since_us, l->fit_since_us };
	if (turn == INT64_MAX)
		return turn;
	for (size_t i = 0; i < sizeof earliest / sizeof *earliest; i++)
		turn = earliest[i] > turn ? earliest[i] : turn;
	if (l->is_resuming || l->handed_by != LEASE_NOBODY)
		return turn;
	return turn + (int64_t)ahead(l, now_us) * l->config.stagger_us;
}

static bool wants(const struct lease *l, int64_t now_us)
{
	int64_t since = l->fit_since_us > l->heard_since_us ? l->fit_since_us : l->heard_since_us;
	uint32_t holder = lease_holder(l, now_us);
	return l->config.hold_down_us >= 0 && l->is_fit && holder != LEASE_NOBODY &&
	       lease_rank(&l->config, holder) > l->rank && now_us - since >= l->config.hold_down_us;
}

// ---- leaving ----

// Ends the epoch: nothing that was promised in it is used any more. The caller has ordered
// LEASE_INACTIVE if this node was active.
static void release(struct lease *l, int64_t now_us, uint32_t successor, struct lease_out *out)
{
	l->state = LEASE_FOLLOWS;
	l->is_resuming = false;
	l->is_unique = true;
	l->handed_by = LEASE_NOBODY;
	l->release = (struct lease_message){
		.type = LEASE_RELEASE, .node = successor, .epoch = l->epoch, .seq = ++l->seq
	};
	(void)lease_grantor_release(&l->grantor, now_us, l->config.self, &l->release);
	send_all(l, &l->release, out);
	l->release_left = RELEASES - 1;
	l->release_next_us = now_us + l->config.renew_us;
	l->trial_next_us = now_us;
	// Who lost it or did not get it must be well for the whole hold-down again.
	l->fit_since_us = now_us;
}

void lease_send_release(struct lease *l, int64_t now_us, struct lease_out *out)
{
	l->release_left--;
	l->release_next_us = now_us + l->config.renew_us;
	send_all(l, &l->release, out);
}

void lease_give_up(struct lease *l, int64_t now_us, struct lease_event event, struct lease_out *out)
{
	l->active_until_us = now_us;
	(void)order(out, LEASE_INACTIVE);
	tell(l, now_us, event, out);
	bool is_handed = event.cause == LEASE_HANDED_OVER || event.cause == LEASE_UNFIT;
	l->bid_not_before_us = is_handed ? now_us + l->config.bid_us : now_us;
	l->want_us = l->config.lease_us;
	release(l, now_us, is_handed ? event.node : LEASE_NOBODY, out);
}

void lease_end_bid(struct lease *l, int64_t now_us, struct lease_out *out)
{
	int64_t pause = l->config.stagger_us;
	l->bid_not_before_us =
		now_us + pause * (int64_t)l->rank + random_us(l, pause * (int64_t)(l->rank + 1));
	// Active from before the restart: the voters' promises must outlast that.
	if (l->is_resuming)
		l->state = LEASE_FOLLOWS;
	else
		release(l, now_us, LEASE_NOBODY, out);
}

// ---- asking ----

static void ask_self(struct lease *l, int64_t now_us, const struct lease_message *ask,
		     struct lease_out *out)
{
	struct lease_message answer;
	switch (lease_grantor_ask(&l->grantor, now_us, l->config.self, ask, &answer)) {
	case LEASE_STEP_ANSWER:
		lease_take_answer(l, now_us, l->rank, &answer, out);
		return;
	case LEASE_STEP_SAVE:
		lease_order_save(l, out);
		return;
	case LEASE_STEP_NONE:
		return;
	}
}

static bool is_epoch_saved(const struct lease *l)
{
	return l->grantor.record.epoch == l->epoch && l->grantor.record.holder == l->config.self;
}

// Asks every voter for the lease. In a new epoch only the own one, until that is on disk.
void lease_ask_round(struct lease *l, int64_t now_us, struct lease_out *out)
{
	int64_t span = l->want_us;
	int64_t claim = l->active_until_us - now_us;
	if (l->state == LEASE_HOLDS && claim > lease_span_held(&l->config, span))
		activate(l, now_us + lease_span_held(&l->config, span), out);
	else if (l->is_resuming && lease_span_promised(&l->config, claim) > span)
		span = lease_span_promised(&l->config, claim);
	if (span > LEASE_LONGEST_US)
		span = LEASE_LONGEST_US;
	l->renew_next_us = now_us + l->config.renew_us;
	lease_asked(l, now_us, span);
	struct lease_message ask = {
		.type = LEASE_ASK, .epoch = l->epoch, .seq = l->seq, .span_us = span
	};
	bool is_saved = is_epoch_saved(l);
	if (is_saved)
		send_all(l, &ask, out);
	ask_self(l, now_us, &ask, out);
}

void lease_start_bid(struct lease *l, int64_t now_us, struct lease_out *out)
{
	uint64_t highest = l->highest > l->epoch ? l->highest : l->epoch;
	if (l->grantor.record.epoch > highest)
		highest = l->grantor.record.epoch;
	l->state = LEASE_BIDS;
	l->epoch = highest + 1;
	l->first_epoch = l->epoch;
	l->seq = 0;
	l->release_left = 0;
	l->bid_since_us = now_us;
	for (size_t i = 0; i < l->config.n_voters; i++) {
		l->peers[i].until_us = INT64_MIN;
		l->peers[i].epoch = 0;
		l->peers[i].first_epoch = 0;
	}
	if (l->grantor.record.holder != l->config.self) {
		l->late_holder = l->grantor.record.holder;
		l->late_since_us = l->grantor.until_us - l->grantor.lease_us;
	}
	lease_ask_round(l, now_us, out);
}

void lease_renew(struct lease *l, int64_t now_us, struct lease_out *out)
{
	const struct lease_config *c = &l->config;
	if (c->holds_isolated && l->active_until_us - now_us < 2 * c->renew_us) {
		bool was_unique = l->is_unique;
		l->is_unique = false;
		activate(l, now_us + lease_span_held(c, c->lease_us), out);
		if (was_unique)
			tell(l, now_us, (struct lease_event){ .cause = LEASE_HOLDS_ISOLATED }, out);
	}
	lease_ask_round(l, now_us, out);
}

void lease_send_trial(struct lease *l, int64_t now_us, struct lease_out *out)
{
	struct lease_message trial = {
		.type = LEASE_TRIAL,
		.epoch = l->highest,
		.seq = ++l->trial_seq,
		.span_us = l->config.lease_us,
		.flags = wants(l, now_us) ? LEASE_FLAG_WANTS : 0,
	};
	l->trial_next_us = now_us + l->config.trial_us;
	send_all(l, &trial, out);
}

// ---- answers ----

static void win(struct lease *l, int64_t now_us, int64_t until_us, struct lease_out *out)
{
	struct lease_event event = { .cause = LEASE_TOOK_FREE, .node = l->late_holder };
	if (l->is_resuming) {
		event.cause = LEASE_RESUMED;
	} else if (l->handed_by != LEASE_NOBODY) {
		event.cause = LEASE_TOOK_HANDED;
		event.node = l->handed_by;
	} else if (l->late_holder != LEASE_NOBODY) {
		event.cause = LEASE_TOOK_OVER;
		event.span_us = now_us - l->late_since_us;
	}
	l->state = LEASE_HOLDS;
	l->is_unique = true;
	l->is_resuming = false;
	l->handed_by = LEASE_NOBODY;
	l->late_holder = LEASE_NOBODY;
	activate(l, until_us, out);
	tell(l, now_us, event, out);
}

static void recount(struct lease *l, int64_t now_us, struct lease_out *out)
{
	int64_t until = lease_votes_until(l);
	uint64_t epoch = lease_votes_epoch(l);
	if (until <= now_us || (l->state == LEASE_BIDS && epoch == 0))
		return;
	if (l->state == LEASE_BIDS || epoch > l->held_epoch)
		l->held_epoch = epoch;
	if (epoch >= l->held_epoch)
		l->held_generation = l->config.generation;
	if (l->state == LEASE_BIDS) {
		win(l, now_us, until, out);
		return;
	}
	// Without a majority, the rest of its last promises is not a new one.
	if (!l->is_unique && until <= now_us + 2 * l->config.renew_us)
		return;
	if (until > l->active_until_us || !l->is_unique)
		activate(l, until, out);
	if (!l->is_unique) {
		l->is_unique = true;
		tell(l, now_us, (struct lease_event){ .cause = LEASE_UNIQUE_AGAIN }, out);
	}
	int64_t span = until - now_us;
	if (l->want_us > l->config.lease_us && !l->is_long_told &&
	    span > lease_span_held(&l->config, l->want_us) / 4 * 3) {
		l->is_long_told = true;
		tell(l, now_us, (struct lease_event){ LEASE_LONG_READY, .span_us = span }, out);
	}
}

// A voter promised a higher epoch to somebody who did not win. Bid or lease go on in one above it;
// what was promised in the lower ones counts.
static void raise_epoch(struct lease *l, int64_t now_us, struct lease_out *out)
{
	if (l->grantor.is_saving)
		return;
	l->epoch = l->highest + 1;
	lease_ask_round(l, now_us, out);
}

static void take_refusal(struct lease *l, int64_t now_us, const struct lease_message *m,
			 struct lease_out *out)
{
	bool is_other = m->verdict == LEASE_HELD && m->node != l->config.self;
	// Free in a moment: ask again then, not a whole interval later.
	int64_t again = now_us + m->span_us + l->config.stagger_us / 16;
	// An old request that was under way for long tells nothing: the epoch was raised since.
	if (m->verdict == LEASE_STALE && m->epoch == l->epoch)
		raise_epoch(l, now_us, out);
	else if (l->state == LEASE_BIDS && is_epoch_saved(l) && again < l->renew_next_us)
		l->renew_next_us = again;
	else if (l->state == LEASE_HOLDS && !l->is_unique && is_other)
		lease_give_up(l, now_us, (struct lease_event){ LEASE_SUPERSEDED, .node = m->node },
			      out);
}

void lease_take_answer(struct lease *l, int64_t now_us, size_t at, const struct lease_message *m,
		       struct lease_out *out)
{
	struct lease_peer *p = &l->peers[at];
	if (m->highest > l->highest)
		l->highest = m->highest;
	if (m->flags & LEASE_FLAG_TRIAL) {
		if (m->seq > l->trial_seq || l->trial_seq - m->seq >= 3)
			return;
		p->heard_us = now_us;
		lease_learn(p, now_us, m);
		return;
	}
	if (l->state == LEASE_FOLLOWS || m->epoch < l->first_epoch || m->epoch > l->epoch)
		return;
	p->heard_us = now_us;
	if (m->verdict == LEASE_GRANTED) {
		lease_count(l, p, m);
		recount(l, now_us, out);
	} else {
		lease_learn(p, now_us, m);
		take_refusal(l, now_us, m, out);
	}
}
