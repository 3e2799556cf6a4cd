// A sender measures its own requests only, by its own clock, and tells one-way delays only where
// the clocks allow it.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "probe/reflector.h"
#include "probe/sender.h"

#define WALL_NS INT64_C(1780000000000000000)

// Two ends with clocks of their own, and a way between them.
struct world {
	struct sender sender;
	struct reflector reflector;
	struct hmac_key key;
	int64_t now_us;
	int64_t wall_ahead_us;  // ours, of the true time
	int64_t their_ahead_us; // theirs
	int64_t there_us, back_us, held_us;
	uint16_t error;
};

static struct sender_time time_of(const struct world *w, int64_t at_us, int64_t ahead_us)
{
	return (struct sender_time){ at_us, stamp_time(WALL_NS + (at_us + ahead_us) * 1000),
				     w->error };
}

static void begin(struct world *w, uint32_t first)
{
	*w = (struct world){ .now_us = 1000000, .there_us = 5000, .back_us = 7000 };
	sender_init(&w->sender, 42, first);
	reflector_init(&w->reflector, 1);
	hmac_key_init(&w->key, "challenges", 10);
}

static struct stamp_request send(struct world *w)
{
	struct stamp_request request;
	const struct sender_time now = time_of(w, w->now_us, w->wall_ahead_us);
	sender_next(&w->sender, &now, &request);
	return request;
}

static struct stamp_reply reflect(struct world *w, const struct stamp_request *request)
{
	struct stamp_reply reply = { 0 };
	const int64_t at = w->now_us + w->there_us;
	const struct sender_time came = time_of(w, at, w->their_ahead_us);
	const struct sender_time left = time_of(w, at + w->held_us, w->their_ahead_us);
	assert_true(reflector_take(&w->reflector, &w->key, request, came.stamp, &reply) !=
		    REFLECTOR_REPLAY);
	reply.sent = left.stamp;
	reply.error = left.error;
	return reply;
}

static enum sender_verdict take(struct world *w, const struct stamp_reply *reply,
				struct sender_reply *ret)
{
	w->now_us += w->there_us + w->held_us + w->back_us;
	const struct sender_time now = time_of(w, w->now_us, w->wall_ahead_us);
	return sender_take(&w->sender, reply, &now, ret);
}

static struct sender_reply exchange(struct world *w)
{
	struct sender_reply ret = { 0 };
	const struct stamp_request request = send(w);
	const struct stamp_reply reply = reflect(w, &request);
	assert_int_equal(take(w, &reply, &ret), SENDER_MATCHED);
	assert_int_equal(ret.sequence, request.sequence);
	return ret;
}

static void the_round_trip_is_without_the_reflector(void **state)
{
	(void)state;
	struct world w;
	begin(&w, 0);
	w.held_us = 3000;
	for (int i = 0; i < 10; i++)
		assert_in_range(exchange(&w).rtt_us, 11998, 12002);
	assert_true(w.reflector.session == 42);
	assert_int_equal(w.sender.counts.foreign, 0);
}

static void set_clocks_change_no_round_trip(void **state)
{
	static const int64_t jumps[] = { 0, 3600000000, -7200000000, 1, 86400000000 };
	(void)state;
	struct world w;
	begin(&w, 0);
	for (size_t i = 0; i < 5; i++) {
		w.wall_ahead_us = jumps[i];
		w.their_ahead_us = jumps[4 - i];
		assert_in_range(exchange(&w).rtt_us, 11998, 12002);
	}
	// Ours is set while a request is under way.
	struct sender_reply ret;
	const struct stamp_request request = send(&w);
	const struct stamp_reply reply = reflect(&w, &request);
	w.wall_ahead_us -= 5000000;
	assert_int_equal(take(&w, &reply, &ret), SENDER_MATCHED);
	assert_in_range(ret.rtt_us, 11998, 12002);
	// Theirs is, while the reflector holds it: then that time cannot be taken off.
	const struct stamp_request next = send(&w);
	struct stamp_reply backward = reflect(&w, &next);
	backward.sent = backward.received - (UINT64_C(5) << 32);
	assert_int_equal(take(&w, &backward, &ret), SENDER_MATCHED);
	assert_in_range(ret.rtt_us, 11998, 12002);
}

static void what_was_not_sent_is_foreign(void **state)
{
	(void)state;
	struct world w;
	struct sender_reply ret;
	begin(&w, 0);
	const struct stamp_request request = send(&w);
	const struct stamp_reply good = reflect(&w, &request);
	struct stamp_reply bad = good;
	bad.session++;
	assert_int_equal(take(&w, &bad, &ret), SENDER_FOREIGN);
	bad = good;
	bad.request_sequence++;
	assert_int_equal(take(&w, &bad, &ret), SENDER_FOREIGN);
	bad = good;
	bad.request_sent++;
	assert_int_equal(take(&w, &bad, &ret), SENDER_FOREIGN);
	assert_int_equal(w.sender.counts.foreign, 3);
	assert_true(w.sender.confirm == 0);
	assert_int_equal(take(&w, &good, &ret), SENDER_MATCHED);
}

