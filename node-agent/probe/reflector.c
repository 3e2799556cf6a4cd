#include "probe/reflector.h"

#include <string.h>

void reflector_init(struct reflector *r, uint64_t salt)
{
	*r = (struct reflector){ .salt = salt };
}

// Needs no memory of unknown sessions, however many there are.
static uint64_t challenge_of(const struct reflector *r, const struct hmac_key *key,
			     uint64_t session)
{
	const uint64_t text[] = { r->salt, session, r->confirmed };
	uint8_t sum[HMAC_SIZE];
	uint64_t challenge;
	hmac_sum(key, text, sizeof text, sum);
	memcpy(&challenge, sum, sizeof challenge);
	return challenge ? challenge : 1;
}

static void begin_session(struct reflector *r, const struct stamp_request *request)
{
	r->session = request->session;
	r->highest = request->sequence - 1;
	r->answered = 0;
	r->confirmed++;
	memset(r->seen, 0, sizeof r->seen);
}

static uint64_t *word_of(struct reflector *r, uint32_t sequence)
{
	return &r->seen[sequence % REFLECTOR_WINDOW / 64];
}

static void move_to(struct reflector *r, uint32_t sequence, uint32_t ahead)
{
	if (ahead >= REFLECTOR_WINDOW)
		memset(r->seen, 0, sizeof r->seen);
	else
		for (uint32_t s = r->highest + 1; s != sequence; s++)
			*word_of(r, s) &= ~(UINT64_C(1) << s % 64);
	*word_of(r, sequence) &= ~(UINT64_C(1) << sequence % 64);
	r->highest = sequence;
}

// Whether the sequence number is seen for the first time; notes it.
static bool is_first(struct reflector *r, uint32_t sequence)
{
	const int32_t ahead = (int32_t)(sequence - r->highest);
	if (ahead > 0)
		move_to(r, sequence, (uint32_t)ahead);
	else if (ahead <= -REFLECTOR_WINDOW)
		return false;
	const uint64_t bit = UINT64_C(1) << sequence % 64;
	if (*word_of(r, sequence) & bit)
		return false;
	*word_of(r, sequence) |= bit;
	r->counts.reordered += ahead < 0;
	return true;
}

enum reflector_verdict reflector_take(struct reflector *r, const struct hmac_key *key,
				      const struct stamp_request *request, uint64_t received,
				      struct stamp_reply *ret_reply)
{
	bool is_known = request->session == r->session && r->session != 0;
	uint64_t challenge = is_known ? 0 : challenge_of(r, key, request->session);
	if (!is_known && request->confirm == challenge && request->session != 0) {
		begin_session(r, request);
		is_known = true;
		challenge = 0;
	}
	if (is_known && !is_first(r, request->sequence)) {
		r->counts.replayed++;
		return REFLECTOR_REPLAY;
	}
	*ret_reply = (struct stamp_reply){
		.sequence = is_known ? r->answered++ : 0,
		.received = received,
		.challenge = challenge,
		.request_sequence = request->sequence,
		.request_sent = request->sent,
		.request_error = request->error,
		.session = request->session,
	};
	r->counts.fresh += is_known;
	r->counts.unknown += !is_known;
	return is_known ? REFLECTOR_FRESH : REFLECTOR_UNKNOWN;
}
