// Reading netlink messages and attributes that may be absent, short, unterminated or lying about
// their length.
#pragma once

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/values.h"

// Walks the whole messages of a datagram: `for (size_t at = 0; (nlh = message_next(buf, size,
// &at));)`. `buf` is aligned to 4. (libmnl's own walk takes a length of 2 GiB and more for a small
// one.)
const struct nlmsghdr *message_next(const void *buf, size_t size, size_t *at);

// Fills table[0..max] with the attributes of a payload; unknown types are skipped. Stops at the
// first broken one.
void attrs_of_payload(const void *payload, size_t len, const struct nlattr **table, uint16_t max);

// Those behind the family header of `header_len` bytes of a message; none when it is shorter.
void attrs_of_message(const struct nlmsghdr *nlh, size_t header_len, const struct nlattr **table,
		      uint16_t max);

// The nested ones of `attr`, which may be NULL.
void attrs_of_nest(const struct nlattr *attr, const struct nlattr **table, uint16_t max);

// Walks the attributes nested in `nest`: `for (a = attr_nested(nest, NULL); a; a =
// attr_nested(nest, a))`.
const struct nlattr *attr_nested(const struct nlattr *nest, const struct nlattr *before);

// NULL and short attributes read as 0.
uint8_t attr_u8(const struct nlattr *attr);
uint16_t attr_u16(const struct nlattr *attr);
uint32_t attr_u32(const struct nlattr *attr);
uint64_t attr_u64(const struct nlattr *attr);

// Copies what fits, always terminated.
void attr_string(const struct nlattr *attr, char *ret, size_t size);

// False, and nothing written, unless the attribute has at least `len` bytes.
bool attr_bytes(const struct nlattr *attr, void *ret, size_t len);

// An address of `family`; family 0 when absent or short.
struct kernel_ip attr_ip(const struct nlattr *attr, uint8_t family);

static inline size_t ip_size(uint8_t family)
{
	return family == AF_INET ? 4 : 16;
}