static void our_own_request_sent_back_is_no_reply(void **state)
{
	(void)state;
	struct world w;
	struct sender_reply ret;
	uint8_t packet[STAMP_SIZE];
	struct stamp_reply mirrored;
	begin(&w, 0);
	for (int i = 0; i < 3; i++) {
		const struct stamp_request request = send(&w);
		stamp_encode_request(&w.key, &request, packet);
		assert_true(stamp_decode_reply(&w.key, packet, sizeof packet, &mirrored));
		assert_int_equal(take(&w, &mirrored, &ret), SENDER_FOREIGN);
	}
}

static void a_very_late_reply_is_only_counted(void **state)
{
	(void)state;
	struct world w;
	struct sender_reply ret;
	begin(&w, UINT32_MAX - 10);
	const struct stamp_request request = send(&w);
	const struct stamp_reply reply = reflect(&w, &request);
	for (int i = 0; i < SENDER_WINDOW; i++)
		(void)send(&w);
	assert_int_equal(take(&w, &reply, &ret), SENDER_EXPIRED);
	assert_int_equal(w.sender.counts.expired, 1);
}

static void sequence_numbers_wrap(void **state)
{
	(void)state;
	struct world w;
	begin(&w, UINT32_MAX - 50);
	for (int i = 0; i < 200; i++)
		(void)exchange(&w);
	assert_int_equal(w.sender.next, 149);
	assert_int_equal(w.sender.counts.lost_there, 0);
	assert_int_equal(w.reflector.counts.fresh, 199);
}

static void losses_have_a_direction(void **state)
{
	(void)state;
	struct world w;
	begin(&w, 0);
	for (int i = 0; i < 2000; i++) {
		struct sender_reply ret;
		const struct stamp_request request = send(&w);
		if (i % 10 == 3)
			continue; // lost on the way there
		const struct stamp_reply reply = reflect(&w, &request);
		if (i % 5 == 1)
			continue; // on the way back
		assert_int_equal(take(&w, &reply, &ret), SENDER_MATCHED);
	}
	assert_in_range(w.sender.counts.lost_there, 190, 200);
}

static void overtaking_is_no_loss(void **state)
{
	(void)state;
	struct world w;
	begin(&w, 0);
	(void)exchange(&w);
	for (int i = 0; i < 1000; i++) {
		struct sender_reply ret;
		const struct stamp_request one = send(&w);
		const struct stamp_request two = send(&w);
		const struct stamp_reply first = reflect(&w, &two);
		const struct stamp_reply second = reflect(&w, &one);
		assert_int_equal(take(&w, &first, &ret), SENDER_MATCHED);
		assert_int_equal(take(&w, &second, &ret), SENDER_MATCHED);
	}
	assert_in_range(w.sender.counts.lost_there, 0, 1);
}

static void without_synchronised_clocks_a_direction_is_unknown(void **state)
{
	(void)state;
	struct world w;
	begin(&w, 0);
	w.error = stamp_error(false, 100);
	for (int i = 0; i < 20; i++) {
		const struct sender_reply ret = exchange(&w);
		assert_true(ret.forward_us == OFFSET_UNKNOWN && ret.back_us == OFFSET_UNKNOWN);
	}
}

static void synchronised_clocks_tell_the_direction(void **state)
{
	(void)state;
	struct world w;
	begin(&w, 0);
	w.there_us = 20000;
	w.their_ahead_us = 300;
	w.error = stamp_error(true, 500);
	for (int i = 0; i < 20; i++) {
		const struct sender_reply ret = exchange(&w);
		assert_in_range(ret.forward_us, 19000, 21000);
		assert_in_range(ret.back_us, 6000, 8000);
	}
	// They say so, but are an hour apart: what they admit is not believed.
	w.their_ahead_us = INT64_C(3600000000);
	for (int i = 0; i < 20; i++)
		assert_true(exchange(&w).forward_us == OFFSET_UNKNOWN);
}

static void a_queue_shows_its_direction_by_itself(void **state)
{
	(void)state;
	struct world w;
	begin(&w, 0);
	w.their_ahead_us = -5000000;
	for (int i = 0; i < 20; i++)
		(void)exchange(&w);
	w.back_us = 107000;
	const struct sender_reply ret = exchange(&w);
	assert_in_range(ret.back_us, 99000, 113000);
	assert_in_range(ret.forward_us, 0, 12000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_round_trip_is_without_the_reflector),
		cmocka_unit_test(set_clocks_change_no_round_trip),
		cmocka_unit_test(what_was_not_sent_is_foreign),
		cmocka_unit_test(our_own_request_sent_back_is_no_reply),
		cmocka_unit_test(a_very_late_reply_is_only_counted),
		cmocka_unit_test(sequence_numbers_wrap),
		cmocka_unit_test(losses_have_a_direction),
		cmocka_unit_test(overtaking_is_no_loss),
		cmocka_unit_test(without_synchronised_clocks_a_direction_is_unknown),
		cmocka_unit_test(synchronised_clocks_tell_the_direction),
		cmocka_unit_test(a_queue_shows_its_direction_by_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
