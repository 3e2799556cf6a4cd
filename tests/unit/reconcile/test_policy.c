// Policies on a host in memory: uplinks that come, change and go, gateways and groups, rules by
// mark, and the table of all policies and exits.
// clang-format off
#include "fixture.h"
// clang-format on

#include <net/if.h>
#include <string.h>

#include "base/clean.h"

#include "fake_kernel.h"

#define TV_MARK "16777216"  // 0x01000000
#define MASK    "268369920" // 0x0fff0000

static void add_default(struct fixture *f, const char *via, const char *device)
{
	struct kernel_route *r = &f->kernel.defaults[f->kernel.defaults_len++];

	*r = (struct kernel_route){ .table = 254 };
	assert_int_equal(kernel_ip_parse(via, &r->via, NULL), 0);
	r->to.ip.family = r->via.family;
	(void)snprintf(r->device, sizeof r->device, "%s", device);
}

static void want_uplinks(struct fixture *f)
{
	fake_kernel_add_link(&f->kernel, "wan0", "")->flags = IFF_UP | IFF_RUNNING;
	add_default(f, "192.0.2.1", "wan0");
	fixture_want(f, "uplink/fibre", "{\"device\":\"wan0\",\"needs\":[],\"table\":24600}");
	fixture_want(f, "uplink/lte",
		     "{\"device\":\"wwan.0\",\"needs\":[],\"table\":24601,\"via\":[\"fe80::9\","
		     "\"192.0.2.9\"]}");
}

static void want_group(struct fixture *f)
{
	want_uplinks(f);
	fixture_want(f, "gateway/rho-isp",
		     "{\"check\":[\"echo/gateway:rho-isp\"],\"drained\":true,\"needs\":[\"uplink/"
		     "fibre\"],\"uplink\":\"uplink/fibre\"}");
	fixture_want(f, "gateway/via-bob",
		     "{\"device\":\"wvone\",\"drained\":false,\"needs\":[\"wire/lan/bob\"],\"via\":"
		     "\"fe80::1\",\"wire\":\"wire/lan/bob\"}");
	fixture_want(f, "gateway-group/tv.block",
		     "{\"choose\":\"order\",\"hold_down_ms\":30000,\"needs\":[],\"otherwise\":"
		     "\"block\",\"table\":22500,\"try\":[\"gateway/rho-isp\",\"gateway/via-bob\","
		     "\"gateway/nobody\"]}");
}

static void want_policy(struct fixture *f)
{
	want_group(f);
	fixture_want(
		f, "policy/home",
		"{\"from\":[\"10.1.0.0/16\",\"fd00:1::/48\"],\"id\":7,\"needs\":[\"gateway-group/"
		"tv.block\"],\"rules\":[{\"number\":1,\"ports\":[{\"first\":443,\"last\":443,"
		"\"proto\":\"tcp\"},{\"first\":5000,\"last\":6000,\"proto\":\"udp\"},{\"first\":"
		"5900,\"last\":6100,\"proto\":\"udp\"}],\"to\":[\"203.0.113.0/24\",\"203.0.113.7/"
		"32\"],\"verdict\":\"mark\",\"mark\":" TV_MARK
		"},{\"number\":3,\"ports\":[],\"to\":[\"0.0.0.0/0\"],\"verdict\":\"direct\"},"
		"{\"number\":2,\"ports\":[],\"to\":[],\"verdict\":\"block\",\"block\":\"drop\"}]}");
}

static const struct kernel_route *route_in(const struct fixture *f, uint32_t table, uint8_t family,
					   enum kernel_route_type type)
{
	for (size_t i = 0; i < f->kernel.state.routes_len; i++) {
		const struct kernel_route *r = &f->kernel.state.routes[i];

		if (r->table == table && r->to.ip.family == family && r->type == type)
			return r;
	}
	return NULL;
}

