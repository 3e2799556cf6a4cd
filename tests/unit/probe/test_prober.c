// Two ends on the loopback device, with real sockets and the real thread: links come up, go down
// when the other end goes, and what strangers send changes nothing.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#include "probe/prober.h"

#define ASK_PORT_ANY 0

enum { LIMIT_MS = 20000 };

static uint16_t port; // of this run: others test on this host too

struct end {
	struct prober *prober;
	int changes;
	struct prober_change last;
};

static uv_loop_t loop;

static void on_change(void *context, const struct prober_change *change)
{
	struct end *end = context;
	end->changes++;
	end->last = *change;
}

static struct prober_target target(const char *own, const char *peer, uint8_t secret)
{
	struct prober_target t = { .key = "net/other",
				   .own_name = "one",
				   .peer_name = "other",
				   .device = "lo",
				   .own = own,
				   .peer = peer,
				   .port = port,
				   .judge = judge_config_default() };
	memset(t.secret, secret, sizeof t.secret);
	t.judge.interval_us = 20000;
	t.judge.hold_down_us = 0;
	return t;
}

static void start(struct end *end, const char *own, const char *peer, uint8_t secret)
{
	struct err err = { 0 };
	const struct prober_target t = target(own, peer, secret);
	*end = (struct end){ 0 };
	assert_int_equal(prober_new(&loop, on_change, end, &end->prober, &err), 0);
	assert_int_equal(prober_set(end->prober, &t, 1, &err), 0);
}

static void stop(struct end *end)
{
	prober_close(end->prober);
	end->prober = NULL;
	(void)uv_run(&loop, UV_RUN_NOWAIT); // its handle is let go of
}

static struct prober_reading reading_of(const struct end *end)
{
	struct prober_reading r;
	assert_true(prober_read(end->prober, "net/other", &r));
	return r;
}

static void wait_for(const struct end *end, enum judge_state state)
{
	const int64_t until = clock_mono_ms() + LIMIT_MS;
	while (reading_of(end).state != state || end->last.state != state) {
		assert_true(clock_mono_ms() < until);
		(void)uv_run(&loop, UV_RUN_NOWAIT);
		(void)usleep(2000);
	}
}

static void a_link_comes_up_and_goes_down(void **state)
{
	(void)state;
	struct end a, b;
	start(&a, "127.0.1.1", "127.0.1.2", 1);
	start(&b, "127.0.1.2", "127.0.1.1", 1);
	wait_for(&a, JUDGE_UP);
	wait_for(&b, JUDGE_UP);
	assert_string_equal(a.last.key, "net/other");
	struct prober_reading r = reading_of(&a);
	assert_true(r.rtt_us >= 0 && r.rtt_us < 1000000);
	assert_true(r.histogram.count >= 5 && r.counts.sent >= 5);
	assert_true(r.reflector.fresh > 0);
	assert_int_equal(r.garbage, 0);
	stop(&b);
	wait_for(&a, JUDGE_DOWN);
	assert_non_null(strstr(a.last.sentence, "one-other down"));
	start(&b, "127.0.1.2", "127.0.1.1", 1);
	wait_for(&a, JUDGE_UP);
	stop(&b);
	stop(&a);
}

static void both_families_do(void **state)
{
	(void)state;
	struct end a;
	// One end that is its own other: its address, its port, its key.
	start(&a, "::1", "::1", 1);
	wait_for(&a, JUDGE_UP);
	stop(&a);
}

static void another_key_is_no_link(void **state)
{
	(void)state;
	struct end a, b;
	start(&a, "127.0.1.1", "127.0.1.2", 1);
	start(&b, "127.0.1.2", "127.0.1.1", 2);
	wait_for(&a, JUDGE_DOWN);
	struct prober_reading r = reading_of(&b);
	assert_true(r.garbage > 0 && r.reflector.fresh == 0);
	stop(&b);
	stop(&a);
}

// From the peer's own address, to the port that answers.
static void throw_garbage(const char *from, const char *to)
{
	struct sockaddr_in own = { .sin_family = AF_INET, .sin_port = ASK_PORT_ANY };
	struct sockaddr_in peer = { .sin_family = AF_INET, .sin_port = htons(port) };
	static const uint8_t bytes[2000];
	static const size_t sizes[] = { 0, 1, 44, 111, 112, 113, 128, 129, 2000 };
	assert_int_equal(inet_pton(AF_INET, from, &own.sin_addr), 1);
	assert_int_equal(inet_pton(AF_INET, to, &peer.sin_addr), 1);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&own, sizeof own), 0);
	for (int i = 0; i < 90; i++)
		(void)sendto(fd, bytes, sizes[i % 9], 0, (struct sockaddr *)&peer, sizeof peer);
	(void)close(fd);
}

