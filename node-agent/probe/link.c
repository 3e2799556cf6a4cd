#include "probe/link.h"

#include "base/clean.h"

const int64_t link_bounds_us[LINK_BUCKETS] = { 1000,  2500,   5000,   10000,  25000,
					       50000, 100000, 250000, 1000000 };

void link_init(struct link *l, const uint8_t key[LINK_KEY_SIZE], const struct link_seed *seed,
	       const struct judge_config *config, int64_t now_us)
{
	*l = (struct link){ .rtt_us = OFFSET_UNKNOWN,
			    .forward_us = OFFSET_UNKNOWN,
			    .back_us = OFFSET_UNKNOWN };
	hmac_key_init(&l->key, key, LINK_KEY_SIZE);
	sender_init(&l->sender, seed->session, 0);
	reflector_init(&l->reflector, seed->salt);
	judge_init(&l->judge, config, now_us);
	l->next_us = now_us + (int64_t)(seed->phase % (uint64_t)l->judge.config.interval_us);
}

void link_done(struct link *l)
{
	hmac_key_done(&l->key);
}

void link_configure(struct link *l, const struct judge_config *config, int64_t now_us)
{
	judge_configure(&l->judge, config, now_us);
	if (l->next_us > now_us + l->judge.config.interval_us)
		l->next_us = now_us + l->judge.config.interval_us;
}

int64_t link_due_us(const struct link *l)
{
	const int64_t judge_us = judge_due_us(&l->judge);
	return judge_us < l->next_us ? judge_us : l->next_us;
}

bool link_ask(struct link *l, const struct sender_time *now, struct stamp_request *ret_request,
	      bool *ret_changed)
{
	const int64_t interval = l->judge.config.interval_us;
	*ret_changed = false;
	if (now->mono_us < l->next_us)
		return false;
	// Whoever was stopped for a while does not send all that it missed.
	l->next_us = now->mono_us - l->next_us < interval ? l->next_us + interval
							  : now->mono_us + interval;
	sender_next(&l->sender, now, ret_request);
	*ret_changed = judge_sent(&l->judge, ret_request->sequence, now->mono_us);
	return true;
}

bool link_send(struct link *l, const struct sender_time *now, uint8_t ret_packet[STAMP_SIZE],
	       bool *ret_changed)
{
	struct stamp_request request;
	if (!link_ask(l, now, &request, ret_changed))
		return false;
	stamp_encode_request(&l->key, &request, ret_packet);
	return true;
}

// A packet with a note behind it is a packet all the same.
static size_t length_without_note(const struct link *l, const void *data, size_t len)
{
	const uint8_t *note;
	return stamp_note_get(&l->key, data, len, &note) ? STAMP_SIZE : len;
}

bool link_answer(struct link *l, const struct hmac_key *challenges, const void *data, size_t len,
		 const struct sender_time times[2], uint8_t ret_packet[STAMP_SIZE])
{
	const struct sender_time *arrived = &times[0], *now = &times[1];
	struct stamp_request request;
	struct stamp_reply reply;
	len = length_without_note(l, data, len);
	if (!stamp_decode_request(&l->key, data, len, &request)) {
		l->garbage++;
		return false;
	}
	if (reflector_take(&l->reflector, challenges, &request, arrived->stamp, &reply) ==
	    REFLECTOR_REPLAY)
		return false;
	reply.sent = now->stamp;
	reply.error = now->error;
	stamp_encode_reply(&l->key, &reply, ret_packet);
	return true;
}

static void count(struct link_histogram *h, int64_t us)
{
	if (us == OFFSET_UNKNOWN)
		return;
	h->count++;
	h->sum_us += (double)us;
	for (size_t i = LINK_BUCKETS; i-- > 0 && us <= link_bounds_us[i];)
		h->at_most[i]++;
}

bool link_measured(struct link *l, const struct sender_reply *measured, int64_t now_us)
{
	const uint64_t returned = l->judge.counts.returned;
	const struct judge_reply outcome = { .rtt_us = measured->rtt_us,
					     .forward_us = measured->raw_forward_us,
					     .back_us = measured->raw_back_us };
	const bool changed = judge_reply(&l->judge, measured->sequence, &outcome, now_us);
	// Late ones and duplicates are not measured.
	if (l->judge.counts.returned == returned)
		return changed;
	l->rtt_us = measured->rtt_us;
	l->forward_us = measured->forward_us;
	l->back_us = measured->back_us;
	count(&l->histogram, measured->rtt_us);
	count(&l->forward, measured->forward_us);
	count(&l->back, measured->back_us);
	return changed;
}

bool link_take(struct link *l, const void *data, size_t len, const struct sender_time *arrived,
	       int64_t now_us)
{
	struct stamp_reply reply;
	struct sender_reply measured;
	len = length_without_note(l, data, len);
	if (!stamp_decode_reply(&l->key, data, len, &reply)) {
		l->garbage++;
		return false;
	}
	if (sender_take(&l->sender, &reply, arrived, &measured) != SENDER_MATCHED)
		return false;
	return link_measured(l, &measured, now_us);
}