static void assert_via(const struct fixture *f, uint32_t table, const char *via, const char *device)
{
	struct kernel_ip ip;

	assert_int_equal(kernel_ip_parse(via, &ip, NULL), 0);
	const struct kernel_route *r = route_in(f, table, ip.family, KERNEL_ROUTE_UNICAST);
	assert_non_null(r);
	assert_true(kernel_ip_equal(&r->via, &ip));
	assert_string_equal(r->device, device);
}

static void assert_observed(struct fixture *f, const char *key, const char *part)
{
	CLEAN(entry_set_free_ptr) struct entry_set *seen = entry_set_new();
	const struct reconcile_self self = { .version = "1", .boot_id = "b" };
	size_t len;

	assert_int_equal(reconcile_observe(f->r, &self, &f->now, seen, NULL), 0);
	const char *body = entry_set_get(seen, key, &len);
	assert_non_null(body);
	if (!strstr(body, part))
		fail_msg("%s is %s, without %s", key, body, part);
}

static void an_uplink_follows_its_interface(void **state)
{
	struct fixture *f = *state;

	want_uplinks(f);
	fixture_run(f);
	assert_int_equal(f->result.errors_len, 0);
	assert_via(f, 24600, "192.0.2.1", "wan0");
	for (uint32_t table = 24600; table <= 24601; table++) {
		assert_non_null(route_in(f, table, AF_INET, KERNEL_ROUTE_UNREACHABLE));
		assert_non_null(route_in(f, table, AF_INET6, KERNEL_ROUTE_UNREACHABLE));
	}
	assert_null(route_in(f, 24600, AF_INET6, KERNEL_ROUTE_UNICAST));
	assert_observed(f, "uplink/fibre", "\"state\":\"up\",\"via\":[\"192.0.2.1\"],\"why\":\"\"");
	assert_observed(f, "uplink/lte", "\"why\":\"the interface wwan.0 is not there\"");
	fixture_assert_quiet(f);
	// Renewed: no drift, no word.
	assert_int_equal(kernel_ip_parse("192.0.2.6", &f->kernel.defaults[0].via, NULL), 0);
	fixture_run(f);
	assert_int_equal(f->result.drifts_len, 0);
	assert_via(f, 24600, "192.0.2.6", "wan0");
	fake_kernel_add_link(&f->kernel, "wwan.0", "")->flags = IFF_UP | IFF_RUNNING;
	fixture_run(f);
	assert_via(f, 24601, "192.0.2.9", "wwan.0");
	assert_via(f, 24601, "fe80::9", "wwan.0");
	fixture_assert_quiet(f);
}

static void an_uplink_that_is_gone_refuses(void **state)
{
	struct fixture *f = *state;

	want_uplinks(f);
	fixture_run(f);
	f->kernel.defaults_len = 0;
	fixture_run(f);
	assert_null(route_in(f, 24600, AF_INET, KERNEL_ROUTE_UNICAST));
	assert_non_null(route_in(f, 24600, AF_INET, KERNEL_ROUTE_UNREACHABLE));
	assert_observed(f, "uplink/fibre", "there is no default route by wan0");
	fake_kernel_link(&f->kernel, "wan0")->flags = IFF_UP;
	fixture_run(f);
	assert_observed(f, "uplink/fibre", "the interface wan0 has no carrier");
	(void)entry_set_drop(f->set, "uplink/fibre");
	(void)entry_set_drop(f->set, "uplink/lte");
	fixture_run(f);
	assert_null(route_in(f, 24600, AF_INET, KERNEL_ROUTE_UNREACHABLE));
	assert_int_equal(f->kernel.state.rules_len, 0);
}

struct chosen {
	int count;
};

static void see_group(void *context, const struct reconcile_gateway_group *g)
{
	struct chosen *c = context;

	c->count++;
	assert_string_equal(g->key, "gateway-group/tv.block");
	assert_true(g->table == 22500 && g->hold_down_ms == 30000 && g->is_blocking &&
		    !g->by_latency && g->names_len == 3);
	assert_string_equal(g->gateways[0].checks[0], "echo/gateway:rho-isp");
	assert_string_equal(g->gateways[0].device[0], "wan0");
	assert_true(g->gateways[0].is_drained && g->gateways[0].has_way[0] &&
		    !g->gateways[0].has_way[1] && !g->gateways[0].why);
	assert_string_equal(g->gateways[1].over, "home/bob");
	assert_true(g->gateways[1].via[0].family == AF_INET6 && g->gateways[1].has_way[1]);
	assert_string_equal(g->gateways[2].why, "there is no such gateway");
}

