// Addresses, keys and MACs to text and back; nft's listing; what is refused.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <string.h>

#include "kernel/guard_listing.h"
#include "kernel/values.h"

static void test_prefixes(void **state)
{
	static const char *const good[] = { "10.0.0.1/8", "0.0.0.0/0", "2001:db8::1/64", "::/0" };
	static const char *const bad[] = { "",        "10.0.0.1/33", "10.0.0.1/",   "10.0.0/8",
					   "::1/129", "10.0.0.1/-1", "10.0.0.1/8 ", "x" };
	char text[KERNEL_ADDR_TEXT_SIZE];
	struct kernel_prefix p;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		assert_int_equal(kernel_prefix_parse(good[i], &p, NULL), 0);
		kernel_prefix_format(&p, text);
		assert_string_equal(text, good[i]);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(kernel_prefix_parse(bad[i], &p, NULL), -EINVAL);
	assert_int_equal(kernel_prefix_parse("192.0.2.1", &p, NULL), 0);
	assert_int_equal(p.len, 32);
}

static void test_endpoints(void **state)
{
	static const struct {
		const char *text;
		int rc;
	} rows[] = {
		{ "192.0.2.1:51820", 0 },
		{ "[2001:db8::1]:1", 0 },
		{ "bob.example:51820", -EDESTADDRREQ },
		{ "2001:db8::1:51820", -EINVAL },
		{ "192.0.2.1:0", -EINVAL },
		{ "192.0.2.1:65536", -EINVAL },
		{ "192.0.2.1", -EINVAL },
		{ "[2001:db8::1:1", -EINVAL },
		{ "[192.0.2.1]:5", -EINVAL },
		{ ":5", -EINVAL },
	};
	char text[KERNEL_ADDR_TEXT_SIZE];
	struct kernel_endpoint e;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (kernel_endpoint_parse(rows[i].text, &e, NULL) != rows[i].rc)
			fail_msg("%s", rows[i].text);
		if (rows[i].rc == 0) {
			kernel_endpoint_format(&e, text);
			assert_string_equal(text, rows[i].text);
		}
	}
}

static void test_keys(void **state)
{
	static const char text[] = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";
	char out[KERNEL_KEY_TEXT_SIZE];
	struct kernel_key key;

	(void)state;
	assert_int_equal(kernel_key_parse(text, &key, NULL), 0);
	for (size_t i = 0; i < sizeof key.bytes; i++)
		assert_int_equal(key.bytes[i], i + 1);
	kernel_key_format(&key, out);
	assert_string_equal(out, text);
	assert_int_equal(kernel_key_parse("short=", &key, NULL), -EINVAL);
	assert_int_equal(
		kernel_key_parse("AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0e*yA=", &key, NULL),
		-EINVAL);
}

static void test_macs(void **state)
{
	char text[KERNEL_MAC_TEXT_SIZE];
	uint8_t mac[6];

	(void)state;
	assert_int_equal(kernel_mac_parse("02:00:0a:ff:00:01", mac, NULL), 0);
	kernel_mac_format(mac, text);
	assert_string_equal(text, "02:00:0a:ff:00:01");
	assert_int_equal(kernel_mac_parse("02:00:0a:ff:00", mac, NULL), -EINVAL);
	assert_int_equal(kernel_mac_parse("02:00:0a:ff:00:01x", mac, NULL), -EINVAL);
}

static void test_listing(void **state)
{
	static const char first[] =
		"table inet weft {\n\tcomment \"abc\"\n\tcounter spoof_in {\n"
		"\t\tpackets 3 bytes 252\n\t}\n\n\tchain x {\n\t\tdrop\n\t}\n}\n";
	static const char counted[] =
		"table inet weft {\n\tcomment \"abc\"\n\tcounter spoof_in {\n"
		"\t\tpackets 9 bytes 999\n\t}\n\n\tchain x {\n\t\tdrop\n\t}\n}\n";
	static const char edited[] = "table inet weft {\n\tcomment \"abc\"\n\tcounter spoof_in {\n"
				     "\t\tpackets 3 bytes 252\n\t}\n\n\tchain x {\n\t}\n}\n";
	struct kernel_guard a, b, c;

	(void)state;
	guard_listing_parse(first, &a);
	guard_listing_parse(counted, &b);
	guard_listing_parse(edited, &c);
	assert_string_equal(a.comment, "abc");
	assert_int_equal(a.counters[KERNEL_COUNTER_SPOOF_IN].packets, 3);
	assert_int_equal(b.counters[KERNEL_COUNTER_SPOOF_IN].bytes, 999);
	assert_true(a.rules_sum == b.rules_sum);
	assert_true(a.rules_sum != c.rules_sum);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prefixes), cmocka_unit_test(test_endpoints),
		cmocka_unit_test(test_keys),     cmocka_unit_test(test_macs),
		cmocka_unit_test(test_listing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
