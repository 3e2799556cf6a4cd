// The image of a list: what it finds, that damage does no harm, and what it costs.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "base/file.h"

#include "fault.h"
#include "names/list.h"
#include "names/list_inside.h"

CLEAN_FUNC(struct name_list_builder, name_list_builder_free)

static struct name name_of(const char *text)
{
	struct name name;
	assert_int_equal(name_parse(text, strlen(text), &name, NULL), 0);
	return name;
}

static int add(struct name_list_builder *builder, const char *text)
{
	struct name_rule rule;
	assert_int_equal(name_rule_parse(text, strlen(text), &rule, NULL), 0);
	return name_list_add(builder, &rule, NULL);
}

static void *image_of(const char *const *rules, size_t *ret_size)
{
	CLEAN(name_list_builder_free_ptr)
	struct name_list_builder *builder = name_list_builder_new();
	void *image = NULL;
	for (; *rules; rules++)
		assert_int_equal(add(builder, *rules), 0);
	assert_int_equal(name_list_image(builder, &image, ret_size, NULL), 0);
	return image;
}

static void the_closest_rule_is_found(void **state)
{
	static const char *const rules[] = { "netflix.com",
					     "=only.example",
					     "*.below.example",
					     "deep.netflix.com",
					     "=both.example",
					     "*.both.example",
					     NULL };
	static const struct {
		const char *name;
		unsigned how, labels;
	} rows[] = {
		{ "netflix.com", 3, 2 },
		{ "NetFlix.com", 3, 2 },
		{ "www.netflix.com", 3, 2 },
		{ "a.deep.netflix.com", 3, 3 },
		{ "notnetflix.com", 0, 0 },
		{ "com", 0, 0 },
		{ "only.example", 1, 2 },
		{ "www.only.example", 0, 0 },
		{ "below.example", 0, 0 },
		{ "x.below.example", 2, 2 },
		{ "both.example", 3, 2 },
		{ "y.x.both.example", 3, 2 },
		{ "netflix.com.evil.example", 0, 0 },
	};
	size_t size;
	(void)state;
	CLEAN(free_ptr) void *image = image_of(rules, &size);
	struct name_list list;
	assert_int_equal(name_list_view(image, size, &list, NULL), 0);
	assert_int_equal(list.names, 5);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct name name = name_of(rows[i].name);
		struct name_hit hit = name_list_find(&list, &name);
		assert_int_equal(hit.how, rows[i].how);
		assert_int_equal(hit.labels, rows[i].labels);
	}
}

static void a_list_of_none_matches_nothing(void **state)
{
	static const char *const rules[] = { NULL };
	size_t size;
	(void)state;
	CLEAN(free_ptr) void *image = image_of(rules, &size);
	struct name_list list;
	struct name name = name_of("example.com");
	assert_int_equal(name_list_view(image, size, &list, NULL), 0);
	assert_int_equal(name_list_find(&list, &name).how, 0);
	assert_int_equal(name_read((const uint8_t *)"", 1, &name), 1);
	assert_int_equal(name_list_find(&list, &name).how, 0);
}

static void numbered(char *ret, size_t size, unsigned n)
{
	(void)snprintf(ret, size, "host-%u.part%u.example", n * 2654435761u, n % 97);
}

static void many_names_are_all_found_and_no_others(void **state)
{
	enum { MANY = 50000 };
	CLEAN(name_list_builder_free_ptr)
	struct name_list_builder *builder = name_list_builder_new();
	CLEAN(free_ptr) void *image = NULL;
	size_t size;
	char text[64];
	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		numbered(text, sizeof(text), i);
		assert_int_equal(add(builder, text), 0);
		if (i % 10 == 0)
			assert_int_equal(add(builder, text), 0);
	}
	assert_int_equal(name_list_image(builder, &image, &size, NULL), 0);
	struct name_list list;
	assert_int_equal(name_list_view(image, size, &list, NULL), 0);
	assert_int_equal(list.names, MANY);
	for (unsigned i = 0; i < 2 * MANY; i++) {
		numbered(text, sizeof(text), i);
		struct name name = name_of(text);
		assert_int_equal(name_list_find(&list, &name).labels, i < MANY ? 3 : 0);
	}
	printf("%u names of %zu bytes: %.1f bytes each\n", MANY, strlen(text), (double)size / MANY);
	assert_true(size < (size_t)MANY * 64);
}

