#include "dns/writer.h"

#include <string.h>

#include "base/octets.h"

enum {
	POINTER = 0xc000,
	POINTER_REACH = 0x4000, // a pointer has 14 bits
	RECORD_FIXED = 10,
	EDNS_DO = 0x8000,
	EDNS_SIZE = 1232, // what is offered to clients: passes every path unfragmented
	SOA_REFRESH_S = 3600,
	SOA_RETRY_S = 600,
	SOA_EXPIRE_S = 86400,
};

static void note_tail(struct dns_writer *writer, size_t at)
{
	if (writer->n_tails < DNS_TAILS_MAX && at < POINTER_REACH)
		writer->tails[writer->n_tails++] = (uint16_t)at;
}

static uint8_t small(uint8_t letter)
{
	return letter >= 'A' && letter <= 'Z' ? (uint8_t)(letter - 'A' + 'a') : letter;
}

// Whether the name at `at`, which may not have its end yet, is `tail`, in whatever case. Pointers
// go back, so that there is an end.
static bool stands_at(const struct dns_writer *writer, size_t at, const uint8_t *tail)
{
	while (at < writer->len) {
		size_t label = writer->data[at];
		if ((label & POINTER >> 8) == POINTER >> 8) {
			if (writer->len - at < 2)
				return false;
			at = (size_t)octets_get(writer->data + at, 2) & (POINTER_REACH - 1);
			continue;
		}
		if (label != tail[0] || label >= writer->len - at)
			return false;
		if (label == 0)
			return true;
		for (size_t i = 1; i <= label; i++)
			if (small(writer->data[at + i]) != tail[i])
				return false;
		at += 1 + label;
		tail += 1 + label;
	}
	return false;
}

// Where the name's tail from label `from` on stands in the question; 0: nowhere.
static size_t find_asked(const struct dns_writer *writer, const struct name *name, unsigned from)
{
	const struct name *asked = writer->asked;
	const unsigned labels = name->n_labels - from, at = name->starts[from];
	if (!asked || asked->n_labels < labels)
		return 0;
	const unsigned start = asked->starts[asked->n_labels - labels], len = name->len - at;
	return asked->len - start == len && memcmp(asked->wire + start, name->wire + at, len) == 0
		       ? DNS_HEADER_SIZE + start
		       : 0;
}

// The same, in all that was written.
static size_t find_tail(const struct dns_writer *writer, const struct name *name, unsigned from)
{
	const uint8_t *tail = name->wire + name->starts[from];
	const size_t asked = find_asked(writer, name, from);
	if (asked > 0)
		return asked;
	for (unsigned i = 0; i < writer->n_tails; i++)
		if (stands_at(writer, writer->tails[i], tail))
			return writer->tails[i];
	return 0;
}

static bool put(struct dns_writer *writer, const void *bytes, size_t len)
{
	if (len > writer->cap - writer->len)
		return false;
	memcpy(writer->data + writer->len, bytes, len);
	writer->len += len;
	return true;
}

static bool put_u16(struct dns_writer *writer, uint64_t value)
{
	uint8_t bytes[2];
	octets_put(bytes, value, sizeof(bytes));
	return put(writer, bytes, sizeof(bytes));
}

static bool put_u32(struct dns_writer *writer, uint64_t value)
{
	uint8_t bytes[4];
	octets_put(bytes, value, sizeof(bytes));
	return put(writer, bytes, sizeof(bytes));
}

static bool put_root(struct dns_writer *writer)
{
	return put(writer, "", 1);
}

static bool put_name(struct dns_writer *writer, const struct name *name)
{
	for (unsigned i = 0; i < name->n_labels; i++) {
		size_t stands = find_tail(writer, name, i);
		if (stands > 0)
			return put_u16(writer, POINTER | stands);
		const uint8_t *label = name->wire + name->starts[i];
		size_t at = writer->len;
		if (!put(writer, label, 1u + label[0]))
			return false;
		// Readable as a name only once its end is there, which find_tail checks.
		note_tail(writer, at);
	}
	return put_root(writer);
}

// The name that was put at `at`, once more.
static bool put_name_again(struct dns_writer *writer, const struct name *name, size_t at)
{
	if (name->n_labels == 0 || at >= POINTER_REACH)
		return put_name(writer, name);
	const uint64_t stands = octets_get(writer->data + at, 2);
	return put_u16(writer, (stands & POINTER) == POINTER ? stands : POINTER | at);
}

// What stands between a record's name and the length of its data.
static bool put_fields(struct dns_writer *writer, uint16_t type, uint16_t class, uint32_t ttl_s)
{
	return put_u16(writer, type) && put_u16(writer, class) && put_u32(writer, ttl_s);
}

