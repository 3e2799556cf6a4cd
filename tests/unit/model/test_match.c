// What a policy's rule is for: what is read as what, and what is refused with which sentence.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "base/clean.h"
#include "model/match.h"

static void sources(void **state)
{
	static const struct {
		const char *text;
		enum source_kind kind;
		const char *name, *prefix;
	} rows[] = {
		{ "site/paris", SOURCE_SITE, "paris", NULL },
		{ "node/rho", SOURCE_NODE, "rho", NULL },
		{ "tag/family", SOURCE_TAG, "family", NULL },
		{ "10.1.7.0/24", SOURCE_PREFIX, NULL, "10.1.7.0/24" },
		{ "10.1.7.9", SOURCE_PREFIX, NULL, "10.1.7.9/32" },
		{ "fd00::1", SOURCE_PREFIX, NULL, "fd00::1/128" },
	};
	static const char *const bad[] = { "",         "any",         "site/", "site/A",
					   "host/rho", "10.1.7.1/24", "paris" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[PREFIX_TEXT_SIZE];
		struct source s;

		assert_int_equal(source_parse(rows[i].text, &s, NULL), 0);
		assert_int_equal(s.kind, rows[i].kind);
		if (rows[i].name)
			assert_string_equal(s.name, rows[i].name);
		if (rows[i].prefix)
			assert_string_equal(prefix_format(&s.prefix, text), rows[i].prefix);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct source s;
		struct err err = { 0 };

		assert_int_equal(source_parse(bad[i], &s, &err), -22);
		assert_true(err.text[0]);
	}
}

static void destinations(void **state)
{
	struct destination d;
	struct err err;

	(void)state;
	assert_int_equal(destination_parse("any", &d, NULL), 0);
	assert_int_equal(d.kind, DESTINATION_ANY);
	assert_int_equal(destination_parse("2001:db8::/32", &d, NULL), 0);
	assert_int_equal(d.kind, DESTINATION_PREFIX);
	assert_int_equal(d.prefix.length, 32);
	assert_int_equal(destination_parse("example.com", &d, &err), -22);
	assert_string_equal(err.text, "\"example.com\" is no prefix or address: names go into a "
				      "domain-list, list/NAME");
	assert_int_equal(destination_parse("lists/tv", &d, &err), -22);
	assert_string_equal(err.text,
			    "\"lists/tv\" is neither any nor list/NAME, a prefix or an address");
	assert_int_equal(destination_parse("1.2.3.4/24", &d, &err), -22);
	assert_string_equal(err.text, "\"1.2.3.4/24\" has host bits set, did you mean 1.2.3.0/24?");
	assert_int_equal(destination_parse("list/tv-2", &d, NULL), 0);
	assert_int_equal(d.kind, DESTINATION_LIST);
	assert_string_equal(d.name, "tv-2");
	assert_int_equal(destination_parse("list/", &d, &err), -22);
	assert_int_equal(destination_parse("list/A b", &d, &err), -22);
}

static void ports(void **state)
{
	static const struct {
		const char *text;
		uint8_t protocol;
		uint16_t first, last;
	} rows[] = {
		{ "tcp/443", 6, 443, 443 },
		{ "udp/5000-6000", 17, 5000, 6000 },
		{ "udp", 17, 1, 65535 },
		{ "tcp/1-65535", 6, 1, 65535 },
	};
	static const char *const bad[] = { "",        "tcp/",    "tcp/0",    "tcp/65536",
					   "tcp/-1",  "sctp/5",  "tcp443",   "tcp/80-",
					   "tcp/080", "tcp/80 ", "tcp/80-70" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ports p;

		assert_int_equal(ports_parse(rows[i].text, &p, NULL), 0);
		assert_int_equal(p.protocol, rows[i].protocol);
		assert_int_equal(p.first, rows[i].first);
		assert_int_equal(p.last, rows[i].last);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct ports p;
		struct err err = { 0 };

		assert_int_equal(ports_parse(bad[i], &p, &err), -22);
		assert_true(err.text[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sources),
		cmocka_unit_test(destinations),
		cmocka_unit_test(ports),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
