// The addresses that an answer leads its asker to. Pure.
#pragma once

#include "model/net.h"

#include "dns/message.h"

struct dns_addresses {
	struct dns_reader reader;
	struct dns_record record;
	size_t at, end; // of a list of hints
	uint8_t size;   // of each of them
	size_t parameter, parameters_end;
};

// Of a whole message; false when it is none.
bool dns_addresses_init(struct dns_addresses *addresses, const uint8_t *message, size_t len);
// The next one that the records of the answer have, A, AAAA and the hints of SVCB and HTTPS (RFC
// 9460), and the time it may be used for. What is no unicast address is left out.
bool dns_addresses_next(struct dns_addresses *addresses, struct address *ret, uint32_t *ret_ttl_s);
