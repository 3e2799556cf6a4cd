// The kernel's own WireGuard through kernel.h, against the real module: what is written is read
// back exactly, however many messages it takes. Makes a network namespace of its own; exits 77
// where the kernel has no WireGuard or the caller is not root.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/kernel.h"

#define DEVICE "wgtruth"
enum { PEERS = 1500, LONG_PEER = 700, LONG_ALLOWED = 2000, DUMPS = 10 };

static struct kernel *kernel;

static struct kernel_key key_of(size_t i)
{
	struct kernel_key key = { { 7 } };

	memcpy(key.bytes + 8, &i, sizeof i);
	return key;
}

// Every address belongs to one peer only, as WireGuard wants it.
static struct kernel_prefix prefix_of(size_t peer, size_t i)
{
	const uint8_t high = (uint8_t)(peer >> 8), low = (uint8_t)peer;

	if (i % 2 == 0 && i < 512)
		return (struct kernel_prefix){ { AF_INET, { 10, high, low, (uint8_t)(i / 2) } },
					       32 };
	return (struct kernel_prefix){
		{ AF_INET6, { 0xfd, 0x57, [12] = high, low, (uint8_t)(i >> 8), (uint8_t)i } }, 128
	};
}

static size_t allowed_count(size_t peer)
{
	return peer == LONG_PEER ? LONG_ALLOWED : peer % 4;
}

static struct kernel_endpoint endpoint_of(size_t peer)
{
	struct kernel_endpoint e = { { AF_INET, { 192, 0, 2, 1 } }, (uint16_t)(1000 + peer) };

	if (peer % 3 == 1)
		e.ip = (struct kernel_ip){ AF_INET6, { 0x20, 1, 0xd, 0xb8, [15] = 1 } };
	return peer % 3 == 2 ? (struct kernel_endpoint){ .port = 0 } : e;
}

static struct kernel_peer_change peer_of(size_t i, struct kernel_prefix *allowed)
{
	for (size_t j = 0; j < allowed_count(i); j++)
		allowed[j] = prefix_of(i, j);
	return (struct kernel_peer_change){
		.public_key = key_of(i),
		.set_allowed = true,
		.set_keepalive = true,
		.keepalive = (uint16_t)(i % 100),
		.endpoint = endpoint_of(i),
		.allowed = allowed,
		.allowed_len = allowed_count(i),
	};
}

static struct kernel_wg *dump_wg(struct kernel_snapshot *s)
{
	struct err err = { 0 };

	if (kernel_dump(kernel, s, &err) < 0)
		fail_msg("dump: %s", err.text);
	assert_int_equal(s->wgs_len, 1);
	assert_string_equal(s->wgs[0].device, DEVICE);
	return &s->wgs[0];
}

static void send_change(const struct kernel_wg_change *c)
{
	struct err err = { 0 };

	if (kernel_wg_change(kernel, DEVICE, c, &err) < 0)
		fail_msg("change: %s", err.text);
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct kernel_prefix));
}

static void assert_peer(const struct kernel_peer *is, const struct kernel_peer_change *want)
{
	struct kernel_prefix sorted[LONG_ALLOWED];

	assert_int_equal(is->keepalive, want->keepalive);
	assert_true(kernel_endpoint_equal(&is->endpoint, &want->endpoint));
	assert_int_equal(is->allowed_len, want->allowed_len);
	if (want->allowed_len == 0)
		return;
	memcpy(sorted, want->allowed, want->allowed_len * sizeof *sorted);
	qsort(sorted, want->allowed_len, sizeof *sorted, by_bytes);
	qsort(is->allowed, is->allowed_len, sizeof *is->allowed, by_bytes);
	for (size_t i = 0; i < want->allowed_len; i++)
		assert_true(kernel_prefix_equal(&is->allowed[i], &sorted[i]));
}

static void test_device(void **state)
{
	// The bits that X25519 fixes are as WireGuard fixes them, so it comes back as it went.
	const struct kernel_key key = { { 0x48, [15] = 5, [31] = 0x41 } };
	const uint16_t port = 51820;
	const struct kernel_wg_change c = { .private_key = &key, .port = &port };
	CLEAN(kernel_snapshot_done) struct kernel_snapshot s = { 0 };

	(void)state;
	send_change(&c);
	const struct kernel_wg *wg = dump_wg(&s);
	assert_memory_equal(&wg->private_key, &key, sizeof key);
	assert_int_equal(wg->port, port);
	assert_int_equal(wg->peers_len, 0);
	assert_string_equal(kernel_wireguard_name(kernel), "kernel");
	assert_string_equal(kernel_snapshot_link(&s, DEVICE)->kind, "wireguard");
}