static void a_group_is_chosen_before_anything_leads_to_it(void **state)
{
	struct fixture *f = *state;
	struct chosen chosen = { 0 };
	const struct reconcile_config config = { .kernel = &f->kernel.base,
						 .context = &chosen,
						 .choose = see_group };

	(void)entry_set_drop(f->set, "sysctl/net.ipv4.ip_forward");
	(void)entry_set_drop(f->set, "sysctl/net.ipv6.conf.all.forwarding");
	want_group(f);
	reconcile_free(f->r);
	assert_int_equal(reconcile_new(&config, &f->r, NULL), 0);
	fixture_run(f);
	assert_int_equal(chosen.count, 1);
	assert_non_null(route_in(f, 22500, AF_INET6, KERNEL_ROUTE_UNREACHABLE));
	// The choice's routes are nobody's strays, others are.
	struct kernel_route r = { .table = 22500, .metric = RECONCILE_GATEWAY_METRIC };
	r.to.ip.family = AF_INET;
	(void)snprintf(r.device, sizeof r.device, "wan0");
	assert_int_equal(kernel_route_put(&f->kernel.base, &r, true, NULL), 0);
	fixture_assert_quiet(f);
	r.metric = 5;
	assert_int_equal(kernel_route_put(&f->kernel.base, &r, true, NULL), 0);
	fixture_run(f);
	assert_int_equal(f->result.drifts_len, 1);
	fixture_assert_quiet(f);
	assert_int_equal(chosen.count, 4);
	(void)entry_set_drop(f->set, "gateway-group/tv.block");
	fixture_run(f);
	assert_null(route_in(f, 22500, AF_INET, KERNEL_ROUTE_UNICAST));
	assert_null(route_in(f, 22500, AF_INET, KERNEL_ROUTE_UNREACHABLE));
}

static void the_table_says_what_the_rules_say(void **state)
{
	struct fixture *f = *state;

	want_policy(f);
	fixture_run(f);
	assert_int_equal(f->result.errors_len, 0);
	fixture_table_has(f, "ip saddr { 10.1.0.0/16 } goto policy_7");
	fixture_table_has(f, "ip6 saddr { fd00:1::/48 } goto policy_7");
	fixture_table_has(
		f,
		"ip daddr { 203.0.113.0/24 } tcp dport { 443 } counter name \"p7r1flows\" ct mark "
		"set ct "
		"mark & 0xf0000000 | 0x01000702 goto take_01000000");
	fixture_table_has(f, "udp dport { 5000-6100 } counter name \"p7r1flows\"");
	fixture_table_has(f, "meta nfproto ipv4 counter name \"p7r3flows\"");
	fixture_table_has(
		f,
		"\t\tcounter name \"p7r2flows\" ct mark set ct mark & 0xf0000000 | 0x0ffd0703 goto "
		"take_0ffd0000");
	fixture_table_has(f, "0x00000702 : \"p7r1\"");
	fixture_table_has(f, "iifname vmap { \"wvone\" : goto answers }");
	fixture_table_has(f, "oifname \"wvone\" tcp flags & (syn | rst) == syn tcp option maxseg "
			     "size set rt mtu");
	fixture_table_has(
		f,
		"oifname { \"wan0\", \"wwan.0\" } ct mark & 0x0fff0000 { 0x01000000 } masquerade");
	// What is dropped: known destinations first, in both families.
	assert_int_equal(fixture_rules_with(f, 0x0ffd0000, KERNEL_RULE_LOOKUP), 2);
	assert_int_equal(fixture_rules_with(f, 0x0ffd0000, KERNEL_RULE_BLACKHOLE), 2);
	assert_int_equal(fixture_rules_with(f, 0x0ffe0000, KERNEL_RULE_UNREACHABLE), 0);
	assert_observed(f, "policy/home", "\"ok\":true");
	fixture_assert_quiet(f);
}

