// rtnetlink messages of links, addresses, routes and rules: build requests, parse answers. Pure: no
// socket, no clock.
#pragma once

#include <linux/netlink.h>

#include "kernel/kernel.h"

// Builders write into `buf` of NETLINK_REQUEST_SIZE bytes, aligned to 4, and return the header at
// its start. Indexes are those of the devices named; the caller looks them up.

struct nlmsghdr *link_dump_build(void *buf);
struct nlmsghdr *link_get_build(void *buf, int index);
struct nlmsghdr *link_create_build(void *buf, const struct kernel_link_make *make,
				   int parent_index);
struct nlmsghdr *link_create_kind_build(void *buf, const char *name, const char *kind);
struct nlmsghdr *link_change_build(void *buf, int index, const struct kernel_link_change *c,
				   int master_index);
struct nlmsghdr *link_delete_build(void *buf, int index);

struct nlmsghdr *address_dump_build(void *buf);
struct nlmsghdr *address_build(void *buf, bool add, int index, const struct kernel_address *a);

struct nlmsghdr *route_dump_build(void *buf, uint8_t family, uint8_t protocol);
// Of the main table alone, and where the kernel can tell only those by the device of that index; 0:
// by any.
struct nlmsghdr *route_dump_main_build(void *buf, uint8_t family, int index);
// Asks which route a packet takes; `in` is the index of its device.
struct nlmsghdr *route_get_build(void *buf, const struct kernel_packet *packet, int in);
struct nlmsghdr *route_put_build(void *buf, const struct kernel_route *r, int index, bool replace);
struct nlmsghdr *route_drop_build(void *buf, const struct kernel_route *r, int index);

struct nlmsghdr *rule_dump_build(void *buf);
struct nlmsghdr *rule_build(void *buf, bool add, const struct kernel_rule *r);

// Parsers return 0, -EBADMSG for a message too short, -ENOMSG for one of another type.

int link_message_parse(const struct nlmsghdr *nlh, struct kernel_link *ret);
int address_message_parse(const struct nlmsghdr *nlh, struct kernel_address *ret);
int route_message_parse(const struct nlmsghdr *nlh, struct kernel_route *ret);
// The same; of a route by several devices at once what leads by that of `index`, 0: the first.
// -ENOMSG also for a route that does not.
int route_message_parse_by(const struct nlmsghdr *nlh, int index, struct kernel_route *ret);
int rule_message_parse(const struct nlmsghdr *nlh, struct kernel_rule *ret);
