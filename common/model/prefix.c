#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "model/net.h"

// Clears the bits of `a` behind the first `length`.
static void clear_host_bits(struct address *a, unsigned length)
{
	for (unsigned i = 0; i < sizeof(a->bytes); i++) {
		unsigned first = i * 8;
		if (first >= length)
			a->bytes[i] = 0;
		else if (length - first < 8)
			a->bytes[i] &= (uint8_t)(0xff00u >> (length - first));
	}
}

// Digits only, no sign, no leading zero, at most `max`.
static bool parse_length(const char *text, unsigned max, uint8_t *ret)
{
	unsigned value = 0;
	size_t len = strlen(text);
	if (len == 0 || len > 3 || (len > 1 && text[0] == '0'))
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = value * 10 + (unsigned)(*text - '0');
	}
	if (value > max)
		return false;
	*ret = (uint8_t)value;
	return true;
}

static int parse_any(const char *text, bool is_bare_allowed, struct prefix *ret, struct err *err)
{
	char address[ADDRESS_TEXT_SIZE];
	struct prefix p = { 0 };
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	if (len >= sizeof(address))
		return err_set(err, -EINVAL, "\"%.60s\" is no prefix", text);
	memcpy(address, text, len);
	address[len] = '\0';
	if (address_parse(address, &p.address, NULL) < 0)
		return err_set(err, -EINVAL, "\"%.60s\" is no prefix", text);
	unsigned bits = address_bits(&p.address);
	p.length = (uint8_t)bits;
	if (!slash && !is_bare_allowed)
		return err_set(err, -EINVAL, "\"%s\" lacks its length, as in %s/%u", text, text,
			       bits);
	if (slash && !parse_length(slash + 1, bits, &p.length))
		return err_set(err, -EINVAL, "\"%.60s\" needs a length of 0..%u behind the /", text,
			       bits);
	*ret = p;
	return 0;
}

int prefix_parse(const char *text, struct prefix *ret, struct err *err)
{
	struct prefix p;
	int r = parse_any(text, false, &p, err);
	if (r < 0)
		return r;
	struct prefix cleared = prefix_of(&p.address, p.length);
	char meant[PREFIX_TEXT_SIZE];
	if (!prefix_equal(&p, &cleared))
		return err_set(err, -EINVAL, "\"%s\" has host bits set, did you mean %s?", text,
			       prefix_format(&cleared, meant));
	*ret = p;
	return 0;
}

int prefix_parse_host(const char *text, struct prefix *ret, struct err *err)
{
	return parse_any(text, true, ret, err);
}

const char *prefix_format(const struct prefix *p, char buf[PREFIX_TEXT_SIZE])
{
	char address[ADDRESS_TEXT_SIZE];
	(void)snprintf(buf, PREFIX_TEXT_SIZE, "%s/%u", address_format(&p->address, address),
		       p->length);
	return buf;
}

bool prefix_equal(const struct prefix *a, const struct prefix *b)
{
	return a->length == b->length && address_equal(&a->address, &b->address);
}

struct prefix prefix_of(const struct address *a, uint8_t length)
{
	struct prefix p = { .address = *a, .length = length };
	clear_host_bits(&p.address, length);
	return p;
}

bool prefix_contains(const struct prefix *p, const struct address *a)
{
	unsigned left = p->length;
	if (p->address.family != a->family)
		return false;
	for (size_t i = 0; i < sizeof(a->bytes) && left > 0; i++) {
		const unsigned differ = p->address.bytes[i] ^ a->bytes[i];
		if (left < 8)
			return (differ & 0xff00u >> left & 0xff) == 0;
		if (differ != 0)
			return false;
		left -= 8;
	}
	return true;
}

bool prefix_covers(const struct prefix *outer, const struct prefix *inner)
{
	return inner->length >= outer->length && prefix_contains(outer, &inner->address);
}

bool prefix_overlaps(const struct prefix *a, const struct prefix *b)
{
	return prefix_covers(a, b) || prefix_covers(b, a);
}

static unsigned host_bits(const struct prefix *p)
{
	return (unsigned)address_bits(&p->address) - p->length;
}

// Adds n << shift to the address, modulo its width.
static void add_shifted(struct address *a, uint64_t n, unsigned shift)
{
	unsigned __int128 addend = (unsigned __int128)n << shift;
	unsigned carry = 0;
	for (size_t i = address_bits(a) / 8; i-- > 0;) {
		unsigned sum = a->bytes[i] + (unsigned)(addend & 0xff) + carry;
		a->bytes[i] = (uint8_t)sum;
		carry = sum >> 8;
		addend >>= 8;
	}
}

bool prefix_nth(const struct prefix *p, uint64_t n, struct address *ret)
{
	unsigned bits = host_bits(p);
	if (bits < 64 && n >> bits != 0)
		return false;
	struct address a = prefix_of(&p->address, p->length).address;
	add_shifted(&a, n, 0);
	*ret = a;
	return true;
}

bool prefix_index(const struct prefix *p, const struct address *a, uint64_t *ret_n)
{
	if (!prefix_contains(p, a))
		return false;
	struct address network = prefix_of(&p->address, p->length).address;
	unsigned __int128 n = 0;
	for (size_t i = 0; i < address_bits(a) / 8u; i++)
		n = n << 8 | (uint8_t)(a->bytes[i] ^ network.bytes[i]);
	if (n > UINT64_MAX)
		return false;
	*ret_n = (uint64_t)n;
	return true;
}

uint64_t prefix_size(const struct prefix *p)
{
	unsigned bits = host_bits(p);
	return bits >= 64 ? UINT64_MAX : UINT64_C(1) << bits;
}

bool prefix_subnet(const struct prefix *p, uint8_t length, uint64_t n, struct prefix *ret)
{
	if (length < p->length || length > address_bits(&p->address))
		return false;
	unsigned extra = (unsigned)length - p->length;
	if (extra < 64 && n >> extra != 0)
		return false;
	struct prefix sub = prefix_of(&p->address, p->length);
	if (n > 0)
		add_shifted(&sub.address, n, (unsigned)address_bits(&p->address) - length);
	sub.length = length;
	*ret = sub;
	return true;
}
