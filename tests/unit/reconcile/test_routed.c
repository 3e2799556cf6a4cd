// Routed segments on a host in memory: wires with addresses, rules, and routes that are no entry's
// but a path's.
// clang-format off
#include "fixture.h"
// clang-format on

#include <string.h>

#include "base/clean.h"

#include "fake_kernel.h"

#define TABLE 22342

static void want_routed(struct fixture *f)
{
	fixture_want(f, "wire/lan/bob",
		     "{\"device\":\"wvone\",\"link\":\"wgone\",\"local\":\"10.88.0.1\",\"mtu\":"
		     "1500,\"needs\":[\"wireguard/home\"],\"port\":4789,\"remote\":\"10.88.0.2\","
		     "\"routed\":true,\"vni\":4097}");
	(void)entry_set_drop(f->set, "port/lan/bob");
	fixture_want(f, "rule/routed/own-v4",
		     "{\"family\":4,\"from_device\":\"lo\",\"needs\":[],\"priority\":22342,"
		     "\"table\":22342}");
	fixture_want(f, "rule/routed/10.1.0.0/24",
		     "{\"family\":4,\"from\":\"10.1.0.0/24\",\"needs\":[],\"priority\":22342,"
		     "\"table\":22342}");
	fixture_want(f, "path-key/lan/bob",
		     "{\"key\":"
		     "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\","
		     "\"needs\":[]}");
	fixture_want(
		f, "path/lan/bob",
		"{\"metric\":513,\"needs\":[\"path-key/lan/bob\"],\"network\":\"home\",\"other\":9,"
		"\"own\":[\"10.99.0.1\"],\"peer\":[\"10.99.0.2\"],\"port\":862,\"prefixes\":["
		"\"10.99.0.2/32\",\"10.2.0.0/"
		"24\"],\"self\":4,\"table\":22342,\"ways\":[{\"device\":"
		"\"wvone\",\"down\":3,\"drained\":false,\"hold_down_ms\":0,\"interval_ms\":200,"
		"\"number\":0,\"standby\":false,\"up\":5,\"via\":[\"10.99.0.2\"]},{\"by\":\"eve\","
		"\"device\":\"wvtwo\",\"down\":3,\"drained\":true,\"hold_down_ms\":0,"
		"\"interval_ms\":200,\"number\":1,\"standby\":true,\"up\":5,\"via\":[\"10.99.0.3\"]"
		"}]}");
}

static struct kernel_route route(const char *to, const char *via, const char *device,
				 uint32_t metric)
{
	struct kernel_route r = { .table = TABLE, .metric = metric, .protocol = 87 };

	assert_int_equal(kernel_prefix_parse(to, &r.to, NULL), 0);
	assert_int_equal(kernel_ip_parse(via, &r.via, NULL), 0);
	(void)snprintf(r.device, sizeof r.device, "%s", device);
	return r;
}

static void put(struct fixture *f, const char *to, const char *via, const char *device,
		uint32_t metric)
{
	const struct kernel_route r = route(to, via, device, metric);

	assert_int_equal(kernel_route_put(&f->kernel.base, &r, true, NULL), 0);
}

struct seen {
	int count;
	uint8_t in_use;
	bool stands;
	struct reconcile_lan lan;
};

static void see(void *context, const struct reconcile_destination *d)
{
	struct seen *s = context;

	assert_string_equal(d->key, "path/lan/bob");
	assert_string_equal(d->network, "home");
	assert_true(d->self == 4 && d->other == 9 && d->prefixes_len == 2 && d->ways_len == 2);
	assert_null(d->ways[0].by);
	assert_string_equal(d->ways[1].by, "eve");
	assert_true(d->ways[1].is_drained && d->ways[1].is_standby && !d->ways[0].is_drained);
	assert_string_equal(d->ways[1].probe.device, "wvtwo");
	assert_string_equal(d->ways[1].probe.local, "10.99.0.1");
	assert_string_equal(d->ways[1].probe.remote, "10.99.0.2");
	assert_true(d->ways[1].probe.key[0] == 0x01 && d->ways[1].probe.key[1] == 0x23);
	s->count++;
	s->in_use = d->in_use;
	s->stands = d->stands;
	s->lan = d->lan;
}