static void an_exit_lets_only_its_clients_out(void **state)
{
	struct fixture *f = *state;
	struct kernel_address a = { .device = "wan0" };

	want_uplinks(f);
	fixture_want(f, "exit/bob-lte.rho",
		     "{\"device\":\"wvone\",\"from\":[\"10.2.0.0/16\"],\"mark\":150994944,"
		     "\"needs\":[\"wire/lan/bob\"],\"table\":25000,\"uplink\":\"uplink/fibre\"}");
	fixture_run(f);
	assert_int_equal(f->result.errors_len, 0);
	fixture_table_has(f, "iifname vmap { \"wvone\" : goto exit_wvone }");
	fixture_table_has(f, "ip saddr != { 10.2.0.0/16 } counter name \"exit_foreign\" drop");
	fixture_table_has(f, "meta nfproto ipv6 counter name \"exit_foreign\" drop");
	fixture_table_has(f, "ip daddr { 10.0.0.0/8");
	fixture_table_has(f, "iifname \"wvone\" meta nfproto ipv4 oifname != \"wan0\" counter name "
			     "\"exit_refused\" drop");
	fixture_table_has(f,
			  "iifname \"wvone\" meta nfproto ipv6 counter name \"exit_refused\" drop");
	fixture_table_has(
		f, "ct direction reply ct mark & 0x0fff0000 == 0x09000000 goto take_09000000");
	fixture_table_has(f, "oifname \"wvone\" meta mark set meta mark & 0xf000ffff");
	fixture_assert_quiet(f);
	// Behind somebody else's NAT private destinations are what there is.
	assert_int_equal(kernel_prefix_parse("192.168.1.7/24", &a.prefix, NULL), 0);
	assert_int_equal(kernel_address_add(&f->kernel.base, &a, NULL), 0);
	fixture_run(f);
	assert_null(strstr(f->kernel.policy_table, "ip daddr { 10.0.0.0/8"));
	assert_int_equal(f->result.drifts_len, 0);
	fixture_assert_quiet(f);
}

static void what_is_edited_comes_back_and_leaving_takes_all(void **state)
{
	struct fixture *f = *state;

	want_policy(f);
	fixture_run(f);
	fixture_run(f);
	f->kernel.policy.rules_sum++;
	fixture_run(f);
	assert_int_equal(f->result.drifts_len, 1);
	assert_non_null(strstr(f->result.drifts[0].text, "were edited"));
	fixture_table_has(f, "flush chain inet weft_policy arrival");
	fixture_assert_quiet(f);
	kernel_policy_done(&f->kernel.policy);
	fixture_run(f);
	assert_true(f->kernel.policy.exists);
	assert_int_equal(f->result.drifts_len, 1);
	assert_int_equal(reconcile_remove_all(f->r, NULL), 0);
	assert_false(f->kernel.policy.exists);
	assert_int_equal(f->kernel.state.rules_len, 0);
	assert_int_equal(f->kernel.state.routes_len, 0);
}

static void counters_of_rules_that_are_gone_go(void **state)
{
	struct fixture *f = *state;

	want_policy(f);
	fixture_run(f);
	fixture_want(f, "policy/home",
		     "{\"from\":[\"10.1.0.0/16\"],\"id\":7,\"needs\":[],\"rules\":[{\"number\":3,"
		     "\"ports\":[],\"to\":[],\"verdict\":\"direct\"}]}");
	fixture_run(f);
	assert_int_equal(f->result.errors_len, 0);
	fixture_table_has(f, "delete counter inet weft_policy p7r1flows\n");
	assert_null(strstr(f->kernel.policy_table, "delete counter inet weft_policy p7r3\n"));
	assert_int_equal(fixture_rules_with(f, 0x0ffd0000, KERNEL_RULE_BLACKHOLE), 0);
	fixture_assert_quiet(f);
}

