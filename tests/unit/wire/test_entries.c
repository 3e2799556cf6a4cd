// Digests against vectors made by another program, and what must hold for any entry sets and
// deltas.

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

#include "wire/entries.h"
#include "wire/limits.h"

#define PEER_BODY   "{\"device\":\"wgabcdefgh\",\"needs\":[\"wireguard/home\"]}"
#define SYSCTL_BODY "{\"name\":\"net.ipv4.ip_forward\",\"needs\":[],\"value\":\"1\"}"

static void assert_digest(struct digest d, const char *expected)
{
	char text[DIGEST_TEXT_SIZE];

	digest_format(d, text);
	assert_string_equal(text, expected);
}

static void put(struct entry_set *set, const char *key, const char *body)
{
	struct err err;

	assert_true(entry_set_put(set, key, body, strlen(body), &err) >= 0);
}

// Vectors by Python's hashlib.
static void digest_vectors(void **state)
{
	CLEAN(entry_set_free_ptr) struct entry_set *set = entry_set_new();

	(void)state;
	assert_digest(entry_set_digest(set), "00000000000000000000000000000000");
	assert_digest(digest_of_entry("peer/home/bob", PEER_BODY, strlen(PEER_BODY)),
		      "20e358b33a61472697623650728ca7fb");
	assert_digest(digest_of_bytes("abc", 3), "2322ae5dde404141eacf018fbf1678ba");
	put(set, "peer/home/bob", PEER_BODY);
	put(set, "sysctl/net.ipv4.ip_forward", SYSCTL_BODY);
	put(set, "address/home/10.88.0.1", "{}");
	assert_digest(entry_set_digest(set), "464abd2b34adfc7e15620a53a7d17afd");
}

static void digest_carries_and_borrows(void **state)
{
	struct digest d = { .low = UINT64_MAX, .high = UINT64_MAX };
	struct digest one = { .low = 1 };

	(void)state;
	digest_add(&d, one);
	assert_digest(d, "00000000000000000000000000000000");
	digest_sub(&d, one);
	assert_digest(d, "ffffffffffffffffffffffffffffffff");
}

static void digest_parses_only_its_own_form(void **state)
{
	static const char *const bad[] = {
		"",
		"0",
		"0000000000000000000000000000000",
		"000000000000000000000000000000000",
		"0000000000000000000000000000000G",
		"0000000000000000000000000000000A",
		"0x000000000000000000000000000000",
		" 0000000000000000000000000000000",
	};
	struct digest d = { 7, 7 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(digest_parse(bad[i], &d), -EINVAL);
	assert_int_equal(d.low, 7);
	assert_int_equal(digest_parse("0123456789abcdef0011223344556677", &d), 0);
	assert_digest(d, "0123456789abcdef0011223344556677");
}

static void keys_and_bodies_are_checked(void **state)
{
	static const char *const bad_keys[] = { "",     "Peer/x",   "a b", "a\nb",
						"a\"b", "\xc3\xa4", "#a" };
	static const char *const bad_bodies[] = { "",
						  "1",
						  "[]",
						  "{",
						  "{}x",
						  "{\"a\":1,\"a\":2}",
						  "{\n}",
						  "{\"a\":\"\xff\"}",
						  "{\"a\":\"\\u0000\"}" };
	char long_key[WIRE_KEY_MAX + 2];
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad_keys); i++) {
		assert_int_equal(entry_key_check(bad_keys[i], &err), -EINVAL);
		assert_null(strchr(err.text, '\n'));
	}
	for (size_t i = 0; i < ARRAY_LEN(bad_bodies); i++)
		assert_int_equal(entry_body_check(bad_bodies[i], strlen(bad_bodies[i]), &err),
				 -EBADMSG);
	memset(long_key, 'a', sizeof(long_key));
	long_key[WIRE_KEY_MAX + 1] = '\0';
	assert_int_equal(entry_key_check(long_key, &err), -EINVAL);
	long_key[WIRE_KEY_MAX] = '\0';
	assert_int_equal(entry_key_check(long_key, &err), 0);
	assert_int_equal(entry_body_check("{}", WIRE_BODY_MAX + 1, &err), -E2BIG);
}

static void put_drop_and_order(void **state)
{
	CLEAN(entry_set_free_ptr) struct entry_set *set = entry_set_new();
	struct entry_change e;
	size_t at = 0;

	(void)state;
	assert_int_equal(entry_set_put(set, "b", "{}", 2, NULL), 1);
	assert_int_equal(entry_set_put(set, "a", "{}", 2, NULL), 1);
	assert_int_equal(entry_set_put(set, "c/1", "{}", 2, NULL), 1);
	assert_int_equal(entry_set_put(set, "c/2", "{}", 2, NULL), 1);
	assert_int_equal(entry_set_put(set, "b", "{}", 2, NULL), 0);
	assert_int_equal(entry_set_put(set, "b", "{\"x\":1}", 7, NULL), 1);
	assert_int_equal(entry_set_put(set, "B", "{}", 2, NULL), -EINVAL);
	assert_int_equal(entry_set_count(set), 4);
	assert_int_equal(entry_set_bytes(set), 1 + 2 + 1 + 7 + 3 + 2 + 3 + 2);
	assert_true(entry_set_next(set, &at, &e));
	assert_string_equal(e.key, "a");
	assert_true(entry_set_next(set, &at, &e));
	assert_string_equal(e.body, "{\"x\":1}");
	at = 0;
	assert_true(entry_set_next_under(set, "c/", &at, &e));
	assert_true(entry_set_next_under(set, "c/", &at, &e));
	assert_false(entry_set_next_under(set, "c/", &at, &e));
	assert_true(entry_set_drop(set, "b"));
	assert_false(entry_set_drop(set, "b"));
	assert_null(entry_set_get(set, "b", NULL));
	entry_set_clear(set);
	assert_digest(entry_set_digest(set), "00000000000000000000000000000000");
	assert_int_equal(entry_set_bytes(set), 0);
}

