// What a node keeps of its desired state, and what it does with deltas that do not fit.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

#include "desired/desired.h"

static struct entry_change set_of(const char *key, const char *body)
{
	return (struct entry_change){ .key = key,
				      .body = body,
				      .body_len = body ? strlen(body) : 0 };
}

static struct digest digest_of(const char *key, const char *body)
{
	return digest_of_entry(key, body, strlen(body));
}

static struct msg_desired part_of(int64_t revision, struct digest base, struct digest digest,
				  const struct entry_change *changes, size_t count)
{
	return (struct msg_desired){ .revision = revision,
				     .base = base,
				     .digest = digest,
				     .changes = changes,
				     .count = count };
}

// A state of one entry at revision 1.
static struct desired *one_entry(void)
{
	struct desired *desired = desired_new();
	enum desired_step step;
	const struct entry_change change = set_of("sysctl/a", "{\"v\":1}");
	const struct msg_desired part =
		part_of(1, (struct digest){ 0 }, digest_of("sysctl/a", "{\"v\":1}"), &change, 1);
	assert_non_null(desired);
	assert_int_equal(desired_take(desired, &part, &step, NULL), 0);
	assert_int_equal(step, DESIRED_NEW);
	return desired;
}

static void a_delta_on_the_right_base_is_taken_in(void **state)
{
	(void)state;
	CLEAN(desired_free_ptr) struct desired *desired = one_entry();
	enum desired_step step;
	const struct entry_change changes[] = { set_of("sysctl/a", NULL),
						set_of("sysctl/b", "{}") };
	const struct msg_desired part = part_of(2, entry_set_digest(desired_entries(desired)),
						digest_of("sysctl/b", "{}"), changes, 2);
	assert_int_equal(desired_take(desired, &part, &step, NULL), 0);
	assert_int_equal(step, DESIRED_NEW);
	assert_int_equal(desired_revision(desired), 2);
	assert_null(entry_set_get(desired_entries(desired), "sysctl/a", NULL));
	assert_string_equal(entry_set_get(desired_entries(desired), "sysctl/b", NULL), "{}");
}

static void parts_count_only_together(void **state)
{
	(void)state;
	CLEAN(desired_free_ptr) struct desired *desired = one_entry();
	enum desired_step step;
	struct digest base = entry_set_digest(desired_entries(desired));
	struct digest digest = base;
	digest_add(&digest, digest_of("sysctl/b", "{}"));
	digest_add(&digest, digest_of("sysctl/c", "{}"));
	const struct entry_change first = set_of("sysctl/b", "{}");
	const struct entry_change second = set_of("sysctl/c", "{}");
	struct msg_desired part = part_of(2, base, digest, &first, 1);
	part.more = true;
	assert_int_equal(desired_take(desired, &part, &step, NULL), 0);
	assert_int_equal(step, DESIRED_MORE);
	assert_int_equal(entry_set_count(desired_entries(desired)), 1);
	part = part_of(2, base, digest, &second, 1);
	assert_int_equal(desired_take(desired, &part, &step, NULL), 0);
	assert_int_equal(step, DESIRED_NEW);
	assert_int_equal(entry_set_count(desired_entries(desired)), 3);
}

static void a_part_of_another_delta_begins_anew(void **state)
{
	(void)state;
	CLEAN(desired_free_ptr) struct desired *desired = one_entry();
	enum desired_step step;
	struct digest base = entry_set_digest(desired_entries(desired));
	struct digest digest = base;
	const struct entry_change lost = set_of("sysctl/lost", "{}");
	const struct entry_change kept = set_of("sysctl/kept", "{}");
	struct msg_desired part = part_of(2, base, (struct digest){ .low = 1 }, &lost, 1);
	part.more = true;
	assert_int_equal(desired_take(desired, &part, &step, NULL), 0);
	digest_add(&digest, digest_of("sysctl/kept", "{}"));
	part = part_of(3, base, digest, &kept, 1);
	assert_int_equal(desired_take(desired, &part, &step, NULL), 0);
	assert_int_equal(step, DESIRED_NEW);
	assert_null(entry_set_get(desired_entries(desired), "sysctl/lost", NULL));
}

