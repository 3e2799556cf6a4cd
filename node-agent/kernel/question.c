#include "kernel/question.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <nftables/libnftables.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"

#include "kernel/netlink.h"
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

int kernel_route_to(const struct kernel_ip *to, struct kernel_route *ret, struct err *err)
{
	_Alignas(8) char buf[NETLINK_REQUEST_SIZE];
	CLEAN(netlink_close_ptr) struct netlink *nl = NULL;
	struct kernel_route route = { 0 };

	int rc = netlink_open(NETLINK_ROUTE, &nl, err);
	if (rc == 0)
		rc = netlink_talk(nl, route_get_build(buf, to), take_route, &route, err);
	if (rc == 0)
		*ret = route;
	return rc;
}

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
