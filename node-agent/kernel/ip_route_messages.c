#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <string.h>

#include "kernel/attributes.h"
#include "kernel/route_messages.h"

static struct nlmsghdr *route_message(void *buf, uint16_t type, uint16_t flags,
				      const struct rtmsg *header)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	memcpy(mnl_nlmsg_put_extra_header(nlh, sizeof *header), header, sizeof *header);
	return nlh;
}

struct nlmsghdr *route_dump_build(void *buf, uint8_t family, uint8_t protocol)
{
	// The protocol filters in kernels that check dumps strictly; the parser's caller filters
	// too.
	const struct rtmsg header = { .rtm_family = family, .rtm_protocol = protocol };

	return route_message(buf, RTM_GETROUTE, NLM_F_DUMP, &header);
}

struct nlmsghdr *route_dump_main_build(void *buf, uint8_t family, int index)
{
	const struct rtmsg header = { .rtm_family = family };
	struct nlmsghdr *nlh = route_message(buf, RTM_GETROUTE, NLM_F_DUMP, &header);

	mnl_attr_put_u32(nlh, RTA_TABLE, RT_TABLE_MAIN);
	if (index)
		mnl_attr_put_u32(nlh, RTA_OIF, (uint32_t)index);
	return nlh;
}

static uint8_t host_bits(const struct kernel_ip *ip)
{
	return ip->family ? (uint8_t)(ip_size(ip->family) * 8) : 0;
}

struct nlmsghdr *route_get_build(void *buf, const struct kernel_packet *packet, int in)
{
	const struct kernel_ip *to = &packet->to, *from = &packet->from;
	// IPv6 tells the table unasked, and refuses the flag.
	const struct rtmsg header = { .rtm_family = to->family,
				      .rtm_dst_len = host_bits(to),
				      .rtm_src_len = host_bits(from),
				      .rtm_flags = to->family == AF_INET ? RTM_F_LOOKUP_TABLE : 0 };
	struct nlmsghdr *nlh = route_message(buf, RTM_GETROUTE, 0, &header);

	mnl_attr_put(nlh, RTA_DST, ip_size(to->family), to->bytes);
	if (from->family)
		mnl_attr_put(nlh, RTA_SRC, ip_size(from->family), from->bytes);
	if (in)
		mnl_attr_put_u32(nlh, RTA_IIF, (uint32_t)in);
	if (packet->mark)
		mnl_attr_put_u32(nlh, RTA_MARK, packet->mark);
	return nlh;
}

enum { LOOPBACK_INDEX = 1 }; // of `lo`, in every network namespace

static uint8_t route_type_number(enum kernel_route_type type)
{
	if (type == KERNEL_ROUTE_LOCAL)
		return RTN_LOCAL;
	return type == KERNEL_ROUTE_UNREACHABLE ? RTN_UNREACHABLE : RTN_UNICAST;
}

static struct rtmsg route_header(const struct kernel_route *r)
{
	struct rtmsg h = {
		.rtm_family = r->to.ip.family,
		.rtm_dst_len = r->to.len,
		.rtm_protocol = r->protocol,
		.rtm_table = r->table < 256 ? (uint8_t)r->table : RT_TABLE_UNSPEC,
		.rtm_type = route_type_number(r->type),
		.rtm_scope = RT_SCOPE_UNIVERSE,
	};

	if (r->type == KERNEL_ROUTE_UNICAST && !r->via.family && r->to.ip.family == AF_INET)
		h.rtm_scope = RT_SCOPE_LINK;
	if (r->type == KERNEL_ROUTE_LOCAL)
		h.rtm_scope = RT_SCOPE_HOST;
	if (r->via.family && r->device[0])
		h.rtm_flags = RTNH_F_ONLINK;
	return h;
}

// RTA_VIA's payload: the family, then the address (struct rtvia of linux/rtnetlink.h).
struct via {
	__kernel_sa_family_t family;
	uint8_t bytes[16];
};

static void put_via(struct nlmsghdr *nlh, const struct kernel_route *r)
{
	struct via via = { .family = r->via.family };

	if (r->via.family && r->via.family == r->to.ip.family) {
		mnl_attr_put(nlh, RTA_GATEWAY, ip_size(r->via.family), r->via.bytes);
	} else if (r->via.family) {
		memcpy(via.bytes, r->via.bytes, sizeof via.bytes);
		mnl_attr_put(nlh, RTA_VIA, offsetof(struct via, bytes) + ip_size(r->via.family),
			     &via);
	}
}

static struct kernel_ip parse_via(const struct nlattr *gateway, const struct nlattr *other,
				  uint8_t family)
{
	struct kernel_ip ip = attr_ip(gateway, family);
	struct via via = { 0 };

	if (ip.family || !attr_bytes(other, &via, offsetof(struct via, bytes)) ||
	    (via.family != AF_INET && via.family != AF_INET6))
		return ip;
	if (attr_bytes(other, &via, offsetof(struct via, bytes) + ip_size((uint8_t)via.family))) {
		ip.family = (uint8_t)via.family;
		memcpy(ip.bytes, via.bytes, sizeof ip.bytes);
	}
	return ip;
}

