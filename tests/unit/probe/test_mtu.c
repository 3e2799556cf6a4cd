// The search finds what a path carries, by few packets, also where some are lost.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "base/clean.h"

#include "probe/mtu.h"

// Runs a search over a path that carries `limit` bytes and loses every `lossy`th packet (0: none).
// Returns the packets.
static int run(struct mtu_search *search, uint32_t full, uint32_t limit, int lossy)
{
	int packets = 0;
	mtu_start(search, full);
	for (uint32_t size; (size = mtu_next(search)) != 0;) {
		packets++;
		assert_in_range(size, MTU_SMALL, full);
		assert_in_range(packets, 1, 60);
		mtu_answer(search, size <= limit && (lossy == 0 || packets % lossy != 0));
	}
	return packets;
}

static void a_path_that_carries_all_takes_two_packets(void **state)
{
	(void)state;
	struct mtu_search search;
	uint32_t path_mtu;
	bool whole;
	assert_int_equal(run(&search, 1560, 65535, 0), 2);
	assert_true(mtu_result(&search, &path_mtu, &whole));
	assert_int_equal(path_mtu, 1560);
	assert_true(whole);
}

static void a_limit_is_found_within_the_grain(void **state)
{
	(void)state;
	for (uint32_t limit = MTU_SMALL; limit < 1560; limit += 7) {
		struct mtu_search search;
		uint32_t path_mtu;
		bool whole;
		(void)run(&search, 1560, limit, 0);
		assert_true(mtu_result(&search, &path_mtu, &whole));
		assert_false(whole);
		assert_in_range(path_mtu, limit > MTU_GRAIN ? limit - MTU_GRAIN : 0, limit);
	}
}

static void a_silent_peer_tells_nothing(void **state)
{
	(void)state;
	struct mtu_search search;
	uint32_t path_mtu;
	bool whole;
	assert_int_equal(run(&search, 1560, 0, 0), MTU_TRIES);
	assert_false(mtu_result(&search, &path_mtu, &whole));
}

static void single_losses_do_not_lower_the_result(void **state)
{
	(void)state;
	for (int lossy = 2; lossy < 6; lossy++) {
		struct mtu_search search;
		uint32_t path_mtu;
		bool whole;
		(void)run(&search, 1560, 65535, lossy);
		assert_true(mtu_result(&search, &path_mtu, &whole));
		assert_true(whole);
		(void)run(&search, 1560, 1400, lossy);
		assert_true(mtu_result(&search, &path_mtu, &whole));
		assert_in_range(path_mtu, 1400 - MTU_GRAIN, 1400);
	}
}

static void nothing_is_known_before_the_end(void **state)
{
	(void)state;
	struct mtu_search search;
	uint32_t path_mtu;
	bool whole;
	mtu_start(&search, 1560);
	assert_false(mtu_result(&search, &path_mtu, &whole));
	mtu_answer(&search, true);
	assert_false(mtu_result(&search, &path_mtu, &whole));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_that_carries_all_takes_two_packets),
		cmocka_unit_test(a_limit_is_found_within_the_grain),
		cmocka_unit_test(a_silent_peer_tells_nothing),
		cmocka_unit_test(single_losses_do_not_lower_the_result),
		cmocka_unit_test(nothing_is_known_before_the_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