static struct seen look(struct fixture *f)
{
	struct seen s = { 0 };

	reconcile_each_destination(f->r, see, &s);
	assert_int_equal(s.count, 1);
	return s;
}

static size_t rules_of_weft(const struct fixture *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->kernel.state.rules_len; i++)
		n += f->kernel.state.rules[i].protocol == 87;
	return n;
}

static void test_wire_has_addresses_of_its_own(void **state)
{
	struct fixture *f = *state;

	want_routed(f);
	fixture_run(f);
	assert_int_equal(f->result.errors_len, 0);
	assert_string_equal(fake_kernel_sysctl(&f->kernel, "net/ipv6/conf/wvone/disable_ipv6"),
			    "0");
	assert_string_equal(fake_kernel_sysctl(&f->kernel, "net/ipv4/conf/wvone/rp_filter"), "2");
	fixture_assert_quiet(f);
}

static void test_rules_come_stay_and_go(void **state)
{
	struct fixture *f = *state;
	struct kernel_rule other = { .family = AF_INET, .protocol = 4, .priority = 7, .table = 9 };

	assert_int_equal(kernel_rule_add(&f->kernel.base, &other, NULL), 0);
	want_routed(f);
	fixture_run(f);
	assert_int_equal(rules_of_weft(f), 2);
	fixture_assert_quiet(f);
	const struct kernel_rule gone = f->kernel.state.rules[1];
	assert_int_equal(kernel_rule_drop(&f->kernel.base, &gone, NULL), 0);
	fixture_run(f);
	assert_int_equal(f->result.drifts_len, 1);
	assert_int_equal(rules_of_weft(f), 2);
	(void)entry_set_drop(f->set, "rule/routed/10.1.0.0/24");
	fixture_run(f);
	assert_int_equal(rules_of_weft(f), 1);
	assert_int_equal(reconcile_remove_all(f->r, NULL), 0);
	assert_int_equal(rules_of_weft(f), 0);
	assert_int_equal(f->kernel.state.rules_len, 1);
}

static void test_routes_of_a_path_are_no_strays(void **state)
{
	struct fixture *f = *state;

	want_routed(f);
	fixture_run(f);
	struct seen s = look(f);
	assert_true(s.in_use == RECONCILE_NO_WAY && !s.stands);
	const size_t before = f->kernel.state.routes_len;
	put(f, "10.99.0.2/32", "10.99.0.3", "wvtwo", 513);
	put(f, "10.2.0.0/24", "10.99.0.3", "wvtwo", 513);
	put(f, "10.99.0.2/32", "10.99.0.2", "wvone", 60000);
	put(f, "10.99.0.2/32", "10.99.0.3", "wvtwo", 60001);
	fixture_assert_quiet(f);
	s = look(f);
	assert_true(s.in_use == 1 && s.stands);
	// Half here, half there is neither.
	put(f, "10.2.0.0/24", "10.99.0.2", "wvone", 513);
	fixture_assert_quiet(f);
	s = look(f);
	assert_true(s.in_use == RECONCILE_NO_WAY && !s.stands);
	// Of a prefix, a way, a metric that nobody wants.
	put(f, "10.3.0.0/24", "10.99.0.2", "wvone", 513);
	put(f, "10.99.0.2/32", "10.99.0.9", "wvthree", 60002);
	put(f, "10.2.0.0/24", "10.99.0.2", "wvone", 60000);
	fixture_run(f);
	assert_int_equal(f->kernel.state.routes_len, before + 4);
	(void)entry_set_drop(f->set, "path/lan/bob");
	fixture_run(f);
	assert_int_equal(f->kernel.state.routes_len, before);
}

