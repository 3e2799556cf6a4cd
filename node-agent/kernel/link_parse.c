#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/ipv6.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "kernel/attributes.h"
#include "kernel/route_messages.h"

static struct kernel_ip either_ip(const struct nlattr *v4, const struct nlattr *v6)
{
	return v4 ? attr_ip(v4, AF_INET) : attr_ip(v6, AF_INET6);
}

static void vxlan_parse(const struct nlattr *data, struct kernel_link *link)
{
	const struct nlattr *t[IFLA_VXLAN_MAX + 1];
	struct kernel_vxlan *v = &link->vxlan;

	attrs_of_nest(data, t, IFLA_VXLAN_MAX);
	v->vni = attr_u32(t[IFLA_VXLAN_ID]);
	v->port = __builtin_bswap16(attr_u16(t[IFLA_VXLAN_PORT]));
	v->remote = either_ip(t[IFLA_VXLAN_GROUP], t[IFLA_VXLAN_GROUP6]);
	v->local = either_ip(t[IFLA_VXLAN_LOCAL], t[IFLA_VXLAN_LOCAL6]);
	v->ttl = attr_u8(t[IFLA_VXLAN_TTL]);
	v->learning = attr_u8(t[IFLA_VXLAN_LEARNING]) != 0;
	v->udp_csum = attr_u8(t[IFLA_VXLAN_UDP_CSUM]) != 0;
	v->zero_csum6 = attr_u8(t[IFLA_VXLAN_UDP_ZERO_CSUM6_TX]) &&
			attr_u8(t[IFLA_VXLAN_UDP_ZERO_CSUM6_RX]);
	link->parent_index = (int)attr_u32(t[IFLA_VXLAN_LINK]);
}

static void bridge_parse(const struct nlattr *data, struct kernel_bridge *b)
{
	const struct nlattr *t[IFLA_BR_MAX + 1];

	attrs_of_nest(data, t, IFLA_BR_MAX);
	b->stp = attr_u32(t[IFLA_BR_STP_STATE]) != 0;
	b->mcast_snooping = attr_u8(t[IFLA_BR_MCAST_SNOOPING]) != 0;
	b->topology_change = attr_u8(t[IFLA_BR_TOPOLOGY_CHANGE]) != 0;
	b->priority = attr_u16(t[IFLA_BR_PRIORITY]);
	b->root_port = attr_u16(t[IFLA_BR_ROOT_PORT]);
	b->root_cost = attr_u32(t[IFLA_BR_ROOT_PATH_COST]);
	b->forward_delay = attr_u32(t[IFLA_BR_FORWARD_DELAY]);
	b->hello_time = attr_u32(t[IFLA_BR_HELLO_TIME]);
	b->max_age = attr_u32(t[IFLA_BR_MAX_AGE]);
	b->ageing_time = attr_u32(t[IFLA_BR_AGEING_TIME]);
	b->hello_timer = attr_u64(t[IFLA_BR_HELLO_TIMER]);
	b->tcn_timer = attr_u64(t[IFLA_BR_TCN_TIMER]);
	b->topology_change_timer = attr_u64(t[IFLA_BR_TOPOLOGY_CHANGE_TIMER]);
	b->gc_timer = attr_u64(t[IFLA_BR_GC_TIMER]);
	(void)attr_bytes(t[IFLA_BR_BRIDGE_ID], b->id, sizeof b->id);
	(void)attr_bytes(t[IFLA_BR_ROOT_ID], b->root_id, sizeof b->root_id);
}

static void port_parse(const struct nlattr *data, struct kernel_port *p)
{
	const struct nlattr *t[IFLA_BRPORT_MAX + 1];

	attrs_of_nest(data, t, IFLA_BRPORT_MAX);
	p->state = attr_u8(t[IFLA_BRPORT_STATE]);
	p->priority = attr_u16(t[IFLA_BRPORT_PRIORITY]);
	p->cost = attr_u32(t[IFLA_BRPORT_COST]);
	p->id = attr_u16(t[IFLA_BRPORT_ID]);
	p->number = attr_u16(t[IFLA_BRPORT_NO]);
	p->designated_port = attr_u16(t[IFLA_BRPORT_DESIGNATED_PORT]);
	p->designated_cost = attr_u16(t[IFLA_BRPORT_DESIGNATED_COST]);
	p->message_age_timer = attr_u64(t[IFLA_BRPORT_MESSAGE_AGE_TIMER]);
	p->forward_delay_timer = attr_u64(t[IFLA_BRPORT_FORWARD_DELAY_TIMER]);
	p->hold_timer = attr_u64(t[IFLA_BRPORT_HOLD_TIMER]);
	(void)attr_bytes(t[IFLA_BRPORT_ROOT_ID], p->designated_root, sizeof p->designated_root);
	(void)attr_bytes(t[IFLA_BRPORT_BRIDGE_ID], p->designated_bridge,
			 sizeof p->designated_bridge);
}

