// The cache: views apart, time counting down, memory bounded.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clean.h"
#include "base/octets.h"

#include "dns/cache.h"
#include "fault.h"

CLEAN_FUNC(struct dns_cache, dns_cache_free)

#define QUESTION "\3www\7example\3com\0\0\1\0\1"
#define TTL_AT   (12 + sizeof(QUESTION) - 1 + 6)

static const uint8_t answer[] =
	"\0\0\x81\x80\0\1\0\1\0\0\0\0" QUESTION "\xc0\x0c\0\1\0\1\0\0\0\x64\0\4\xc0\0\2\1";
static const size_t answer_len = sizeof(answer) - 1;

static struct name name_of(const char *text)
{
	struct name name;
	assert_int_equal(name_parse(text, strlen(text), &name, NULL), 0);
	return name;
}

static struct dns_cache *cache_of(size_t bytes, uint32_t stale_s)
{
	const struct dns_cache_config config = { bytes, stale_s };
	struct dns_cache *cache = dns_cache_new(&config);
	assert_non_null(cache);
	return cache;
}

static void time_counts_down(void **state)
{
	CLEAN(dns_cache_free_ptr) struct dns_cache *cache = cache_of(100000, 0);
	struct name name = name_of("www.example.com");
	const struct dns_key key = { .name = &name, .type = DNS_A, .class = DNS_IN };
	uint8_t got[512];
	struct dns_hit hit;
	(void)state;
	assert_int_equal(dns_cache_get(cache, &key, 1000, got, sizeof(got), &hit), DNS_MISS);
	assert_int_equal(dns_cache_put(cache, &key, answer, answer_len, 100, 1000), 0);
	assert_int_equal(dns_cache_get(cache, &key, 1030, got, sizeof(got), &hit), DNS_FRESH);
	assert_int_equal(hit.len, answer_len);
	assert_false(hit.wants_renewal);
	assert_int_equal(octets_get(got + TTL_AT, 4), 70);
	assert_memory_equal(got, answer, TTL_AT);
	assert_memory_equal(got + TTL_AT + 4, answer + TTL_AT + 4, answer_len - TTL_AT - 4);
	// In its last tenth it is renewed, by one asker.
	assert_int_equal(dns_cache_get(cache, &key, 1090, got, sizeof(got), &hit), DNS_FRESH);
	assert_true(hit.wants_renewal);
	assert_int_equal(dns_cache_get(cache, &key, 1099, got, sizeof(got), &hit), DNS_FRESH);
	assert_false(hit.wants_renewal);
	assert_int_equal(octets_get(got + TTL_AT, 4), 1);
	assert_int_equal(dns_cache_get(cache, &key, 1100, got, sizeof(got), &hit), DNS_MISS);
	assert_int_equal(dns_cache_counts(cache).entries, 0);
}

struct seen {
	size_t count;
	int64_t left_s;
	struct name name;
};

static bool see(void *context, const struct dns_kept *kept)
{
	struct seen *seen = context;
	seen->count++;
	seen->left_s = kept->left_s;
	seen->name = *kept->key.name;
	assert_int_equal(kept->len, answer_len);
	assert_memory_equal(kept->message, answer, answer_len);
	return seen->count < 2;
}

static void what_is_kept_is_shown(void **state)
{
	CLEAN(dns_cache_free_ptr) struct dns_cache *cache = cache_of(100000, 60);
	static const char *const names[] = { "a.example", "b.example", "c.other", "d.example" };
	const struct name example = name_of("example");
	struct seen seen = { 0 };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct name name = name_of(names[i]);
		const struct dns_key key = { .name = &name, .type = DNS_A, .class = DNS_IN };
		assert_int_equal(
			dns_cache_put(cache, &key, answer, answer_len, i == 3 ? 10 : 100, 1000), 0);
	}
	// The last that was put has had its time.
	dns_cache_each(cache, &example, true, 1020, see, &seen);
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.left_s, 80);
	const struct name first = name_of("a.example");
	assert_memory_equal(seen.name.wire, first.wire, first.len);
	seen.count = 0;
	dns_cache_each(cache, &example, false, 1020, see, &seen);
	assert_int_equal(seen.count, 0);
	assert_int_equal(dns_cache_counts(cache).hits, 0);
}

static void views_types_and_signatures_are_kept_apart(void **state)
{
	CLEAN(dns_cache_free_ptr) struct dns_cache *cache = cache_of(100000, 0);
	struct name name = name_of("www.example.com"), other = name_of("example.com");
	const struct dns_key key = { .name = &name, .type = DNS_A, .class = DNS_IN, .view = 1 };
	const struct dns_key others[] = {
		{ .name = &name, .type = DNS_A, .class = DNS_IN, .view = 2 },
		{ .name = &name, .type = DNS_AAAA, .class = DNS_IN, .view = 1 },
		{ .name = &name, .type = DNS_A, .class = 3, .view = 1 },
		{ .name = &name, .type = DNS_A, .class = DNS_IN, .view = 1, .wants_dnssec = true },
		{ .name = &other, .type = DNS_A, .class = DNS_IN, .view = 1 },
	};
	uint8_t got[512];
	struct dns_hit hit;
	(void)state;
	assert_int_equal(dns_cache_put(cache, &key, answer, answer_len, 100, 0), 0);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		assert_int_equal(dns_cache_get(cache, &others[i], 0, got, sizeof(got), &hit),
				 DNS_MISS);
	assert_int_equal(dns_cache_get(cache, &key, 0, got, sizeof(got), &hit), DNS_FRESH);
}

