// WireGuard's generic netlink and UAPI text: bytes, several messages for one change, peers that go
// on in the next one.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "kernel/netlink.h"
#include "kernel/wg_messages.h"

static _Alignas(8) char buf[NETLINK_REQUEST_SIZE];

static void test_set_bytes(void **state)
{
	static const uint8_t want[] = {
		96, 0, 0, 0,    30,   0,    5, 0, 0, 0, 0, 0, 0, 0, 0, 0, // family 30, request ack
		1,  1, 0, 0,                      // WG_CMD_SET_DEVICE, version 1
		7,  0, 2, 0,    'w',  'g',  0, 0, // WGDEVICE_A_IFNAME
		6,  0, 6, 0,    0x6c, 0xca, 0, 0, // WGDEVICE_A_LISTEN_PORT
		60, 0, 8, 0x80,                   // WGDEVICE_A_PEERS, nested
		56, 0, 0, 0x80,                   // one
		36, 0, 1, 0,    1,    1,    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
		1,  1, 1, 1,    1,    1,    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, // WGPEER_A_PUBLIC_KEY
		8,  0, 3, 0,    2,    0,    0, 0, // WGPEER_A_FLAGS: replace allowed IPs
		6,  0, 5, 0,    25,   0,    0, 0, // WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL
	};
	const uint16_t port = 51820;
	struct kernel_peer_change peer = { .set_allowed = true,
					   .set_keepalive = true,
					   .keepalive = 25 };
	const struct kernel_wg_change c = { .port = &port, .peers = &peer, .peers_len = 1 };
	struct wg_set_cursor cursor = { 0 };

	(void)state;
	memset(&peer.public_key, 1, sizeof peer.public_key);
	const struct nlmsghdr *nlh = wg_set_build(buf, sizeof buf, 30, "wg", &c, &cursor);
	assert_int_equal(nlh->nlmsg_len, sizeof want);
	assert_memory_equal(nlh, want, sizeof want);
	assert_null(wg_set_build(buf, sizeof buf, 30, "wg", &c, &cursor));
}

// Three peers, one with far more allowed IPs than a message holds: said in parts, and read back as
// one.
static void test_parts(void **state)
{
	enum { MANY = 1000 };
	struct kernel_prefix *allowed = calloc(MANY, sizeof *allowed);
	struct kernel_peer_change peers[3] = { 0 };
	const struct kernel_key key = { { 9 } };
	const struct kernel_wg_change c = { .private_key = &key, .peers = peers, .peers_len = 3 };
	struct wg_set_cursor cursor = { 0 };
	struct kernel_wg wg = { 0 };
	struct nlmsghdr *nlh;
	int messages = 0;

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		allowed[i].ip =
			(struct kernel_ip){ AF_INET, { 10, 0, (uint8_t)(i >> 8), (uint8_t)i } };
		allowed[i].len = 32;
	}
	for (uint8_t i = 0; i < 3; i++) {
		peers[i].public_key.bytes[0] = i;
		peers[i].set_allowed = true;
		peers[i].allowed = allowed;
		peers[i].allowed_len = i == 1 ? MANY : i;
		assert_int_equal(kernel_endpoint_parse(i ? "[2001:db8::1]:7" : "192.0.2.1:7",
						       &peers[i].endpoint, NULL),
				 0);
	}
	while ((nlh = wg_set_build(buf, sizeof buf, 30, "wg", &c, &cursor))) {
		assert_true(nlh->nlmsg_len <= sizeof buf);
		assert_int_equal(wg_get_parse(nlh, &wg), 0);
		messages++;
	}
	assert_true(messages > 1);
	assert_memory_equal(&wg.private_key, &key, sizeof key);
	assert_int_equal(wg.peers_len, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(wg.peers[i].allowed_len, peers[i].allowed_len);
		assert_true(kernel_endpoint_equal(&wg.peers[i].endpoint, &peers[i].endpoint));
	}
	assert_memory_equal(&wg.peers[1].allowed[MANY - 1], &allowed[MANY - 1], sizeof *allowed);
	kernel_wg_done(&wg);
	free(allowed);
}

static void test_removal(void **state)
{
	const struct kernel_peer_change peer = { .remove = true, .set_allowed = true };
	const struct kernel_wg_change c = { .peers = &peer, .peers_len = 1 };
	struct text out = { 0 };

	(void)state;
	uapi_set_format(&out, &c);
	assert_string_equal(
		out.data,
		"set=1\npublic_key=00000000000000000000000000000000000000000000000000000000"
		"00000000\nremove=true\n\n");
	text_free(&out);
}