static void info_parse(const struct nlattr *info, struct kernel_link *link)
{
	const struct nlattr *t[IFLA_INFO_SLAVE_DATA + 1];
	char slave_kind[IFNAMSIZ];

	attrs_of_nest(info, t, IFLA_INFO_SLAVE_DATA);
	attr_string(t[IFLA_INFO_KIND], link->kind, sizeof link->kind);
	attr_string(t[IFLA_INFO_SLAVE_KIND], slave_kind, sizeof slave_kind);
	if (strcmp(link->kind, "vxlan") == 0)
		vxlan_parse(t[IFLA_INFO_DATA], link);
	else if (strcmp(link->kind, "bridge") == 0)
		bridge_parse(t[IFLA_INFO_DATA], &link->bridge);
	if (strcmp(slave_kind, "bridge") == 0) {
		link->is_port = true;
		port_parse(t[IFLA_INFO_SLAVE_DATA], &link->port);
	}
}

// IFLA_INET6_CONF is an array of 32-bit values indexed by DEVCONF_….
static void inet6_parse(const struct nlattr *spec, struct kernel_link *link)
{
	const struct nlattr *families[AF_INET6 + 1];
	const struct nlattr *t[IFLA_INET6_MAX + 1];
	int32_t conf[DEVCONF_DISABLE_IPV6 + 1];

	attrs_of_nest(spec, families, AF_INET6);
	attrs_of_nest(families[AF_INET6], t, IFLA_INET6_MAX);
	if (!attr_bytes(t[IFLA_INET6_CONF], conf, sizeof conf))
		return;
	link->accept_ra = conf[DEVCONF_ACCEPT_RA];
	link->ipv6_off = conf[DEVCONF_DISABLE_IPV6] != 0;
}

static void stats_parse(const struct nlattr *attr, struct kernel_stats *ret)
{
	struct rtnl_link_stats64 s = { 0 };
	// Older kernels have a shorter struct; the fields read here were always in it.
	const size_t needed = offsetof(struct rtnl_link_stats64, multicast);

	if (!attr_bytes(attr, &s, needed))
		return;
	ret->rx_bytes = s.rx_bytes;
	ret->tx_bytes = s.tx_bytes;
	ret->rx_packets = s.rx_packets;
	ret->tx_packets = s.tx_packets;
	ret->rx_drops = s.rx_dropped;
}

int link_message_parse(const struct nlmsghdr *nlh, struct kernel_link *ret)
{
	const struct nlattr *t[IFLA_MAX + 1];
	struct kernel_link link = { .accept_ra = -1 };
	struct ifinfomsg ifi;

	if (nlh->nlmsg_type != RTM_NEWLINK && nlh->nlmsg_type != RTM_DELLINK)
		return -ENOMSG;
	if (nlh->nlmsg_len < sizeof *nlh || mnl_nlmsg_get_payload_len(nlh) < sizeof ifi)
		return -EBADMSG;
	memcpy(&ifi, mnl_nlmsg_get_payload(nlh), sizeof ifi);
	attrs_of_message(nlh, sizeof ifi, t, IFLA_MAX);
	link.index = ifi.ifi_index;
	link.flags = ifi.ifi_flags;
	link.mtu = attr_u32(t[IFLA_MTU]);
	link.group = attr_u32(t[IFLA_GROUP]);
	link.master_index = (int)attr_u32(t[IFLA_MASTER]);
	link.parent_index = (int)attr_u32(t[IFLA_LINK]);
	attr_string(t[IFLA_IFNAME], link.name, sizeof link.name);
	attr_string(t[IFLA_IFALIAS], link.alias, sizeof link.alias);
	(void)attr_bytes(t[IFLA_ADDRESS], link.mac, sizeof link.mac);
	info_parse(t[IFLA_LINKINFO], &link);
	inet6_parse(t[IFLA_AF_SPEC], &link);
	stats_parse(t[IFLA_STATS64], &link.stats);
	*ret = link;
	return 0;
}
