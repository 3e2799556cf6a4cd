// Clients that ask too much, what is remembered of the last questions, and how long they took.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "dns/journal.h"
#include "dns/rate.h"

CLEAN_FUNC(struct dns_rate, dns_rate_free)
CLEAN_FUNC(struct dns_journal, dns_journal_free)

static struct address address_of(const char *text)
{
	struct address address;
	assert_int_equal(address_parse(text, &address, NULL), 0);
	return address;
}

static unsigned taken(struct dns_rate *rate, const char *client, int64_t now_ms, unsigned tries)
{
	struct address address = address_of(client);
	unsigned count = 0;
	for (unsigned i = 0; i < tries; i++)
		count += dns_rate_take(rate, &address, now_ms);
	return count;
}

static void a_second_is_a_second(void **state)
{
	CLEAN(dns_rate_free_ptr) struct dns_rate *rate = dns_rate_new(10, 1);
	(void)state;
	assert_int_equal(taken(rate, "10.0.0.1", 1000, 100), 10);
	assert_int_equal(taken(rate, "10.0.0.1", 1500, 100), 5);
	assert_int_equal(taken(rate, "10.0.0.1", 900000, 100), 10);
	// Others are not held to account for it; an IPv6 client is its network.
	assert_int_equal(taken(rate, "10.0.0.2", 900000, 100), 10);
	assert_int_equal(taken(rate, "fd00::1", 900000, 6), 6);
	assert_int_equal(taken(rate, "fd00::ffff:2", 900000, 100), 4);
	assert_int_equal(taken(rate, "fd00:0:0:1::1", 900000, 100), 10);
}

// However many come, those who ask now are limited.
static void a_flood_of_addresses(void **state)
{
	CLEAN(dns_rate_free_ptr) struct dns_rate *rate = dns_rate_new(10, 2);
	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		struct address address = { .family = 4,
					   .bytes = { 11, (uint8_t)(i >> 16), (uint8_t)(i >> 8),
						      (uint8_t)i } };
		assert_true(dns_rate_take(rate, &address, 1000));
	}
	assert_int_equal(taken(rate, "10.0.0.1", 2000, 100), 10);
	assert_int_equal(taken(rate, "10.0.0.1", 2000, 100), 0);
}

static void the_oldest_note_goes(void **state)
{
	CLEAN(dns_journal_free_ptr) struct dns_journal *journal = dns_journal_new(3);
	(void)state;
	assert_null(dns_journal_get(journal, 0));
	for (int i = 1; i <= 5; i++)
		dns_journal_add(journal)->at_ms = i;
	assert_int_equal(dns_journal_get(journal, 0)->at_ms, 5);
	assert_int_equal(dns_journal_get(journal, 2)->at_ms, 3);
	assert_null(dns_journal_get(journal, 3));
}

static void times_are_told_within_a_quarter(void **state)
{
	static struct dns_latency latency;
	(void)state;
	assert_int_equal(dns_latency_get(&latency, 500), 0);
	for (uint64_t us = 0; us < 1000000; us = us * 5 / 4 + 1) {
		struct dns_latency one = { 0 };
		dns_latency_add(&one, us, 7);
		assert_in_range(dns_latency_get(&one, 990), us, us + us / 4);
	}
	dns_latency_add(&latency, 2, 990);
	dns_latency_add(&latency, 5000, 10);
	assert_int_equal(dns_latency_get(&latency, 500), 2);
	assert_int_equal(dns_latency_get(&latency, 990), 2);
	assert_in_range(dns_latency_get(&latency, 999), 5000, 6250);
	dns_latency_add(&latency, UINT64_MAX, 100000);
	assert_true(dns_latency_get(&latency, 999) > 6250);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_second_is_a_second),
		cmocka_unit_test(a_flood_of_addresses),
		cmocka_unit_test(the_oldest_note_goes),
		cmocka_unit_test(times_are_told_within_a_quarter),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