static void want_in_order(struct fixture *f, const char *rules)
{
	char body[512];

	(void)snprintf(body, sizeof body,
		       "{\"from\":[\"10.1.0.0/16\"],\"id\":7,\"needs\":[],\"rules\":[%s]}", rules);
	fixture_want(f, "policy/home", body);
	fixture_run(f);
	assert_int_equal(f->result.errors_len, 0);
}

#define RULE(number, id, slot, to)                                                                 \
	"{\"id\":" id ",\"number\":" number ",\"ports\":[],\"slot\":" slot ",\"to\":[\"" to        \
	"\"],\"verdict\":\"direct\"}"

// Counters, and what connections' marks tell, are the rule's, not its place's.
static void a_rule_keeps_its_counters_where_it_stands(void **state)
{
	struct fixture *f = *state;

	want_in_order(f, RULE("1", "411", "9", "203.0.113.1/32") "," RULE("2", "77", "200",
									  "203.0.113.2/32"));
	fixture_table_has(
		f, "ip daddr { 203.0.113.1/32 } counter name \"p7r411flows\" ct mark set ct mark & "
		   "0xf0000000 | 0x0fff070a goto take_0fff0000");
	fixture_table_has(f, "0x0000070a : \"p7r411\"");
	want_in_order(f, RULE("1", "77", "200", "203.0.113.2/32") "," RULE("2", "411", "9",
									   "203.0.113.1/32"));
	fixture_table_has(
		f, "ip daddr { 203.0.113.1/32 } counter name \"p7r411flows\" ct mark set ct mark & "
		   "0xf0000000 | 0x0fff070a goto take_0fff0000");
	fixture_table_has(f, "0x000007c9 : \"p7r77\"");
	assert_null(strstr(f->kernel.policy_table, "delete counter"));
	fixture_assert_quiet(f);
}

static void want_names(struct fixture *f, const char *more)
{
	char body[1024];

	(void)snprintf(
		body, sizeof body,
		"{\"from\":[\"10.1.0.0/16\",\"fd00:1::/48\"],\"id\":7,\"needs\":[],\"rules\":[{"
		"\"lists\":[{\"id\":5,\"name\":\"tv\"},{\"id\":3,\"name\":\"news\"}],\"number\":1,"
		"\"ports\":[],\"to\":[\"203.0.113.0/24\"],\"verdict\":\"mark\",\"mark\":" TV_MARK
		"},{\"number\":2,\"ports\":[],\"to\":[],\"verdict\":\"direct\"}]%s}",
		more);
	fixture_want(f, "policy/home", body);
	fixture_want(f, "policy/kids",
		     "{\"from\":[\"10.1.7.0/24\"],\"id\":9,\"needs\":[],\"rules\":[{\"number\":1,"
		     "\"ports\":[],\"to\":[],\"verdict\":\"direct\"}]}");
}

#define SPLIT                                                                                      \
	",\"split\":[{\"proto\":\"tcp\",\"first\":443,\"last\":443},{\"proto\":\"udp\",\"first\":" \
	"443,\"last\":443}]"

static void assert_table_says(const struct fixture *f, const char *const *lines, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!strstr(f->kernel.policy_table, lines[i]))
			fail_msg("no `%s` in %s", lines[i], f->kernel.policy_table);
}

