// What a run of reconcile does to a kernel in memory: nothing the second time, repairs, refusals,
// roll-backs.
// clang-format off
#include "fixture.h"
// clang-format on

#include <errno.h>
#include <linux/if_bridge.h>
#include <stdlib.h>
#include <string.h>

static const struct reconcile_error *find_error(const struct fixture *f, const char *entry)
{
	for (size_t i = 0; i < f->result.errors_len; i++)
		if (strcmp(f->result.errors[i].entry, entry) == 0)
			return &f->result.errors[i];
	return NULL;
}

static const struct reconcile_error *error_of(const struct fixture *f, const char *entry)
{
	const struct reconcile_error *error = find_error(f, entry);

	if (!error)
		abort();
	return error;
}

static void test_second_run_writes_nothing(void **state)
{
	struct fixture *f = *state;

	fixture_run(f);
	assert_int_equal(f->result.errors_len, 0);
	assert_true(f->result.writes > 0);
	assert_int_equal(f->result.drifts_len, 0);
	fixture_assert_quiet(f);
	assert_string_equal(fake_kernel_link(&f->kernel, "wvone")->master, "wbone");
	assert_string_equal(fake_kernel_link(&f->kernel, "wvone")->vxlan.link, "wgone");
	assert_string_equal(fake_kernel_link(&f->kernel, "wbone")->alias, "weft:bridge/lan");
}

static void test_restart_adopts(void **state)
{
	struct fixture *f = *state;

	fixture_run(f);
	fixture_begin(f);
	fixture_assert_quiet(f);
}

static void test_drift_is_repaired_and_told(void **state)
{
	struct fixture *f = *state;

	fixture_run(f);
	f->kernel.state.addresses_len = 0;
	fake_kernel_link(&f->kernel, "wbone")->mtu = 1400;
	fixture_run(f);
	assert_int_equal(f->result.drifts_len, 2);
	assert_string_equal(f->result.drifts[0].text,
			    "bridge/lan was set right: the MTU was 1400 instead of 1500");
	assert_string_equal(f->result.drifts[1].text,
			    "address/lan/10.99.0.1 was missing and was put back");
	fixture_assert_quiet(f);
}

static void test_lost_device_brings_back_what_hung_on_it(void **state)
{
	struct fixture *f = *state;

	fixture_run(f);
	fake_kernel_drop_link(&f->kernel, "wgone");
	fixture_run(f);
	assert_int_equal(f->result.errors_len, 0);
	assert_non_null(fake_kernel_peer(&f->kernel, "wgone", 0));
	fixture_assert_quiet(f);
}

static void test_foreign_device_is_not_touched(void **state)
{
	struct fixture *f = *state;
	struct kernel_link *link = fake_kernel_add_link(&f->kernel, "wbone", "bridge");

	link->mtu = 9000;
	fixture_run(f);
	assert_non_null(strstr(error_of(f, "bridge/lan")->text, "was not made by Weft"));
	assert_null(error_of(f, "bridge/lan")->blocked_by);
	assert_string_equal(error_of(f, "port/lan/bob")->text, "blocked by bridge/lan");
	assert_string_equal(error_of(f, "port/lan/bob")->blocked_by, "bridge/lan");
	assert_int_equal(fake_kernel_link(&f->kernel, "wbone")->mtu, 9000);
	assert_null(find_error(f, "wire/lan/bob"));
}

static void test_unfinished_device_is_made_anew(void **state)
{
	struct fixture *f = *state;

	fake_kernel_add_link(&f->kernel, "wbone", "bridge")->group = KERNEL_LINK_GROUP;
	fixture_run(f);
	assert_int_equal(f->result.errors_len, 0);
	fixture_assert_quiet(f);
}

