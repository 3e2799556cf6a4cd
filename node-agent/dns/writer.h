// DNS messages being made, with names compressed (RFC 1035 §4.1.4), and
// answers of others made anew. Pure.
//
// An answer that came from elsewhere is never passed on as it is: what is understood of it is
// written again, so that a client gets nothing that was not read here.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns/message.h"

enum { DNS_TAILS_MAX = 128, DNS_OPT_SIZE = 11 };

struct dns_writer {
	uint8_t *data;
	size_t cap, len;
	bool is_full; // something did not fit and was left out; what is there is whole
	uint16_t counts[4];
	const struct name *asked;      // of the question, which stands first; NULL: none
	uint16_t tails[DNS_TAILS_MAX]; // where labels stand that later names may point to
	unsigned n_tails;
};

// Begins the answer to a client's message `wire` in `data` (at least DNS_UDP_MIN). Id, opcode, RD,
// CD and the question are the client's, the question byte by byte (0x20); `flags` are added.
// `query` without a question (FORMERR): the answer has none; else it outlives the writer.
void dns_write_reply(struct dns_writer *writer, uint8_t *data, size_t cap, const uint8_t *wire,
		     const struct dns_query *query, uint16_t flags);

// The records of a writer come section by section. `data`: without names that may be compressed.
void dns_write_record(struct dns_writer *writer, const struct dns_record *record,
		      const uint8_t *data);
// A record whose data is one name (CNAME, NS, PTR).
void dns_write_name_record(struct dns_writer *writer, const struct dns_record *record,
			   const struct name *target);

// The SOA record of a zone that is made here: its TTL is the one of answers that say there is
// nothing (RFC 2308).
void dns_write_soa(struct dns_writer *writer, enum dns_section section, const struct name *zone,
		   uint32_t ttl_s);

// Fills in rcode, counts, and TC when something was left out, and adds an OPT record when the
// client sent one; returns the message's length. Room for it has been kept from the start.
size_t dns_write_end(struct dns_writer *writer, const struct dns_edns *edns, enum dns_rcode rcode);

struct dns_rewrite {
	// Encrypted hellos are taken out of SVCB and HTTPS records, and those are left out that
	// lead to another name: whose addresses are asked for by that one, and learned for it.
	bool drops_ech;
	uint32_t ttl_min, ttl_max;
};

// Writes what is understood of the rest of an answer: records of class IN, without OPT. The
// shortest TTL goes to *ret_ttl (UINT32_MAX: no record). -EBADMSG when it is broken.
int dns_rewrite(struct dns_reader *reader, const struct dns_rewrite *how, struct dns_writer *writer,
		uint32_t *ret_ttl);
