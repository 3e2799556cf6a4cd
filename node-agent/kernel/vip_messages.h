// The rules of tables weft_ha_N as nft text, and the netlink batches that open and close them.
// Pure.
#pragma once

#include <linux/netlink.h>

#include "kernel/vip.h"

enum { VIP_TABLE_SIZE = 32, VIP_DIGEST_SIZE = 17 };

void vip_table_name(char ret[VIP_TABLE_SIZE], const struct vip_set *set);

// Group and part of the set whose table's name `text` begins with.
void vip_table_read(const char *text, struct vip_set *ret);

// A transaction that replaces both tables, closed; the comment is what vip_rules_digest says.
void vip_rules_render(struct text *out, const struct vip_set *set);
void vip_rules_digest(const struct vip_set *set, char ret[VIP_DIGEST_SIZE]);

// Batches: the bytes written into `buf` of NETLINK_REQUEST_SIZE bytes, aligned to 4.
size_t vip_pledge_build(void *buf, const struct vip_set *set, enum vip_slot slot, int64_t ms);
size_t vip_use_build(void *buf, const struct vip_set *set, enum vip_slot slot);

// Asks for the elements of a slot in table inet weft_ha_N: those in use, or those with a span.
struct nlmsghdr *vip_read_build(void *buf, const struct vip_set *set, enum vip_slot slot,
				bool of_use);
// How many elements a message of the answer has, and the shortest time that one of them has left in
// ms (untouched where none has a time-out). Negative errno when it is no such message.
int vip_read_parse(const struct nlmsghdr *nlh, size_t *ret_count, int64_t *ret_ms);
