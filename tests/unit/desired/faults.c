// The n-th allocation or file operation fails, for every n: the state in hand and the last good one
// on disk are whole, the refusal is a sentence, and the next try works.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

#include "desired/desired.h"
#include "fault.h"

static const struct entry_change changes[] = {
	{ .key = "sysctl/a", .body = "{\"v\":1}", .body_len = 7 },
	{ .key = "sysctl/b", .body = "{\"v\":2}", .body_len = 7 },
};

// The n-th change alone, at revision n, built on what is held.
static struct msg_desired delta(const struct desired *desired, size_t n)
{
	struct digest base = entry_set_digest(desired_entries(desired));
	struct digest digest = base;
	const struct entry_change *change = &changes[n - 1];
	digest_add(&digest, digest_of_entry(change->key, change->body, change->body_len));
	return (struct msg_desired){ .revision = (int64_t)n,
				     .base = base,
				     .digest = digest,
				     .changes = change,
				     .count = 1 };
}

static void take(struct desired *desired, size_t n)
{
	enum desired_step step;
	const struct msg_desired part = delta(desired, n);
	assert_int_equal(desired_take(desired, &part, &step, NULL), 0);
	assert_int_equal(step, DESIRED_NEW);
}

static char *make_path(void)
{
	char dir[] = "/tmp/weft-faults-XXXXXX";
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

// What a start would find.
static int64_t revision_on_disk(const char *path)
{
	CLEAN(desired_free_ptr) struct desired *found = desired_new();
	assert_int_equal(desired_load(found, path, NULL), FILE_FOUND);
	assert_int_equal(entry_set_count(desired_entries(found)), desired_revision(found));
	return desired_revision(found);
}

static void taking_in(void **state)
{
	(void)state;
	bool has_struck;
	unsigned n = 0;
	do {
		struct err err = { 0 };
		enum desired_step step = DESIRED_MORE;
		CLEAN(desired_free_ptr) struct desired *desired = desired_new();
		take(desired, 1);
		const struct msg_desired part = delta(desired, 2);
		fault_arm(FAULT_ALLOC, ++n);
		int r = desired_take(desired, &part, &step, &err);
		has_struck = fault_disarm();
		assert_int_equal(r, has_struck ? -ENOMEM : 0);
		assert_true(!has_struck || *err.text);
		assert_int_equal(desired_revision(desired), has_struck ? 1 : 2);
		assert_int_equal(entry_set_count(desired_entries(desired)), has_struck ? 1 : 2);
		if (has_struck)
			take(desired, 2);
	} while (has_struck);
	assert_true(n > 3);
}

// `lasts`: the disk stays full, not only for one call.
static void save_under(enum fault_kind kind, bool lasts, bool has_old)
{
	const char *why = kind == FAULT_FILE ? "No space left" : "out of memory";
	bool has_struck;
	unsigned n = 0;
	do {
		struct err err = { 0 };
		char *path = make_path();
		CLEAN(desired_free_ptr) struct desired *desired = desired_new();
		take(desired, 1);
		assert_int_equal(desired_save(desired, path, NULL), 0);
		if (has_old)
			assert_int_equal(desired_save(desired, path, NULL), 0);
		take(desired, 2);
		(lasts ? fault_arm_from : fault_arm)(kind, ++n);
		int r = desired_save(desired, path, &err);
		has_struck = fault_disarm();
		assert_true(r == 0 || (has_struck && strstr(err.text, why)));
		// The directory's sync is the last step: the new state may be there already.
		int64_t revision = revision_on_disk(path);
		assert_true(revision == 2 || (r < 0 && revision == 1));
		assert_int_equal(desired_save(desired, path, NULL), 0);
		assert_int_equal(revision_on_disk(path), 2);
		remove_path(path);
	} while (has_struck);
	assert_true(n > (kind == FAULT_FILE ? 4 : 1));
}

static void saving(void **state)
{
	(void)state;
	save_under(FAULT_ALLOC, false, false);
	for (int i = 0; i < 4; i++)
		save_under(FAULT_FILE, i & 1, i & 2);
}

// Short memory is no reason to call a good file bad.
static void loading(void **state)
{
	(void)state;
	bool has_struck;
	unsigned n = 0;
	char *path = make_path();
	CLEAN(free_ptr) char *bad = text_format("%s.bad", path);
	CLEAN(desired_free_ptr) struct desired *desired = desired_new();
	take(desired, 1);
	assert_int_equal(desired_save(desired, path, NULL), 0);
	do {
		struct err err = { 0 };
		CLEAN(desired_free_ptr) struct desired *loaded = desired_new();
		fault_arm_from(FAULT_ALLOC, ++n);
		enum file_source source = desired_load(loaded, path, &err);
		has_struck = fault_disarm();
		assert_int_equal(source, has_struck ? FILE_LOST : FILE_FOUND);
		assert_true(!has_struck || strstr(err.text, "out of memory"));
		assert_int_equal(desired_is_known(loaded), !has_struck);
		assert_int_equal(access(bad, F_OK), -1);
		assert_int_equal(revision_on_disk(path), 1);
	} while (has_struck);
	assert_true(n > 3);
	remove_path(path);
}

// A damaged file that cannot even be set aside.
static void setting_aside(void **state)
{
	(void)state;
	struct err err = { 0 };
	char *path = make_path();
	CLEAN(free_ptr) char *bad = text_format("%s.bad", path);
	CLEAN(desired_free_ptr) struct desired *loaded = desired_new();
	assert_int_equal(file_replace(path, "nonsense", 8, 0600, NULL), 0);
	fault_arm(FAULT_FILE, 1);
	assert_int_equal(desired_load(loaded, path, &err), FILE_LOST);
	assert_true(fault_disarm());
	assert_non_null(strstr(err.text, "is damaged"));
	assert_null(strstr(err.text, "set aside"));
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(access(bad, F_OK), -1);
	remove_path(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(taking_in),
		cmocka_unit_test(saving),
		cmocka_unit_test(loading),
		cmocka_unit_test(setting_aside),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