static void what_is_stale_is_told_as_such(void **state)
{
	CLEAN(dns_cache_free_ptr) struct dns_cache *cache = cache_of(100000, 50);
	struct name name = name_of("www.example.com");
	const struct dns_key key = { .name = &name, .type = DNS_A, .class = DNS_IN };
	uint8_t got[512];
	struct dns_hit hit;
	(void)state;
	assert_int_equal(dns_cache_put(cache, &key, answer, answer_len, 100, 0), 0);
	assert_int_equal(dns_cache_get(cache, &key, 149, got, sizeof(got), &hit), DNS_STALE);
	assert_int_equal(octets_get(got + TTL_AT, 4), 1);
	assert_int_equal(dns_cache_get(cache, &key, 150, got, sizeof(got), &hit), DNS_MISS);
	// A new answer takes the old one's place.
	assert_int_equal(dns_cache_put(cache, &key, answer, answer_len, 100, 0), 0);
	assert_int_equal(dns_cache_put(cache, &key, answer, answer_len, 100, 120), 0);
	assert_int_equal(dns_cache_get(cache, &key, 130, got, sizeof(got), &hit), DNS_FRESH);
	assert_int_equal(dns_cache_counts(cache).entries, 1);
}

static void memory_is_bounded_and_the_idle_go_first(void **state)
{
	enum { BYTES = 50000, MANY = 5000 };
	CLEAN(dns_cache_free_ptr) struct dns_cache *cache = cache_of(BYTES, 0);
	struct name busy = name_of("busy.example");
	const struct dns_key kept = { .name = &busy, .type = DNS_A, .class = DNS_IN };
	uint8_t got[512];
	struct dns_hit hit;
	(void)state;
	assert_int_equal(dns_cache_put(cache, &kept, answer, answer_len, 100, 0), 0);
	for (unsigned i = 0; i < MANY; i++) {
		char text[32];
		(void)snprintf(text, sizeof(text), "host-%u.example", i);
		struct name name = name_of(text);
		const struct dns_key key = { .name = &name, .type = DNS_A, .class = DNS_IN };
		assert_int_equal(dns_cache_put(cache, &key, answer, answer_len, 100, 0), 0);
		assert_int_equal(dns_cache_get(cache, &kept, 0, got, sizeof(got), &hit), DNS_FRESH);
		assert_true(dns_cache_counts(cache).bytes <= BYTES);
	}
	struct dns_cache_counts counts = dns_cache_counts(cache);
	assert_int_equal(counts.entries + counts.evicted, MANY + 1);
	assert_true(counts.entries > 100);
}

static void names_are_forgotten(void **state)
{
	static const char *const names[] = { "example.com", "www.example.com", "notexample.com",
					     "a.b.example.com" };
	CLEAN(dns_cache_free_ptr) struct dns_cache *cache = cache_of(100000, 0);
	struct name about = name_of("example.com");
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct name name = name_of(names[i]);
		const struct dns_key key = { .name = &name, .type = DNS_A, .class = DNS_IN };
		assert_int_equal(dns_cache_put(cache, &key, answer, answer_len, 100, 0), 0);
	}
	assert_int_equal(dns_cache_forget(cache, &about, false), 1);
	assert_int_equal(dns_cache_forget(cache, &about, true), 2);
	assert_int_equal(dns_cache_forget(cache, NULL, true), 1);
	assert_int_equal(dns_cache_counts(cache).entries, 0);
}

static void what_cannot_be_kept_is_not(void **state)
{
	CLEAN(dns_cache_free_ptr) struct dns_cache *cache = cache_of(20000, 0);
	struct name name = name_of("www.example.com");
	const struct dns_key key = { .name = &name, .type = DNS_A, .class = DNS_IN };
	static uint8_t large[6000];
	uint8_t got[20];
	struct dns_hit hit;
	(void)state;
	assert_int_equal(dns_cache_put(cache, &key, answer, answer_len - 1, 100, 0), -EBADMSG);
	assert_int_equal(dns_cache_put(cache, &key, large, sizeof(large), 100, 0), -EFBIG);
	assert_int_equal(dns_cache_put(cache, &key, answer, answer_len, 100, 0), 0);
	// One that does not fit where it should go says how long it is.
	assert_int_equal(dns_cache_get(cache, &key, 0, got, sizeof(got), &hit), DNS_FRESH);
	assert_int_equal(hit.len, answer_len);
	fault_arm(FAULT_ALLOC, 1);
	assert_int_equal(dns_cache_put(cache, &key, answer, answer_len, 100, 0), -ENOMEM);
	assert_true(fault_disarm());
	assert_int_equal(dns_cache_get(cache, &key, 0, got, sizeof(got), &hit), DNS_MISS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_counts_down),
		cmocka_unit_test(what_is_kept_is_shown),
		cmocka_unit_test(views_types_and_signatures_are_kept_apart),
		cmocka_unit_test(what_is_stale_is_told_as_such),
		cmocka_unit_test(memory_is_bounded_and_the_idle_go_first),
		cmocka_unit_test(names_are_forgotten),
		cmocka_unit_test(what_cannot_be_kept_is_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
