#include "kernel/question.h"

#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <nftables/libnftables.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"

#include "kernel/attributes.h"
#include "kernel/netlink.h"
#include "kernel/nft_batch.h"
#include "kernel/route_messages.h"

#define QUEUES_TOO_MANY 100000 // of which no link has so many: the kind is known, nothing is made

CLEAN_FUNC(struct nft_ctx, nft_ctx_free)

static int take_route(const struct nlmsghdr *nlh, void *context)
{
	struct kernel_route *route = context;

	(void)route_message_parse(nlh, route);
	if (route->index && !if_indextoname((unsigned)route->index, route->device))
		route->device[0] = '\0';
	return 0;
}

int kernel_route_to(const struct kernel_packet *packet, struct kernel_route *ret, struct err *err)
{
	_Alignas(8) char buf[NETLINK_REQUEST_SIZE];
	CLEAN(netlink_close_ptr) struct netlink *nl = NULL;
	struct kernel_route route = { 0 };
	const unsigned in = packet->device[0] ? if_nametoindex(packet->device) : 0;

	if (packet->device[0] && in == 0)
		return err_set(err, -ENODEV, "there is no device %s", packet->device);
	int rc = netlink_open(NETLINK_ROUTE, &nl, err);
	if (rc == 0)
		rc = netlink_talk(nl, route_get_build(buf, packet, (int)in), take_route, &route,
				  err);
	if (rc == 0)
		*ret = route;
	return rc;
}

// ---- one element of a set ----

static struct nlmsghdr *element_get_build(void *buf, const char *set, const struct kernel_ip *ip)
{
	struct nlmsghdr *nlh = nft_message_put(buf, NFT_MSG_GETSETELEM, 0, NFPROTO_INET);

	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, "weft_policy");
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, set);
	struct nlattr *list = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
	struct nlattr *element = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
	struct nlattr *key = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_KEY);
	mnl_attr_put(nlh, NFTA_DATA_VALUE, ip_size(ip->family), ip->bytes);
	mnl_attr_nest_end(nlh, key);
	mnl_attr_nest_end(nlh, element);
	mnl_attr_nest_end(nlh, list);
	return nlh;
}

static int take_time_left(const struct nlmsghdr *nlh, void *context)
{
	const struct nlattr *t[NFTA_SET_ELEM_LIST_MAX + 1], *fields[NFTA_SET_ELEM_MAX + 1];
	int64_t *left_ms = context;

	attrs_of_message(nlh, sizeof(struct nfgenmsg), t, NFTA_SET_ELEM_LIST_MAX);
	const struct nlattr *list = t[NFTA_SET_ELEM_LIST_ELEMENTS];
	attrs_of_nest(list ? attr_nested(list, NULL) : NULL, fields, NFTA_SET_ELEM_MAX);
	if (fields[NFTA_SET_ELEM_EXPIRATION])
		*left_ms = (int64_t)be64toh(attr_u64(fields[NFTA_SET_ELEM_EXPIRATION]));
	return 0;
}

int kernel_policy_has(const char *set, const struct kernel_ip *ip, int64_t *ret_ms, struct err *err)
{
	_Alignas(8) char buf[NETLINK_REQUEST_SIZE];
	CLEAN(netlink_close_ptr) struct netlink *nl = NULL;
	int64_t left_ms = INT64_MAX;

	int rc = netlink_open(NETLINK_NETFILTER, &nl, err);
	if (rc == 0)
		rc = netlink_talk(nl, element_get_build(buf, set, ip), take_time_left, &left_ms,
				  err);
	if (rc == 0)
		*ret_ms = left_ms;
	return rc;
}

// ---- the rest ----

int kernel_knows_kind(const char *kind, struct err *err)
{
	_Alignas(8) char buf[NETLINK_REQUEST_SIZE];
	CLEAN(netlink_close_ptr) struct netlink *nl = NULL;

	int rc = netlink_open(NETLINK_ROUTE, &nl, err);
	if (rc < 0)
		return rc;
	struct nlmsghdr *nlh = link_create_kind_build(buf, "weft-try", kind);
	mnl_attr_put_u32(nlh, IFLA_NUM_TX_QUEUES, QUEUES_TOO_MANY);
	rc = netlink_talk(nl, nlh, NULL, NULL, err);
	return rc == -EINVAL || rc == -EEXIST ? 0 : rc;
}

int kernel_ruleset(char **ret_json, struct err *err)
{
	CLEAN(nft_ctx_free_ptr) struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);

	if (!nft || nft_ctx_buffer_output(nft) || nft_ctx_buffer_error(nft))
		return err_set(err, -ENOMEM, "nftables cannot be opened");
	nft_ctx_output_set_flags(nft, NFT_CTX_OUTPUT_JSON | NFT_CTX_OUTPUT_TERSE);
	if (nft_run_cmd_from_buffer(nft, "list ruleset") != 0) {
		const char *why = nft_ctx_get_error_buffer(nft);
		return err_set(err, -EIO, "nftables cannot be read: %.*s", (int)strcspn(why, "\n"),
			       why);
	}
	char *copy = strdup(nft_ctx_get_output_buffer(nft));
	if (!copy)
		return err_set(err, -ENOMEM, "out of memory");
	*ret_json = copy;
	return 0;
}
