#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "kernel/attributes.h"
#include "kernel/route_messages.h"

#define PORT_FIELDS (KERNEL_LINK_PORT_OPTIONS | KERNEL_LINK_PORT_STATE | KERNEL_LINK_PORT_FLUSH)

static struct nlmsghdr *link_message(void *buf, uint16_t type, uint16_t flags, int index)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *ifi;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof *ifi);
	ifi->ifi_family = AF_UNSPEC;
	ifi->ifi_index = index;
	return nlh;
}

struct nlmsghdr *link_dump_build(void *buf)
{
	return link_message(buf, RTM_GETLINK, NLM_F_DUMP, 0);
}

struct nlmsghdr *link_get_build(void *buf, int index)
{
	return link_message(buf, RTM_GETLINK, 0, index);
}

static void put_ip(struct nlmsghdr *nlh, uint16_t type4, uint16_t type6, const struct kernel_ip *ip)
{
	if (ip->family)
		mnl_attr_put(nlh, ip->family == AF_INET ? type4 : type6, ip_size(ip->family),
			     ip->bytes);
}

static void put_vxlan(struct nlmsghdr *nlh, const struct kernel_vxlan *v, int parent_index)
{
	mnl_attr_put_u32(nlh, IFLA_VXLAN_ID, v->vni);
	if (parent_index)
		mnl_attr_put_u32(nlh, IFLA_VXLAN_LINK, (uint32_t)parent_index);
	put_ip(nlh, IFLA_VXLAN_GROUP, IFLA_VXLAN_GROUP6, &v->remote);
	put_ip(nlh, IFLA_VXLAN_LOCAL, IFLA_VXLAN_LOCAL6, &v->local);
	mnl_attr_put_u16(nlh, IFLA_VXLAN_PORT, __builtin_bswap16(v->port)); // network order
	mnl_attr_put_u8(nlh, IFLA_VXLAN_TTL, v->ttl);
	mnl_attr_put_u8(nlh, IFLA_VXLAN_LEARNING, v->learning);
	mnl_attr_put_u8(nlh, IFLA_VXLAN_UDP_CSUM, v->udp_csum);
	mnl_attr_put_u8(nlh, IFLA_VXLAN_UDP_ZERO_CSUM6_TX, v->zero_csum6);
	mnl_attr_put_u8(nlh, IFLA_VXLAN_UDP_ZERO_CSUM6_RX, v->zero_csum6);
}

static void put_bridge(struct nlmsghdr *nlh, const struct kernel_bridge *b)
{
	mnl_attr_put_u32(nlh, IFLA_BR_FORWARD_DELAY, b->forward_delay);
	mnl_attr_put_u32(nlh, IFLA_BR_HELLO_TIME, b->hello_time);
	mnl_attr_put_u32(nlh, IFLA_BR_MAX_AGE, b->max_age);
	if (b->ageing_time)
		mnl_attr_put_u32(nlh, IFLA_BR_AGEING_TIME, b->ageing_time);
	mnl_attr_put_u16(nlh, IFLA_BR_PRIORITY, b->priority);
	mnl_attr_put_u8(nlh, IFLA_BR_MCAST_SNOOPING, b->mcast_snooping);
	mnl_attr_put_u32(nlh, IFLA_BR_STP_STATE, b->stp);
}

static bool mac_is_set(const uint8_t mac[6])
{
	static const uint8_t none[6];

	return memcmp(mac, none, sizeof none) != 0;
}

struct nlmsghdr *link_create_build(void *buf, const struct kernel_link_make *make, int parent_index)
{
	struct nlmsghdr *nlh = link_message(buf, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
	bool vxlan = make->kind == KERNEL_LINK_VXLAN;

	mnl_attr_put_strz(nlh, IFLA_IFNAME, make->name);
	mnl_attr_put_u32(nlh, IFLA_GROUP, KERNEL_LINK_GROUP);
	if (mac_is_set(make->mac))
		mnl_attr_put(nlh, IFLA_ADDRESS, sizeof make->mac, make->mac);
	struct nlattr *info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, vxlan ? "vxlan" : "bridge");
	struct nlattr *data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	if (vxlan)
		put_vxlan(nlh, &make->vxlan, parent_index);
	else
		put_bridge(nlh, &make->bridge);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
	return nlh;
}

