#include "kernel/default_route.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

#include "kernel/route_messages.h"

struct search {
	int index; // of the device, 0: any
	struct kernel_route best;
	bool is_found;
};

static int take(const struct nlmsghdr *nlh, void *context)
{
	struct search *s = context;
	struct kernel_route route;

	if (route_message_parse_by(nlh, s->index, &route) < 0 || route.table != RT_TABLE_MAIN ||
	    route.to.len != 0 || route.type != KERNEL_ROUTE_UNICAST || route.index == 0 ||
	    (s->is_found && route.metric >= s->best.metric))
		return 0;
	s->best = route;
	s->is_found = true;
	return 0;
}

int default_route_find(struct netlink *nl, const char *device, uint8_t family,
		       struct kernel_route *ret, struct err *err)
{
	_Alignas(8) char buf[NETLINK_REQUEST_SIZE];
	struct search s = { .index = (int)(device[0] ? if_nametoindex(device) : 0) };
	int rc = -EINTR;

	if (device[0] && s.index == 0)
		return err_set(err, -ENOENT, "there is no device %s", device);
	// A dump that a change ran into is taken again.
	for (int try = 0; try < 10 && rc == -EINTR; try++) {
		s.is_found = false;
		rc = netlink_talk(nl, route_dump_main_build(buf, family, s.index), take, &s, err);
	}
	if (rc < 0)
		return rc;
	if (!s.is_found || !if_indextoname((unsigned)s.best.index, s.best.device))
		return err_set(err, -ENOENT, "there is no default route%s%s",
			       device[0] ? " by " : "", device);
	*ret = s.best;
	return 0;
}