static void test_unfinished_device_that_nobody_wants_goes(void **state)
{
	struct fixture *f = *state;

	fixture_run(f);
	fake_kernel_add_link(&f->kernel, "wbtwo", "bridge")->group = KERNEL_LINK_GROUP;
	fixture_run(f);
	assert_null(fake_kernel_link(&f->kernel, "wbtwo"));
	fixture_assert_quiet(f);
	fake_kernel_add_link(&f->kernel, "wbtwo", "bridge")->group = KERNEL_LINK_GROUP;
	assert_int_equal(reconcile_remove_all(f->r, NULL), 0);
	assert_null(fake_kernel_link(&f->kernel, "wbtwo"));
}

// The agent's tree opens ports; nothing else does, whatever the kernel would make of them.
static void test_port_is_closed_until_the_tree_opens_it(void **state)
{
	struct fixture *f = *state;

	fixture_run(f);
	assert_int_equal(fake_kernel_link(&f->kernel, "wvone")->port.state, BR_STATE_LISTENING);
	assert_false(fake_kernel_link(&f->kernel, "wbone")->bridge.stp);
	assert_int_equal(fake_kernel_link(&f->kernel, "wbone")->bridge.forward_delay, 0);
	fake_kernel_link(&f->kernel, "wbone")->bridge.stp = true;
	fake_kernel_link(&f->kernel, "wvone")->port.state = BR_STATE_BLOCKING;
	fixture_run(f);
	assert_false(fake_kernel_link(&f->kernel, "wbone")->bridge.stp);
	assert_int_equal(fake_kernel_link(&f->kernel, "wvone")->port.state, BR_STATE_LISTENING);
	fake_kernel_link(&f->kernel, "wvone")->port.state = BR_STATE_FORWARDING;
	fixture_assert_quiet(f);
}

static void test_renamed_entry_keeps_its_device(void **state)
{
	struct fixture *f = *state;

	fixture_run(f);
	fake_kernel_link(&f->kernel, "wbone")->index = 77;
	fixture_want(f, "bridge/office", entry_set_get(f->set, "bridge/lan", NULL));
	assert_true(entry_set_drop(f->set, "bridge/lan"));
	assert_true(entry_set_drop(f->set, "address/lan/10.99.0.1"));
	assert_true(entry_set_drop(f->set, "port/lan/bob"));
	fixture_run(f);
	assert_int_equal(f->result.errors_len, 0);
	assert_int_equal(fake_kernel_link(&f->kernel, "wbone")->index, 77);
	assert_string_equal(fake_kernel_link(&f->kernel, "wbone")->alias, "weft:bridge/office");
	assert_int_equal(f->kernel.state.addresses_len, 0);
	assert_string_equal(fake_kernel_link(&f->kernel, "wvone")->master, "");
}

static void test_unknown_kind_is_an_error_entry(void **state)
{
	struct fixture *f = *state;

	fixture_want(f, "mystery/one", "{\"needs\":[]}");
	fixture_want(f, "route/home/bad", "{\"destination\":\"10.0.0.0/33\",\"type\":\"unicast\"}");
	fixture_run(f);
	assert_int_equal(f->result.errors_len, 2);
	assert_non_null(strstr(error_of(f, "mystery/one")->text, "unsupported"));
	assert_non_null(strstr(error_of(f, "route/home/bad")->text, "destination: "));
	assert_int_equal(f->kernel.state.routes_len, 1);
}

static void test_unreadable_entry_keeps_its_kind(void **state)
{
	struct fixture *f = *state;

	fixture_run(f);
	fixture_want(f, "route/home/pool", "{\"destination\":7}");
	fixture_run(f);
	assert_int_equal(f->kernel.state.routes_len, 1);
}