static void put_route(struct nlmsghdr *nlh, const struct kernel_route *r, int index)
{
	mnl_attr_put(nlh, RTA_DST, ip_size(r->to.ip.family), r->to.ip.bytes);
	mnl_attr_put_u32(nlh, RTA_TABLE, r->table);
	if (r->metric)
		mnl_attr_put_u32(nlh, RTA_PRIORITY, r->metric);
	put_via(nlh, r);
	if (r->type == KERNEL_ROUTE_LOCAL)
		index = LOOPBACK_INDEX;
	if (index)
		mnl_attr_put_u32(nlh, RTA_OIF, (uint32_t)index);
}

struct nlmsghdr *route_put_build(void *buf, const struct kernel_route *r, int index, bool replace)
{
	const struct rtmsg header = route_header(r);
	const uint16_t how = replace ? NLM_F_REPLACE : NLM_F_EXCL;
	struct nlmsghdr *nlh =
		route_message(buf, RTM_NEWROUTE, (uint16_t)(NLM_F_CREATE | how), &header);

	put_route(nlh, r, index);
	if (r->source.family)
		mnl_attr_put(nlh, RTA_PREFSRC, ip_size(r->source.family), r->source.bytes);
	return nlh;
}

struct nlmsghdr *route_drop_build(void *buf, const struct kernel_route *r, int index)
{
	struct rtmsg header = route_header(r);

	header.rtm_scope = RT_SCOPE_NOWHERE; // of any scope
	header.rtm_flags = 0;
	struct nlmsghdr *nlh = route_message(buf, RTM_DELROUTE, 0, &header);
	put_route(nlh, r, index);
	return nlh;
}

static enum kernel_route_type route_type(uint8_t rtm_type)
{
	if (rtm_type == RTN_UNICAST)
		return KERNEL_ROUTE_UNICAST;
	if (rtm_type == RTN_LOCAL)
		return KERNEL_ROUTE_LOCAL;
	return rtm_type == RTN_UNREACHABLE ? KERNEL_ROUTE_UNREACHABLE : KERNEL_ROUTE_OTHER;
}

int route_message_parse(const struct nlmsghdr *nlh, struct kernel_route *ret)
{
	const struct nlattr *t[RTA_MAX + 1];
	struct kernel_route r = { 0 };
	struct rtmsg rtm;

	if (nlh->nlmsg_type != RTM_NEWROUTE && nlh->nlmsg_type != RTM_DELROUTE)
		return -ENOMSG;
	if (nlh->nlmsg_len < sizeof *nlh || mnl_nlmsg_get_payload_len(nlh) < sizeof rtm)
		return -EBADMSG;
	memcpy(&rtm, mnl_nlmsg_get_payload(nlh), sizeof rtm);
	if (rtm.rtm_family != AF_INET && rtm.rtm_family != AF_INET6)
		return -ENOMSG;
	attrs_of_message(nlh, sizeof rtm, t, RTA_MAX);
	r.type = route_type(rtm.rtm_type);
	r.protocol = rtm.rtm_protocol;
	r.table = t[RTA_TABLE] ? attr_u32(t[RTA_TABLE]) : rtm.rtm_table;
	r.metric = attr_u32(t[RTA_PRIORITY]);
	r.to.ip = attr_ip(t[RTA_DST], rtm.rtm_family);
	r.to.ip.family = rtm.rtm_family; // a default route has no RTA_DST
	r.to.len = rtm.rtm_dst_len;
	r.via = parse_via(t[RTA_GATEWAY], t[RTA_VIA], rtm.rtm_family);
	r.source = attr_ip(t[RTA_PREFSRC], rtm.rtm_family);
	// IPv6 hangs an unreachable route on the loopback device; it is no part of what was asked
	// for.
	r.index = r.type == KERNEL_ROUTE_UNICAST ? (int)attr_u32(t[RTA_OIF]) : 0;
	*ret = r;
	return 0;
}

// Fills in the hop of several by that device; false: there is none.
static bool take_hop(const struct nlattr *several, int index, struct kernel_route *r)
{
	const char *at = mnl_attr_get_payload(several);
	size_t left = mnl_attr_get_payload_len(several);
	const struct nlattr *t[RTA_MAX + 1];
	struct rtnexthop hop;

	while (left >= sizeof hop) {
		memcpy(&hop, at, sizeof hop);
		if (hop.rtnh_len < sizeof hop || hop.rtnh_len > left)
			return false;
		if (index == 0 || hop.rtnh_ifindex == index) {
			attrs_of_payload(at + sizeof hop, hop.rtnh_len - sizeof hop, t, RTA_MAX);
			r->index = hop.rtnh_ifindex;
			r->via = parse_via(t[RTA_GATEWAY], t[RTA_VIA], r->to.ip.family);
			return true;
		}
		const size_t step = RTNH_ALIGN(hop.rtnh_len);
		if (step > left)
			return false;
		at += step;
		left -= step;
	}
	return false;
}

int route_message_parse_by(const struct nlmsghdr *nlh, int index, struct kernel_route *ret)
{
	const struct nlattr *t[RTA_MAX + 1];
	struct kernel_route r;

	int rc = route_message_parse(nlh, &r);
	if (rc < 0)
		return rc;
	attrs_of_message(nlh, sizeof(struct rtmsg), t, RTA_MAX);
	if (t[RTA_MULTIPATH] ? !take_hop(t[RTA_MULTIPATH], index, &r) : index && r.index != index)
		return -ENOMSG;
	*ret = r;
	return 0;
}
