// Addresses, prefixes, endpoints, durations, times and names: what is read, what is refused, and
// with which words.

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <string.h>

#include "base/clean.h"
#include "model/net.h"

struct text_case {
	const char *in;
	const char *out; // the normal form; NULL: refused
};

static void test_addresses(void **state)
{
	static const struct text_case cases[] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "::1", "::1" },
		{ "2001:DB8:0:0::1", "2001:db8::1" },
		{ "", NULL },
		{ "192.0.2", NULL },
		{ "192.0.2.256", NULL },
		{ "010.0.0.1", NULL },
		{ "::1%eth0", NULL },
		{ " 10.0.0.1", NULL },
		{ "1:2:3:4:5:6:7:8:9", NULL },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct address a;
		char buf[ADDRESS_TEXT_SIZE];
		int r = address_parse(cases[i].in, &a, NULL);
		assert_int_equal(r, cases[i].out ? 0 : -EINVAL);
		if (cases[i].out)
			assert_string_equal(address_format(&a, buf), cases[i].out);
	}
}

static void test_prefixes(void **state)
{
	static const struct text_case cases[] = {
		{ "10.1.0.0/16", "10.1.0.0/16" },
		{ "0.0.0.0/0", "0.0.0.0/0" },
		{ "::/0", "::/0" },
		{ "fd00:1::/48", "fd00:1::/48" },
		{ "10.0.0.1/32", "10.0.0.1/32" },
		{ "10.1.0.1/16", NULL },
		{ "10.1.0.0", NULL },
		{ "10.1.0.0/", NULL },
		{ "10.1.0.0/33", NULL },
		{ "10.1.0.0/016", NULL },
		{ "10.1.0.0/-1", NULL },
		{ "10.1.0.0/16/8", NULL },
		{ "fd00::/129", NULL },
		{ "/8", NULL },
		{ "fd00:1::1/48", NULL },
		{ "10.1.0.0/99999999999999", NULL },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct prefix p;
		char buf[PREFIX_TEXT_SIZE];
		int r = prefix_parse(cases[i].in, &p, NULL);
		assert_int_equal(r, cases[i].out ? 0 : -EINVAL);
		if (cases[i].out)
			assert_string_equal(prefix_format(&p, buf), cases[i].out);
	}
}

static void test_host_bits_name_the_meant_prefix(void **state)
{
	struct prefix p;
	struct err err = { 0 };
	(void)state;
	assert_int_equal(prefix_parse("10.1.2.3/16", &p, &err), -EINVAL);
	assert_string_equal(err.text,
			    "\"10.1.2.3/16\" has host bits set, did you mean 10.1.0.0/16?");
	assert_int_equal(prefix_parse_host("10.1.2.3/16", &p, &err), 0);
	assert_int_equal(p.length, 16);
	assert_int_equal(prefix_parse_host("fd00::1", &p, &err), 0);
	assert_int_equal(p.length, 128);
}

static void test_overlaps(void **state)
{
	static const struct {
		const char *a, *b;
		bool overlaps;
	} cases[] = {
		{ "10.0.0.0/8", "10.1.0.0/16", true },      { "10.1.0.0/16", "10.0.0.0/8", true },
		{ "10.1.0.0/16", "10.2.0.0/16", false },    { "0.0.0.0/0", "::/0", false },
		{ "fd00:1::/48", "fd00:1:0:5::/64", true }, { "10.0.0.0/9", "10.128.0.0/9", false },
		{ "0.0.0.0/0", "10.0.0.0/8", true },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct prefix a, b;
		assert_int_equal(prefix_parse(cases[i].a, &a, NULL), 0);
		assert_int_equal(prefix_parse(cases[i].b, &b, NULL), 0);
		assert_int_equal(prefix_overlaps(&a, &b), cases[i].overlaps);
		assert_int_equal(prefix_overlaps(&b, &a), cases[i].overlaps);
	}
}

// An address with one bit unlike the prefix's is in it just when that bit is a host's.
static void every_bit_of_a_prefix_counts(void **state)
{
	static const char *const addresses[] = { "10.93.166.199", "fd00:1:a5c3:9:ffff::1" };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
		struct address at;
		assert_int_equal(address_parse(addresses[i], &at, NULL), 0);
		for (unsigned length = 0; length <= address_bits(&at); length++) {
			const struct prefix p = prefix_of(&at, (uint8_t)length);
			assert_true(prefix_contains(&p, &at));
			for (unsigned bit = 0; bit < address_bits(&at); bit++) {
				struct address other = at;
				other.bytes[bit / 8] ^= (uint8_t)(0x80u >> bit % 8);
				assert_int_equal(prefix_contains(&p, &other), bit >= length);
			}
		}
	}
}

