// rtnetlink requests byte by byte where it is short, and by the parsers where it is long; answers
// that are cut.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/netlink.h"
#include "kernel/route_messages.h"

static _Alignas(8) char buf[NETLINK_REQUEST_SIZE];

static void test_address_bytes(void **state)
{
	static const uint8_t want[] = {
		48, 0,  0, 0, 20, 0,  1, 6,
		0,  0,  0, 0, 0,  0,  0, 0,   // RTM_NEWADDR, request create excl
		2,  24, 0, 0, 7,  0,  0, 0,   // AF_INET /24, index 7
		8,  0,  2, 0, 10, 99, 0, 1,   // IFA_LOCAL
		8,  0,  1, 0, 10, 99, 0, 1,   // IFA_ADDRESS
		8,  0,  4, 0, 10, 99, 0, 255, // IFA_BROADCAST
	};
	struct kernel_address a = { .device = "wb" };

	(void)state;
	assert_int_equal(kernel_prefix_parse("10.99.0.1/24", &a.prefix, NULL), 0);
	const struct nlmsghdr *nlh = address_build(buf, true, 7, &a);
	assert_int_equal(nlh->nlmsg_len, sizeof want);
	assert_memory_equal(nlh, want, sizeof want);
}

static void test_link_get_bytes(void **state)
{
	static const uint8_t want[] = {
		32, 0, 0, 0, 18, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, // RTM_GETLINK, request
		0,  0, 0, 0, 7,  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // any family, index 7
	};

	(void)state;
	const struct nlmsghdr *nlh = link_get_build(buf, 7);
	assert_int_equal(nlh->nlmsg_len, sizeof want);
	assert_memory_equal(nlh, want, sizeof want);
}

static void test_address_round_trip(void **state)
{
	struct kernel_address a = { .flags = 0x82 }, b;

	(void)state;
	assert_int_equal(kernel_prefix_parse("fd99::1/64", &a.prefix, NULL), 0);
	assert_int_equal(address_message_parse(address_build(buf, true, 9, &a), &b), 0);
	assert_true(kernel_prefix_equal(&a.prefix, &b.prefix));
	assert_int_equal(b.index, 9);
	assert_int_equal(b.flags, 0x82);
}

static void test_vxlan_round_trip(void **state)
{
	struct kernel_link_make make = { .name = "wvone",
					 .kind = KERNEL_LINK_VXLAN,
					 .vxlan = { .vni = 4097,
						    .port = 4789,
						    .ttl = 64,
						    .learning = true,
						    .zero_csum6 = true } };
	struct kernel_link link;

	(void)state;
	assert_int_equal(kernel_ip_parse("fd88::1", &make.vxlan.local, NULL), 0);
	assert_int_equal(kernel_ip_parse("fd88::2", &make.vxlan.remote, NULL), 0);
	const struct nlmsghdr *nlh = link_create_build(buf, &make, 5);
	assert_int_equal(nlh->nlmsg_flags, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL);
	assert_int_equal(link_message_parse(nlh, &link), 0);
	assert_string_equal(link.name, "wvone");
	assert_string_equal(link.kind, "vxlan");
	assert_int_equal(link.group, KERNEL_LINK_GROUP);
	assert_int_equal(link.parent_index, 5);
	assert_int_equal(link.vxlan.vni, 4097);
	assert_int_equal(link.vxlan.port, 4789);
	assert_int_equal(link.vxlan.ttl, 64);
	assert_true(link.vxlan.learning && link.vxlan.zero_csum6 && !link.vxlan.udp_csum);
	assert_true(kernel_ip_equal(&link.vxlan.local, &make.vxlan.local));
	assert_true(kernel_ip_equal(&link.vxlan.remote, &make.vxlan.remote));
}

