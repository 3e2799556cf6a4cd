// The text of the rails: what is in it, what is left out, and that nothing is empty or overlaps.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <stdlib.h>
#include <string.h>

#include "reconcile/guard_rules.h"

static struct prefix_list list(const char *const *texts, size_t len)
{
	struct prefix_list l = { calloc(len + 1, sizeof(struct kernel_prefix)), len };

	for (size_t i = 0; i < len; i++)
		assert_int_equal(kernel_prefix_parse(texts[i], &l.items[i], NULL), 0);
	return l;
}

static char *render(const struct guard *guards, size_t len)
{
	const struct guard *items[8];
	struct text out = { 0 };

	for (size_t i = 0; i < len; i++)
		items[i] = &guards[i];
	guard_rules_render(&out, items, len, NULL);
	return text_take(&out);
}

static void assert_holds(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("lacks `%s`:\n%s", part, text);
}

static void test_all_parts(void **state)
{
	static const char *const pools[] = { "10.88.0.0/24", "fd88::/64" };
	static const char *const own[] = { "10.99.0.1/32", "192.168.1.7/24", "192.168.1.9/32" };
	struct guard g[4] = {
		{ .part = GUARD_BASE,
		  .device = "wg1",
		  .vxlan_port = 4789,
		  .prefixes = list(pools, 2) },
		{ .part = GUARD_WIRE, .device = "wg1", .vni = 4097, .wire = "wv1" },
		{ .part = GUARD_SEGMENT, .device = "wb1", .prefixes = list(own, 3) },
		{ .part = GUARD_OWNER,
		  .device = "wb1",
		  .mac = { 2, 0, 0, 0, 0, 1 },
		  .prefixes = list(own, 3) },
	};

	(void)state;
	assert_int_equal(kernel_ip_parse("10.88.0.2", &g[1].source, NULL), 0);
	char *text = render(g, 4);
	assert_holds(text, "elements = { \"wg1\" . 10.88.0.2 . 0x001001 }");
	assert_holds(text, "udp dport 4789 ip6 daddr { fd88::/64 } oifname != \"wg1\" counter name "
			   "vxlan_out drop");
	assert_holds(text, "@th,96,24 { 0x001001 } counter name vxlan_in drop");
	// What the set has learnt outlives new rules.
	assert_holds(text, "flush table bridge weft\ntable bridge weft {\n\tset spoken {");
	assert_holds(text, "iifname != { \"wv1\" } accept\n\t\tether daddr 01:80:c2:00:00:00 drop");
	assert_holds(text, "== 00:00:00:00:00:00 goto unknown_unicast\n\t\tiifname \"wv1\" limit");
	assert_holds(text, "oifname != { \"wv1\" } accept\n\t\tether daddr 01:80:c2:00:00:00 drop");
	assert_holds(text, "ether daddr @spoken accept\n\t\tiifname \"wv1\" limit rate over 2000");
	assert_holds(text, "iifname \"wv1\" limit rate over 2000/second burst 2000 packets drop");
	assert_holds(text, "ip saddr != { 10.99.0.1/32, 192.168.1.0/24 } counter name spoof_out");
	assert_holds(text, "ip6 saddr != { fe80::/10, :: } counter name spoof_out");
	assert_holds(text, "\"wb1\" . 02:00:00:00:00:01 . 192.168.1.0/24");
	assert_null(strstr(text, "192.168.1.9")); // lies within the site's LAN
	assert_null(strstr(text, "owners6"));
	assert_null(strstr(text, "wires6"));
	free(text);
	for (size_t i = 0; i < 4; i++)
		prefix_list_done(&g[i].prefixes);
}

static void test_one_family_only(void **state)
{
	static const char *const pools[] = { "10.88.0.0/24" };
	struct guard g = {
		.part = GUARD_BASE, .device = "wg1", .vxlan_port = 4789, .prefixes = list(pools, 1)
	};

	(void)state;
	char *text = render(&g, 1);
	assert_holds(text, "iifname \"wg1\" meta nfproto ipv6 counter name overlay_in drop");
	assert_null(strstr(text, "@th,96,24"));
	free(text);
	prefix_list_done(&g.prefixes);
}

static void test_routed_segment(void **state)
{
	static const char *const own[] = { "10.99.0.1/32", "10.1.0.0/24" };
	static const char *const bobs[] = { "10.99.0.2/32", "fd99::2/128" };
	static const char *const eves[] = { "10.99.0.3/32" };
	struct guard g[3] = {
		{ .part = GUARD_ROUTER, .router = "wb1", .prefixes = list(own, 2) },
		{ .part = GUARD_SENDER,
		  .router = "wb1",
		  .device = "wv1",
		  .prefixes = list(bobs, 2) },
		{ .part = GUARD_SENDER, .router = "wb1", .prefixes = list(eves, 1) },
	};

	(void)state;
	char *text = render(g, 3);
	// Through this node goes only what is from the node at the wire's other end.
	assert_holds(text, "elements = { \"wv1\" . 10.99.0.2/32 }");
	assert_holds(text, "iifname { \"wv1\" } oifname { \"wv1\" } goto routed_passing");
	assert_holds(text, "iifname . ip6 saddr @senders6 accept\n\t\tcounter name spoof_in drop");
	// What ends here may be from any of the others, also from one without a wire.
	assert_holds(text, "iifname { \"wv1\" } ip saddr != { 10.99.0.2/32, 10.99.0.3/32 } counter "
			   "name spoof_in drop");
	assert_holds(text, "oifname { \"wv1\" } ip saddr != { 10.99.0.1/32, 10.1.0.0/24 } counter "
			   "name spoof_out drop");
	assert_holds(text,
		     "meta iif != 0 iifname != { \"wv1\" } oifname { \"wv1\" } ip6 saddr != { "
		     "fe80::/10, :: } counter name spoof_out drop");
	free(text);
	// Without a wire there is nothing to hold.
	text = render(&g[2], 1);
	assert_null(strstr(text, "routed_"));
	free(text);
	for (size_t i = 0; i < 3; i++)
		prefix_list_done(&g[i].prefixes);
}

static void test_table_replaces_in_one_transaction(void **state)
{
	const struct kernel_counter counters[KERNEL_COUNTERS] = {
		{ 1, 2 }, { 0, 0 }, { 0, 0 }, { 0, 0 }, { 3, 4 }
	};
	struct text out = { 0 };

	(void)state;
	guard_table_render(&out, "", "abc", counters);
	assert_holds(out.data, "add table inet weft\ndelete table inet weft\ntable inet weft "
			       "{\n\tcomment \"abc\"\n");
	assert_holds(out.data, "counter spoof_in { packets 1 bytes 2 }");
	assert_holds(out.data, "counter overlay_in { packets 3 bytes 4 }");
	text_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_parts),
		cmocka_unit_test(test_one_family_only),
		cmocka_unit_test(test_routed_segment),
		cmocka_unit_test(test_table_replaces_in_one_transaction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