static void names_have_sets_that_outlive_their_rules(void **state)
{
	static const char *const lines[] = {
		"\tset l5_4 {\n\t\ttype ipv4_addr\n\t\tsize 131072\n\t\tflags timeout\n\t}\n",
		"\tset l3_6 {\n\t\ttype ipv6_addr\n",
		"\tset known_4 {\n",
		"\t\tip daddr @l5_4 counter name \"p7r1flows\" ct mark set ct mark & 0xf0000000 | "
		"0x01000702 goto take_01000000\n",
		"\t\tip6 daddr @l3_6 counter name \"p7r1flows\"",
		"\t\tip daddr { 203.0.113.0/24 } counter name \"p7r1flows\"",
		// A connection that none was for stays so, whatever is learned meanwhile.
		"0x0fff0000 : goto take_0fff0000, 0x0ff10000 : accept }\n",
		"\t\tct mark set ct mark & 0xf0000000 | 0x0ff10000\n\t}\n",
	};
	struct fixture *f = *state;

	want_names(f, SPLIT);
	fixture_run(f);
	assert_int_equal(f->result.errors_len, 0);
	assert_table_says(f, lines, ARRAY_LEN(lines));
	// Nobody listens yet: nothing is brought to it.
	assert_null(strstr(f->kernel.policy_table, "tproxy"));
	fixture_assert_quiet(f);
	// A rule without lists: their sets go.
	fixture_want(f, "policy/home",
		     "{\"from\":[\"10.1.0.0/16\"],\"id\":7,\"needs\":[],\"rules\":[{\"lists\":[{"
		     "\"id\":5,\"name\":\"tv\"}],\"number\":1,\"ports\":[],\"to\":[],\"verdict\":"
		     "\"direct\"}]}");
	fixture_run(f);
	assert_non_null(strstr(f->kernel.policy_table, "delete set inet weft_policy l3_4\n"));
	assert_null(strstr(f->kernel.policy_table, "delete set inet weft_policy l5_4\n"));
	assert_null(strstr(f->kernel.policy_table, "delete set inet weft_policy known_4\n"));
	assert_null(strstr(f->kernel.policy_table, "flush set"));
	fixture_assert_quiet(f);
	fixture_want(f, "policy/home",
		     "{\"from\":[\"10.1.0.0/16\"],\"id\":7,\"needs\":[],\"rules\":[]}");
	fixture_run(f);
	assert_non_null(strstr(f->kernel.policy_table, "delete map inet weft_policy quic_6\n"));
	fixture_assert_quiet(f);
}

static void what_is_not_known_is_looked_into(void **state)
{
	static const char *const lines[] = {
		// The longer prefix first; who has no names is not looked into.
		"\t\tip saddr { 10.1.7.0/24 } accept\n\t\tip saddr { 10.1.0.0/16 } goto split_7\n",
		"\t\ttcp dport { 443 } goto split_tcp\n"
		"\t\tudp dport { 443 } @th,64,8 & 0x80 == 0x80 goto split_quic\n",
		"\t\tmeta mark set meta mark & 0xf000ffff | 0x0ffe0000\n"
		"\t\tfib daddr . mark oif missing goto to_splitter\n",
		"\t\tct zone set 22 meta mark set meta mark & 0xf000ffff | 0x0ff00000 accept\n",
		"\t\tmeta mark & 0x0fff0000 == 0x0ff00000 goto splitter\n",
		"\t\tmeta nfproto ipv6 meta l4proto { tcp, udp } tproxy ip6 to [::1]:22380 accept\n"
		"\t\tcounter name \"no_splitter\" drop\n",
		"\t\tct mark & 0x00008000 != 0 counter name \"cut_off\" drop\n",
		"\t\tct mark set ip saddr . udp sport . ip daddr . udp dport map @quic_4 goto "
		"entered\n",
		"\t\ttcp dport { 443 } tcp flags & (syn | ack) != syn ct state new ip daddr != "
		"@known_4 counter name \"cut_off\" drop\n",
		"\t\tct direction reply ct mark & 0x00008000 != 0 meta mark set meta mark & "
		"0xf000ffff | 0x0ff00000\n",
	};
	struct fixture *f = *state;

	want_names(f, SPLIT);
	fixture_want(f, "splitter/weft", "{\"needs\":[],\"port\":22380}");
	fixture_run(f);
	assert_int_equal(f->result.errors_len, 0);
	assert_table_says(f, lines, ARRAY_LEN(lines));
	assert_null(strstr(f->kernel.policy_table, "chain split_9"));
	// Which addresses go by a default route only is asked of the rules that refuse.
	assert_int_equal(fixture_rules_with(f, 0x0ffe0000, KERNEL_RULE_UNREACHABLE), 2);
	fixture_assert_quiet(f);
	want_names(f, ",\"split\":[]");
	fixture_run(f);
	assert_null(strstr(f->kernel.policy_table, "tproxy"));
	assert_int_equal(fixture_rules_with(f, 0x0ffe0000, KERNEL_RULE_UNREACHABLE), 0);
	fixture_assert_quiet(f);
}

