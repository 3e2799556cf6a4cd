#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "model/net.h"

int address_parse(const char *text, struct address *ret, struct err *err)
{
	struct address a = { 0 };
	if (inet_pton(AF_INET, text, a.bytes) == 1)
		a.family = 4;
	else if (inet_pton(AF_INET6, text, a.bytes) == 1)
		a.family = 6;
	else
		return err_set(err, -EINVAL, "\"%.60s\" is no IP address", text);
	*ret = a;
	return 0;
}

const char *address_format(const struct address *a, char buf[ADDRESS_TEXT_SIZE])
{
	int family = a->family == 4 ? AF_INET : AF_INET6;
	if (a->family == 0 || !inet_ntop(family, a->bytes, buf, ADDRESS_TEXT_SIZE))
		buf[0] = '\0';
	return buf;
}

int address_compare(const struct address *a, const struct address *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

bool address_equal(const struct address *a, const struct address *b)
{
	return address_compare(a, b) == 0;
}

uint8_t address_bits(const struct address *a)
{
	return a->family == 4 ? 32 : 128;
}

bool address_is_unicast(const struct address *a)
{
	static const uint8_t nothing[sizeof a->bytes];
	if (a->family == 4)
		return a->bytes[0] != 0 && a->bytes[0] < 224;
	return a->family == 6 && a->bytes[0] != 0xff &&
	       memcmp(a->bytes, nothing, sizeof nothing) != 0;
}

bool address_is_usable(const struct address *a)
{
	static const char *const others[] = { "0.0.0.0/8",   "127.0.0.0/8", "169.254.0.0/16",
					      "224.0.0.0/3", "::/127",      "fe80::/10",
					      "ff00::/8" };
	struct prefix p;
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		if (prefix_parse(others[i], &p, NULL) == 0 && prefix_contains(&p, a))
			return false;
	}
	return true;
}
