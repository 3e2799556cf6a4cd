#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "kernel/attributes.h"
#include "kernel/route_messages.h"

static struct nlmsghdr *address_message(void *buf, uint16_t type, uint16_t flags,
					const struct ifaddrmsg *header)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	memcpy(mnl_nlmsg_put_extra_header(nlh, sizeof *header), header, sizeof *header);
	return nlh;
}

struct nlmsghdr *address_dump_build(void *buf)
{
	return address_message(buf, RTM_GETADDR, NLM_F_DUMP, &(struct ifaddrmsg){ 0 });
}

static void put_broadcast(struct nlmsghdr *nlh, const struct kernel_prefix *p)
{
	uint32_t ip;

	memcpy(&ip, p->ip.bytes, sizeof ip);
	ip |= __builtin_bswap32(0xffffffffu >> p->len);
	mnl_attr_put_u32(nlh, IFA_BROADCAST, ip);
}

struct nlmsghdr *address_build(void *buf, bool add, int index, const struct kernel_address *a)
{
	const struct kernel_prefix *p = &a->prefix;
	const struct ifaddrmsg header = {
		.ifa_family = p->ip.family,
		.ifa_prefixlen = p->len,
		.ifa_index = (uint32_t)index,
		.ifa_scope = a->scope,
	};
	struct nlmsghdr *nlh = address_message(buf, add ? RTM_NEWADDR : RTM_DELADDR,
					       add ? NLM_F_CREATE | NLM_F_EXCL : 0, &header);

	mnl_attr_put(nlh, IFA_LOCAL, ip_size(p->ip.family), p->ip.bytes);
	mnl_attr_put(nlh, IFA_ADDRESS, ip_size(p->ip.family), p->ip.bytes);
	if (add && p->ip.family == AF_INET && p->len < 31)
		put_broadcast(nlh, p);
	if (add && p->ip.family == AF_INET6)
		mnl_attr_put_u32(nlh, IFA_FLAGS, a->flags);
	if (add && a->is_no_source) {
		const struct ifa_cacheinfo life = { .ifa_prefered = 0, .ifa_valid = UINT32_MAX };

		mnl_attr_put(nlh, IFA_CACHEINFO, sizeof life, &life);
	}
	return nlh;
}

int address_message_parse(const struct nlmsghdr *nlh, struct kernel_address *ret)
{
	const struct nlattr *t[IFA_MAX + 1];
	struct kernel_address a = { 0 };
	struct ifaddrmsg ifa;

	if (nlh->nlmsg_type != RTM_NEWADDR && nlh->nlmsg_type != RTM_DELADDR)
		return -ENOMSG;
	if (nlh->nlmsg_len < sizeof *nlh || mnl_nlmsg_get_payload_len(nlh) < sizeof ifa)
		return -EBADMSG;
	memcpy(&ifa, mnl_nlmsg_get_payload(nlh), sizeof ifa);
	attrs_of_message(nlh, sizeof ifa, t, IFA_MAX);
	a.index = (int)ifa.ifa_index;
	a.scope = ifa.ifa_scope;
	a.flags = t[IFA_FLAGS] ? attr_u32(t[IFA_FLAGS]) : ifa.ifa_flags;
	a.prefix.len = ifa.ifa_prefixlen;
	// On a point-to-point device IFA_ADDRESS is the other end's.
	a.prefix.ip = attr_ip(t[IFA_LOCAL] ? t[IFA_LOCAL] : t[IFA_ADDRESS], ifa.ifa_family);
	*ret = a;
	return 0;
}
