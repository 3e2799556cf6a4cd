// Domain names: as written, as in packets, and back.
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

#include "names/name.h"

static void written_names_become_wire(void **state)
{
	static const struct {
		const char *text, *wire;
		unsigned labels;
	} rows[] = {
		{ "example.com", "\7example\3com", 2 },
		{ "Example.COM.", "\7example\3com", 2 },
		{ "a", "\1a", 1 },
		{ "_dmarc.x-1.example", "\6_dmarc\3x-1\7example", 3 },
		{ "xn--bcher-kva.ch", "\15xn--bcher-kva\2ch", 2 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct name name;
		assert_int_equal(name_parse(rows[i].text, strlen(rows[i].text), &name, NULL), 0);
		assert_int_equal(name.len, strlen(rows[i].wire) + 1);
		assert_memory_equal(name.wire, rows[i].wire, name.len);
		assert_int_equal(name.n_labels, rows[i].labels);
	}
}

static void what_is_no_name_is_refused_with_the_reason(void **state)
{
	static const char label[] =
		"a123456789b123456789c123456789d123456789e123456789f123456789abcd";
	char long_name[300] = "";
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "", "empty" },
		{ ".", "empty" },
		{ "a..b", "empty" },
		{ ".a", "empty" },
		{ "a b", "character" },
		{ "a/b", "character" },
		{ "b\xc3\xbc"
		  "cher.ch",
		  "xn--" },
		{ label, "63" },
	};
	struct name name;
	struct err err;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(name_parse(rows[i].text, strlen(rows[i].text), &name, &err),
				 -EINVAL);
		assert_non_null(strstr(err.text, rows[i].why));
	}
	for (int i = 0; i < 127; i++)
		strcat(long_name, "a.");
	assert_int_equal(name_parse(long_name, 253, &name, NULL), 0);
	assert_int_equal(name.len, NAME_WIRE_MAX);
	assert_int_equal(name.n_labels, NAME_LABELS_MAX);
	strcat(long_name, "b");
	assert_int_equal(name_parse(long_name, 255, &name, &err), -EINVAL);
	assert_non_null(strstr(err.text, "253"));
}

static void packets_names_keep_every_byte(void **state)
{
	static const uint8_t wire[] = "\5A.b\\\x01\3cOm\0rest";
	struct name name;
	char text[NAME_TEXT_SIZE];
	(void)state;
	assert_int_equal(name_read(wire, sizeof(wire), &name), 11);
	name_text(&name, text);
	assert_string_equal(text, "a\\.b\\\\\\001.com");
	assert_int_equal(name_read((const uint8_t *)"", 1, &name), 1);
	name_text(&name, text);
	assert_string_equal(text, ".");
}

// Whatever stands beside them, and wherever they stand.
static void only_letters_are_made_small(void **state)
{
	(void)state;
	for (unsigned at = 1; at <= 20; at++)
		for (unsigned byte = 0; byte <= UINT8_MAX; byte++) {
			uint8_t wire[] = "\24\377Z[\200@AZ\0\377\300zA\1\332Zaz{\177Q";
			struct name name;
			wire[at] = (uint8_t)byte;
			assert_int_equal(name_read(wire, sizeof(wire), &name), sizeof(wire));
			for (size_t i = 0; i < sizeof(wire); i++)
				assert_int_equal(name.wire[i], wire[i] >= 'A' && wire[i] <= 'Z'
								       ? wire[i] - 'A' + 'a'
								       : wire[i]);
		}
}

static void packets_names_that_are_none(void **state)
{
	uint8_t wire[300];
	struct name name;
	(void)state;
	assert_int_equal(name_read((const uint8_t *)"", 0, &name), -EINVAL);
	assert_int_equal(name_read((const uint8_t *)"\3co", 3, &name), -EINVAL);
	assert_int_equal(name_read((const uint8_t *)"\3com", 4, &name), -EINVAL);    // no root
	assert_int_equal(name_read((const uint8_t *)"\300\014", 3, &name), -EINVAL); // a pointer
	for (size_t i = 0; i < sizeof(wire); i++)
		wire[i] = i % 2 ? 'a' : 1;
	wire[254] = 0;
	assert_int_equal(name_read(wire, sizeof(wire), &name), NAME_WIRE_MAX);
	wire[254] = 1;
	wire[256] = 0;
	assert_int_equal(name_read(wire, sizeof(wire), &name), -EINVAL);
}

static struct name name_of(const char *text)
{
	struct name name;
	assert_int_equal(name_parse(text, strlen(text), &name, NULL), 0);
	return name;
}

static void names_are_within_others(void **state)
{
	const struct name above = name_of("lan.example"), below = name_of("a.b.lan.example");
	// Ends in the same bytes, inside of a label.
	const uint8_t wire[] = "\x0dx\3lan\7example";
	struct name other, root;
	(void)state;
	assert_true(name_read(wire, sizeof(wire), &other) > 0);
	assert_true(name_read((const uint8_t *)"", 1, &root) > 0);
	assert_true(name_is_within(&below, &above));
	assert_true(name_is_within(&above, &above));
	assert_true(name_is_within(&above, &root));
	assert_false(name_is_within(&above, &below));
	assert_false(name_is_within(&root, &above));
	assert_false(name_is_within(&other, &above));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_names_become_wire),
		cmocka_unit_test(what_is_no_name_is_refused_with_the_reason),
		cmocka_unit_test(packets_names_keep_every_byte),
		cmocka_unit_test(only_letters_are_made_small),
		cmocka_unit_test(packets_names_that_are_none),
		cmocka_unit_test(names_are_within_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