static void test_nth_address(void **state)
{
	static const struct {
		const char *prefix;
		uint64_t n;
		const char *out; // NULL: beyond
	} cases[] = {
		{ "10.88.0.0/24", 1, "10.88.0.1" },
		{ "10.88.0.0/24", 255, "10.88.0.255" },
		{ "10.88.0.0/24", 256, NULL },
		{ "10.88.0.0/16", 256, "10.88.1.0" },
		{ "10.0.0.1/32", 0, "10.0.0.1" },
		{ "10.0.0.1/32", 1, NULL },
		{ "fd00:1::/64", UINT64_MAX, "fd00:1::ffff:ffff:ffff:ffff" },
		{ "fd00::/8", 65536, "fd00::1:0" },
		{ "0.0.0.0/0", UINT32_MAX, "255.255.255.255" },
		{ "0.0.0.0/0", UINT64_C(1) << 32, NULL },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct prefix p;
		struct address a;
		char buf[ADDRESS_TEXT_SIZE];
		uint64_t back;
		assert_int_equal(prefix_parse(cases[i].prefix, &p, NULL), 0);
		assert_int_equal(prefix_nth(&p, cases[i].n, &a), cases[i].out != NULL);
		if (!cases[i].out)
			continue;
		assert_string_equal(address_format(&a, buf), cases[i].out);
		assert_true(prefix_index(&p, &a, &back));
		assert_true(back == cases[i].n);
	}
}

static void test_subnets(void **state)
{
	struct prefix p, sub;
	char buf[PREFIX_TEXT_SIZE];
	(void)state;
	assert_int_equal(prefix_parse("10.0.0.0/8", &p, NULL), 0);
	assert_true(prefix_subnet(&p, 24, 257, &sub));
	assert_string_equal(prefix_format(&sub, buf), "10.1.1.0/24");
	assert_false(prefix_subnet(&p, 24, 65536, &sub));
	assert_false(prefix_subnet(&p, 7, 0, &sub));
	assert_true(prefix_subnet(&p, 8, 0, &sub));
	assert_true(prefix_equal(&p, &sub));
	assert_int_equal(prefix_parse("fd00::/8", &p, NULL), 0);
	assert_true(prefix_subnet(&p, 48, UINT64_C(0x123456789a), &sub));
	assert_string_equal(prefix_format(&sub, buf), "fd12:3456:789a::/48");
	assert_true(prefix_size(&p) == UINT64_MAX);
	assert_int_equal(prefix_parse("::/0", &p, NULL), 0);
	assert_true(prefix_subnet(&p, 0, 0, &sub));
}