static void rules_of_all_sorts(void **state)
{
	struct fixture *f = *state;

	fixture_want(f, "rule/policy/a",
		     "{\"family\":4,\"mark\":" TV_MARK ",\"mask\":" MASK
		     ",\"needs\":[],\"priority\":"
		     "22350,\"suppress\":0,\"table\":254}");
	fixture_want(f, "rule/policy/b",
		     "{\"action\":\"unreachable\",\"family\":6,\"from\":\"fd00:1::/48\",\"needs\":["
		     "],\"priority\":22361,\"to\":\"2001:db8::/32\"}");
	fixture_want(f, "rule/policy/c",
		     "{\"family\":4,\"from_device\":\"eth0.7\",\"needs\":[],\"priority\":22349,"
		     "\"table\":24600}");
	fixture_run(f);
	assert_int_equal(f->result.errors_len, 0);
	assert_int_equal(f->kernel.state.rules_len, 3);
	fixture_assert_quiet(f);
	// One that was of another mark goes.
	fixture_want(f, "rule/policy/a",
		     "{\"family\":4,\"mark\":65536,\"mask\":" MASK ",\"needs\":[],\"priority\":"
		     "22350,\"suppress\":0,\"table\":254}");
	fixture_run(f);
	assert_int_equal(f->kernel.state.rules_len, 3);
	assert_int_equal(fixture_rules_with(f, 0x01000000, KERNEL_RULE_LOOKUP), 0);
	fixture_assert_quiet(f);
}

static void an_ipv4_route_by_an_ipv6_next_hop(void **state)
{
	struct fixture *f = *state;

	fixture_want(
		f, "route/exit/back",
		"{\"destination\":\"0.0.0.0/0\",\"device\":\"wvone\",\"metric\":100,\"needs\":["
		"\"wire/lan/bob\"],\"table\":25000,\"type\":\"unicast\",\"via\":\"fe80::2\"}");
	fixture_run(f);
	assert_int_equal(f->result.errors_len, 0);
	fixture_assert_quiet(f);
}

static void a_setting_waits_for_its_interface(void **state)
{
	struct fixture *f = *state;

	fixture_want(f, "sysctl/net.ipv4.conf.wwan0.rp_filter",
		     "{\"name\":\"net/ipv4/conf/wwan0/rp_filter\",\"needs\":[],\"value\":\"2\"}");
	fixture_run(f);
	assert_int_equal(f->result.errors_len, 0);
	fake_kernel_add_link(&f->kernel, "wwan0", "");
	fake_kernel_set_sysctl(&f->kernel, "net/ipv4/conf/wwan0/rp_filter", "1");
	fixture_run(f);
	assert_int_equal(f->result.drifts_len, 0);
	assert_string_equal(fake_kernel_sysctl(&f->kernel, "net/ipv4/conf/wwan0/rp_filter"), "2");
	fixture_want(f, "sysctl/x", "{\"name\":\"net.ipv4.nothing\",\"needs\":[],\"value\":\"2\"}");
	fixture_run(f);
	assert_int_equal(f->result.errors_len, 1);
}

