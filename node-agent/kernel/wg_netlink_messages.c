#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>

#include "kernel/attributes.h"
#include "kernel/list.h"
#include "kernel/wg_messages.h"

static struct nlmsghdr *genl_message(void *buf, uint16_t family, uint16_t flags, uint8_t command)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *genl;

	nlh->nlmsg_type = family;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof *genl);
	genl->cmd = command;
	genl->version = 1; // of CTRL and of WG_GENL_VERSION alike
	return nlh;
}

struct nlmsghdr *genl_family_build(void *buf, const char *family)
{
	struct nlmsghdr *nlh = genl_message(buf, GENL_ID_CTRL, NLM_F_ACK, CTRL_CMD_GETFAMILY);

	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, family);
	return nlh;
}

int genl_family_parse(const struct nlmsghdr *nlh, uint16_t *ret_id)
{
	const struct nlattr *t[CTRL_ATTR_FAMILY_ID + 1];

	attrs_of_message(nlh, sizeof(struct genlmsghdr), t, CTRL_ATTR_FAMILY_ID);
	if (!t[CTRL_ATTR_FAMILY_ID])
		return -ENOMSG;
	*ret_id = attr_u16(t[CTRL_ATTR_FAMILY_ID]);
	return 0;
}

struct nlmsghdr *wg_get_build(void *buf, uint16_t family, const char *device)
{
	struct nlmsghdr *nlh = genl_message(buf, family, NLM_F_DUMP, WG_CMD_GET_DEVICE);

	mnl_attr_put_strz(nlh, WGDEVICE_A_IFNAME, device);
	return nlh;
}

static struct kernel_endpoint endpoint_of(const struct nlattr *attr)
{
	struct kernel_endpoint e = { 0 };
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	sa_family_t family = attr_u16(attr);

	if (family == AF_INET && attr_bytes(attr, &v4, sizeof v4)) {
		e.ip.family = AF_INET;
		e.port = ntohs(v4.sin_port);
		memcpy(e.ip.bytes, &v4.sin_addr, sizeof v4.sin_addr);
	} else if (family == AF_INET6 && attr_bytes(attr, &v6, sizeof v6)) {
		e.ip.family = AF_INET6;
		e.port = ntohs(v6.sin6_port);
		memcpy(e.ip.bytes, &v6.sin6_addr, sizeof v6.sin6_addr);
	}
	return e;
}

static int allowed_parse(const struct nlattr *nest, struct kernel_peer *peer)
{
	for (const struct nlattr *attr = attr_nested(nest, NULL); attr;
	     attr = attr_nested(nest, attr)) {
		const struct nlattr *t[WGALLOWEDIP_A_MAX + 1];

		attrs_of_nest(attr, t, WGALLOWEDIP_A_MAX);
		const struct kernel_ip ip = attr_ip(t[WGALLOWEDIP_A_IPADDR],
						    (uint8_t)attr_u16(t[WGALLOWEDIP_A_FAMILY]));
		if (!ip.family)
			return -EBADMSG;
		struct kernel_prefix *p =
			list_add(&peer->allowed, &peer->allowed_len, sizeof *peer->allowed);
		if (!p)
			return -ENOMEM;
		p->ip = ip;
		p->len = attr_u8(t[WGALLOWEDIP_A_CIDR_MASK]);
	}
	return 0;
}

static void peer_facts_parse(const struct nlattr **t, struct kernel_peer *peer)
{
	struct {
		int64_t tv_sec, tv_nsec;
	} handshake = { 0 };

	peer->keepalive = attr_u16(t[WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL]);
	peer->rx_bytes = attr_u64(t[WGPEER_A_RX_BYTES]);
	peer->tx_bytes = attr_u64(t[WGPEER_A_TX_BYTES]);
	if (t[WGPEER_A_ENDPOINT])
		peer->endpoint = endpoint_of(t[WGPEER_A_ENDPOINT]);
	if (attr_bytes(t[WGPEER_A_LAST_HANDSHAKE_TIME], &handshake, sizeof handshake))
		peer->handshake = handshake.tv_sec;
}

static int peer_parse(const struct nlattr *nest, struct kernel_wg *wg)
{
	const struct nlattr *t[WGPEER_A_MAX + 1];
	struct kernel_peer *peer = wg->peers_len ? &wg->peers[wg->peers_len - 1] : NULL;
	struct kernel_key key;

	attrs_of_nest(nest, t, WGPEER_A_MAX);
	if (!attr_bytes(t[WGPEER_A_PUBLIC_KEY], &key, sizeof key))
		return -EBADMSG;
	// A peer that did not fit goes on, with its key and the rest of its allowed IPs only.
	if (!peer || memcmp(&peer->public_key, &key, sizeof key) != 0) {
		peer = list_add(&wg->peers, &wg->peers_len, sizeof *wg->peers);
		if (!peer)
			return -ENOMEM;
		peer->public_key = key;
		peer_facts_parse(t, peer);
	}
	return t[WGPEER_A_ALLOWEDIPS] ? allowed_parse(t[WGPEER_A_ALLOWEDIPS], peer) : 0;
}