static void test_sysctls_are_restored(void **state)
{
	struct fixture *f = *state;

	fixture_run(f);
	assert_string_equal(fake_kernel_sysctl(&f->kernel, "net.ipv4.ip_forward"), "1");
	assert_string_equal(fake_kernel_sysctl(&f->kernel, "net/ipv6/conf/eth0/accept_ra"), "2");
	assert_int_equal(json_object_size(f->saved), 3);
	fixture_begin(f);
	fixture_run(f);
	entry_set_drop(f->set, "sysctl/net.ipv6.conf.all.forwarding");
	fixture_run(f);
	assert_string_equal(fake_kernel_sysctl(&f->kernel, "net.ipv6.conf.all.forwarding"), "0");
	assert_string_equal(fake_kernel_sysctl(&f->kernel, "net/ipv6/conf/eth0/accept_ra"), "1");
	assert_string_equal(fake_kernel_sysctl(&f->kernel, "net.ipv4.ip_forward"), "1");
	assert_int_equal(json_object_size(f->saved), 1);
}

// What a later version keeps beside the sysctls is its own to restore.
static void test_what_is_no_sysctl_stays_saved(void **state)
{
	struct fixture *f = *state;

	fixture_run(f);
	assert_int_equal(json_object_set_new(f->saved, "resolver", json_pack("{s:[]}", "was")), 0);
	fixture_begin(f);
	entry_set_drop(f->set, "sysctl/net.ipv4.ip_forward");
	fixture_run(f);
	assert_string_equal(fake_kernel_sysctl(&f->kernel, "net.ipv4.ip_forward"), "0");
	assert_null(json_object_get(f->saved, "net.ipv4.ip_forward"));
	assert_non_null(json_object_get(f->saved, "resolver"));
}

static void test_leaving_removes_every_trace(void **state)
{
	struct fixture *f = *state;

	fake_kernel_add_link(&f->kernel, "br0", "bridge");
	fixture_run(f);
	strcpy(fake_kernel_add_link(&f->kernel, "wxnew", "dummy")->alias, "weft:future/x");
	assert_int_equal(reconcile_remove_all(f->r, NULL), 0);
	assert_int_equal(f->kernel.state.links_len, 2); // eth0, br0
	assert_int_equal(f->kernel.state.routes_len, 0);
	assert_false(f->kernel.state.guard.exists);
	assert_int_equal(json_object_size(f->saved), 0);
	assert_string_equal(fake_kernel_sysctl(&f->kernel, "net.ipv4.ip_forward"), "0");
}

static void test_counters_go_on_when_rules_change(void **state)
{
	struct fixture *f = *state;

	fixture_run(f);
	f->kernel.state.guard.counters[KERNEL_COUNTER_SPOOF_IN].packets = 7;
	assert_true(entry_set_drop(f->set, "guard/segment/lan"));
	fixture_run(f);
	assert_non_null(strstr(f->kernel.guard_table, "counter spoof_in { packets 7 bytes 0 }"));
	assert_int_equal(f->result.writes, 1);
	// The other guard entries stand in the same table, and nobody edited it.
	assert_int_equal(f->result.drifts_len, 0);
}

static void test_edited_rules_are_put_back(void **state)
{
	struct fixture *f = *state;

	fixture_run(f);
	fixture_assert_quiet(f);
	f->kernel.state.guard.rules_sum ^= 1;
	fixture_run(f);
	assert_int_equal(f->result.writes, 1);
	assert_int_equal(f->result.drifts_len, 1);
	fixture_assert_quiet(f);
}

// Whichever change fails: its entry and those that need it say so, nothing half-made stays, and the
// next run mends it.
static void test_every_call_may_fail(void **state)
{
	struct fixture *f = *state;

	fixture_run(f);
	const unsigned calls = f->kernel.calls;
	for (unsigned n = 1; n <= calls; n++) {
		struct fixture *g;

		assert_int_equal(fixture_setup((void **)&g), 0);
		g->kernel.fail_at = n;
		fixture_run(g);
		const size_t errors = g->result.errors_len;
		for (size_t i = 0; i < g->kernel.state.links_len; i++)
			assert_int_not_equal(g->kernel.state.links[i].group, KERNEL_LINK_GROUP);
		fixture_run(g);
		assert_int_equal(g->result.errors_len, 0);
		assert_int_equal(g->result.drifts_len, 0);
		// What a kind can do without (no link-local address of a WireGuard device) is no
		// error.
		if (errors == 0)
			assert_int_equal(g->result.writes, 0);
		fixture_assert_quiet(g);
		assert_int_equal(fixture_teardown((void **)&g), 0);
	}
}