static void what_a_body_lacks_is_told(void **state)
{
	static const struct {
		const char *key, *body, *sentence;
	} cases[] = {
		{ "rule/x/y",
		  "{\"family\":4,\"mark\":1,\"mask\":2,\"needs\":[],\"priority\":1,\"table\":5}",
		  "mark: 0x1 has bits that are not in the mask 0x2" },
		{ "rule/x/y",
		  "{\"action\":\"unreachable\",\"family\":4,\"from\":\"10.0.0.0/8\",\"needs\":[],"
		  "\"priority\":1,\"table\":5}",
		  "a rule that is unreachable has no table" },
		{ "route/x/y",
		  "{\"destination\":\"0.0.0.0/0\",\"metric\":1,\"needs\":[],\"table\":9,\"type\":"
		  "\"unicast\",\"via\":\"fe80::2\"}",
		  "an IPv6 next hop of an IPv4 route needs a device" },
		{ "uplink/x", "{\"device\":\"a\\\"b\",\"needs\":[],\"table\":1}",
		  "device: `a\"b` is no name of a device" },
		{ "uplink/x", "{\"needs\":[],\"table\":1,\"via\":[\"10.0.0.1\"]}",
		  "via: there is no device that it is by" },
		{ "gateway/x", "{\"drained\":false,\"needs\":[],\"uplink\":\"rho/fibre\"}",
		  "uplink: `rho/fibre` does not begin with uplink/" },
		{ "gateway-group/x.block",
		  "{\"choose\":\"best\",\"hold_down_ms\":0,\"needs\":[],\"otherwise\":\"block\","
		  "\"table\":1,\"try\":[\"gateway/a\"]}",
		  "choose: `best` is not order or latency" },
		{ "policy/x",
		  "{\"from\":[],\"id\":1,\"needs\":[],\"rules\":[{\"number\":1,\"ports\":[],\"to\":"
		  "["
		  "],\"verdict\":\"mark\",\"mark\":1}]}",
		  "rules[0]: mark: 0x1 has bits that are not in the mask 0xfff0000" },
		{ "policy/x",
		  "{\"from\":[],\"id\":1,\"needs\":[],\"rules\":[{\"number\":1,\"ports\":[{"
		  "\"proto\":"
		  "\"tcp\",\"first\":9,\"last\":8}],\"to\":[],\"verdict\":\"direct\"}]}",
		  "rules[0]: ports[0]: last: 8 is before 9" },
		{ "policy/x",
		  "{\"from\":[],\"id\":1,\"needs\":[],\"rules\":[{\"lists\":[{\"name\":\"tv\"}],"
		  "\"number\":1,\"ports\":[],\"to\":[],\"verdict\":\"direct\"}]}",
		  "rules[0]: lists[0]: id: a whole number is missing" },
		{ "policy/x", "{\"from\":[],\"id\":1,\"mask\":1,\"needs\":[],\"rules\":[]}",
		  "mask: 0x1 is not 12 bits one beside the other" },
		{ "exit/x.y",
		  "{\"device\":\"wvone\",\"from\":[],\"mark\":65536,\"mask\":4095,\"needs\":["
		  "],\"table\":1,\"uplink\":null}",
		  "mark: 0x10000 has bits that are not in the mask 0xfff" },
		{ "exit/x.y",
		  "{\"device\":\"wvone\",\"from\":[],\"mark\":1,\"needs\":[],\"table\":1,"
		  "\"uplink\":null}",
		  "mark: 0x1 has bits that are not in the mask 0xfff0000" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		fixture_assert_refused(f, cases[i].key, cases[i].body, cases[i].sentence);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_uplink_follows_its_interface),
		TEST(an_uplink_that_is_gone_refuses),
		TEST(a_group_is_chosen_before_anything_leads_to_it),
		TEST(the_table_says_what_the_rules_say),
		TEST(an_exit_lets_only_its_clients_out),
		TEST(what_is_edited_comes_back_and_leaving_takes_all),
		TEST(counters_of_rules_that_are_gone_go),
		TEST(a_rule_keeps_its_counters_where_it_stands),
		TEST(names_have_sets_that_outlive_their_rules),
		TEST(what_is_not_known_is_looked_into),
		TEST(rules_of_all_sorts),
		TEST(an_ipv4_route_by_an_ipv6_next_hop),
		TEST(a_setting_waits_for_its_interface),
		TEST(what_a_body_lacks_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
