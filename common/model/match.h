// What a policy's rule is for, as an operator writes it: sources, destinations, ports. Pure.
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "model/net.h"

enum source_kind { SOURCE_SITE, SOURCE_NODE, SOURCE_TAG, SOURCE_PREFIX };

struct source {
	enum source_kind kind;
	const char *name;     // of the site, node or tag: points into the text
	struct prefix prefix; // of SOURCE_PREFIX
};

enum destination_kind { DESTINATION_ANY, DESTINATION_PREFIX, DESTINATION_LIST };

struct destination {
	enum destination_kind kind;
	struct prefix prefix; // of DESTINATION_PREFIX
	const char *name;     // of the domain list: points into the text
};

struct ports {
	uint8_t protocol; // of IP: 6 (TCP) or 17 (UDP)
	uint16_t first, last;
};

// All return -EINVAL with a sentence that quotes the text and leave their output untouched.

// "site/paris", "node/rho", "tag/family", "10.1.7.0/24", or an address, which is a prefix of one.
int source_parse(const char *text, struct source *ret, struct err *err);
// "any", a prefix, an address, or "list/netflix": what the names of a domain list stand for.
int destination_parse(const char *text, struct destination *ret, struct err *err);
// "tcp/443", "udp/5000-6000", "tcp": all of its ports.
int ports_parse(const char *text, struct ports *ret, struct err *err);