int wg_get_parse(const struct nlmsghdr *nlh, struct kernel_wg *wg)
{
	const struct nlattr *t[WGDEVICE_A_MAX + 1];

	if (nlh->nlmsg_len < sizeof *nlh ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(struct genlmsghdr))
		return -EBADMSG;
	attrs_of_message(nlh, sizeof(struct genlmsghdr), t, WGDEVICE_A_MAX);
	(void)attr_bytes(t[WGDEVICE_A_PRIVATE_KEY], &wg->private_key, sizeof wg->private_key);
	if (t[WGDEVICE_A_LISTEN_PORT])
		wg->port = attr_u16(t[WGDEVICE_A_LISTEN_PORT]);
	if (t[WGDEVICE_A_FWMARK])
		wg->fwmark = attr_u32(t[WGDEVICE_A_FWMARK]);
	if (!t[WGDEVICE_A_PEERS])
		return 0;
	const struct nlattr *const peers = t[WGDEVICE_A_PEERS];
	for (const struct nlattr *attr = attr_nested(peers, NULL); attr;
	     attr = attr_nested(peers, attr)) {
		int rc = peer_parse(attr, wg);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static void put_endpoint(struct nlmsghdr *nlh, const struct kernel_endpoint *e)
{
	if (e->ip.family == AF_INET) {
		struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(e->port) };

		memcpy(&v4.sin_addr, e->ip.bytes, sizeof v4.sin_addr);
		mnl_attr_put(nlh, WGPEER_A_ENDPOINT, sizeof v4, &v4);
	} else if (e->ip.family == AF_INET6) {
		struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(e->port) };

		memcpy(&v6.sin6_addr, e->ip.bytes, sizeof v6.sin6_addr);
		mnl_attr_put(nlh, WGPEER_A_ENDPOINT, sizeof v6, &v6);
	}
}

// The peer's own attributes, which only the first message with this peer carries.
static void put_peer_facts(struct nlmsghdr *nlh, const struct kernel_peer_change *p)
{
	uint32_t flags = p->set_allowed ? WGPEER_F_REPLACE_ALLOWEDIPS : 0;

	if (p->remove)
		flags = WGPEER_F_REMOVE_ME;
	if (flags)
		mnl_attr_put_u32(nlh, WGPEER_A_FLAGS, flags);
	if (p->remove)
		return;
	put_endpoint(nlh, &p->endpoint);
	if (p->set_keepalive)
		mnl_attr_put_u16(nlh, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, p->keepalive);
}

static void put_allowed(struct nlmsghdr *nlh, const struct kernel_prefix *p)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, 0);

	mnl_attr_put_u16(nlh, WGALLOWEDIP_A_FAMILY, p->ip.family);
	mnl_attr_put(nlh, WGALLOWEDIP_A_IPADDR, ip_size(p->ip.family), p->ip.bytes);
	mnl_attr_put_u8(nlh, WGALLOWEDIP_A_CIDR_MASK, p->len);
	mnl_attr_nest_end(nlh, nest);
}

#define ALLOWED_ROOM 64  // more than one allowed IP takes
#define PEER_ROOM    256 // more than a peer without its allowed IPs takes

// True when the whole rest of the peer went into this message.
static bool put_peer(struct nlmsghdr *nlh, size_t limit, const struct kernel_peer_change *p,
		     size_t *allowed_at)
{
	const size_t count = p->set_allowed && !p->remove ? p->allowed_len : 0;
	struct nlattr *nest = mnl_attr_nest_start(nlh, 0);

	mnl_attr_put(nlh, WGPEER_A_PUBLIC_KEY, sizeof p->public_key, &p->public_key);
	if (*allowed_at == 0)
		put_peer_facts(nlh, p);
	if (*allowed_at < count) {
		struct nlattr *list = mnl_attr_nest_start(nlh, WGPEER_A_ALLOWEDIPS);

		while (*allowed_at < count && nlh->nlmsg_len + ALLOWED_ROOM < limit)
			put_allowed(nlh, &p->allowed[(*allowed_at)++]);
		mnl_attr_nest_end(nlh, list);
	}
	mnl_attr_nest_end(nlh, nest);
	return *allowed_at >= count;
}

struct nlmsghdr *wg_set_build(void *buf, size_t limit, uint16_t family, const char *device,
			      const struct kernel_wg_change *c, struct wg_set_cursor *cursor)
{
	if (cursor->started && cursor->peer >= c->peers_len)
		return NULL;
	struct nlmsghdr *nlh = genl_message(buf, family, NLM_F_ACK, WG_CMD_SET_DEVICE);
	mnl_attr_put_strz(nlh, WGDEVICE_A_IFNAME, device);
	if (!cursor->started && c->private_key)
		mnl_attr_put(nlh, WGDEVICE_A_PRIVATE_KEY, sizeof *c->private_key, c->private_key);
	if (!cursor->started && c->port)
		mnl_attr_put_u16(nlh, WGDEVICE_A_LISTEN_PORT, *c->port);
	cursor->started = true;
	if (cursor->peer >= c->peers_len)
		return nlh;
	struct nlattr *peers = mnl_attr_nest_start(nlh, WGDEVICE_A_PEERS);
	while (cursor->peer < c->peers_len && nlh->nlmsg_len + PEER_ROOM < limit) {
		if (!put_peer(nlh, limit, &c->peers[cursor->peer], &cursor->allowed))
			break;
		cursor->peer++;
		cursor->allowed = 0;
	}
	mnl_attr_nest_end(nlh, peers);
	return nlh;
}
