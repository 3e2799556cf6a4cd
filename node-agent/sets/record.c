#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sets/sets.h"

enum { ADDRESS_SIZE_4 = 4, ADDRESS_SIZE_6 = 16 };

static struct sets_record of_address(enum sets_kind kind, const struct address *address)
{
	struct sets_record record = { .kind = (uint8_t)kind, .family = address->family };
	memcpy(record.to, address->bytes, sizeof(record.to));
	return record;
}

struct sets_record sets_of_list(uint32_t list, const struct address *address)
{
	struct sets_record record = of_address(SETS_LIST, address);
	record.list = list;
	return record;
}

struct sets_record sets_of_known(const struct address *address)
{
	return of_address(SETS_KNOWN, address);
}

struct sets_record sets_of_flow(const struct sets_flow *flow)
{
	struct sets_record record = of_address(SETS_QUIC, &flow->to);
	memcpy(record.from, flow->from.bytes, sizeof(record.from));
	record.to_port = flow->to_port;
	record.from_port = flow->from_port;
	record.mark = flow->mark;
	return record;
}

void sets_put(struct sets_record *record, uint32_t timeout_ms)
{
	record->action = SETS_PUT;
	record->timeout_ms = timeout_ms;
}

void sets_drop(struct sets_record *record)
{
	record->action = SETS_DROP;
	record->timeout_ms = 0;
	record->mark = 0;
}

struct address sets_address(const struct sets_record *record)
{
	struct address address = { .family = record->family };
	memcpy(address.bytes, record->to, sizeof(address.bytes));
	return address;
}

// ---- checks ----

static bool is_zero(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i])
			return false;
	return true;
}

static bool is_flow_good(const struct sets_record *record)
{
	size_t used = record->family == 4 ? ADDRESS_SIZE_4 : ADDRESS_SIZE_6;
	return record->list == 0 && record->to_port > 0 && record->from_port > 0 &&
	       is_zero(record->from + used, sizeof(record->from) - used) &&
	       (record->action == SETS_PUT) == (record->mark != 0);
}

static bool is_address_good(const struct sets_record *record)
{
	return (record->kind == SETS_LIST) == (record->list != 0) && record->mark == 0 &&
	       record->to_port == 0 && record->from_port == 0 &&
	       is_zero(record->from, sizeof(record->from));
}

static bool is_record_good(const struct sets_record *record)
{
	bool puts = record->action == SETS_PUT;
	if ((!puts && record->action != SETS_DROP) || record->zero != 0 ||
	    (record->family != 4 && record->family != 6))
		return false;
	// The kernel counts in ticks of some milliseconds, and takes none for ever.
	if (puts ? record->timeout_ms < 1000 || record->timeout_ms > SETS_TIMEOUT_MAX_MS
		 : record->timeout_ms != 0)
		return false;
	if (record->family == 4 &&
	    !is_zero(record->to + ADDRESS_SIZE_4, sizeof(record->to) - ADDRESS_SIZE_4))
		return false;
	switch (record->kind) {
	case SETS_LIST:
	case SETS_KNOWN:
		return is_address_good(record);
	case SETS_QUIC:
		return is_flow_good(record);
	default:
		return false;
	}
}

bool sets_message_is_good(const void *message, size_t len)
{
	const uint8_t *bytes = message;
	struct sets_head head;
	if (len < sizeof(head))
		return false;
	memcpy(&head, bytes, sizeof(head));
	if (head.count > SETS_RECORDS_MAX ||
	    len != sizeof(head) + head.count * sizeof(struct sets_record))
		return false;
	if (head.what == SETS_DUMP || head.what == SETS_TABLE)
		return head.count == 0;
	if (head.what != SETS_CHANGE || head.count == 0)
		return false;
	for (size_t i = 0; i < head.count; i++) {
		struct sets_record record;
		memcpy(&record, bytes + sizeof(head) + i * sizeof(record), sizeof(record));
		if (!is_record_good(&record))
			return false;
	}
	return true;
}

// ---- names ----

void sets_name(const struct sets_record *record, char ret[SETS_NAME_SIZE])
{
	if (record->kind == SETS_LIST)
		(void)snprintf(ret, SETS_NAME_SIZE, "l%u_%u", record->list, record->family);
	else
		(void)snprintf(ret, SETS_NAME_SIZE, "%s_%u",
			       record->kind == SETS_KNOWN ? "known" : "quic", record->family);
}

bool sets_name_read(const char *name, struct sets_record *ret)
{
	char again[SETS_NAME_SIZE];
	const char *border = strrchr(name, '_');
	struct sets_record record = { .kind = name[0] == 'l' ? SETS_LIST : SETS_KNOWN };
	if (!border)
		return false;
	record.family = (uint8_t)(border[1] - '0');
	if (record.kind == SETS_LIST)
		record.list = (uint32_t)strtoul(name + 1, NULL, 10);
	// Whatever is not written as it would be here is another's.
	sets_name(&record, again);
	if ((record.family != 4 && record.family != 6) ||
	    (record.kind == SETS_LIST && record.list == 0) || strcmp(again, name) != 0)
		return false;
	*ret = record;
	return true;
}