static void test_many_peers(void **state)
{
	struct kernel_peer_change *peers = calloc(PEERS, sizeof *peers);
	struct kernel_prefix *allowed = calloc(PEERS * 4 + LONG_ALLOWED, sizeof *allowed);
	const struct kernel_wg_change c = { .peers = peers, .peers_len = PEERS };
	CLEAN(kernel_snapshot_done) struct kernel_snapshot s = { 0 };
	size_t used = 0;

	(void)state;
	for (size_t i = 0; i < PEERS; i++) {
		peers[i] = peer_of(i, allowed + used);
		used += allowed_count(i);
	}
	send_change(&c);
	const struct kernel_wg *wg = dump_wg(&s);
	assert_int_equal(wg->peers_len, PEERS);
	for (size_t i = 0; i < PEERS; i++) {
		const struct kernel_peer *is = kernel_wg_peer(wg, &peers[i].public_key);

		assert_non_null(is);
		assert_peer(is, &peers[i]);
	}
	free(peers);
	free(allowed);
}

// Changes the device without end: what a dump in many parts then meets.
static _Noreturn void disturb(void)
{
	const struct kernel_config config = { .wireguard = "kernel" };
	struct kernel *own;
	uint16_t port = 50000;
	const struct kernel_wg_change c = { .port = &port };

	if (kernel_open(&config, &own, NULL) < 0)
		_exit(1);
	for (;; port = (uint16_t)(50000 + (port + 1) % 1000))
		(void)kernel_wg_change(own, DEVICE, &c, NULL);
}

static void test_dump_under_change(void **state)
{
	struct kernel_snapshot s = { 0 };
	struct err err = { 0 };
	int interrupted = 0, rc = 0;
	const pid_t child = fork();

	(void)state;
	if (child == 0)
		disturb();
	for (int i = 0; i < DUMPS && (rc == 0 || rc == -EINTR); i++) {
		rc = kernel_dump(kernel, &s, &err);
		interrupted += rc == -EINTR;
		kernel_snapshot_done(&s);
	}
	(void)kill(child, SIGKILL);
	(void)waitpid(child, NULL, 0);
	if (rc < 0 && rc != -EINTR)
		fail_msg("a dump under change: %s", err.text);
	print_message("%d of %d dumps gave up because the device kept changing\n", interrupted,
		      DUMPS);
	assert_int_equal(dump_wg(&s)->peers_len, PEERS);
	kernel_snapshot_done(&s);
}

static void test_removal(void **state)
{
	struct kernel_peer_change *gone = calloc(PEERS, sizeof *gone);
	const struct kernel_key left = key_of(LONG_PEER);
	struct kernel_wg_change c = { .peers = gone };
	CLEAN(kernel_snapshot_done) struct kernel_snapshot s = { 0 };

	(void)state;
	for (size_t i = 0; i < PEERS; i++)
		if (i != LONG_PEER)
			gone[c.peers_len++] = (struct kernel_peer_change){ .public_key = key_of(i),
									   .remove = true };
	send_change(&c);
	const struct kernel_wg *wg = dump_wg(&s);
	assert_int_equal(wg->peers_len, 1);
	assert_memory_equal(&wg->peers[0].public_key, &left, sizeof left);
	assert_int_equal(wg->peers[0].allowed_len, LONG_ALLOWED);
	assert_int_equal(kernel_wg_delete(kernel, DEVICE, NULL), 0);
	free(gone);
}

static int set_up(void **state)
{
	const struct kernel_link_change alias = { .fields = KERNEL_LINK_ALIAS,
						  .alias = KERNEL_ALIAS_PREFIX "wireguard/truth" };

	(void)state;
	return kernel_link_change(kernel, DEVICE, &alias, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	kernel_close(kernel);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_device),
		cmocka_unit_test(test_many_peers),
		cmocka_unit_test(test_dump_under_change),
		cmocka_unit_test(test_removal),
	};
	const struct kernel_config config = { .wireguard = "kernel" };
	struct err err = { 0 };

	if (unshare(CLONE_NEWNET) < 0) {
		perror("no network namespace");
		return 77;
	}
	if (kernel_open(&config, &kernel, &err) < 0 || kernel_wg_create(kernel, DEVICE, &err) < 0) {
		(void)fprintf(stderr, "no WireGuard of the kernel's: %s\n", err.text);
		return 77;
	}
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
