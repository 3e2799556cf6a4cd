// Secrets: sealed and opened again, and never with another key, id or byte.
#include "pki/vault.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

static char dir[64];
static char key_path[96];

static int setup(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof dir, "/tmp/weft-vault.XXXXXX");
	assert_non_null(mkdtemp(dir));
	(void)snprintf(key_path, sizeof key_path, "%s/secret.key", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	(void)remove(key_path);
	return remove(dir);
}

static struct vault_bytes bytes_of(const void *data, size_t len)
{
	return (struct vault_bytes){ data, len };
}

static void output_done(struct vault_output *output)
{
	free(output->data);
}

static void test_round_trip_over_restarts(void **state)
{
	(void)state;
	CLEAN(vault_free_ptr) struct vault *first = NULL;
	CLEAN(vault_free_ptr) struct vault *second = NULL;
	CLEAN(output_done) struct vault_output sealed = { 0 };
	CLEAN(output_done) struct vault_output opened = { 0 };
	assert_int_equal(vault_open(dir, true, &first, NULL), 0);
	assert_int_equal(vault_seal(first, 7, bytes_of("hunter2", 7), &sealed, NULL), 0);
	assert_null(memmem(sealed.data, sealed.len, "hunter2", 7));
	assert_int_equal(vault_open(dir, true, &second, NULL), 0);
	assert_int_equal(vault_unseal(second, 7, bytes_of(sealed.data, sealed.len), &opened, NULL),
			 0);
	assert_int_equal(opened.len, 7);
	assert_string_equal((const char *)opened.data, "hunter2");
	struct stat st;
	assert_int_equal(stat(key_path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_empty_secret(void **state)
{
	(void)state;
	CLEAN(vault_free_ptr) struct vault *vault = NULL;
	CLEAN(output_done) struct vault_output sealed = { 0 };
	CLEAN(output_done) struct vault_output opened = { 0 };
	assert_int_equal(vault_open(dir, true, &vault, NULL), 0);
	assert_int_equal(vault_seal(vault, 1, bytes_of("", 0), &sealed, NULL), 0);
	assert_int_equal(vault_unseal(vault, 1, bytes_of(sealed.data, sealed.len), &opened, NULL),
			 0);
	assert_int_equal(opened.len, 0);
}

static void test_any_change_is_noticed(void **state)
{
	(void)state;
	CLEAN(vault_free_ptr) struct vault *vault = NULL;
	CLEAN(output_done) struct vault_output sealed = { 0 };
	struct vault_output opened = { 0 };
	assert_int_equal(vault_open(dir, true, &vault, NULL), 0);
	assert_int_equal(vault_seal(vault, 7, bytes_of("abc", 3), &sealed, NULL), 0);
	const struct vault_bytes whole = bytes_of(sealed.data, sealed.len);
	for (size_t i = 0; i < sealed.len; i++) {
		sealed.data[i] ^= 1;
		assert_int_equal(vault_unseal(vault, 7, whole, &opened, NULL), -EBADMSG);
		sealed.data[i] ^= 1;
	}
	for (size_t cut = 0; cut < sealed.len; cut++)
		assert_int_equal(vault_unseal(vault, 7, bytes_of(sealed.data, cut), &opened, NULL),
				 -EBADMSG);
	assert_int_equal(vault_unseal(vault, 8, whole, &opened, NULL), -EBADMSG);
	assert_null(opened.data);
}

static void test_a_short_key_is_refused_and_kept(void **state)
{
	(void)state;
	struct vault *vault = NULL;
	struct err err = { 0 };
	assert_int_equal(file_replace(key_path, "short", 5, 0600, NULL), 0);
	assert_int_equal(vault_open(dir, true, &vault, &err), -EINVAL);
	assert_non_null(strstr(err.text, "5 bytes"));
	CLEAN(free_ptr) char *data = NULL;
	assert_int_equal(file_read(key_path, 100, &data, NULL, NULL), 0);
	assert_string_equal(data, "short");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_round_trip_over_restarts),
		TEST(test_empty_secret),
		TEST(test_any_change_is_noticed),
		TEST(test_a_short_key_is_refused_and_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