// Everything but the data and its length.
static bool put_head(struct dns_writer *writer, const struct dns_record *record)
{
	return put_name(writer, &record->name) &&
	       put_fields(writer, record->type, record->class, record->ttl);
}

// Where a record began, to go back to when it does not fit.
struct mark {
	size_t len;
	unsigned n_tails;
};

static struct mark mark_of(const struct dns_writer *writer)
{
	return (struct mark){ writer->len, writer->n_tails };
}

static void end_record(struct dns_writer *writer, struct mark mark, enum dns_section section,
		       bool fits)
{
	if (fits) {
		writer->counts[1 + section]++;
		return;
	}
	writer->len = mark.len;
	writer->n_tails = mark.n_tails;
	writer->is_full = true;
}

void dns_write_record(struct dns_writer *writer, const struct dns_record *record,
		      const uint8_t *data)
{
	struct mark mark = mark_of(writer);
	bool fits = put_head(writer, record) && put_u16(writer, record->data_len) &&
		    put(writer, data, record->data_len);
	end_record(writer, mark, record->section, fits);
}

void dns_write_name_record(struct dns_writer *writer, const struct dns_record *record,
			   const struct name *target)
{
	struct mark mark = mark_of(writer);
	bool fits = put_head(writer, record);
	size_t size_at = writer->len;
	fits = fits && put_u16(writer, 0) && put_name(writer, target);
	if (fits)
		octets_put(writer->data + size_at, writer->len - size_at - 2, 2);
	end_record(writer, mark, record->section, fits);
}

void dns_write_soa(struct dns_writer *writer, enum dns_section section, const struct name *zone,
		   uint32_t ttl_s)
{
	static const char mailbox[] = "\12hostmaster";
	const uint32_t numbers[] = { 1, SOA_REFRESH_S, SOA_RETRY_S, SOA_EXPIRE_S, ttl_s };
	struct mark mark = mark_of(writer);
	bool fits = put_name(writer, zone) && put_fields(writer, DNS_SOA, DNS_IN, ttl_s);
	size_t size_at = writer->len;
	fits = fits && put_u16(writer, 0) && put_name_again(writer, zone, mark.len) &&
	       put(writer, mailbox, sizeof(mailbox) - 1) && put_name_again(writer, zone, mark.len);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		fits = fits && put_u32(writer, numbers[i]);
	if (fits)
		octets_put(writer->data + size_at, writer->len - size_at - 2, 2);
	end_record(writer, mark, section, fits);
}

void dns_write_reply(struct dns_writer *writer, uint8_t *data, size_t cap, const uint8_t *wire,
		     const struct dns_query *query, uint16_t flags)
{
	writer->data = data;
	writer->cap = cap - (query->edns.is_there ? DNS_OPT_SIZE : 0);
	writer->len = DNS_HEADER_SIZE;
	writer->is_full = false;
	memset(writer->counts, 0, sizeof(writer->counts));
	writer->asked = NULL;
	writer->n_tails = 0;
	memset(data, 0, DNS_HEADER_SIZE);
	octets_put(data, query->header.id, 2);
	octets_put(data + 2,
		   DNS_QR | flags | (query->header.flags & (DNS_OPCODE | DNS_RD | DNS_CD)), 2);
	if (query->question.len == 0)
		return;
	(void)put(writer, wire + DNS_HEADER_SIZE, query->question.len);
	writer->counts[0] = 1;
	writer->asked = &query->question.name;
}

static void put_opt(struct dns_writer *writer, const struct dns_edns *edns, enum dns_rcode rcode)
{
	writer->cap += DNS_OPT_SIZE;
	(void)put_root(writer);
	(void)put_u16(writer, DNS_OPT);
	(void)put_u16(writer, EDNS_SIZE);
	(void)put_u32(writer, ((uint64_t)rcode >> 4 << 24) | (edns->wants_dnssec ? EDNS_DO : 0));
	(void)put_u16(writer, 0);
	writer->counts[1 + DNS_ADDITIONAL]++;
}

size_t dns_write_end(struct dns_writer *writer, const struct dns_edns *edns, enum dns_rcode rcode)
{
	uint64_t flags = octets_get(writer->data + 2, 2) | ((uint64_t)rcode & DNS_RCODE) |
			 (writer->is_full ? DNS_TC : 0);
	if (edns->is_there)
		put_opt(writer, edns, rcode);
	octets_put(writer->data + 2, flags, 2);
	for (size_t i = 0; i < 4; i++)
		octets_put(writer->data + 4 + 2 * i, writer->counts[i], 2);
	return writer->len;
}