static void strangers_change_nothing(void **state)
{
	(void)state;
	struct end a, b;
	start(&a, "127.0.1.1", "127.0.1.2", 1);
	start(&b, "127.0.1.2", "127.0.1.1", 1);
	wait_for(&a, JUDGE_UP);
	wait_for(&b, JUDGE_UP);
	const int changes = a.changes;
	throw_garbage("127.0.1.2", "127.0.1.1");
	throw_garbage("127.0.1.3", "127.0.1.1"); // of no link at all
	const int64_t until = clock_mono_ms() + LIMIT_MS;
	while (reading_of(&a).garbage < 90 && clock_mono_ms() < until)
		(void)usleep(2000);
	assert_int_equal(reading_of(&a).garbage, 90);
	const uint64_t returned = reading_of(&a).counts.returned;
	while (reading_of(&a).counts.returned < returned + 10 && clock_mono_ms() < until)
		(void)uv_run(&loop, UV_RUN_NOWAIT);
	assert_int_equal(a.changes, changes);
	assert_int_equal(reading_of(&a).state, JUDGE_UP);
	stop(&b);
	stop(&a);
}

// A rider that says one word and remembers what it hears.
struct rider {
	char own;
	char heard;
	int notes, judged;
	bool is_hurried, is_up;
};

static size_t rider_note(void *context, uint64_t link, uint8_t ret_note[STAMP_NOTE_MAX])
{
	const struct rider *r = context;
	assert_int_equal(link, 7);
	ret_note[0] = (uint8_t)r->own;
	return 1;
}

static void rider_hears(void *context, uint64_t link, const uint8_t *note, size_t len, int64_t now)
{
	struct rider *r = context;
	assert_true(link == 7 && len == 1 && now > 0);
	__atomic_store_n(&r->heard, (char)note[0], __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&r->notes, 1, __ATOMIC_SEQ_CST);
}

static void rider_is_told(void *context, uint64_t link, const struct judge *judge, const char *name,
			  int64_t now)
{
	struct rider *r = context;
	assert_true(link == 7 && now > 0);
	assert_string_equal(name, "one-other");
	__atomic_add_fetch(&r->judged, 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&r->is_up, judge->state == JUDGE_UP, __ATOMIC_SEQ_CST);
}

static int64_t rider_ticks(void *context, int64_t now)
{
	(void)context;
	return now + 1000000;
}

static bool rider_hurries(void *context, uint64_t *ret_link)
{
	struct rider *r = context;
	*ret_link = 7;
	return __atomic_exchange_n(&r->is_hurried, false, __ATOMIC_SEQ_CST);
}

static void start_ridden(struct end *end, const char *own, const char *peer, struct rider *rider)
{
	struct err err = { 0 };
	struct prober_target t = target(own, peer, 1);
	const struct prober_rider functions = { rider,         rider_note,  rider_hears,
						rider_is_told, rider_ticks, rider_hurries };
	t.rider = 7;
	*end = (struct end){ 0 };
	assert_int_equal(prober_new(&loop, on_change, end, &end->prober, &err), 0);
	prober_take_rider(end->prober, &functions);
	assert_int_equal(prober_set(end->prober, &t, 1, &err), 0);
}

// Up, and by more than the few notes that it takes to be up.
static bool has_heard_plenty(const struct rider *r)
{
	return __atomic_load_n(&r->is_up, __ATOMIC_SEQ_CST) &&
	       __atomic_load_n(&r->notes, __ATOMIC_SEQ_CST) > 5 &&
	       __atomic_load_n(&r->judged, __ATOMIC_SEQ_CST) > 5;
}

static void notes_travel_with_the_probes(void **state)
{
	(void)state;
	struct rider one = { .own = 'a' }, two = { .own = 'b' };
	struct end a, b;
	start_ridden(&a, "127.0.1.1", "127.0.1.2", &one);
	start_ridden(&b, "127.0.1.2", "127.0.1.1", &two);
	const int64_t until = clock_mono_ms() + LIMIT_MS;
	// In requests and in replies, of the confirmed session.
	while (!has_heard_plenty(&one) || !has_heard_plenty(&two)) {
		assert_true(clock_mono_ms() < until);
		(void)usleep(2000);
	}
	// The next probes are due in a minute; one that is in a hurry is not waited for.
	struct err err = { 0 };
	struct prober_target t = target("127.0.1.1", "127.0.1.2", 1);
	t.rider = 7;
	t.judge.interval_us = 60000000;
	assert_int_equal(prober_set(a.prober, &t, 1, &err), 0);
	const struct prober_reading sent = reading_of(&a);
	__atomic_store_n(&one.is_hurried, true, __ATOMIC_SEQ_CST);
	while (reading_of(&a).counts.sent == sent.counts.sent && clock_mono_ms() < until)
		(void)usleep(2000);
	assert_true(reading_of(&a).counts.sent > sent.counts.sent);
	stop(&b);
	stop(&a);
	assert_true(one.heard == 'b' && two.heard == 'a');
	assert_int_equal(a.changes, 0); // it is the rider's to tell
}

// A target that knows nothing of Weft: sends back what it gets while it is not silent.
struct target_host {
	pthread_t thread;
	int fd;
	bool is_silent, is_over;
};