// The group's active member has the LAN: by the way in use, and by the direct one for what passes.
static void test_lans_that_follow_a_group_are_no_strays(void **state)
{
	struct fixture *f = *state;
	struct kernel_route through = route("10.7.0.0/24", "10.99.0.2", "wvone", 513);

	want_routed(f);
	fixture_want(
		f, "path/lan/bob",
		"{\"lan\":{\"first\":true,\"group\":3,\"name\":\"paris\",\"passing\":22344,"
		"\"prefixes\":"
		"[\"10.7.0.0/24\"],\"table\":254},\"metric\":513,\"needs\":[\"path-key/lan/"
		"bob\"],\"network\":\"home\",\"other\":9,\"own\":[\"10.99.0.1\"],\"peer\":["
		"\"10.99.0.2\"],\"port\":862,\"prefixes\":[\"10.99.0.2/32\",\"10.2.0.0/24\"],"
		"\"self\":4,\"table\":22342,\"ways\":[{\"device\":\"wvone\",\"down\":3,"
		"\"drained\":false,\"hold_down_ms\":0,\"interval_ms\":200,\"number\":0,"
		"\"standby\":false,\"up\":5,\"via\":[\"10.99.0.2\"]},{\"by\":\"eve\",\"device\":"
		"\"wvtwo\",\"down\":3,\"drained\":true,\"hold_down_ms\":0,\"interval_ms\":200,"
		"\"number\":1,\"standby\":true,\"up\":5,\"via\":[\"10.99.0.3\"]}]}");
	fixture_run(f);
	assert_int_equal(f->result.errors_len, 0);
	struct seen s = look(f);
	assert_true(s.lan.group == 3 && s.lan.is_first && s.lan.len == 1);
	assert_true(s.lan.in_use == RECONCILE_NO_WAY && !s.lan.is_direct);
	const size_t before = f->kernel.state.routes_len;
	put(f, "10.7.0.0/24", "10.99.0.3", "wvtwo", 513);
	through.table = 254;
	assert_int_equal(kernel_route_put(&f->kernel.base, &through, true, NULL), 0);
	fixture_assert_quiet(f);
	s = look(f);
	assert_true(s.lan.in_use == 1 && !s.lan.is_direct);
	through.table = 22344;
	assert_int_equal(kernel_route_put(&f->kernel.base, &through, true, NULL), 0);
	fixture_assert_quiet(f);
	s = look(f);
	assert_true(s.lan.in_use == 1 && s.lan.is_direct);
	// By a wire that does not lead there, of another metric.
	through = route("10.7.0.0/24", "10.99.0.9", "wvthree", 513);
	through.table = 254;
	assert_int_equal(kernel_route_put(&f->kernel.base, &through, true, NULL), 0);
	put(f, "10.7.0.0/24", "10.99.0.2", "wvone", 514);
	fixture_run(f);
	assert_int_equal(f->kernel.state.routes_len, before + 2);
	s = look(f);
	assert_true(s.lan.in_use == 1 && !s.lan.is_direct);
	(void)entry_set_drop(f->set, "path/lan/bob");
	fixture_run(f);
	assert_int_equal(f->kernel.state.routes_len, before);
}

static void see_outside(void *context, const struct reconcile_destination *d)
{
	struct seen *s = context;

	assert_string_equal(d->key, "outside/10.20.0.0/16");
	assert_null(d->network);
	assert_true(d->prefixes_len == 1 && d->ways_len == 2);
	assert_string_equal(d->ways[0].by, "upstairs");
	assert_string_equal(d->ways[1].device, "tun@1");
	assert_true(d->ways[1].link == 8 && d->ways[1].is_standby && !d->ways[1].is_drained);
	assert_int_equal(d->ways[1].via[0].family, 0);
	s->count++;
	s->in_use = d->in_use;
	s->stands = d->stands;
}