static void test_bridge_and_port_round_trip(void **state)
{
	const struct kernel_link_make make = {
		.name = "wbone",
		.kind = KERNEL_LINK_BRIDGE,
		.mac = { 2, 0, 0, 0, 0, 1 },
		.bridge = { .stp = true,
			    .priority = 4096,
			    .hello_time = 100,
			    .max_age = 600,
			    .forward_delay = 200 },
	};
	struct kernel_link_change c = { .fields = KERNEL_LINK_MASTER | KERNEL_LINK_PORT_OPTIONS |
						  KERNEL_LINK_ALIAS | KERNEL_LINK_UP |
						  KERNEL_LINK_MTU,
					.alias = "weft:port/x",
					.mtu = 1400,
					.port = { .cost = 70, .priority = 9 } };
	struct kernel_link link;

	(void)state;
	assert_int_equal(link_message_parse(link_create_build(buf, &make, 0), &link), 0);
	assert_int_equal(link.bridge.priority, 4096);
	assert_int_equal(link.bridge.max_age, 600);
	assert_true(link.bridge.stp && !link.bridge.mcast_snooping);
	assert_memory_equal(link.mac, make.mac, 6);
	const struct nlmsghdr *nlh = link_change_build(buf, 4, &c, 8);
	assert_int_equal(nlh->nlmsg_flags, NLM_F_REQUEST);
	assert_int_equal(link_message_parse(nlh, &link), 0);
	assert_true(link.is_port);
	assert_int_equal(link.port.cost, 70);
	assert_int_equal(link.port.priority, 9);
	assert_int_equal(link.master_index, 8);
	assert_int_equal(link.mtu, 1400);
	assert_string_equal(link.alias, "weft:port/x");
	assert_true(link.flags & IFF_UP);
	c = (struct kernel_link_change){ .fields = KERNEL_LINK_PORT_STATE | KERNEL_LINK_PORT_FLUSH,
					 .port.state = 1 };
	assert_int_equal(link_message_parse(link_change_build(buf, 4, &c, 0), &link), 0);
	assert_true(link.is_port);
	assert_int_equal(link.port.state, 1);
	assert_int_equal(link.port.cost, 0);
	c.fields = KERNEL_LINK_STP_OFF;
	assert_int_equal(link_message_parse(link_change_build(buf, 4, &c, 0), &link), 0);
	assert_string_equal(link.kind, "bridge");
	assert_false(link.bridge.stp);
}

static void test_routes_round_trip(void **state)
{
	struct kernel_route r = { .table = 1000, .metric = 7, .protocol = 87 }, got;

	(void)state;
	assert_int_equal(kernel_prefix_parse("192.168.2.0/24", &r.to, NULL), 0);
	assert_int_equal(kernel_ip_parse("10.99.0.2", &r.via, NULL), 0);
	assert_int_equal(kernel_ip_parse("10.99.0.1", &r.source, NULL), 0);
	strcpy(r.device, "wb");
	const struct nlmsghdr *nlh = route_put_build(buf, &r, 3, true);
	assert_int_equal(nlh->nlmsg_flags, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_REPLACE);
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	assert_int_equal(rtm->rtm_flags, RTNH_F_ONLINK);
	assert_int_equal(route_message_parse(nlh, &got), 0);
	assert_true(kernel_prefix_equal(&got.to, &r.to) && kernel_ip_equal(&got.via, &r.via) &&
		    kernel_ip_equal(&got.source, &r.source));
	assert_int_equal(got.table, 1000);
	assert_int_equal(got.metric, 7);
	assert_int_equal(got.index, 3);
	// By a next hop of the other family.
	assert_int_equal(kernel_ip_parse("fe80::2", &r.via, NULL), 0);
	assert_int_equal(route_message_parse(route_put_build(buf, &r, 3, true), &got), 0);
	assert_true(kernel_ip_equal(&got.via, &r.via));
	r = (struct kernel_route){ .type = KERNEL_ROUTE_UNREACHABLE, .table = 254, .protocol = 87 };
	assert_int_equal(kernel_prefix_parse("::/0", &r.to, NULL), 0);
	assert_int_equal(route_message_parse(route_put_build(buf, &r, 0, false), &got), 0);
	assert_int_equal(got.type, KERNEL_ROUTE_UNREACHABLE);
	assert_true(kernel_prefix_equal(&got.to, &r.to));
}

static void put_hop(struct nlmsghdr *nlh, int index, const char *via)
{
	struct rtnexthop *hop = mnl_nlmsg_get_payload_tail(nlh);
	struct kernel_ip ip;

	assert_int_equal(kernel_ip_parse(via, &ip, NULL), 0);
	memset(hop, 0, sizeof *hop);
	hop->rtnh_ifindex = index;
	nlh->nlmsg_len += sizeof *hop;
	mnl_attr_put(nlh, RTA_GATEWAY, 4, ip.bytes);
	hop->rtnh_len = (unsigned short)((char *)mnl_nlmsg_get_payload_tail(nlh) - (char *)hop);
}

// A default route by several devices at once.
static void test_hop_of_several(void **state)
{
	struct kernel_route r = { .to.ip.family = AF_INET, .table = 254 }, got;
	char text[KERNEL_ADDR_TEXT_SIZE];

	(void)state;
	struct nlmsghdr *nlh = route_put_build(buf, &r, 0, true);
	struct nlattr *nest = mnl_attr_nest_start(nlh, RTA_MULTIPATH);
	put_hop(nlh, 3, "192.0.2.1");
	put_hop(nlh, 5, "198.51.100.1");
	mnl_attr_nest_end(nlh, nest);
	assert_int_equal(route_message_parse_by(nlh, 5, &got), 0);
	assert_int_equal(got.index, 5);
	kernel_ip_format(&got.via, text);
	assert_string_equal(text, "198.51.100.1");
	assert_int_equal(route_message_parse_by(nlh, 0, &got), 0);
	assert_int_equal(got.index, 3);
	assert_int_equal(route_message_parse_by(nlh, 4, &got), -ENOMSG);
}