static void test_endpoints(void **state)
{
	static const struct {
		const char *in;
		const char *out; // NULL: refused
		uint16_t port;
	} cases[] = {
		{ "rho.example.net", "rho.example.net", 0 },
		{ "rho.example.net:61000", "rho.example.net:61000", 61000 },
		{ "192.0.2.1:500", "192.0.2.1:500", 500 },
		{ "2001:db8::1", "2001:db8::1", 0 },
		{ "[2001:db8::1]:500", "[2001:db8::1]:500", 500 },
		{ "[2001:db8::1]", "2001:db8::1", 0 },
		{ "host_1", "host_1", 0 },
		{ "", NULL, 0 },
		{ "rho:", NULL, 0 },
		{ "rho:0", NULL, 0 },
		{ "rho:65536", NULL, 0 },
		{ "rho:http", NULL, 0 },
		{ "rho:08", NULL, 0 },
		{ ":500", NULL, 0 },
		{ "[rho]:500", NULL, 0 },
		{ "[2001:db8::1", NULL, 0 },
		{ "[2001:db8::1]500", NULL, 0 },
		{ "[192.0.2.1]:1", NULL, 0 },
		{ "2001:db8::zz", NULL, 0 },
		{ "300.1.1.1", NULL, 0 },
		{ "10.1.2", NULL, 0 },
		{ "a..b", NULL, 0 },
		{ "-a.example", NULL, 0 },
		{ "rho example", NULL, 0 },
		{ "rho.example.", NULL, 0 },
		{ "b\xc3\xa4r", NULL, 0 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct endpoint e;
		char buf[ENDPOINT_TEXT_SIZE];
		struct err err = { 0 };
		int r = endpoint_parse(cases[i].in, &e, &err);
		assert_int_equal(r, cases[i].out ? 0 : -EINVAL);
		if (!cases[i].out) {
			assert_true(err.text[0] != '\0');
			continue;
		}
		assert_string_equal(endpoint_format(&e, buf), cases[i].out);
		assert_int_equal(e.port, cases[i].port);
	}
}

static void test_long_hosts_are_refused(void **state)
{
	char host[400];
	struct endpoint e;
	(void)state;
	memset(host, 'a', sizeof(host));
	host[64] = '\0';
	assert_int_equal(endpoint_parse(host, &e, NULL), -EINVAL);
	host[64] = 'a';
	for (size_t i = 50; i < sizeof(host); i += 50)
		host[i] = '.';
	host[sizeof(host) - 1] = '\0';
	assert_int_equal(endpoint_parse(host, &e, NULL), -EINVAL);
}

static void test_durations(void **state)
{
	static const struct {
		const char *in;
		int64_t ms; // -1: refused
		const char *out;
	} cases[] = {
		{ "200ms", 200, "200ms" },
		{ "30s", 30000, "30s" },
		{ "5m", 300000, "5m" },
		{ "24h", 86400000, "1d" },
		{ "7d", 604800000, "7d" },
		{ "0s", 0, "0s" },
		{ "1h30m", 5400000, "90m" },
		{ "1m1ms", 60001, "60001ms" },
		{ "", -1, NULL },
		{ "30", -1, NULL },
		{ "s", -1, NULL },
		{ "-5s", -1, NULL },
		{ "1.5s", -1, NULL },
		{ "5 m", -1, NULL },
		{ "5M", -1, NULL },
		{ "1m1h", -1, NULL },
		{ "1s1s", -1, NULL },
		{ "40000d", -1, NULL },
		{ "99999999999999999999s", -1, NULL },
		{ "5min", -1, NULL },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t ms = -1;
		char buf[DURATION_TEXT_SIZE];
		int r = duration_parse(cases[i].in, &ms, NULL);
		assert_int_equal(r, cases[i].out ? 0 : -EINVAL);
		assert_true(ms == cases[i].ms);
		if (cases[i].out)
			assert_string_equal(duration_format(ms, buf), cases[i].out);
	}
}

static void test_times(void **state)
{
	static const struct text_case cases[] = {
		{ "2027-01-31T12:00:00Z", "2027-01-31T12:00:00Z" },
		{ "2027-01-31T12:00:00.250Z", "2027-01-31T12:00:00.250Z" },
		{ "2027-01-31T12:00:00+01:30", "2027-01-31T10:30:00Z" },
		{ "2028-02-29T00:00:00Z", "2028-02-29T00:00:00Z" },
		{ "2027-02-29T00:00:00Z", NULL },
		{ "2027-13-01T00:00:00Z", NULL },
		{ "2027-01-31T24:00:00Z", NULL },
		{ "2027-01-31", NULL },
		{ "2027-01-31T12:00:00", NULL },
		{ "1969-01-01T00:00:00Z", NULL },
		{ "2027-01-31T12:00:00Zx", NULL },
		{ "2027-01-31T12:00:00.Z", NULL },
		{ "", NULL },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t ms;
		char buf[TIME_TEXT_SIZE];
		int r = time_parse(cases[i].in, &ms, NULL);
		assert_int_equal(r, cases[i].out ? 0 : -EINVAL);
		if (cases[i].out)
			assert_string_equal(time_format(ms, buf), cases[i].out);
	}
}

static void test_names(void **state)
{
	static const char *const good[] = {
		"a", "rho",  "rho-2",
		"0", "a--b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	};
	static const char *const bad[] = {
		"",
		"-a",
		"a-",
		"A",
		"a.b",
		"a b",
		"a_b",
		"\xc3\xa4",
		"a/b",
		"a\n",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_int_equal(name_check(good[i], NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(name_check(bad[i], NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_host_bits_name_the_meant_prefix),
		cmocka_unit_test(test_overlaps),
		cmocka_unit_test(every_bit_of_a_prefix_counts),
		cmocka_unit_test(test_nth_address),
		cmocka_unit_test(test_subnets),
		cmocka_unit_test(test_endpoints),
		cmocka_unit_test(test_long_hosts_are_refused),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