static void test_the_route_of_a_prefix_outside_is_no_stray(void **state)
{
	struct fixture *f = *state;
	struct seen s = { 0 };

	fixture_want(f, "outside/10.20.0.0/16",
		     "{\"metric\":2560,\"needs\":[],\"prefix\":\"10.20.0.0/16\",\"table\":22342,"
		     "\"ways\":[{\"device\":\"tun0\",\"drained\":false,\"id\":7,\"link\":"
		     "\"upstairs\",\"standby\":false,\"via\":[\"10.9.0.2\"]},{\"device\":"
		     "\"tun@1\",\"drained\":false,\"id\":8,\"link\":\"spare\",\"standby\":true,"
		     "\"via\":[]}]}");
	fixture_run(f);
	assert_int_equal(f->result.errors_len, 0);
	reconcile_each_destination(f->r, see_outside, &s);
	assert_true(s.count == 1 && s.in_use == RECONCILE_NO_WAY && s.stands);
	const size_t before = f->kernel.state.routes_len;
	put(f, "10.20.0.0/16", "10.9.0.2", "tun0", 2560);
	fixture_assert_quiet(f);
	reconcile_each_destination(f->r, see_outside, &s);
	assert_true(s.count == 2 && s.in_use == 0 && s.stands);
	// Of another metric it is none of its.
	put(f, "10.20.0.0/16", "10.9.0.2", "tun0", 2561);
	fixture_run(f);
	assert_int_equal(f->kernel.state.routes_len, before + 1);
	(void)entry_set_drop(f->set, "outside/10.20.0.0/16");
	fixture_run(f);
	assert_int_equal(f->kernel.state.routes_len, before);
}

static void test_what_a_body_lacks_is_told(void **state)
{
	static const struct {
		const char *key, *body, *sentence;
	} cases[] = {
		{ "rule/x/y", "{\"family\":4,\"needs\":[],\"priority\":1,\"table\":5}",
		  "a rule needs a from, a to, a from_device or a mask" },
		{ "rule/x/y",
		  "{\"family\":6,\"from\":\"10.0.0.0/8\",\"needs\":[],\"priority\":1,\"table\":5}",
		  "family, from and to differ" },
		{ "path/lan/eve",
		  "{\"metric\":513,\"needs\":[],\"network\":\"home\",\"other\":4,\"self\":4}",
		  "self and other are the same" },
		{ "path/lan/eve",
		  "{\"metric\":513,\"needs\":[],\"network\":\"home\",\"other\":9,\"own\":["
		  "\"10.99.0.1\"],\"peer\":[\"fd99::2\"],\"port\":862,\"prefixes\":[],\"self\":4,"
		  "\"table\":22342,\"ways\":[]}",
		  "own and peer have no family in common" },
		{ "path/lan/eve",
		  "{\"metric\":513,\"needs\":[],\"network\":\"home\",\"other\":9,\"own\":["
		  "\"10.99.0.1\"],\"peer\":[\"10.99.0.2\"],\"port\":862,\"prefixes\":[],\"self\":4,"
		  "\"table\":22342,\"ways\":[]}",
		  "ways: 1 to 16 are needed" },
		{ "outside/10.0.0.0/8",
		  "{\"metric\":1,\"needs\":[],\"prefix\":\"10.0.0.0/8\",\"table\":254,"
		  "\"ways\":[{\"id\":0}]}",
		  "ways[0]: id: a number from 1 on is missing" },
		{ "outside/10.0.0.0/8",
		  "{\"metric\":1,\"needs\":[],\"prefix\":\"10.0.0.0/8\",\"table\":254,"
		  "\"ways\":[{\"device\":\"a/b\",\"id\":1,\"link\":\"x\"}]}",
		  "ways[0]: device: `a/b` is no name of a device" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		fixture_assert_refused(f, cases[i].key, cases[i].body, cases[i].sentence);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_wire_has_addresses_of_its_own),
		TEST(test_rules_come_stay_and_go),
		TEST(test_routes_of_a_path_are_no_strays),
		TEST(test_lans_that_follow_a_group_are_no_strays),
		TEST(test_the_route_of_a_prefix_outside_is_no_stray),
		TEST(test_what_a_body_lacks_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
