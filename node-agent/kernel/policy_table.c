#include "kernel/policy_table.h"

#include <errno.h>

#include "kernel/policy_table_messages.h"

enum { REQUEST_SIZE = 256, DUMP_TRIES = 32 };

static int take(const struct nlmsghdr *nlh, void *context)
{
	return policy_part_parse(nlh, context);
}

static int read_once(struct netlink *netlink, struct kernel_policy *ret, struct err *err)
{
	_Alignas(8) char request[REQUEST_SIZE];

	*ret = (struct kernel_policy){ .rules_sum = POLICY_SUM_NOTHING };
	int rc = netlink_talk(netlink, policy_table_build(request), NULL, NULL, err);
	ret->exists = rc == 0;
	for (int part = 0; rc == 0 && part < POLICY_PARTS; part++)
		rc = netlink_talk(netlink, policy_part_build(request, (enum policy_part)part), take,
				  ret, err);
	return rc;
}

int policy_table_read(struct netlink *netlink, struct kernel_policy *ret, struct err *err)
{
	struct err why = { 0 };
	int rc = -EINTR;

	// What is learned changes the tables all the while, and each change cuts a reading short.
	for (int i = 0; i < DUMP_TRIES && rc == -EINTR; i++) {
		CLEAN(kernel_policy_done) struct kernel_policy p;

		rc = read_once(netlink, &p, &why);
		if (rc == 0 || rc == -ENOENT) {
			*ret = rc == 0 ? p : (struct kernel_policy){ 0 };
			if (rc == 0)
				p = (struct kernel_policy){ 0 };
			return 0;
		}
	}
	return err_set(err, rc == -ENOMEM ? rc : -EIO, "nftables cannot be read: %s", why.text);
}
