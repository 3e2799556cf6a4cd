#include "kernel/route_batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/netlink.h"
#include "kernel/route_messages.h"

enum { ROUTE_SIZE = 256 }; // of one request at most

struct route_batch {
	struct netlink *nl;
	uint8_t protocol;
};

void route_batch_close(struct route_batch *batch)
{
	if (batch)
		netlink_close(batch->nl);
	free(batch);
}

int route_batch_open(uint8_t route_protocol, struct route_batch **ret, struct err *err)
{
	CLEAN(route_batch_close_ptr) struct route_batch *batch = calloc(1, sizeof *batch);

	if (!batch)
		return err_set(err, -ENOMEM, "out of memory");
	batch->protocol = route_protocol;
	int rc = netlink_open(NETLINK_ROUTE, &batch->nl, err);
	if (rc == 0)
		*ret = take_ptr(&batch);
	return rc;
}

struct filling {
	_Alignas(8) char bytes[NETLINK_REQUEST_SIZE];
	size_t len;
};

// 0, or -ENODEV: the device of the route is not there.
static int add(const struct route_batch *batch, struct filling *f, const struct kernel_route *r,
	       bool is_put)
{
	_Alignas(8) char one[NETLINK_REQUEST_SIZE];
	struct kernel_route route = *r;
	const unsigned index = r->device[0] ? if_nametoindex(r->device) : 0;

	if (r->device[0] && index == 0)
		return -ENODEV;
	route.protocol = batch->protocol;
	const struct nlmsghdr *nlh = is_put ? route_put_build(one, &route, (int)index, true)
					    : route_drop_build(one, &route, (int)index);
	memcpy(f->bytes + f->len, nlh, nlh->nlmsg_len);
	f->len += netlink_aligned(nlh->nlmsg_len);
	return 0;
}

static int change(struct route_batch *batch, const struct kernel_route *routes, size_t len,
		  bool is_put, struct err *err)
{
	struct filling f = { .len = 0 };
	int first = 0;

	for (size_t i = 0; i < len; i++) {
		int rc = add(batch, &f, &routes[i], is_put);

		// With its device the kernel has dropped it.
		if (rc < 0 && is_put && !first)
			first = err_set(err, rc, "there is no device %s", routes[i].device);
		if (f.len == 0 || (f.len + ROUTE_SIZE <= sizeof f.bytes && i + 1 < len))
			continue;
		rc = netlink_talk_many(batch->nl, f.bytes, f.len, is_put ? 0 : -ESRCH,
				       first ? NULL : err);
		first = first ? first : rc;
		f.len = 0;
	}
	return first;
}

int route_batch_put(struct route_batch *batch, const struct kernel_route *routes, size_t len,
		    struct err *err)
{
	return change(batch, routes, len, true, err);
}

int route_batch_drop(struct route_batch *batch, const struct kernel_route *routes, size_t len,
		     struct err *err)
{
	return change(batch, routes, len, false, err);
}
