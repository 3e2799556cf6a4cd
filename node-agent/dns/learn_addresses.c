#include "dns/learn_addresses.h"

#include <string.h>

#include "base/octets.h"

enum {
	PARAMETER_HEAD = 4,
	IPV4_HINT = 4, // RFC 9460 §14.3.2
	IPV6_HINT = 6,
	PRIORITY_SIZE = 2,
};

bool dns_addresses_init(struct dns_addresses *addresses, const uint8_t *message, size_t len)
{
	*addresses = (struct dns_addresses){ 0 };
	return dns_reader_init(&addresses->reader, message, len) == 0;
}

// Begins the parameters of a service record.
static void open_service(struct dns_addresses *a)
{
	struct name target;
	size_t at = a->record.data_at + PRIORITY_SIZE, end = a->record.data_at + a->record.data_len;
	if (a->record.data_len <= PRIORITY_SIZE ||
	    dns_read_name(a->reader.data, end, &at, &target) < 0)
		return;
	a->parameter = at;
	a->parameters_end = end;
}

// The next parameter that is a list of hints.
static bool next_hints(struct dns_addresses *a)
{
	while (a->parameters_end - a->parameter >= PARAMETER_HEAD) {
		const uint8_t *head = a->reader.data + a->parameter;
		uint64_t key = octets_get(head, 2);
		size_t len = (size_t)octets_get(head + 2, 2);
		a->parameter += PARAMETER_HEAD;
		if (len > a->parameters_end - a->parameter)
			break;
		a->at = a->parameter;
		a->end = a->at + len;
		a->parameter += len;
		a->size = key == IPV4_HINT ? 4 : key == IPV6_HINT ? 16 : 0;
		if (a->size > 0)
			return true;
	}
	a->at = a->end = a->parameter = a->parameters_end = 0;
	return false;
}

static bool next_record(struct dns_addresses *a)
{
	while (dns_reader_next(&a->reader, &a->record) > 0 && a->record.section == DNS_ANSWER) {
		if (a->record.class != DNS_IN)
			continue;
		a->size = a->record.type == DNS_A ? 4 : a->record.type == DNS_AAAA ? 16 : 0;
		a->at = a->record.data_at;
		a->end = a->at + a->record.data_len;
		if (a->size > 0 && a->size == a->record.data_len)
			return true;
		a->at = a->end = 0;
		if (a->record.type != DNS_SVCB && a->record.type != DNS_HTTPS)
			continue;
		open_service(a);
		if (next_hints(a))
			return true;
	}
	return false;
}

bool dns_addresses_next(struct dns_addresses *a, struct address *ret, uint32_t *ret_ttl_s)
{
	for (;;) {
		while (a->end - a->at < (a->size ? a->size : 1u))
			if (!next_hints(a) && !next_record(a))
				return false;
		*ret = (struct address){ .family = a->size == 4 ? 4 : 6 };
		memcpy(ret->bytes, a->reader.data + a->at, a->size);
		a->at += a->size;
		*ret_ttl_s = a->record.ttl;
		if (address_is_unicast(ret))
			return true;
	}
}
