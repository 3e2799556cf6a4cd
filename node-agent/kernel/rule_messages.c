#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "kernel/attributes.h"
#include "kernel/route_messages.h"

static struct nlmsghdr *put_header(void *buf, uint16_t type, uint16_t flags,
				   const struct fib_rule_hdr *header)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	memcpy(mnl_nlmsg_put_extra_header(nlh, sizeof *header), header, sizeof *header);
	return nlh;
}

struct nlmsghdr *rule_dump_build(void *buf)
{
	return put_header(buf, RTM_GETRULE, NLM_F_DUMP,
			  &(struct fib_rule_hdr){ .family = AF_UNSPEC });
}

static const uint8_t actions[] = {
	[KERNEL_RULE_OTHER] = FR_ACT_UNSPEC,
	[KERNEL_RULE_LOOKUP] = FR_ACT_TO_TBL,
	[KERNEL_RULE_UNREACHABLE] = FR_ACT_UNREACHABLE,
	[KERNEL_RULE_BLACKHOLE] = FR_ACT_BLACKHOLE,
};

static enum kernel_rule_action action_of(uint8_t action)
{
	for (int i = 0; i < (int)ARRAY_LEN(actions); i++)
		if (actions[i] == action)
			return (enum kernel_rule_action)i;
	return KERNEL_RULE_OTHER;
}

struct nlmsghdr *rule_build(void *buf, bool add, const struct kernel_rule *r)
{
	const struct fib_rule_hdr header = {
		.family = r->family,
		.src_len = r->from.ip.family ? r->from.len : 0,
		.dst_len = r->to.ip.family ? r->to.len : 0,
		.table = r->table < 256 ? (uint8_t)r->table : RT_TABLE_UNSPEC,
		.action = actions[r->action],
	};
	struct nlmsghdr *nlh = put_header(buf, add ? RTM_NEWRULE : RTM_DELRULE,
					  add ? NLM_F_CREATE | NLM_F_EXCL : 0, &header);

	mnl_attr_put_u32(nlh, FRA_PRIORITY, r->priority);
	if (r->mask) {
		mnl_attr_put_u32(nlh, FRA_FWMARK, r->mark);
		mnl_attr_put_u32(nlh, FRA_FWMASK, r->mask);
	}
	if (r->from.ip.family)
		mnl_attr_put(nlh, FRA_SRC, ip_size(r->from.ip.family), r->from.ip.bytes);
	if (r->to.ip.family)
		mnl_attr_put(nlh, FRA_DST, ip_size(r->to.ip.family), r->to.ip.bytes);
	if (r->from_device[0])
		mnl_attr_put_strz(nlh, FRA_IIFNAME, r->from_device);
	if (r->bound_device[0])
		mnl_attr_put_strz(nlh, FRA_OIFNAME, r->bound_device);
	if (r->table)
		mnl_attr_put_u32(nlh, FRA_TABLE, r->table);
	if (r->is_suppressing)
		mnl_attr_put_u32(nlh, FRA_SUPPRESS_PREFIXLEN, r->suppress);
	mnl_attr_put_u8(nlh, FRA_PROTOCOL, r->protocol);
	return nlh;
}

int rule_message_parse(const struct nlmsghdr *nlh, struct kernel_rule *ret)
{
	const struct nlattr *t[FRA_MAX + 1];
	struct fib_rule_hdr header;

	if (nlh->nlmsg_type != RTM_NEWRULE && nlh->nlmsg_type != RTM_DELRULE)
		return -ENOMSG;
	if (nlh->nlmsg_len < sizeof *nlh || mnl_nlmsg_get_payload_len(nlh) < sizeof header)
		return -EBADMSG;
	memcpy(&header, mnl_nlmsg_get_payload(nlh), sizeof header);
	// The same message tells of multicast routing's rules, under families of its own.
	if (header.family != AF_INET && header.family != AF_INET6)
		return -ENOMSG;
	attrs_of_message(nlh, sizeof header, t, FRA_MAX);
	*ret = (struct kernel_rule){
		.family = header.family,
		.protocol = attr_u8(t[FRA_PROTOCOL]),
		.action = action_of(header.action),
		.priority = attr_u32(t[FRA_PRIORITY]),
		.mark = attr_u32(t[FRA_FWMARK]),
		.mask = attr_u32(t[FRA_FWMASK]),
		.table = t[FRA_TABLE] ? attr_u32(t[FRA_TABLE]) : header.table,
		.suppress = attr_u32(t[FRA_SUPPRESS_PREFIXLEN]),
	};
	// The kernel says ~0 where nothing is suppressed.
	ret->is_suppressing = t[FRA_SUPPRESS_PREFIXLEN] && ret->suppress != UINT32_MAX;
	if (!ret->is_suppressing)
		ret->suppress = 0;
	attr_string(t[FRA_IIFNAME], ret->from_device, sizeof ret->from_device);
	attr_string(t[FRA_OIFNAME], ret->bound_device, sizeof ret->bound_device);
	if (header.dst_len) {
		ret->to.ip = attr_ip(t[FRA_DST], header.family);
		ret->to.len = header.dst_len;
	}
	if (header.src_len) {
		ret->from.ip = attr_ip(t[FRA_SRC], header.family);
		ret->from.len = header.src_len;
	}
	return 0;
}
