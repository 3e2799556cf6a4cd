#include "kernel/nft_batch.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "kernel/netlink.h"

static struct nlmsghdr *put_header(void *at, uint16_t type, uint16_t flags, uint8_t family,
				   uint16_t resource)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(at);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof *nfg);
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = htons(resource);
	return nlh;
}

struct nlmsghdr *nft_message_put(void *at, uint16_t type, uint16_t flags, uint8_t family)
{
	return put_header(at, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, family, 0);
}

static void put_bound(struct nft_batch *batch, uint16_t type)
{
	const struct nlmsghdr *nlh =
		put_header(batch->at + batch->len, type, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);

	batch->len += netlink_aligned(nlh->nlmsg_len);
}

struct nft_batch nft_batch_begin(void *buf)
{
	struct nft_batch batch = { .at = buf };

	put_bound(&batch, NFNL_MSG_BATCH_BEGIN);
	return batch;
}

struct nlmsghdr *nft_batch_put(struct nft_batch *batch, uint16_t type, uint16_t flags,
			       uint8_t family)
{
	return nft_message_put(batch->at + batch->len, type, flags, family);
}

void nft_batch_close(struct nft_batch *batch, struct nlmsghdr *nlh)
{
	batch->len += netlink_aligned(nlh->nlmsg_len);
	batch->last = nlh;
}

size_t nft_batch_end(struct nft_batch *batch)
{
	batch->last->nlmsg_flags |= NLM_F_ACK;
	put_bound(batch, NFNL_MSG_BATCH_END);
	return batch->len;
}