struct nlmsghdr *link_create_kind_build(void *buf, const char *name, const char *kind)
{
	struct nlmsghdr *nlh = link_message(buf, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);

	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	mnl_attr_put_u32(nlh, IFLA_GROUP, KERNEL_LINK_GROUP);
	struct nlattr *info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, kind);
	mnl_attr_nest_end(nlh, info);
	return nlh;
}

static void put_port(struct nlmsghdr *nlh, const struct kernel_link_change *c)
{
	if (c->fields & KERNEL_LINK_PORT_OPTIONS) {
		mnl_attr_put_u32(nlh, IFLA_BRPORT_COST, c->port.cost);
		mnl_attr_put_u16(nlh, IFLA_BRPORT_PRIORITY, c->port.priority);
	}
	if (c->fields & KERNEL_LINK_PORT_STATE)
		mnl_attr_put_u8(nlh, IFLA_BRPORT_STATE, c->port.state);
	if (c->fields & KERNEL_LINK_PORT_FLUSH)
		mnl_attr_put(nlh, IFLA_BRPORT_FLUSH, 0, NULL);
}

static void put_options(struct nlmsghdr *nlh, const struct kernel_link_change *c)
{
	struct nlattr *info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	struct nlattr *data;

	if (c->fields & KERNEL_LINK_BRIDGE_OPTIONS) {
		mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "bridge");
		data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
		put_bridge(nlh, &c->bridge);
		mnl_attr_nest_end(nlh, data);
	}
	if (c->fields & KERNEL_LINK_STP_OFF) {
		mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "bridge");
		data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
		mnl_attr_put_u32(nlh, IFLA_BR_STP_STATE, 0);
		mnl_attr_nest_end(nlh, data);
	}
	if (c->fields & PORT_FIELDS) {
		mnl_attr_put_strz(nlh, IFLA_INFO_SLAVE_KIND, "bridge");
		data = mnl_attr_nest_start(nlh, IFLA_INFO_SLAVE_DATA);
		put_port(nlh, c);
		mnl_attr_nest_end(nlh, data);
	}
	mnl_attr_nest_end(nlh, info);
}

static void put_no_addr_gen(struct nlmsghdr *nlh)
{
	struct nlattr *spec = mnl_attr_nest_start(nlh, IFLA_AF_SPEC);
	struct nlattr *inet6 = mnl_attr_nest_start(nlh, AF_INET6);

	mnl_attr_put_u8(nlh, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(nlh, inet6);
	mnl_attr_nest_end(nlh, spec);
}

struct nlmsghdr *link_change_build(void *buf, int index, const struct kernel_link_change *c,
				   int master_index)
{
	struct nlmsghdr *nlh = link_message(buf, RTM_NEWLINK, 0, index);
	struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);

	if (c->fields & KERNEL_LINK_UP) {
		ifi->ifi_flags = IFF_UP;
		ifi->ifi_change = IFF_UP;
	}
	if (c->fields & KERNEL_LINK_ALIAS)
		mnl_attr_put_str(nlh, IFLA_IFALIAS, c->alias);
	if (c->fields & KERNEL_LINK_GROUP_CLEAR)
		mnl_attr_put_u32(nlh, IFLA_GROUP, 0);
	if (c->fields & KERNEL_LINK_MTU)
		mnl_attr_put_u32(nlh, IFLA_MTU, c->mtu);
	if (c->fields & KERNEL_LINK_MAC)
		mnl_attr_put(nlh, IFLA_ADDRESS, sizeof c->mac, c->mac);
	if (c->fields & KERNEL_LINK_MASTER)
		mnl_attr_put_u32(nlh, IFLA_MASTER, (uint32_t)master_index);
	if (c->fields & KERNEL_LINK_NO_ADDR_GEN)
		put_no_addr_gen(nlh);
	if (c->fields & (KERNEL_LINK_BRIDGE_OPTIONS | KERNEL_LINK_STP_OFF | PORT_FIELDS))
		put_options(nlh, c);
	return nlh;
}

struct nlmsghdr *link_delete_build(void *buf, int index)
{
	return link_message(buf, RTM_DELLINK, 0, index);
}