static void test_uapi_answer(void **state)
{
	char answer[] =
		"private_key=0101010101010101010101010101010101010101010101010101010101010101\n"
		"listen_port=51820\nunknown=1\n"
		"public_key=0202020202020202020202020202020202020202020202020202020202020202\n"
		"endpoint=[fe80::1%eth0]:51820\nlast_handshake_time_sec=1700000000\ntx_bytes=180\n"
		"rx_bytes=92\npersistent_keepalive_interval=25\nallowed_ip=10.88.0.2/32\n"
		"allowed_ip=fd88::2/128\nerrno=0\n\n";
	char failed[] = "errno=98\n\n", broken[] = "listen_port=70000\n\n", odd[] = "nonsense\n\n";
	struct kernel_wg wg = { 0 };

	(void)state;
	assert_int_equal(uapi_get_parse(answer, &wg), 0);
	assert_int_equal(wg.port, 51820);
	assert_int_equal(wg.private_key.bytes[31], 1);
	assert_int_equal(wg.peers_len, 1);
	assert_int_equal(wg.peers[0].allowed_len, 2);
	assert_int_equal(wg.peers[0].handshake, 1700000000);
	assert_int_equal(wg.peers[0].rx_bytes, 92);
	assert_int_equal(wg.peers[0].keepalive, 25);
	assert_int_equal(wg.peers[0].endpoint.port, 51820);
	kernel_wg_done(&wg);
	assert_int_equal(uapi_get_parse(failed, &wg), -98);
	assert_int_equal(uapi_get_parse(broken, &wg), -EBADMSG);
	assert_int_equal(uapi_get_parse(odd, &wg), -EBADMSG);
	assert_int_equal(uapi_set_parse("errno=22\n\n"), -22);
	assert_int_equal(uapi_set_parse("errno=-98\n\n"), -98);
	assert_int_equal(uapi_set_parse("errno=0\n\n"), 0);
	assert_int_equal(uapi_set_parse("ok\n\n"), -EBADMSG);
}

// Both languages; what was read before memory ran out is released by the same kernel_wg_done().
static int parse_one(bool netlink, const struct nlmsghdr *nlh, const char *text,
		     struct kernel_wg *wg)
{
	char answer[512];

	(void)strcpy(answer, text);
	return netlink ? wg_get_parse(nlh, wg) : uapi_get_parse(answer, wg);
}

static void test_answers_without_memory(void **state)
{
	static const char text[] =
		"public_key=0202020202020202020202020202020202020202020202020202020202020202\n"
		"allowed_ip=10.88.0.2/32\nallowed_ip=fd88::2/128\n"
		"public_key=0303030303030303030303030303030303030303030303030303030303030303\n"
		"allowed_ip=10.88.0.3/32\nerrno=0\n\n";
	const struct kernel_prefix allowed[2] = { { { AF_INET, { 10, 0, 0, 1 } }, 32 },
						  { { AF_INET, { 10, 0, 0, 2 } }, 32 } };
	const struct kernel_peer_change peers[2] = {
		{ .set_allowed = true, .allowed = allowed, .allowed_len = 2 },
		{ .public_key = { { 7 } },
		  .set_allowed = true,
		  .allowed = allowed,
		  .allowed_len = 1 },
	};
	const struct kernel_wg_change c = { .peers = peers, .peers_len = 2 };
	struct wg_set_cursor cursor = { 0 };
	const struct nlmsghdr *nlh = wg_set_build(buf, sizeof buf, 30, "wg", &c, &cursor);

	(void)state;
	for (int netlink = 0; netlink <= 1; netlink++) {
		bool has_struck;
		unsigned n = 0;

		do {
			struct kernel_wg wg = { 0 };

			fault_arm(FAULT_ALLOC, ++n);
			int rc = parse_one(netlink, nlh, text, &wg);
			has_struck = fault_disarm();
			assert_int_equal(rc, has_struck ? -ENOMEM : 0);
			if (!has_struck)
				assert_int_equal(wg.peers_len, 2);
			kernel_wg_done(&wg);
		} while (has_struck);
		assert_true(n > 4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_bytes),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_removal),
		cmocka_unit_test(test_uapi_answer),
		cmocka_unit_test(test_answers_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
