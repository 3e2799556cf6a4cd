#include "kernel/attributes.h"

#include <libmnl/libmnl.h>
#include <string.h>

const struct nlmsghdr *message_next(const void *buf, size_t size, size_t *at)
{
	if (*at >= size || size - *at < sizeof(struct nlmsghdr))
		return NULL;
	const struct nlmsghdr *nlh = (const void *)((const char *)buf + *at);
	if (nlh->nlmsg_len < sizeof *nlh || nlh->nlmsg_len > size - *at)
		return NULL;
	*at += ((size_t)nlh->nlmsg_len + 3) & ~(size_t)3;
	return nlh;
}

void attrs_of_payload(const void *payload, size_t len, const struct nlattr **table, uint16_t max)
{
	const struct nlattr *attr = payload;
	const char *end = (const char *)payload + len;

	memset(table, 0, sizeof *table * ((size_t)max + 1));
	while (mnl_attr_ok(attr, (int)(end - (const char *)attr))) {
		uint16_t type = mnl_attr_get_type(attr);

		if (type <= max)
			table[type] = attr;
		attr = mnl_attr_next(attr);
	}
}

void attrs_of_message(const struct nlmsghdr *nlh, size_t header_len, const struct nlattr **table,
		      uint16_t max)
{
	size_t len = mnl_nlmsg_get_payload_len(nlh);
	size_t skip = (header_len + 3) & ~(size_t)3;

	if (nlh->nlmsg_len < sizeof *nlh || len < skip)
		attrs_of_payload(nlh, 0, table, max);
	else
		attrs_of_payload(mnl_nlmsg_get_payload_offset(nlh, skip), len - skip, table, max);
}

void attrs_of_nest(const struct nlattr *attr, const struct nlattr **table, uint16_t max)
{
	if (attr)
		attrs_of_payload(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr), table,
				 max);
	else
		memset(table, 0, sizeof *table * ((size_t)max + 1));
}

const struct nlattr *attr_nested(const struct nlattr *nest, const struct nlattr *before)
{
	const char *data = mnl_attr_get_payload(nest);
	const char *end = data + mnl_attr_get_payload_len(nest);
	const struct nlattr *attr =
		before ? mnl_attr_next(before) : (const struct nlattr *)(const void *)data;

	return mnl_attr_ok(attr, (int)(end - (const char *)attr)) ? attr : NULL;
}

bool attr_bytes(const struct nlattr *attr, void *ret, size_t len)
{
	if (!attr || mnl_attr_get_payload_len(attr) < len)
		return false;
	memcpy(ret, mnl_attr_get_payload(attr), len);
	return true;
}

uint8_t attr_u8(const struct nlattr *attr)
{
	uint8_t v = 0;

	(void)attr_bytes(attr, &v, sizeof v);
	return v;
}

uint16_t attr_u16(const struct nlattr *attr)
{
	uint16_t v = 0;

	(void)attr_bytes(attr, &v, sizeof v);
	return v;
}

uint32_t attr_u32(const struct nlattr *attr)
{
	uint32_t v = 0;

	(void)attr_bytes(attr, &v, sizeof v);
	return v;
}

uint64_t attr_u64(const struct nlattr *attr)
{
	uint64_t v = 0;

	(void)attr_bytes(attr, &v, sizeof v);
	return v;
}

void attr_string(const struct nlattr *attr, char *ret, size_t size)
{
	size_t len = attr ? mnl_attr_get_payload_len(attr) : 0;

	if (len >= size)
		len = size - 1;
	if (len)
		memcpy(ret, mnl_attr_get_payload(attr), len);
	ret[len] = '\0';
}

struct kernel_ip attr_ip(const struct nlattr *attr, uint8_t family)
{
	struct kernel_ip ip = { 0 };

	if ((family == AF_INET || family == AF_INET6) &&
	    attr_bytes(attr, ip.bytes, ip_size(family)))
		ip.family = family;
	return ip;
}
