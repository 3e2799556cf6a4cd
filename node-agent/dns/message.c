#include "dns/message.h"

#include <errno.h>
#include <string.h>

#include "base/octets.h"

enum { POINTER = 0xc0, RECORD_FIXED = 10, EDNS_DO = 0x8000 };

int dns_read_name(const uint8_t *data, size_t len, size_t *at, struct name *ret)
{
	uint8_t wire[NAME_WIRE_MAX];
	size_t have = 0, from = *at, behind = 0, floor = *at;
	const int plain = from < len ? name_read(data + from, len - from, ret) : -EBADMSG;
	if (plain > 0) { // without pointers
		*at += (size_t)plain;
		return 0;
	}
	for (;;) {
		if (from >= len)
			return -EBADMSG;
		size_t label = data[from];
		if ((label & POINTER) == POINTER) {
			if (len - from < 2)
				return -EBADMSG;
			if (behind == 0)
				behind = from + 2;
			from = (size_t)octets_get(data + from, 2) & 0x3fff;
			// Each pointer goes further back than the one before: there is an end.
			if (from >= floor || from < DNS_HEADER_SIZE)
				return -EBADMSG;
			floor = from;
			continue;
		}
		if (label > NAME_LABEL_MAX || label >= len - from ||
		    have + 1 + label + (label > 0) > sizeof(wire))
			return -EBADMSG;
		memcpy(wire + have, data + from, 1 + label);
		have += 1 + label;
		from += 1 + label;
		if (label == 0)
			break;
	}
	if (name_read(wire, have, ret) < 0)
		return -EBADMSG;
	*at = behind > 0 ? behind : from;
	return 0;
}

static int read_header(const uint8_t *data, size_t len, struct dns_header *ret)
{
	if (len < DNS_HEADER_SIZE)
		return -EBADMSG;
	*ret = (struct dns_header){ (uint16_t)octets_get(data, 2),
				    (uint16_t)octets_get(data + 2, 2),
				    { 0 } };
	for (size_t i = 0; i < 4; i++)
		ret->counts[i] = (uint16_t)octets_get(data + 4 + 2 * i, 2);
	return 0;
}

static int read_question(const uint8_t *data, size_t len, struct dns_question *ret)
{
	size_t at = DNS_HEADER_SIZE;
	if (dns_read_name(data, len, &at, &ret->name) < 0 || len - at < 4)
		return -EBADMSG;
	ret->type = (uint16_t)octets_get(data + at, 2);
	ret->class = (uint16_t)octets_get(data + at + 2, 2);
	ret->len = at + 4 - DNS_HEADER_SIZE;
	return 0;
}

// Behind the question, whose own place in the reader is left to who wants it there.
static void begin_records(struct dns_reader *reader, size_t question_len)
{
	reader->at = DNS_HEADER_SIZE + question_len;
	memcpy(reader->left, reader->header.counts + 1, sizeof(reader->left));
}

int dns_reader_init(struct dns_reader *reader, const uint8_t *data, size_t len)
{
	*reader = (struct dns_reader){ .data = data, .len = len };
	if (read_header(data, len, &reader->header) < 0 || reader->header.counts[0] != 1 ||
	    read_question(data, len, &reader->question) < 0)
		return -EBADMSG;
	begin_records(reader, reader->question.len);
	return 0;
}

int dns_reader_next(struct dns_reader *reader, struct dns_record *ret)
{
	enum dns_section section = DNS_ANSWER;
	while (section <= DNS_ADDITIONAL && reader->left[section] == 0)
		section++;
	if (section > DNS_ADDITIONAL)
		return 0;
	struct dns_record record;
	size_t at = reader->at;
	record.section = section;
	if (dns_read_name(reader->data, reader->len, &at, &record.name) < 0 ||
	    reader->len - at < RECORD_FIXED)
		return -EBADMSG;
	const uint8_t *fixed = reader->data + at;
	record.type = (uint16_t)octets_get(fixed, 2);
	record.class = (uint16_t)octets_get(fixed + 2, 2);
	record.ttl = (uint32_t)octets_get(fixed + 4, 4);
	record.ttl_at = at + 4;
	record.data_len = (uint16_t)octets_get(fixed + 8, 2);
	record.data_at = at + RECORD_FIXED;
	if (record.data_len > reader->len - record.data_at)
		return -EBADMSG;
	reader->at = record.data_at + record.data_len;
	reader->left[record.section]--;
	*ret = record;
	return 1;
}

// RFC 6891 §6.1: where other records have class and TTL, OPT has its own fields.
static int read_edns(const struct dns_record *opt, struct dns_edns *ret)
{
	if (ret->is_there || opt->name.n_labels > 0 || opt->section != DNS_ADDITIONAL)
		return DNS_FORMERR;
	ret->is_there = true;
	ret->udp_size = opt->class < DNS_UDP_MIN ? DNS_UDP_MIN : opt->class;
	ret->version = (uint8_t)(opt->ttl >> 16);
	ret->wants_dnssec = opt->ttl & EDNS_DO;
	return 0;
}

int dns_query_read(const uint8_t *data, size_t len, struct dns_query *ret)
{
	struct dns_record record;
	*ret = (struct dns_query){ .edns.udp_size = DNS_UDP_MIN };
	if (read_header(data, len, &ret->header) < 0 || (ret->header.flags & DNS_QR))
		return -EBADMSG;
	if (ret->header.flags & DNS_OPCODE)
		return DNS_NOTIMP;
	if (ret->header.counts[0] != 1 || read_question(data, len, &ret->question) < 0)
		return DNS_FORMERR;
	struct dns_reader reader;
	reader.data = data;
	reader.len = len;
	reader.header = ret->header;
	begin_records(&reader, ret->question.len);
	int more, r = 0;
	while (r == 0 && (more = dns_reader_next(&reader, &record)) != 0) {
		if (more < 0)
			return DNS_FORMERR;
		if (record.type == DNS_OPT)
			r = read_edns(&record, &ret->edns);
	}
	if (r == 0 && ret->edns.version > 0)
		r = DNS_BADVERS;
	return r;
}
