// Keys, requests and the time to verify at.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clean.h"

#include "uplink/credential.h"

static void a_wireguard_key_has_its_public_half(void **state)
{
	(void)state;
	// RFC 7748, section 6.1: Alice's keys.
	char public[CREDENTIAL_WG_KEY_SIZE];
	char private[CREDENTIAL_WG_KEY_SIZE];
	assert_int_equal(
		credential_wg_public("dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=", public, NULL),
		0);
	assert_string_equal(public, "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=");
	assert_int_equal(credential_make_wg_key(private, NULL), 0);
	assert_int_equal(strlen(private), 44);
	assert_int_equal(credential_wg_public(private, public, NULL), 0);
	assert_true(credential_wg_public("short", public, NULL) < 0);
	assert_true(credential_wg_public("!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!=", public,
					 NULL) < 0);
}

static void a_request_is_made_for_a_new_key(void **state)
{
	(void)state;
	CLEAN(free_ptr) char *key = NULL;
	CLEAN(free_ptr) char *csr = NULL;
	assert_int_equal(credential_make_key(&key, NULL), 0);
	assert_int_equal(credential_make_csr(key, "node:rho", &csr, NULL), 0);
	assert_non_null(strstr(csr, "BEGIN CERTIFICATE REQUEST"));
	assert_true(credential_make_csr("no key", "node:rho", &csr, NULL) < 0);
}

static void renewal_is_due_at_two_thirds(void **state)
{
	(void)state;
	const int64_t day = 86400000;
	assert_int_equal(credential_renew_at(10 * day, 100 * day), 70 * day);
}

static void a_host_without_a_clock_does_not_go_back_in_time(void **state)
{
	(void)state;
	char path[] = "/tmp/weft-clock-XXXXXX";
	CLEAN(close_fd) int fd = mkstemp(path);
	assert_true(fd >= 0);
	const int64_t later = time(NULL) + 1000000;
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = later } };
	assert_int_equal(futimens(fd, times), 0);
	assert_int_equal(credential_verify_time(path), later);
	assert_int_equal(credential_save_time(path, time(NULL), NULL), 0);
	assert_int_equal(credential_verify_time(path), later);
	assert_int_equal(credential_save_time(path, later + 60, NULL), 0);
	assert_int_equal(credential_verify_time(path), later + 60);
	assert_int_equal(unlink(path), 0);
	assert_in_range(credential_verify_time(path), time(NULL) - 5, time(NULL) + 5);
}

// A clock that jumped into next century must not take the saved time along: nothing would be valid
// any more, for good.
static void only_a_proven_time_is_saved(void **state)
{
	(void)state;
	char path[] = "/tmp/weft-clock-XXXXXX";
	struct stat st;
	CLEAN(close_fd) int fd = mkstemp(path);
	const int64_t proven = time(NULL) - 86400;
	assert_true(fd >= 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(credential_save_time(path, proven, NULL), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mtim.tv_sec, proven);
	assert_int_equal(unlink(path), 0);
}

static void a_saved_time_ahead_of_the_clock_is_named_with_its_cure(void **state)
{
	(void)state;
	char path[] = "/tmp/weft-clock-XXXXXX";
	struct err err = { 0 };
	CLEAN(close_fd) int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_false(credential_clock_is_behind(path, &err));
	assert_int_equal(credential_save_time(path, time(NULL) + 1000000, NULL), 0);
	assert_true(credential_clock_is_behind(path, &err));
	assert_non_null(strstr(err.text, path));
	assert_non_null(strstr(err.text, "set the clock"));
	assert_int_equal(unlink(path), 0);
	assert_false(credential_clock_is_behind(path, &err));
}

static void what_is_no_certificate_or_key_says_so(void **state)
{
	(void)state;
	struct err err = { 0 };
	assert_int_equal(credential_check_certificate("", &err), -EINVAL);
	assert_string_equal(err.text, "it is no certificate");
	assert_int_equal(credential_check_certificate("-----BEGIN CERTIFICATE-----\nMIIB", &err),
			 -EINVAL);
	assert_int_equal(credential_check_key("garbage", "garbage", &err), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wireguard_key_has_its_public_half),
		cmocka_unit_test(a_request_is_made_for_a_new_key),
		cmocka_unit_test(renewal_is_due_at_two_thirds),
		cmocka_unit_test(a_host_without_a_clock_does_not_go_back_in_time),
		cmocka_unit_test(only_a_proven_time_is_saved),
		cmocka_unit_test(a_saved_time_ahead_of_the_clock_is_named_with_its_cure),
		cmocka_unit_test(what_is_no_certificate_or_key_says_so),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
