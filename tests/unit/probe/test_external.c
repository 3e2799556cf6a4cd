// External links: what comes back counts only if it is what is outstanding.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "base/clean.h"
#include "base/octets.h"

#include "probe/external.h"
#include "probe/icmp_message.h"

enum { INTERVAL_US = 200000, IP_HEADER = 20 };

static const enum external_way ways[] = { EXTERNAL_UDP, EXTERNAL_ICMP4, EXTERNAL_ICMP6 };

static struct sender_time at(int64_t us)
{
	return (struct sender_time){ us, stamp_time(us * 1000 + 1), 0 };
}

static void init(struct link *l)
{
	static const uint8_t key[LINK_KEY_SIZE] = { 7 };
	static const struct link_seed seed = { .session = 0x1122334455667788, .salt = 1 };
	struct judge_config config = judge_config_default();
	config.interval_us = INTERVAL_US;
	config.hold_down_us = 0;
	link_init(l, key, &seed, &config, 0);
}

// Sends a request at `us` and makes the target's answer of it; its length.
static size_t ask(struct link *l, enum external_way way, int64_t us, uint8_t ret_answer[128])
{
	uint8_t packet[EXTERNAL_SIZE_MAX];
	const struct sender_time now = at(us);
	bool changed;
	const size_t len = external_send(l, way, &now, packet, &changed);
	const size_t header = way == EXTERNAL_ICMP4 ? IP_HEADER : 0;
	assert_true(len > 0 && len <= sizeof packet);
	memset(ret_answer, 0, header);
	ret_answer[0] = header ? 0x45 : 0;
	memcpy(ret_answer + header, packet, len);
	if (way != EXTERNAL_UDP)
		ret_answer[header] = way == EXTERNAL_ICMP4 ? 0 : 129;
	return header + len;
}

static bool take(struct link *l, enum external_way way, const uint8_t *answer, size_t len,
		 int64_t us)
{
	const struct sender_time now = at(us);
	return external_take(l, way, answer, len, &now, us);
}

static void what_comes_back_is_measured(void **state)
{
	(void)state;
	for (size_t w = 0; w < ARRAY_LEN(ways); w++) {
		struct link l;
		uint8_t answer[128];
		init(&l);
		for (int i = 0; i < 5; i++) {
			const int64_t us = (i + 1) * INTERVAL_US;
			const size_t len = ask(&l, ways[w], us, answer);
			const bool changed = take(&l, ways[w], answer, len, us + 12345);
			assert_int_equal(changed, i == 4);
		}
		assert_int_equal(l.judge.state, JUDGE_UP);
		assert_int_equal(l.rtt_us, 12345);
		assert_true(l.forward_us == OFFSET_UNKNOWN && l.back_us == OFFSET_UNKNOWN);
		assert_int_equal(l.histogram.count, 5);
		assert_int_equal(l.judge.counts.returned, 5);
		link_done(&l);
	}
}

static void forgeries_are_counted_and_change_nothing(void **state)
{
	(void)state;
	for (size_t w = 0; w < ARRAY_LEN(ways); w++) {
		struct link l;
		uint8_t answer[128], other[128];
		init(&l);
		const size_t len = ask(&l, ways[w], INTERVAL_US, answer);
		const size_t payload = len - 36;
		uint64_t garbage = 0;
		// Each octet of what is carried is under the code.
		for (size_t i = payload; i < len; i++) {
			memcpy(other, answer, len);
			other[i] ^= 1;
			assert_false(take(&l, ways[w], other, len, INTERVAL_US + 10));
			assert_int_equal(l.garbage, ++garbage);
		}
		memcpy(other, answer, len);
		assert_false(take(&l, ways[w], other, len - 1, INTERVAL_US + 10));
		assert_false(take(&l, ways[w], other, len + 1, INTERVAL_US + 10));
		assert_false(take(&l, ways[w], other, payload, INTERVAL_US + 10));
		assert_int_equal(l.garbage, garbage + 3);
		for (size_t short_len = 0; short_len < payload; short_len++)
			assert_false(take(&l, ways[w], other, short_len, INTERVAL_US + 10));
		assert_int_equal(l.judge.counts.returned, 0);
		// It still counts when it comes itself, once.
		(void)take(&l, ways[w], answer, len, INTERVAL_US + 10);
		(void)take(&l, ways[w], answer, len, INTERVAL_US + 11);
		assert_int_equal(l.judge.counts.returned, 1);
		assert_int_equal(l.judge.counts.duplicate, 1);
		link_done(&l);
	}
}

static void echoes_of_others_are_passed_over(void **state)
{
	(void)state;
	struct link l;
	uint8_t answer[128];
	init(&l);
	const size_t len = ask(&l, EXTERNAL_ICMP4, INTERVAL_US, answer);
	answer[IP_HEADER + 4] ^= 1; // the identifier
	assert_false(take(&l, EXTERNAL_ICMP4, answer, len, INTERVAL_US + 10));
	answer[IP_HEADER + 4] ^= 1;
	answer[IP_HEADER] = 3; // unreachable
	assert_false(take(&l, EXTERNAL_ICMP4, answer, len, INTERVAL_US + 10));
	answer[IP_HEADER] = 0;
	answer[0] = 0x4f; // says it has a longer header than there are octets
	assert_false(take(&l, EXTERNAL_ICMP4, answer, len, INTERVAL_US + 10));
	assert_int_equal(l.garbage, 0);
	assert_int_equal(l.judge.counts.returned, 0);
	link_done(&l);
}

static void late_answers_are_late(void **state)
{
	(void)state;
	struct link l;
	uint8_t first[128], answer[128];
	init(&l);
	size_t len = ask(&l, EXTERNAL_UDP, INTERVAL_US, first);
	for (int i = 1; i < 70; i++) {
		const int64_t us = (i + 1) * INTERVAL_US;
		(void)judge_tick(&l.judge, us);
		len = ask(&l, EXTERNAL_UDP, us, answer);
		(void)take(&l, EXTERNAL_UDP, answer, len, us + 100);
	}
	assert_int_equal(l.judge.state, JUDGE_UP);
	assert_false(take(&l, EXTERNAL_UDP, first, len, 71 * INTERVAL_US));
	assert_int_equal(l.sender.counts.expired, 1);
	assert_int_equal(l.judge.counts.lost, 1);
	assert_int_equal(l.judge.state, JUDGE_UP);
	link_done(&l);
}

// RFC 1071, of a request whose sum is known.
static void messages_have_checksums(void **state)
{
	uint8_t message[ICMP_MESSAGE_HEADER + 3] = { 0 };
	(void)state;
	memcpy(message + ICMP_MESSAGE_HEADER, "abc", 3);
	icmp_message_put(false, 0x1234, 0x0001, message, sizeof message);
	assert_int_equal(octets_get(message, 2), 0x0800);
	uint32_t sum = 0;
	for (size_t i = 0; i < sizeof message; i += 2)
		sum += (uint32_t)(message[i] << 8) + (i + 1 < sizeof message ? message[i + 1] : 0);
	assert_int_equal((sum & 0xffff) + (sum >> 16), 0xffff);
	icmp_message_put(true, 0x1234, 0x0001, message, sizeof message);
	assert_int_equal(octets_get(message, 8), UINT64_C(0x8000000012340001));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_comes_back_is_measured),
		cmocka_unit_test(forgeries_are_counted_and_change_nothing),
		cmocka_unit_test(echoes_of_others_are_passed_over),
		cmocka_unit_test(late_answers_are_late),
		cmocka_unit_test(messages_have_checksums),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