// Images on disk are read by programs of other versions.
static void the_hash_of_a_label_stays(void **state)
{
	static const struct {
		unsigned len;
		uint64_t hash;
	} rows[] = {
		{ 1, 0x92553d892161757c },  { 3, 0x29fbc0066d522d2e },  { 8, 0xd40c3b417fc2ecfd },
		{ 12, 0x75be219d0692046c }, { 63, 0x25c153e651c6b786 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (unsigned behind = 0; behind <= UINT8_MAX; behind += UINT8_MAX) {
			uint8_t label[1 + NAME_LABEL_MAX + NAME_WIRE_BEHIND];
			memset(label, (int)behind, sizeof(label));
			label[0] = (uint8_t)rows[i].len;
			for (unsigned at = 0; at < rows[i].len; at++)
				label[1 + at] = (uint8_t)(0x80 + at * 7);
			assert_int_equal(list_hash(0x1234, label), rows[i].hash);
		}
}

static void names_of_all_lengths_are_found(void **state)
{
	CLEAN(name_list_builder_free_ptr)
	struct name_list_builder *builder = name_list_builder_new();
	CLEAN(free_ptr) void *image = NULL;
	size_t size;
	char text[NAME_WIRE_MAX];
	struct name_list list;
	(void)state;
	// Labels of 63 but the first one.
	for (size_t len = 1; len <= 253; len++) {
		memset(text, 'a', sizeof(text));
		for (size_t dot = 63; dot < len; dot += 64)
			text[len - 1 - dot] = '.';
		text[len] = '\0';
		if (text[0] != '.')
			assert_int_equal(add(builder, text), 0);
	}
	assert_int_equal(name_list_image(builder, &image, &size, NULL), 0);
	assert_int_equal(name_list_view(image, size, &list, NULL), 0);
	assert_int_equal(list.names, 250);
	const struct name longest = name_of(text);
	assert_int_equal(longest.len, NAME_WIRE_MAX);
	name_list_fetch_tables(&list, &longest);
	name_list_fetch_entries(&list, &longest);
	assert_int_equal(name_list_find(&list, &longest).labels, 4);
}

static void what_is_no_image_is_refused(void **state)
{
	static const char *const rules[] = { "netflix.com", NULL };
	size_t size;
	(void)state;
	CLEAN(free_ptr) char *image = image_of(rules, &size);
	struct name_list list;
	struct err err;
	assert_int_equal(name_list_view(image, 10, &list, &err), -EINVAL);
	assert_int_equal(name_list_view(image, size - 1, &list, &err), -EINVAL);
	assert_non_null(strstr(err.text, "cut short"));
	image[0] ^= 1;
	assert_int_equal(name_list_view(image, size, &list, &err), -EINVAL);
	assert_non_null(strstr(err.text, "no list"));
}

static void damage_never_reads_elsewhere(void **state)
{
	static const char *const rules[] = { "netflix.com", "*.a.example", "=b.example", "c",
					     NULL };
	static const char *const asked[] = { "netflix.com", "x.a.example", "b.example", "c",
					     "d.e" };
	size_t size;
	(void)state;
	CLEAN(free_ptr) uint8_t *image = image_of(rules, &size);
	for (size_t at = 0; at < size * 8; at++) {
		struct name_list list;
		image[at / 8] ^= (uint8_t)(1u << at % 8);
		for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
			struct name name = name_of(asked[i]);
			if (name_list_view(image, size, &list, NULL) < 0)
				continue;
			name_list_fetch_tables(&list, &name);
			name_list_fetch_entries(&list, &name);
			(void)name_list_find(&list, &name);
		}
		image[at / 8] ^= (uint8_t)(1u << at % 8);
	}
}

static void a_file_is_mapped(void **state)
{
	static const char *const rules[] = { "netflix.com", NULL };
	char path[] = "/tmp/weft-list-XXXXXX";
	size_t size;
	(void)state;
	CLEAN(free_ptr) void *image = image_of(rules, &size);
	struct name_list_file file;
	struct err err;
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(name_list_open(path, &file, &err), -EINVAL);
	assert_non_null(strstr(err.text, path));
	assert_int_equal(file_replace(path, image, size, 0600, NULL), 0);
	assert_int_equal(name_list_open(path, &file, NULL), 0);
	struct name name = name_of("www.netflix.com");
	assert_int_equal(name_list_find(&file.list, &name).labels, 2);
	name_list_close(&file);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(name_list_open(path, &file, &err), -ENOENT);
}

static void memory_that_runs_out_is_told(void **state)
{
	CLEAN(name_list_builder_free_ptr)
	struct name_list_builder *builder = name_list_builder_new();
	void *image = NULL;
	size_t size;
	struct err err = { 0 };
	(void)state;
	fault_arm(FAULT_ALLOC, 1);
	assert_int_equal(add(builder, "a"), -ENOMEM);
	assert_int_equal(add(builder, "a"), 0);
	fault_arm(FAULT_ALLOC, 1);
	assert_int_equal(name_list_image(builder, &image, &size, &err), -ENOMEM);
	assert_true(fault_disarm());
	assert_null(image);
	assert_int_equal(name_list_image(builder, &image, &size, &err), 0);
	free(image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_closest_rule_is_found),
		cmocka_unit_test(a_list_of_none_matches_nothing),
		cmocka_unit_test(many_names_are_all_found_and_no_others),
		cmocka_unit_test(the_hash_of_a_label_stays),
		cmocka_unit_test(names_of_all_lengths_are_found),
		cmocka_unit_test(what_is_no_image_is_refused),
		cmocka_unit_test(damage_never_reads_elsewhere),
		cmocka_unit_test(a_file_is_mapped),
		cmocka_unit_test(memory_that_runs_out_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
