// One netlink socket: send a request and wait for its acknowledgement, or collect the messages of a
// dump.
#pragma once

#include <libmnl/libmnl.h>

#include "base/clean.h"
#include "base/err.h"

// Room for one request. The largest built here (a WireGuard peer with its allowed IPs) is split to
// fit.
#define NETLINK_REQUEST_SIZE 16384

struct netlink;

// `bus` is NETLINK_ROUTE or NETLINK_GENERIC.
int netlink_open(int bus, struct netlink **ret, struct err *err);
void netlink_close(struct netlink *nl);
CLEAN_FUNC(struct netlink, netlink_close)

// Lets batches of `size` bytes be sent, every message of which may fail; needs CAP_NET_ADMIN.
int netlink_widen(struct netlink *nl, int size, struct err *err);
// Forgets what was answered and not read yet.
void netlink_drain(struct netlink *nl);

// Called for every message of an answer; it returns 0 or a negative errno, which ends the walk.
typedef int (*netlink_message_fn)(const struct nlmsghdr *nlh, void *context);

// Sends `request` (whose flags say what it is; a sequence number is put in, and NLM_F_ACK unless it
// is a dump) and reads to the end of the answer. The kernel's refusal is returned as its errno, its
// own words in `err` where it has any.
int netlink_talk(struct netlink *nl, struct nlmsghdr *request, netlink_message_fn fn, void *context,
		 struct err *err);

// Sends an nfnetlink batch of `len` bytes and reads until it is in force, or why it is not: then
// none of it is.
int netlink_talk_batch(struct netlink *nl, void *batch, size_t len, struct err *err);

// Where the next of several messages begins behind one of that length.
static inline size_t netlink_aligned(size_t len)
{
	return (len + (size_t)MNL_ALIGNTO - 1) / (size_t)MNL_ALIGNTO * (size_t)MNL_ALIGNTO;
}

// Sends `len` bytes of aligned requests, none of them a dump, in one call and reads the kernel's
// acknowledgement of each. The first refusal is returned, the others were done all the same;
// `harmless` (0: none) is a refusal that is none.
int netlink_talk_many(struct netlink *nl, char *requests, size_t len, int harmless,
		      struct err *err);
