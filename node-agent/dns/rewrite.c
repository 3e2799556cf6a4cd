#include <errno.h>
#include <string.h>

#include "base/octets.h"

#include "dns/writer.h"

enum {
	MX_FIXED = 2,
	SRV_FIXED = 6,
	SOA_FIXED = 20,
	SVCB_FIXED = 2,
	PARAMETER_HEAD = 4,
	PARAMETER_MANDATORY = 0, // RFC 9460 §14.3.2
	PARAMETER_ECH = 5,
	DATA_MAX = 65535,
};

// A record's data being written anew.
struct data {
	size_t len;
	uint8_t bytes[DATA_MAX];
};

static bool add(struct data *data, const uint8_t *bytes, size_t len)
{
	if (len > sizeof(data->bytes) - data->len)
		return false;
	memcpy(data->bytes + data->len, bytes, len);
	data->len += len;
	return true;
}

// Copies `before` bytes, a name (in full: no pointers in the data) and `behind` bytes, which is all
// there may be.
static int copy_around_name(const struct dns_reader *reader, const struct dns_record *record,
			    size_t before, size_t behind, struct data *ret)
{
	size_t at = record->data_at + before, end = record->data_at + record->data_len;
	struct name name;
	if (record->data_len < before + 1 + behind ||
	    dns_read_name(reader->data, end - behind, &at, &name) < 0 || at + behind != end)
		return -EBADMSG;
	if (!add(ret, reader->data + record->data_at, before) || !add(ret, name.wire, name.len) ||
	    !add(ret, reader->data + at, behind))
		return -EBADMSG;
	return 0;
}

static int copy_soa(const struct dns_reader *reader, const struct dns_record *record,
		    struct data *ret)
{
	size_t at = record->data_at, end = at + record->data_len;
	struct name server, mailbox;
	if (dns_read_name(reader->data, end, &at, &server) < 0 ||
	    dns_read_name(reader->data, end, &at, &mailbox) < 0 || end - at != SOA_FIXED)
		return -EBADMSG;
	bool fits = add(ret, server.wire, server.len) && add(ret, mailbox.wire, mailbox.len) &&
		    add(ret, reader->data + at, SOA_FIXED);
	return fits ? 0 : -EBADMSG;
}

// The list of mandatory parameters without the one for encrypted hellos.
static bool add_mandatory(struct data *ret, const uint8_t *keys, size_t len)
{
	size_t start = ret->len;
	uint8_t head[PARAMETER_HEAD] = { 0 };
	if (!add(ret, head, sizeof(head)))
		return false;
	for (size_t i = 0; i + 2 <= len; i += 2)
		if (octets_get(keys + i, 2) != PARAMETER_ECH && !add(ret, keys + i, 2))
			return false;
	size_t left = ret->len - start - PARAMETER_HEAD;
	octets_put(ret->bytes + start + 2, left, 2);
	if (left == 0)
		ret->len = start;
	return true;
}

static int copy_service(const struct dns_reader *reader, const struct dns_record *record,
			bool drops_ech, struct data *ret)
{
	size_t at = record->data_at + SVCB_FIXED, end = record->data_at + record->data_len;
	struct name target;
	if (record->data_len <= SVCB_FIXED || dns_read_name(reader->data, end, &at, &target) < 0 ||
	    !add(ret, reader->data + record->data_at, SVCB_FIXED) ||
	    !add(ret, target.wire, target.len))
		return -EBADMSG;
	while (at < end) {
		if (end - at < PARAMETER_HEAD)
			return -EBADMSG;
		const uint8_t *parameter = reader->data + at;
		uint64_t key = octets_get(parameter, 2);
		size_t len = (size_t)octets_get(parameter + 2, 2);
		at += PARAMETER_HEAD;
		if (len > end - at)
			return -EBADMSG;
		at += len;
		if (drops_ech && key == PARAMETER_ECH)
			continue;
		bool fits = drops_ech && key == PARAMETER_MANDATORY
				    ? add_mandatory(ret, parameter + PARAMETER_HEAD, len)
				    : add(ret, parameter, PARAMETER_HEAD + len);
		if (!fits)
			return -EBADMSG;
	}
	return 0;
}

static int copy_data(const struct dns_reader *reader, const struct dns_record *record,
		     const struct dns_rewrite *how, struct data *ret)
{
	ret->len = 0;
	switch (record->type) {
	case DNS_A:
		if (record->data_len != 4)
			return -EBADMSG;
		break;
	case DNS_AAAA:
		if (record->data_len != 16)
			return -EBADMSG;
		break;
	case DNS_MX:
		return copy_around_name(reader, record, MX_FIXED, 0, ret);
	case DNS_SRV:
		return copy_around_name(reader, record, SRV_FIXED, 0, ret);
	case DNS_SOA:
		return copy_soa(reader, record, ret);
	case DNS_SVCB:
	case DNS_HTTPS:
		return copy_service(reader, record, how->drops_ech, ret);
	default:
		break;
	}
	return add(ret, reader->data + record->data_at, record->data_len) ? 0 : -EBADMSG;
}

// Whether a service record's target is another name than its owner.
static bool leads_elsewhere(const struct dns_reader *reader, const struct dns_record *record)
{
	size_t at = record->data_at + SVCB_FIXED, end = record->data_at + record->data_len;
	struct name target;
	if ((record->type != DNS_SVCB && record->type != DNS_HTTPS) ||
	    record->data_len <= SVCB_FIXED || dns_read_name(reader->data, end, &at, &target) < 0)
		return false;
	bool is_owner = target.len == record->name.len &&
			memcmp(target.wire, record->name.wire, target.len) == 0;
	return target.len > 1 && !is_owner;
}

static int write_one(const struct dns_reader *reader, struct dns_record *record,
		     const struct dns_rewrite *how, struct dns_writer *writer)
{
	struct data data;
	if (how->drops_ech && leads_elsewhere(reader, record))
		return 0;
	if (record->type == DNS_CNAME || record->type == DNS_NS || record->type == DNS_PTR) {
		struct name target;
		size_t at = record->data_at, end = at + record->data_len;
		if (dns_read_name(reader->data, end, &at, &target) < 0 || at != end)
			return -EBADMSG;
		dns_write_name_record(writer, record, &target);
		return 0;
	}
	int r = copy_data(reader, record, how, &data);
	if (r < 0)
		return r;
	record->data_len = (uint16_t)data.len;
	dns_write_record(writer, record, data.bytes);
	return 0;
}

int dns_rewrite(struct dns_reader *reader, const struct dns_rewrite *how, struct dns_writer *writer,
		uint32_t *ret_ttl)
{
	struct dns_record record;
	uint32_t shortest = UINT32_MAX;
	int more;
	while ((more = dns_reader_next(reader, &record)) > 0) {
		if (record.class != DNS_IN || record.type == DNS_OPT)
			continue;
		// RFC 2181 §8: beyond 31 bits it means none.
		if (record.ttl > INT32_MAX)
			record.ttl = 0;
		if (record.ttl < how->ttl_min)
			record.ttl = how->ttl_min;
		if (record.ttl > how->ttl_max)
			record.ttl = how->ttl_max;
		int r = write_one(reader, &record, how, writer);
		if (r < 0)
			return r;
		if (record.ttl < shortest)
			shortest = record.ttl;
	}
	*ret_ttl = shortest;
	return more;
}