// A client's packet: both addresses whole, the mark, and no flag that a family does not take.
static void test_route_question(void **state)
{
	static const char *const to[] = { "203.0.113.1", "2001:db8::1" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct kernel_packet packet = { .mark = 0x00010000 };
		struct rtmsg rtm;

		assert_int_equal(kernel_ip_parse(to[i], &packet.to, NULL), 0);
		packet.from = packet.to;
		const struct nlmsghdr *nlh = route_get_build(buf, &packet, 7);
		memcpy(&rtm, mnl_nlmsg_get_payload(nlh), sizeof rtm);
		assert_int_equal(rtm.rtm_dst_len, i ? 128 : 32);
		assert_int_equal(rtm.rtm_src_len, rtm.rtm_dst_len);
		assert_int_equal(rtm.rtm_flags, i ? 0 : RTM_F_LOOKUP_TABLE);
		assert_int_equal(nlh->nlmsg_len,
				 mnl_nlmsg_size(sizeof rtm) + 2 * (4 + (i ? 16u : 4u)) + 2 * 8);
	}
}

static void test_rules_round_trip(void **state)
{
	struct kernel_rule r = { .family = AF_INET6,
				 .protocol = 87,
				 .action = KERNEL_RULE_LOOKUP,
				 .priority = 1,
				 .mark = 0x10000000,
				 .mask = 0x30000000,
				 .table = 1000 };
	struct kernel_rule got;

	(void)state;
	const struct nlmsghdr *nlh = rule_build(buf, true, &r);
	assert_int_equal(nlh->nlmsg_flags, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL);
	assert_int_equal(rule_message_parse(nlh, &got), 0);
	assert_int_equal(got.action, KERNEL_RULE_LOOKUP);
	assert_int_equal(got.family, r.family);
	assert_int_equal(got.protocol, r.protocol);
	assert_int_equal(got.priority, r.priority);
	assert_int_equal(got.mark, r.mark);
	assert_int_equal(got.mask, r.mask);
	assert_int_equal(got.table, r.table);
	assert_true(kernel_rule_equal(&got, &r));
	assert_int_equal(kernel_prefix_parse("fd00:1::/48", &r.from, NULL), 0);
	assert_int_equal(kernel_prefix_parse("2001:db8::/32", &r.to, NULL), 0);
	memcpy(r.from_device, "wvone", 6);
	memcpy(r.bound_device, "eth0", 5);
	r.is_suppressing = true;
	r.suppress = 0;
	assert_int_equal(rule_message_parse(rule_build(buf, true, &r), &got), 0);
	assert_true(kernel_rule_equal(&got, &r));
	r.is_suppressing = false;
	assert_false(kernel_rule_equal(&got, &r));
	r.action = KERNEL_RULE_UNREACHABLE;
	r.table = 0;
	assert_int_equal(rule_message_parse(rule_build(buf, true, &r), &got), 0);
	assert_true(kernel_rule_equal(&got, &r) && got.action == KERNEL_RULE_UNREACHABLE);
	assert_int_equal(rule_build(buf, false, &r)->nlmsg_type, RTM_DELRULE);
	assert_int_equal(rule_message_parse(route_dump_build(buf, AF_INET, 87), &got), -ENOMSG);
}

// A message cut anywhere is parsed as far as it goes or refused; the sanitizer watches the end.
static void test_cut_messages(void **state)
{
	const struct kernel_link_make make = { .name = "wv", .vxlan = { .vni = 1 } };
	const struct nlmsghdr *whole = link_create_build(buf, &make, 5);
	struct kernel_link link;

	(void)state;
	for (uint32_t len = sizeof *whole; len <= whole->nlmsg_len; len++) {
		struct nlmsghdr *cut = malloc(len);

		memcpy(cut, whole, len);
		cut->nlmsg_len = len;
		const int rc = link_message_parse(cut, &link);
		assert_true(rc == 0 || rc == -EBADMSG);
		free(cut);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_address_bytes),
		cmocka_unit_test(test_link_get_bytes),
		cmocka_unit_test(test_address_round_trip),
		cmocka_unit_test(test_vxlan_round_trip),
		cmocka_unit_test(test_bridge_and_port_round_trip),
		cmocka_unit_test(test_routes_round_trip),
		cmocka_unit_test(test_hop_of_several),
		cmocka_unit_test(test_route_question),
		cmocka_unit_test(test_rules_round_trip),
		cmocka_unit_test(test_cut_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