static void *echo_all(void *argument)
{
	struct target_host *host = argument;
	uint8_t data[2048];
	while (!__atomic_load_n(&host->is_over, __ATOMIC_SEQ_CST)) {
		struct sockaddr_in from;
		socklen_t from_len = sizeof from;
		struct pollfd wait = { .fd = host->fd, .events = POLLIN };
		if (poll(&wait, 1, 20) != 1)
			continue;
		const ssize_t n = recvfrom(host->fd, data, sizeof data, 0, (struct sockaddr *)&from,
					   &from_len);
		if (n < 0 || __atomic_load_n(&host->is_silent, __ATOMIC_SEQ_CST))
			continue;
		// Strangers' datagrams, empty ones, and each answer twice.
		(void)sendto(host->fd, data, 0, 0, (struct sockaddr *)&from, from_len);
		(void)sendto(host->fd, "garbage", 7, 0, (struct sockaddr *)&from, from_len);
		(void)sendto(host->fd, data, (size_t)n, 0, (struct sockaddr *)&from, from_len);
		(void)sendto(host->fd, data, (size_t)n, 0, (struct sockaddr *)&from, from_len);
	}
	return NULL;
}

static void open_host(struct target_host *host, const char *address)
{
	struct sockaddr_in own = { .sin_family = AF_INET, .sin_port = htons(port) };
	*host = (struct target_host){ .fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) };
	assert_int_equal(inet_pton(AF_INET, address, &own.sin_addr), 1);
	assert_int_equal(bind(host->fd, (struct sockaddr *)&own, sizeof own), 0);
	assert_int_equal(pthread_create(&host->thread, NULL, echo_all, host), 0);
}

static void close_host(struct target_host *host)
{
	__atomic_store_n(&host->is_over, true, __ATOMIC_SEQ_CST);
	assert_int_equal(pthread_join(host->thread, NULL), 0);
	(void)close(host->fd);
}

static void a_target_that_echoes_udp_is_a_link(void **state)
{
	(void)state;
	struct end a;
	struct target_host host;
	open_host(&host, "127.0.1.7");
	start(&a, NULL, "127.0.1.7", 1);
	wait_for(&a, JUDGE_UP);
	struct prober_reading r = reading_of(&a);
	assert_true(r.garbage >= 10 && r.counts.duplicate >= 4 && r.rtt_us < 1000000);
	assert_int_equal(a.changes, 1);
	__atomic_store_n(&host.is_silent, true, __ATOMIC_SEQ_CST);
	wait_for(&a, JUDGE_DOWN);
	__atomic_store_n(&host.is_silent, false, __ATOMIC_SEQ_CST);
	wait_for(&a, JUDGE_UP);
	stop(&a);
	close_host(&host);
}

static void a_target_that_answers_pings_is_a_link(void **state)
{
	static const char *const targets[] = { "127.0.1.9", "::1" };
	struct err err = { 0 };
	(void)state;
	if (geteuid() != 0)
		skip(); // raw sockets
	for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
		struct end a;
		struct prober_target t = target(NULL, targets[i], 1);
		t.port = 0;
		a = (struct end){ 0 };
		assert_int_equal(prober_new(&loop, on_change, &a, &a.prober, &err), 0);
		assert_int_equal(prober_set(a.prober, &t, 1, &err), 0);
		wait_for(&a, JUDGE_UP);
		assert_int_equal(reading_of(&a).garbage, 0);
		t.device = "wgnowhere";
		assert_int_equal(prober_set(a.prober, &t, 1, &err), 0);
		wait_for(&a, JUDGE_DOWN);
		assert_non_null(strstr(a.last.sentence, "its device is gone or has no carrier"));
		stop(&a);
	}
}

static void a_missing_device_is_named(void **state)
{
	(void)state;
	struct end a;
	struct err err = { 0 };
	struct prober_target t = target("127.0.1.1", "127.0.1.2", 1);
	start(&a, "127.0.1.1", "127.0.1.2", 1);
	t.device = "wgnowhere";
	assert_int_equal(prober_set(a.prober, &t, 1, &err), 0);
	const int64_t until = clock_mono_ms() + LIMIT_MS;
	while (!prober_trouble(a.prober, "net/other", &err) && clock_mono_ms() < until)
		(void)usleep(2000);
	assert_int_equal(err.code, -ENODEV);
	wait_for(&a, JUDGE_DOWN);
	t.own = "fd00::1";
	assert_int_equal(prober_set(a.prober, &t, 1, &err), -EINVAL);
	assert_int_equal(prober_set(a.prober, NULL, 0, &err), 0);
	struct prober_reading r;
	assert_false(prober_read(a.prober, "net/other", &r));
	stop(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_link_comes_up_and_goes_down),
		cmocka_unit_test(both_families_do),
		cmocka_unit_test(another_key_is_no_link),
		cmocka_unit_test(strangers_change_nothing),
		cmocka_unit_test(notes_travel_with_the_probes),
		cmocka_unit_test(a_target_that_echoes_udp_is_a_link),
		cmocka_unit_test(a_target_that_answers_pings_is_a_link),
		cmocka_unit_test(a_missing_device_is_named),
	};
	(void)uv_loop_init(&loop);
	port = (uint16_t)(10000 + getpid() % 20000);
	const int failed = cmocka_run_group_tests(tests, NULL, NULL);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&loop);
	return failed;
}
