// What systemd hears, and how long a program waits between attempts.

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
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clean.h"
#include "loop/backoff.h"
#include "loop/notify.h"

static void expect_state(int fd, const char *wanted)
{
	char buf[200];
	ssize_t n = recv(fd, buf, sizeof(buf) - 1, MSG_DONTWAIT);
	assert_true(n > 0);
	buf[n] = '\0';
	assert_string_equal(buf, wanted);
}

// Abstract names need no file and go with their socket.
static void test_notify_reaches_an_abstract_socket(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char name[64];
	(void)state;
	int len = snprintf(name, sizeof(name), "@weft-unit-loop-%d", (int)getpid());
	memcpy(address.sun_path, name, (size_t)len);
	address.sun_path[0] = '\0';
	CLEAN(close_fd) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address,
			      (socklen_t)offsetof(struct sockaddr_un, sun_path) + (socklen_t)len),
			 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
	assert_int_equal(notify_ready(), 0);
	expect_state(fd, "READY=1");
	assert_int_equal(notify_watchdog(), 0);
	expect_state(fd, "WATCHDOG=1");
	assert_int_equal(notify_status("%d nodes\nREADY=1", 5), 0);
	expect_state(fd, "STATUS=5 nodes READY=1");
	assert_int_equal(notify_stopping(), 0);
	expect_state(fd, "STOPPING=1");
	assert_int_equal(notify_main_pid(4711), 0);
	expect_state(fd, "MAINPID=4711");
	// It waits for the file that comes with it to be closed.
	assert_int_equal(notify_barrier(1), -ETIMEDOUT);
	expect_state(fd, "BARRIER=1");
	assert_int_equal(notify_barrier(0), -ETIMEDOUT);
	close_fd(&fd);
	fd = -1;
	assert_int_equal(notify_barrier(20000), -ECONNREFUSED);
}

static void test_notify_without_systemd(void **state)
{
	(void)state;
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
	assert_int_equal(notify_ready(), -ENOENT);
	assert_int_equal(setenv("NOTIFY_SOCKET", "relative", 1), 0);
	assert_int_equal(notify_ready(), -ENOENT);
	assert_int_equal(setenv("NOTIFY_SOCKET", "/nowhere/notify", 1), 0);
	assert_int_equal(notify_ready(), -ENOENT);
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
}

static void test_watchdog_interval(void **state)
{
	char pid[32];
	(void)state;
	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	assert_int_equal(unsetenv("WATCHDOG_USEC"), 0);
	assert_int_equal(notify_watchdog_interval_ms(), 0);
	assert_int_equal(setenv("WATCHDOG_USEC", "30000000", 1), 0);
	assert_int_equal(setenv("WATCHDOG_PID", pid, 1), 0);
	assert_int_equal(notify_watchdog_interval_ms(), 15000);
	assert_int_equal(setenv("WATCHDOG_PID", "1", 1), 0);
	assert_int_equal(notify_watchdog_interval_ms(), 0);
	assert_int_equal(unsetenv("WATCHDOG_PID"), 0);
	assert_int_equal(setenv("WATCHDOG_USEC", "nonsense", 1), 0);
	assert_int_equal(notify_watchdog_interval_ms(), 0);
	assert_int_equal(unsetenv("WATCHDOG_USEC"), 0);
}

static void test_backoff_doubles_within_its_bounds(void **state)
{
	static const uint32_t most[] = { 500, 1000, 2000, 4000, 8000, 10000, 10000 };
	struct backoff b = { .first_ms = 500, .max_ms = 10000 };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(most); i++) {
		struct backoff again = b;
		uint32_t wait = backoff_next_ms(&again, UINT32_MAX - (uint32_t)i);
		assert_true(wait >= most[i] / 2 && wait <= most[i]);
		assert_int_equal(backoff_next_ms(&b, 0), most[i] / 2);
	}
	backoff_reset(&b);
	assert_int_equal(backoff_next_ms(&b, 250), 500);
	b.failures = UINT32_MAX;
	assert_int_equal(backoff_next_ms(&b, 0), 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_notify_reaches_an_abstract_socket),
		cmocka_unit_test(test_notify_without_systemd),
		cmocka_unit_test(test_watchdog_interval),
		cmocka_unit_test(test_backoff_doubles_within_its_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