static void what_does_not_fit_asks_for_the_difference_and_changes_nothing(void **state)
{
	(void)state;
	CLEAN(desired_free_ptr) struct desired *desired = one_entry();
	const struct digest have = entry_set_digest(desired_entries(desired));
	const struct digest other = { .low = 5 };
	const struct entry_change change = set_of("sysctl/b", "{}");
	const struct msg_desired parts[] = {
		part_of(2, other, digest_of("sysctl/b", "{}"), &change, 1), // another base
		part_of(2, have, other, &change, 1),                        // another result
	};
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		struct err err = { 0 };
		enum desired_step step;
		assert_int_equal(desired_take(desired, &parts[i], &step, &err), 0);
		assert_int_equal(step, DESIRED_RESYNC);
		assert_string_not_equal(err.text, "");
		assert_true(digest_equal(entry_set_digest(desired_entries(desired)), have));
		assert_int_equal(desired_revision(desired), 1);
	}
}

static void what_is_held_already_only_raises_the_revision(void **state)
{
	(void)state;
	CLEAN(desired_free_ptr) struct desired *desired = one_entry();
	enum desired_step step;
	const struct digest have = entry_set_digest(desired_entries(desired));
	const struct msg_desired part = part_of(9, (struct digest){ .low = 5 }, have, NULL, 0);
	assert_int_equal(desired_take(desired, &part, &step, NULL), 0);
	assert_int_equal(step, DESIRED_SAME);
	assert_int_equal(desired_revision(desired), 9);
}

// A directory of the test's own, with the path of a state in it.
static char *make_path(void)
{
	char dir[] = "/tmp/weft-desired-XXXXXX";
	assert_non_null(mkdtemp(dir));
	return text_format("%s/desired.json", dir);
}

static void remove_path(char *path)
{
	assert_int_equal(file_delete_kept(path, NULL), 0);
	*strrchr(path, '/') = '\0';
	assert_int_equal(rmdir(path), 0);
	free(path);
}

static void a_saved_state_comes_back_byte_by_byte(void **state)
{
	(void)state;
	char *path = make_path();
	CLEAN(desired_free_ptr) struct desired *saved = one_entry();
	CLEAN(desired_free_ptr) struct desired *loaded = desired_new();
	assert_int_equal(desired_load(loaded, path, NULL), FILE_NONE);
	assert_int_equal(desired_revision(loaded), 0);
	assert_false(desired_is_known(loaded));
	assert_int_equal(desired_save(saved, path, NULL), 0);
	assert_int_equal(desired_load(loaded, path, NULL), FILE_FOUND);
	assert_true(desired_is_known(loaded));
	assert_int_equal(desired_revision(loaded), 1);
	assert_string_equal(entry_set_get(desired_entries(loaded), "sysctl/a", NULL), "{\"v\":1}");
	remove_path(path);
}

static void a_damaged_file_is_set_aside_and_the_generation_before_serves(void **state)
{
	(void)state;
	static const char *const damages[] = {
		"",
		"{",
		"[]",
		"{\"revision\":1}",
		"\xff\xfe",
		"{\"revision\":2,\"digest\":\"00000000000000000000000000000001\",\"entries\":{}}",
		"{\"format\":\"x\",\"revision\":2,\"digest\":\"00000000000000000000000000000000\","
		"\"entries\":{}}"
	};
	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		char *path = make_path();
		struct err err = { 0 };
		CLEAN(desired_free_ptr) struct desired *saved = one_entry();
		CLEAN(desired_free_ptr) struct desired *loaded = desired_new();
		assert_int_equal(desired_save(saved, path, NULL), 0);
		assert_int_equal(desired_save(saved, path, NULL), 0);
		assert_int_equal(file_replace(path, damages[i], strlen(damages[i]), 0600, NULL), 0);
		assert_int_equal(desired_load(loaded, path, &err), FILE_OLD);
		assert_non_null(strstr(err.text, "damaged"));
		assert_true(desired_is_known(loaded));
		assert_int_equal(desired_revision(loaded), 1);
		CLEAN(free_ptr) char *bad = text_format("%s.bad", path);
		assert_int_equal(access(bad, F_OK), 0);
		remove_path(path);
	}
}