static void test_leaving_goes_on_after_a_failure(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	fixture_run(f);
	f->kernel.fail_at = f->kernel.calls + 2;
	assert_int_equal(reconcile_remove_all(f->r, &err), -EIO);
	assert_int_equal(reconcile_remove_all(f->r, &err), 0);
	assert_int_equal(f->kernel.state.links_len, 1);
}

// Neither end can know whether it is the last to get the other.
static void test_a_new_peer_is_spoken_to_at_once(void **state)
{
	struct fixture *f = *state;

	fixture_want(f, "peer/home/eve",
		     "{\"allowed_ips\":[\"10.88.0.3/32\"],\"device\":\"wgone\",\"endpoints\":["
		     "\"192.0.2.3:51820\"],\"needs\":[\"wireguard/home\"],\"public_key\":\""
		     "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=\"}");
	fixture_run(f);
	for (size_t i = 0; i < 2; i++) {
		const struct kernel_peer *peer = fake_kernel_peer(&f->kernel, "wgone", i);

		assert_non_null(peer);
		assert_int_equal(peer->tx_bytes, 148);
		assert_int_equal(peer->keepalive, peer->endpoint.ip.bytes[3] == 2 ? 25 : 0);
	}
	fixture_assert_quiet(f);
}

// A second passes between two runs; this host's key is the lesser.
static void test_a_new_peer_that_is_silent_is_made_anew(void **state)
{
	struct fixture *f = *state;
	unsigned tries = 0;

	fixture_run(f);
	assert_true(f->result.again_ms > 0);
	for (int i = 0; i < 4; i++) {
		fixture_assert_quiet(f);
		tries += f->result.endpoint_moves;
		assert_int_equal(fake_kernel_peer(&f->kernel, "wgone", 0)->keepalive, 25);
	}
	assert_int_equal(tries, 3);
	assert_int_equal(f->result.again_ms, 0);
	// One that answers is left alone.
	fixture_want(f, "peer/home/eve",
		     "{\"allowed_ips\":[],\"device\":\"wgone\",\"endpoints\":[\"192.0.2.3:51820\"],"
		     "\"needs\":[\"wireguard/home\"],\"public_key\":\""
		     "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=\"}");
	fixture_run(f);
	struct kernel_peer *eve = fake_kernel_peer(&f->kernel, "wgone", 1);
	eve->handshake = f->now.wall_ms / 1000;
	eve->rx_bytes = 92;
	fixture_assert_quiet(f);
	assert_int_equal(f->result.endpoint_moves, 0);
	// Nor is one that another process made: who knows for how long it has been tried.
	fake_kernel_peer(&f->kernel, "wgone", 1)->handshake = 0;
	fixture_begin(f);
	fixture_assert_quiet(f);
	assert_int_equal(f->result.again_ms, 0);
}

// A handshake is on: the other end's session would be lost with the peer. Only when nothing more of
// it is heard the peer is made anew.
static void test_a_new_peer_that_is_heard_is_not_made_anew(void **state)
{
	struct fixture *f = *state;

	fixture_run(f);
	fake_kernel_peer(&f->kernel, "wgone", 0)->rx_bytes = 148;
	fixture_assert_quiet(f);
	assert_int_equal(f->result.endpoint_moves, 0);
	assert_int_equal(fake_kernel_peer(&f->kernel, "wgone", 0)->rx_bytes, 148);
	assert_true(f->result.again_ms > 0);
	fixture_assert_quiet(f);
	assert_int_equal(f->result.endpoint_moves, 1);
	assert_int_equal(fake_kernel_peer(&f->kernel, "wgone", 0)->rx_bytes, 0);
}

