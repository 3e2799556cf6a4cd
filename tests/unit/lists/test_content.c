// Contents of domain lists: kept under their hash, refused when they are none, remembered over a
// restart; and nothing is left half made when memory or the disk fails.

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/file.h"
#include "base/text.h"

#include "fault.h"
#include "lists/content.h"
#include "lists/record.h"

#define GOOD "0.0.0.0 ads.example tracker.example\nbroken!\n||evil.example^\n"

static char dir[] = "/tmp/weft-lists-XXXXXX";

static int set_up(void **state)
{
	(void)state;
	(void)strcpy(dir, "/tmp/weft-lists-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

// How many files there are; and removes them if asked.
static size_t files(bool is_removing)
{
	DIR *d = opendir(dir);
	const struct dirent *entry;
	size_t count = 0;
	while (d && (entry = readdir(d))) {
		if (entry->d_name[0] == '.')
			continue;
		count++;
		if (is_removing)
			(void)unlinkat(dirfd(d), entry->d_name, 0);
	}
	if (d)
		(void)closedir(d);
	return count;
}

static int tear_down(void **state)
{
	(void)state;
	(void)files(true);
	return rmdir(dir);
}

static void a_text_is_kept_under_its_hash(void **state)
{
	struct content content, again;
	struct err err = { 0 };
	(void)state;
	if (content_put(dir, GOOD, strlen(GOOD), &content, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(content_is_hash(content.sha256));
	assert_int_equal(content.size, strlen(GOOD));
	assert_int_equal(content.rules, 3);
	assert_int_equal(content.bad, 1);
	assert_int_equal(content.first_bad, 2);
	CLEAN(free_ptr) char *path = text_format("%s/%s", dir, content.sha256);
	CLEAN(free_ptr) char *kept = NULL;
	assert_int_equal(file_read(path, 1000, &kept, NULL, &err), 0);
	assert_string_equal(kept, GOOD);
	// The same from a file, which stays.
	CLEAN(free_ptr) char *other = text_format("%s/mine.txt", dir);
	assert_int_equal(file_replace(other, GOOD, strlen(GOOD), 0600, &err), 0);
	assert_int_equal(content_copy(dir, other, &again, &err), 0);
	assert_string_equal(again.sha256, content.sha256);
	assert_int_equal(files(false), 2);
	char hash[CONTENT_HASH_SIZE];
	content_hash(GOOD, strlen(GOOD), hash);
	assert_string_equal(hash, content.sha256);
}

static void what_is_no_list_leaves_nothing(void **state)
{
	static const char *const texts[] = {
		"", "\n# nothing\n\n", "<!DOCTYPE html>\n<html>\n<body>Sign in</body>\n</html>\n"
	};
	struct content content = { .rules = 7 };
	struct err err = { 0 };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_int_equal(content_put(dir, texts[i], strlen(texts[i]), &content, &err),
				 -EINVAL);
		assert_true(err.text[0] != '\0');
	}
	assert_int_equal(content_copy(dir, dir, &content, &err), -EINVAL);
	assert_non_null(strstr(err.text, "is no regular file"));
	assert_true(content_copy(dir, "/nonexistent/list", &content, &err) < 0);
	assert_int_equal(content.rules, 7);
	assert_int_equal(files(false), 0);
}

// As large as the limit and one byte: a file with a hole takes no room.
static void too_much_is_refused(void **state)
{
	CLEAN(free_ptr) char *path = text_format("%s/large", dir);
	CLEAN(close_fd) int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	struct content content;
	struct err err = { 0 };
	(void)state;
	assert_int_equal(ftruncate(fd, (off_t)CONTENT_BYTES_MAX + 1), 0);
	assert_int_equal(content_take(dir, path, &content, &err), -EFBIG);
	assert_non_null(strstr(err.text, "has more than 256 MB"));
}

static void a_record_comes_back_or_is_none(void **state)
{
	struct list_record record = {
		.source = (char *)"http://lists.example/ads.txt",
		.content = { .size = 12, .rules = 3, .bad = 1, .first_bad = 2 },
		.tags = { .etag = "\"1\"", .modified = "yesterday" },
		.fetched_ms = 1000,
		.checked_ms = 2000
	};
	struct list_record back;
	struct err err = { 0 };
	(void)state;
	content_hash("x", 1, record.content.sha256);
	assert_int_equal(list_record_save(dir, 7, &record, &err), 0);
	list_record_load(dir, 7, &back);
	assert_string_equal(back.source, record.source);
	assert_memory_equal(&back.content, &record.content, sizeof(back.content));
	assert_string_equal(back.tags.etag, "\"1\"");
	assert_int_equal(back.checked_ms, 2000);
	list_record_done(&back);
	CLEAN(free_ptr) char *path = text_format("%s/7.json", dir);
	assert_int_equal(file_replace(path, "{\"sha256\":\"../../x\"}", 20, 0600, &err), 0);
	list_record_load(dir, 7, &back);
	assert_null(back.source);
	assert_string_equal(back.content.sha256, "");
	list_record_delete(dir, 7);
	list_record_load(dir, 7, &back);
	assert_null(back.source);
	list_record_done(&back);
}

static void walk_failures(enum fault_kind kind)
{
	bool has_struck;
	unsigned n = 0;
	do {
		struct content content = { .rules = 7 };
		struct err err = { 0 };
		fault_arm(kind, ++n);
		int r = content_put(dir, GOOD, strlen(GOOD), &content, &err);
		has_struck = fault_disarm();
		assert_true(has_struck ? r < 0 && err.text[0] && content.rules == 7 : r == 0);
		assert_int_equal(files(true), r == 0);
	} while (has_struck);
	assert_true(n > 1);
}

static void failures_leave_nothing_half_made(void **state)
{
	(void)state;
	walk_failures(FAULT_ALLOC);
	walk_failures(FAULT_FILE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_text_is_kept_under_its_hash, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_list_leaves_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(too_much_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_record_comes_back_or_is_none, set_up, tear_down),
		cmocka_unit_test_setup_teardown(failures_leave_nothing_half_made, set_up,
						tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
