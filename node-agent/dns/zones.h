// Names that are known here: local zones, and the reverse names of their addresses by themselves
// (RFC 1034 §4.3.2, wildcards as RFC 4592). Pure.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clean.h"
#include "base/err.h"

#include "dns/message.h"
#include "dns/writer.h"

struct dns_zones;

// NULL when out of memory.
struct dns_zones *dns_zones_new(void);
void dns_zones_free(struct dns_zones *zones);
CLEAN_FUNC(struct dns_zones, dns_zones_free)

// A zone, "lan.example"; what it has no record for does not exist. `ttl_s` is for the answers that
// say so. The same zone once more is fine.
int dns_zones_add(struct dns_zones *zones, const char *zone, uint32_t ttl_s, struct err *err);

struct dns_zone_record {
	const char *name; // relative; "@" is the zone itself, "*" and "*.apps" stand for what is
			  // not written
	const char *type; // A, AAAA, CNAME, TXT or PTR
	const char *data; // an address, a whole name, or text
	uint32_t ttl_s;
};

// A record of a zone that was added. -EINVAL with a sentence. An address makes the record of its
// reverse name, the first one of it, unless one was written.
int dns_zones_add_record(struct dns_zones *zones, const char *zone,
			 const struct dns_zone_record *record, struct err *err);

enum dns_zone_answer {
	DNS_ZONE_NONE,     // no zone of this name
	DNS_ZONE_DONE,     // answered: records, or that there are none
	DNS_ZONE_NO_NAME,  // answered: there is no such name
	DNS_ZONE_ELSEWHERE // aliases are written, the last one's target is not known here
};

// Adds what is known of `name` to an answer; writer NULL: only tells. *ret_target (may be NULL) is
// the name that DNS_ZONE_ELSEWHERE leads to.
enum dns_zone_answer dns_zones_answer(const struct dns_zones *zones, const struct name *name,
				      uint16_t type, struct dns_writer *writer,
				      struct name *ret_target);
