#include "probe/sender.h"

enum { LOST_EVERY = 32 };

void sender_init(struct sender *s, uint64_t session, uint32_t first)
{
	*s = (struct sender){ .session = session, .next = first };
}

void sender_next(struct sender *s, const struct sender_time *now, struct stamp_request *ret_request)
{
	const uint32_t sequence = s->next++;
	s->sent[sequence % SENDER_WINDOW] =
		(struct sender_sent){ now->mono_us, now->stamp, sequence };
	*ret_request = (struct stamp_request){ .sequence = sequence,
					       .sent = now->stamp,
					       .error = now->error,
					       .session = s->session,
					       .confirm = s->confirm };
}

// What the clocks admit together.
static int64_t error_of(const struct stamp_reply *reply, const struct sender_time *now)
{
	int64_t theirs;
	int64_t ours;
	if (!stamp_error_us(reply->error, &theirs) || !stamp_error_us(now->error, &ours))
		return OFFSET_UNKNOWN;
	return theirs + ours;
}

static void measure(struct sender *s, const struct stamp_reply *reply,
		    const struct sender_time *now, const struct sender_sent *sent,
		    struct sender_reply *ret)
{
	const int64_t whole = now->mono_us - sent->mono_us;
	int64_t there = stamp_between_us(reply->received, reply->sent);
	// A clock set in between makes nonsense of it; then it counts as part of the way.
	if (there < 0 || there > whole)
		there = 0;
	struct offset_exchange exchange = {
		.forward_us = stamp_between_us(sent->stamp, reply->received),
		.error_us = error_of(reply, now),
	};
	// Our own clock may have been set too: the way back follows from the monotonic one.
	exchange.back_us = whole - there - exchange.forward_us;
	*ret = (struct sender_reply){ .sequence = sent->sequence,
				      .rtt_us = whole - there,
				      .raw_forward_us = exchange.forward_us,
				      .raw_back_us = exchange.back_us,
				      .forward_us = OFFSET_UNKNOWN,
				      .back_us = OFFSET_UNKNOWN };
	offset_take(&s->offset, &exchange, now->mono_us);
	(void)offset_delays(&s->offset, &exchange, &ret->forward_us, &ret->back_us);
}

// The reflector numbers its replies: of the requests up to one of them, those for which it has no
// number were lost on the way there. Many are looked at together, for on the way some overtake
// others; what that makes too much is taken off the next time.
static void count_lost_there(struct sender *s, const struct stamp_reply *reply)
{
	const uint32_t asked = reply->request_sequence - s->request_number;
	const uint32_t answered = reply->sequence - s->reply_number;
	if (reply->challenge) {
		s->has_numbers = false;
		return;
	}
	if (s->has_numbers && ((int32_t)asked < LOST_EVERY || (int32_t)answered < 0))
		return;
	if (s->has_numbers && asked > answered)
		s->counts.lost_there += asked - answered;
	s->reply_number =
		!s->has_numbers || asked > answered ? reply->sequence : s->reply_number + asked;
	s->request_number = reply->request_sequence;
	s->has_numbers = true;
}

enum sender_verdict sender_match(struct sender *s, const struct sender_claim *claim,
				 const struct sender_sent **ret_sent)
{
	const struct sender_sent *sent = &s->sent[claim->sequence % SENDER_WINDOW];
	const uint32_t age = s->next - 1 - claim->sequence;
	const bool is_ours = claim->session == s->session;
	if (is_ours && age >= SENDER_WINDOW && age < INT32_MAX && claim->sent != 0) {
		s->counts.expired++;
		return SENDER_EXPIRED;
	}
	if (!is_ours || sent->stamp == 0 || sent->sequence != claim->sequence ||
	    sent->stamp != claim->sent) {
		s->counts.foreign++;
		return SENDER_FOREIGN;
	}
	*ret_sent = sent;
	return SENDER_MATCHED;
}

enum sender_verdict sender_take(struct sender *s, const struct stamp_reply *reply,
				const struct sender_time *now, struct sender_reply *ret_reply)
{
	const struct sender_sent *sent;
	const struct sender_claim claim = { reply->session, reply->request_sequence,
					    reply->request_sent };
	const enum sender_verdict verdict = sender_match(s, &claim, &sent);
	if (verdict != SENDER_MATCHED)
		return verdict;
	if (reply->challenge)
		s->confirm = reply->challenge;
	count_lost_there(s, reply);
	measure(s, reply, now, sent, ret_reply);
	return SENDER_MATCHED;
}