static uint32_t seed;

static uint32_t roll(uint32_t sides)
{
	seed = seed * 1664525U + 1013904223U;
	return (seed >> 8) % sides;
}

static struct entry_set *random_set(uint32_t most)
{
	struct entry_set *set = entry_set_new();
	uint32_t count = roll(most);

	assert_non_null(set);
	for (uint32_t i = 0; i < count; i++) {
		char key[32];
		char body[32];

		(void)snprintf(key, sizeof(key), "peer/n%u/x%u", roll(4), roll(30));
		(void)snprintf(body, sizeof(body), "{\"v\":%u}", roll(3));
		put(set, key, body);
	}
	return set;
}

static void assert_same(const struct entry_set *a, const struct entry_set *b)
{
	struct entry_change x;
	struct entry_change y;

	assert_int_equal(entry_set_count(a), entry_set_count(b));
	assert_int_equal(entry_set_bytes(a), entry_set_bytes(b));
	assert_true(digest_equal(entry_set_digest(a), entry_set_digest(b)));
	for (size_t i = 0, j = 0; entry_set_next(a, &i, &x) && entry_set_next(b, &j, &y);) {
		assert_string_equal(x.key, y.key);
		assert_string_equal(x.body, y.body);
	}
}

static void check_both_ways(struct entry_set *from, const struct entry_set *to)
{
	CLEAN(entry_set_free_ptr) struct entry_set *copy = entry_set_copy(from);
	CLEAN(entry_delta_done) struct entry_delta direct = { 0 };
	CLEAN(entry_delta_done) struct entry_delta by_hash = { 0 };
	struct entry_hash have[200];
	struct err err;
	size_t count = entry_set_count(from);

	for (size_t i = 0; i < count; i++)
		have[i] = entry_set_hash_at(from, i);
	assert_int_equal(entry_delta_between(from, to, &direct), 0);
	assert_int_equal(entry_delta_from_hashes(have, count, entry_set_digest(from), to, &by_hash),
			 0);
	assert_int_equal(direct.count, by_hash.count);
	assert_int_equal(entry_set_apply(copy, &by_hash, &err), 0);
	assert_same(copy, to);
	assert_int_equal(entry_set_apply(from, &direct, &err), 0);
	assert_same(from, to);
}

// delta(from, to) applied to from is to, however the delta was found.
static void a_note_is_of_one_body(void **state)
{
	CLEAN(entry_set_free_ptr) struct entry_set *set = entry_set_new();

	(void)state;
	put(set, "peer/home/bob", PEER_BODY);
	assert_null(entry_set_note(set, "peer/home/rho"));
	assert_int_equal(*entry_set_note(set, "peer/home/bob"), 0);
	*entry_set_note(set, "peer/home/bob") = 7;
	put(set, "peer/home/bob", PEER_BODY);
	CLEAN(entry_set_free_ptr) struct entry_set *copy = entry_set_copy(set);
	assert_int_equal(*entry_set_note(copy, "peer/home/bob"), 7);
	put(set, "peer/home/bob", "{}");
	assert_int_equal(*entry_set_note(set, "peer/home/bob"), 0);
	assert_int_equal(*entry_set_note(copy, "peer/home/bob"), 7);
}

static void deltas_lead_where_they_say(void **state)
{
	(void)state;
	for (seed = 1; seed < 400; seed++) {
		CLEAN(entry_set_free_ptr) struct entry_set *from = random_set(100);
		CLEAN(entry_set_free_ptr) struct entry_set *to = random_set(100);

		check_both_ways(from, to);
	}
}

static void a_wrong_delta_changes_nothing(void **state)
{
	CLEAN(entry_set_free_ptr) struct entry_set *set = entry_set_new();
	CLEAN(entry_set_free_ptr) struct entry_set *before = NULL;
	CLEAN(entry_delta_done) struct entry_delta delta = { 0 };
	struct err err;

	(void)state;
	put(set, "a", "{}");
	before = entry_set_copy(set);
	assert_int_equal(entry_delta_add(&delta, "a", NULL, 0), 0);
	assert_int_equal(entry_delta_add(&delta, "b", "{}", 2), 0);
	assert_int_equal(entry_set_apply(set, &delta, &err), -ESTALE);
	delta.base = entry_set_digest(set);
	assert_int_equal(entry_set_apply(set, &delta, &err), -EBADMSG);
	assert_same(set, before);
}

static void a_hash_told_twice_is_no_stranger(void **state)
{
	CLEAN(entry_set_free_ptr) struct entry_set *to = entry_set_new();
	CLEAN(entry_delta_done) struct entry_delta delta = { 0 };
	struct entry_hash have[3];

	(void)state;
	put(to, "a", "{}");
	have[0] = have[1] = have[2] = entry_set_hash_at(to, 0);
	assert_int_equal(entry_delta_from_hashes(have, 3, entry_set_digest(to), to, &delta), 0);
	assert_int_equal(delta.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digest_vectors),
		cmocka_unit_test(digest_carries_and_borrows),
		cmocka_unit_test(digest_parses_only_its_own_form),
		cmocka_unit_test(keys_and_bodies_are_checked),
		cmocka_unit_test(put_drop_and_order),
		cmocka_unit_test(a_note_is_of_one_body),
		cmocka_unit_test(deltas_lead_where_they_say),
		cmocka_unit_test(a_wrong_delta_changes_nothing),
		cmocka_unit_test(a_hash_told_twice_is_no_stranger),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
