#include "kernel/conntrack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <string.h>

#include "base/clean.h"

#include "kernel/netlink.h"

int conntrack_forget(uint32_t mark, uint32_t mask, struct err *err)
{
	_Alignas(8) char buf[NETLINK_REQUEST_SIZE];
	CLEAN(netlink_close_ptr) struct netlink *nl = NULL;
	const struct nfgenmsg header = { .nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0 };

	int rc = netlink_open(NETLINK_NETFILTER, &nl, err);
	if (rc < 0)
		return rc;
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	memcpy(mnl_nlmsg_put_extra_header(nlh, sizeof header), &header, sizeof header);
	mnl_attr_put_u32(nlh, CTA_MARK, htonl(mark));
	mnl_attr_put_u32(nlh, CTA_MARK_MASK, htonl(mask));
	rc = netlink_talk(nl, nlh, NULL, NULL, err);
	// -EINVAL: this kernel has no such part of netlink.
	return rc == -ENOENT || rc == -EINVAL ? 0 : rc;
}

int system_flows_forget(struct kernel *k, uint32_t mark, uint32_t mask, struct err *err)
{
	(void)k;
	return conntrack_forget(mark, mask, err);
}