// The other end has forgotten the session that this one has: its probes come to nothing. A link
// whose probes are rare, or that has none, is left to WireGuard.
static void test_a_new_peer_that_shook_hands_and_is_not_heard_is_made_anew(void **state)
{
	static const struct {
		const char *interval;
		uint32_t moves;
	} rows[] = { { NULL, 0 }, { "5000", 0 }, { "200", 1 } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fixture *f = *state;
		char body[256];

		(void)snprintf(
			body, sizeof body,
			"{\"device\":\"wgone\",\"down\":3,\"hold_down_ms\":2000,"
			"\"interval_ms\":%s,\"local\":\"10.88.0.1\",\"needs\":[],\"port\":862,"
			"\"remote\":\"10.88.0.2\",\"up\":5}",
			rows[i].interval ? rows[i].interval : "");
		if (rows[i].interval)
			fixture_want(f, "probe/home/bob", body);
		fake_kernel_drop_link(&f->kernel, "wgone");
		fixture_run(f);
		fake_kernel_peer(&f->kernel, "wgone", 0)->handshake = f->now.wall_ms / 1000;
		fake_kernel_peer(&f->kernel, "wgone", 0)->rx_bytes = 148;
		fixture_assert_quiet(f);
		assert_int_equal(f->result.endpoint_moves, 0);
		fixture_assert_quiet(f);
		assert_int_equal(f->result.endpoint_moves, rows[i].moves);
	}
}

static void test_observed_entries(void **state)
{
	struct fixture *f = *state;
	CLEAN(entry_set_free_ptr) struct entry_set *seen = entry_set_new();
	const struct reconcile_self self = { .version = "1", .boot_id = "b" };
	json_t *samples;

	fixture_run(f);
	assert_int_equal(reconcile_observe(f->r, &self, &f->now, seen, NULL), 0);
	assert_string_equal(
		entry_set_get(seen, "peer/home/bob", NULL),
		"{\"endpoint\":\"192.0.2.2:51820\",\"fragments\":null,\"path_mtu\":null,"
		"\"state\":\"never\"}");
	assert_string_equal(entry_set_get(seen, "route/home/pool", NULL), "{\"ok\":true}");
	assert_string_equal(entry_set_get(seen, "wire/lan/bob", NULL),
			    "{\"device\":\"wvone\",\"mtu\":1500,\"up\":true,\"vni\":4097}");
	assert_non_null(entry_set_get(seen, "node/self", NULL));
	assert_int_equal(entry_set_count(seen), FIXTURE_ENTRIES + 1);
	assert_int_equal(reconcile_samples(f->r, &f->now, &samples, NULL), 0);
	assert_non_null(json_object_get(samples, "guard/counters"));
	assert_non_null(json_object_get(samples, "wire/lan/bob"));
	json_decref(samples);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)
		TEST(test_second_run_writes_nothing),
		TEST(test_restart_adopts),
		TEST(test_drift_is_repaired_and_told),
		TEST(test_lost_device_brings_back_what_hung_on_it),
		TEST(test_foreign_device_is_not_touched),
		TEST(test_unfinished_device_is_made_anew),
		TEST(test_unfinished_device_that_nobody_wants_goes),
		TEST(test_port_is_closed_until_the_tree_opens_it),
		TEST(test_renamed_entry_keeps_its_device),
		TEST(test_unknown_kind_is_an_error_entry),
		TEST(test_unreadable_entry_keeps_its_kind),
		TEST(test_sysctls_are_restored),
		TEST(test_what_is_no_sysctl_stays_saved),
		TEST(test_leaving_removes_every_trace),
		TEST(test_counters_go_on_when_rules_change),
		TEST(test_edited_rules_are_put_back),
		TEST(test_every_call_may_fail),
		TEST(test_leaving_goes_on_after_a_failure),
		TEST(test_a_new_peer_is_spoken_to_at_once),
		TEST(test_a_new_peer_that_is_silent_is_made_anew),
		TEST(test_a_new_peer_that_is_heard_is_not_made_anew),
		TEST(test_a_new_peer_that_shook_hands_and_is_not_heard_is_made_anew),
		TEST(test_observed_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
