// DNS messages as they come: questions, records, EDNS (RFC 1035, RFC 6891, RFC 9460). Pure.
//
// Positions are offsets into the message. Everything read lies within it; a name's pointers only go
// back.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "names/name.h"

enum {
	DNS_HEADER_SIZE = 12,
	DNS_MESSAGE_MAX = 65535,
	DNS_UDP_MIN = 512,
};

enum dns_type {
	DNS_A = 1,
	DNS_NS = 2,
	DNS_CNAME = 5,
	DNS_SOA = 6,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_SRV = 33,
	DNS_OPT = 41,
	DNS_SVCB = 64,
	DNS_HTTPS = 65,
	DNS_ANY = 255,
};

enum { DNS_IN = 1 };

enum dns_rcode {
	DNS_NOERROR = 0,
	DNS_FORMERR = 1,
	DNS_SERVFAIL = 2,
	DNS_NXDOMAIN = 3,
	DNS_NOTIMP = 4,
	DNS_REFUSED = 5,
	DNS_BADVERS = 16, // extended: needs EDNS
};

enum dns_flag {
	DNS_QR = 0x8000,
	DNS_OPCODE = 0x7800,
	DNS_AA = 0x0400,
	DNS_TC = 0x0200,
	DNS_RD = 0x0100,
	DNS_RA = 0x0080,
	DNS_AD = 0x0020,
	DNS_CD = 0x0010,
	DNS_RCODE = 0x000f,
};

struct dns_header {
	uint16_t id, flags;
	uint16_t counts[4]; // questions, answers, authority, additional
};

struct dns_question {
	struct name name;
	uint16_t type, class;
	size_t len; // in the message, from DNS_HEADER_SIZE on: to be echoed with its case (0x20)
};

// What the OPT record says. Its options are not used: a client-subnet among them goes no further.
struct dns_edns {
	bool is_there;
	uint8_t version;
	bool wants_dnssec;
	uint16_t udp_size; // at least DNS_UDP_MIN
};

struct dns_query {
	struct dns_header header;
	struct dns_question question;
	struct dns_edns edns;
};

enum dns_section { DNS_ANSWER, DNS_AUTHORITY, DNS_ADDITIONAL };

struct dns_record {
	enum dns_section section;
	struct name name;
	uint16_t type, class;
	uint32_t ttl;
	size_t ttl_at;
	size_t data_at;
	uint16_t data_len;
};

// Walks a message's records.
struct dns_reader {
	const uint8_t *data;
	size_t len, at;
	struct dns_header header;
	struct dns_question question;
	uint16_t left[3];
};

// A client's message. 0, or what to answer: a dns_rcode; below 0: nothing (no message, or itself an
// answer). `ret` has what could be read: the header with a dns_rcode, too.
int dns_query_read(const uint8_t *data, size_t len, struct dns_query *ret);

// -EBADMSG unless it is a message with one question.
int dns_reader_init(struct dns_reader *reader, const uint8_t *data, size_t len);
// 1 and the next record, 0 at the end, -EBADMSG.
int dns_reader_next(struct dns_reader *reader, struct dns_record *ret);

// The name at *at, which moves behind it. -EBADMSG.
int dns_read_name(const uint8_t *data, size_t len, size_t *at, struct name *ret);