static void without_an_earlier_generation_the_state_is_empty_and_says_so(void **state)
{
	(void)state;
	char *path = make_path();
	struct err err = { 0 };
	CLEAN(desired_free_ptr) struct desired *loaded = desired_new();
	assert_int_equal(file_replace(path, "nonsense", 8, 0600, NULL), 0);
	assert_int_equal(desired_load(loaded, path, &err), FILE_LOST);
	assert_non_null(strstr(err.text, "no earlier generation"));
	assert_false(desired_is_known(loaded));
	assert_int_equal(entry_set_count(desired_entries(loaded)), 0);
	remove_path(path);
}

static void a_later_format_is_set_aside_and_named(void **state)
{
	(void)state;
	static const char later[] =
		"{\"format\":2,\"revision\":2,\"digest\":\"00000000000000000000000000000000\","
		"\"entries\":{}}";
	char *path = make_path();
	struct err err = { 0 };
	CLEAN(free_ptr) char *bad = text_format("%s.bad", path);
	CLEAN(free_ptr) char *kept = NULL;
	CLEAN(desired_free_ptr) struct desired *loaded = desired_new();
	assert_int_equal(file_replace(path, later, strlen(later), 0600, NULL), 0);
	assert_int_equal(desired_load(loaded, path, &err), FILE_LOST);
	assert_non_null(strstr(err.text, "format 2, written by a later weft-agent"));
	assert_non_null(strstr(err.text, bad));
	assert_int_equal(file_read(bad, 4096, &kept, NULL, NULL), 0);
	assert_string_equal(kept, later);
	remove_path(path);
}

static void a_state_of_the_first_release_has_no_format(void **state)
{
	(void)state;
	static const char first[] = "{\"revision\":3,\"digest\":"
				    "\"00000000000000000000000000000000\",\"entries\":{}}";
	char *path = make_path();
	CLEAN(desired_free_ptr) struct desired *loaded = desired_new();
	assert_int_equal(file_replace(path, first, strlen(first), 0600, NULL), 0);
	assert_int_equal(desired_load(loaded, path, NULL), FILE_FOUND);
	assert_int_equal(desired_revision(loaded), 3);
	remove_path(path);
}

// The controller's state may be the empty one that an unknown state looks like.
static void an_unknown_state_becomes_known_by_the_first_delta(void **state)
{
	(void)state;
	CLEAN(desired_free_ptr) struct desired *desired = desired_new();
	enum desired_step step;
	const struct msg_desired part =
		part_of(4, (struct digest){ 0 }, (struct digest){ 0 }, NULL, 0);
	assert_false(desired_is_known(desired));
	assert_int_equal(desired_take(desired, &part, &step, NULL), 0);
	assert_int_equal(step, DESIRED_NEW);
	assert_true(desired_is_known(desired));
	assert_int_equal(desired_take(desired, &part, &step, NULL), 0);
	assert_int_equal(step, DESIRED_SAME);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_delta_on_the_right_base_is_taken_in),
		cmocka_unit_test(parts_count_only_together),
		cmocka_unit_test(a_part_of_another_delta_begins_anew),
		cmocka_unit_test(what_does_not_fit_asks_for_the_difference_and_changes_nothing),
		cmocka_unit_test(what_is_held_already_only_raises_the_revision),
		cmocka_unit_test(a_saved_state_comes_back_byte_by_byte),
		cmocka_unit_test(a_damaged_file_is_set_aside_and_the_generation_before_serves),
		cmocka_unit_test(without_an_earlier_generation_the_state_is_empty_and_says_so),
		cmocka_unit_test(a_later_format_is_set_aside_and_named),
		cmocka_unit_test(a_state_of_the_first_release_has_no_format),
		cmocka_unit_test(an_unknown_state_becomes_known_by_the_first_delta),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
