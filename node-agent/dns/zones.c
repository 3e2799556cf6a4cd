#include "dns/zones.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "model/net.h"

enum {
	SLOTS_FIRST = 64,
	CHAIN_MAX = 8, // aliases followed
	TXT_PIECE = 255,
	TXT_MAX = 4096,
	REVERSE_TEXT_SIZE = 80,
};

struct record {
	struct record *next;
	uint16_t type, len;
	uint32_t ttl_s;
	uint8_t data[]; // of CNAME and PTR: a name's wire
};

// A name in the tree; one without records only has names below it.
struct node {
	struct node *next; // in its slot
	struct name name;
	bool is_apex;   // of a zone
	bool is_alone;  // a reverse name: a zone of itself only, without a SOA
	bool is_made;   // its PTR came by itself: a written one takes its place
	uint32_t ttl_s; // of an apex: for answers that say there is nothing
	struct record *records;
};

struct dns_zones {
	struct node **slots;
	size_t n_slots, n_nodes;
};

struct dns_zones *dns_zones_new(void)
{
	struct dns_zones *zones = calloc(1, sizeof(*zones));
	if (zones)
		zones->slots = calloc(SLOTS_FIRST, sizeof(struct node *));
	if (!zones || !zones->slots) {
		free(zones);
		return NULL;
	}
	zones->n_slots = SLOTS_FIRST;
	return zones;
}

static void free_records(struct node *node)
{
	for (struct record *record = node->records, *next; record; record = next) {
		next = record->next;
		free(record);
	}
	node->records = NULL;
}

void dns_zones_free(struct dns_zones *zones)
{
	if (!zones)
		return;
	for (size_t i = 0; i < zones->n_slots; i++) {
		for (struct node *node = zones->slots[i], *next; node; node = next) {
			next = node->next;
			free_records(node);
			free(node);
		}
	}
	free(zones->slots);
	free(zones);
}

// FNV-1a: who asks does not choose what stands in the table.
static size_t hash_wire(const uint8_t *wire, size_t len)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ wire[i]) * UINT64_C(0x100000001b3);
	return (size_t)(hash ^ hash >> 32);
}

static struct node *find_wire(const struct dns_zones *zones, const uint8_t *wire, size_t len)
{
	struct node *node = zones->slots[hash_wire(wire, len) & (zones->n_slots - 1)];
	while (node && (node->name.len != len || memcmp(node->name.wire, wire, len) != 0))
		node = node->next;
	return node;
}

// What `name` is without its first `labels` labels.
static struct node *find_above(const struct dns_zones *zones, const struct name *name,
			       unsigned labels)
{
	size_t start = labels < name->n_labels ? name->starts[labels] : name->len - 1u;
	return find_wire(zones, name->wire + start, name->len - start);
}

static int grow(struct dns_zones *zones)
{
	size_t n_slots = zones->n_slots * 2;
	struct node **slots = calloc(n_slots, sizeof(struct node *));
	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < zones->n_slots; i++) {
		for (struct node *node = zones->slots[i], *next; node; node = next) {
			struct node **slot =
				&slots[hash_wire(node->name.wire, node->name.len) & (n_slots - 1)];
			next = node->next;
			node->next = *slot;
			*slot = node;
		}
	}
	free(zones->slots);
	zones->slots = slots;
	zones->n_slots = n_slots;
	return 0;
}

static struct node *make_node(struct dns_zones *zones, const struct name *name)
{
	struct node *node = find_wire(zones, name->wire, name->len);
	if (node)
		return node;
	if (zones->n_nodes >= zones->n_slots && grow(zones) < 0)
		return NULL;
	node = calloc(1, sizeof(*node));
	if (!node)
		return NULL;
	node->name = *name;
	struct node **slot = &zones->slots[hash_wire(name->wire, name->len) & (zones->n_slots - 1)];
	node->next = *slot;
	*slot = node;
	zones->n_nodes++;
	return node;
}

int dns_zones_add(struct dns_zones *zones, const char *zone, uint32_t ttl_s, struct err *err)
{
	struct name name;
	if (name_parse(zone, strlen(zone), &name, err) < 0)
		return err_prefix(err, "zone");
	struct node *node = make_node(zones, &name);
	if (!node)
		return err_set(err, -ENOMEM, "out of memory");
	node->is_apex = true;
	node->ttl_s = ttl_s;
	return 0;
}

// ---- records ----

static int add_data(struct node *node, uint16_t type, uint32_t ttl_s, const void *data, size_t len)
{
	struct record **at = &node->records;
	struct record *record = malloc(sizeof(*record) + len);
	if (!record)
		return -ENOMEM;
	*record = (struct record){ .type = type, .len = (uint16_t)len, .ttl_s = ttl_s };
	memcpy(record->data, data, len);
	while (*at)
		at = &(*at)->next;
	*at = record;
	return 0;
}

// "9.0.1.10.in-addr.arpa", RFC 1035 §3.5, RFC 3596 §2.5.
static void reverse_of(const struct address *address, struct name *ret)
{
	char text[REVERSE_TEXT_SIZE];
	size_t at = 0;
	if (address->family == 4) {
		const uint8_t *b = address->bytes;
		at = (size_t)snprintf(text, sizeof(text), "%u.%u.%u.%u.in-addr.arpa", b[3], b[2],
				      b[1], b[0]);
	} else {
		for (size_t i = sizeof(address->bytes); i-- > 0;) {
			text[at++] = "0123456789abcdef"[address->bytes[i] & 15];
			text[at++] = '.';
			text[at++] = "0123456789abcdef"[address->bytes[i] >> 4];
			text[at++] = '.';
		}
		at += (size_t)snprintf(text + at, sizeof(text) - at, "ip6.arpa");
	}
	(void)name_parse(text, at, ret, NULL);
}

static int add_reverse(struct dns_zones *zones, const struct address *address,
		       const struct name *name, uint32_t ttl_s)
{
	struct name reverse;
	reverse_of(address, &reverse);
	struct node *node = make_node(zones, &reverse);
	if (!node)
		return -ENOMEM;
	if (node->records)
		return 0;
	node->is_alone = node->is_made = true;
	return add_data(node, DNS_PTR, ttl_s, name->wire, name->len);
}

static int add_address(struct dns_zones *zones, struct node *node, uint16_t type,
		       const struct dns_zone_record *record, struct err *err)
{
	struct address address;
	int r = address_parse(record->data, &address, err);
	if (r < 0)
		return r;
	if ((address.family == 4) != (type == DNS_A))
		return err_set(err, -EINVAL, "%s is no address of type %s", record->data,
			       record->type);
	bool is_wildcard = node->name.n_labels > 0 && memcmp(node->name.wire, "\1*", 2) == 0;
	r = add_data(node, type, record->ttl_s, address.bytes, address.family == 4 ? 4 : 16);
	if (r == 0 && !is_wildcard)
		r = add_reverse(zones, &address, &node->name, record->ttl_s);
	return r < 0 ? err_set(err, r, "out of memory") : 0;
}

// Long text in pieces, as RFC 1035 §3.3.14 has it.
static int add_text(struct node *node, const struct dns_zone_record *record, struct err *err)
{
	uint8_t data[TXT_MAX + TXT_MAX / TXT_PIECE + 1];
	size_t left = strlen(record->data), len = 0;
	const char *at = record->data;
	if (left > TXT_MAX)
		return err_set(err, -EINVAL, "a text has at most %d bytes", TXT_MAX);
	do {
		size_t piece = left < TXT_PIECE ? left : TXT_PIECE;
		data[len++] = (uint8_t)piece;
		memcpy(data + len, at, piece);
		len += piece;
		at += piece;
		left -= piece;
	} while (left > 0);
	if (add_data(node, DNS_TXT, record->ttl_s, data, len) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	return 0;
}

// "www" of "lan.example" is www.lan.example.
static int make_owner(const char *text, const char *zone, struct name *ret, struct err *err)
{
	char whole[NAME_TEXT_SIZE];
	bool is_wildcard = text[0] == '*' && (text[1] == '.' || text[1] == '\0');
	const char *rest = is_wildcard ? text + 1 + (text[1] == '.') : text;
	int n;
	if (strcmp(text, "@") == 0 || rest[0] == '\0')
		n = snprintf(whole, sizeof(whole), "%s", zone);
	else
		n = snprintf(whole, sizeof(whole), "%s.%s", rest, zone);
	if (n < 0 || (size_t)n >= sizeof(whole))
		return err_set(err, -EINVAL, "%.100s: it is too long", text);
	int r = name_parse(whole, (size_t)n, ret, err);
	if (r < 0 || !is_wildcard)
		return r;
	uint8_t wire[NAME_WIRE_MAX + 2] = "\1*";
	if (ret->len + 2u > NAME_WIRE_MAX)
		return err_set(err, -EINVAL, "%.100s: it is too long", text);
	memcpy(wire + 2, ret->wire, ret->len);
	return name_read(wire, ret->len + 2u, ret) < 0 ? -EINVAL : 0;
}

static int add_name(struct node *node, uint16_t type, const struct dns_zone_record *record,
		    struct err *err)
{
	struct name target;
	int r = name_parse(record->data, strlen(record->data), &target, err);
	if (r < 0)
		return r;
	if (node->is_made)
		free_records(node);
	node->is_made = false;
	if (add_data(node, type, record->ttl_s, target.wire, target.len) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	return 0;
}

static bool has_type(const struct node *node, uint16_t type)
{
	const struct record *record = node->records;
	while (record && record->type != type)
		record = record->next;
	return record;
}

static int type_of(const char *text, uint16_t *ret, struct err *err)
{
	static const struct {
		const char *text;
		uint16_t type;
	} types[] = { { "A", DNS_A },
		      { "AAAA", DNS_AAAA },
		      { "CNAME", DNS_CNAME },
		      { "TXT", DNS_TXT },
		      { "PTR", DNS_PTR } };
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (strcasecmp(types[i].text, text) == 0) {
			*ret = types[i].type;
			return 0;
		}
	}
	return err_set(err, -EINVAL, "%.20s is no type of a record: A, AAAA, CNAME, TXT or PTR",
		       text);
}

// Every name between it and its zone exists, though without records (RFC 4592 §2.2.2).
static int add_between(struct dns_zones *zones, const struct name *name, const struct node *apex)
{
	for (unsigned up = 1; name->n_labels - up > apex->name.n_labels; up++) {
		struct name above;
		size_t start = name->starts[up];
		(void)name_read(name->wire + start, name->len - start, &above);
		if (!make_node(zones, &above))
			return -ENOMEM;
	}
	return 0;
}

int dns_zones_add_record(struct dns_zones *zones, const char *zone,
			 const struct dns_zone_record *record, struct err *err)
{
	struct name apex_name, name;
	uint16_t type = 0;
	int r = name_parse(zone, strlen(zone), &apex_name, err);
	if (r == 0)
		r = type_of(record->type, &type, err);
	if (r == 0)
		r = make_owner(record->name, zone, &name, err);
	if (r < 0)
		return r;
	struct node *apex = find_wire(zones, apex_name.wire, apex_name.len);
	struct node *node = make_node(zones, &name);
	if (!apex || !node || add_between(zones, &name, apex) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	bool has_alias = has_type(node, DNS_CNAME);
	if (has_alias || (type == DNS_CNAME && node->records && !node->is_made))
		return err_set(err, -EINVAL, "%s: an alias stands alone under its name",
			       record->name);
	switch (type) {
	case DNS_A:
	case DNS_AAAA:
		return add_address(zones, node, type, record, err);
	case DNS_TXT:
		return add_text(node, record, err);
	default:
		return add_name(node, type, record, err);
	}
}

// ---- answers ----

// The zone that `name` belongs to: the closest one.
static const struct node *find_apex(const struct dns_zones *zones, const struct name *name)
{
	for (unsigned up = 0; up <= name->n_labels; up++) {
		const struct node *node = find_above(zones, name, up);
		if (node && (node->is_apex || (up == 0 && node->is_alone)))
			return node;
	}
	return NULL;
}

static const struct node *find_wildcard(const struct dns_zones *zones, const struct name *name,
					const struct node *apex)
{
	for (unsigned up = 1; name->n_labels - up >= apex->name.n_labels; up++) {
		const struct node *above = find_above(zones, name, up);
		if (!above)
			continue;
		// The closest name that exists decides (RFC 4592 §3.3.1).
		uint8_t wire[NAME_WIRE_MAX + 2] = "\1*";
		memcpy(wire + 2, above->name.wire, above->name.len);
		return find_wire(zones, wire, above->name.len + 2u);
	}
	return NULL;
}

// Writes the node's records of `type` under `name`; returns how many there are.
static unsigned write_records(struct dns_writer *writer, const struct node *node,
			      const struct name *name, uint16_t type)
{
	unsigned count = 0;
	for (const struct record *at = node->records; at; at = at->next) {
		if (at->type != type && type != DNS_ANY)
			continue;
		count++;
		if (!writer)
			continue;
		const struct dns_record record = { .section = DNS_ANSWER,
						   .name = *name,
						   .type = at->type,
						   .class = DNS_IN,
						   .ttl = at->ttl_s,
						   .data_len = at->len };
		struct name target;
		if ((at->type == DNS_CNAME || at->type == DNS_PTR) &&
		    name_read(at->data, at->len, &target) >= 0)
			dns_write_name_record(writer, &record, &target);
		else
			dns_write_record(writer, &record, at->data);
	}
	return count;
}

static const struct record *alias_of(const struct node *node, uint16_t type)
{
	if (type == DNS_CNAME || type == DNS_ANY)
		return NULL;
	const struct record *record = node->records;
	while (record && record->type != DNS_CNAME)
		record = record->next;
	return record;
}

// What a name, which is not there when `node` is NULL, has of the type; an SOA where it has none.
static enum dns_zone_answer answer_with(const struct node *apex, const struct node *node,
					const struct name *name, uint16_t type,
					struct dns_writer *writer)
{
	const bool is_soa = type == DNS_SOA && node == apex;
	const bool has_some = node && write_records(writer, node, name, type) > 0;
	if (writer && !has_some && !apex->is_alone)
		dns_write_soa(writer, is_soa ? DNS_ANSWER : DNS_AUTHORITY, &apex->name,
			      apex->ttl_s);
	return node ? DNS_ZONE_DONE : DNS_ZONE_NO_NAME;
}

enum dns_zone_answer dns_zones_answer(const struct dns_zones *zones, const struct name *name,
				      uint16_t type, struct dns_writer *writer,
				      struct name *ret_target)
{
	if (zones->n_nodes == 0)
		return DNS_ZONE_NONE;
	struct name at = *name;
	for (unsigned hop = 0; hop < CHAIN_MAX; hop++) {
		const struct node *apex = find_apex(zones, &at);
		if (!apex && hop == 0)
			return DNS_ZONE_NONE;
		if (ret_target)
			*ret_target = at;
		if (!apex)
			return DNS_ZONE_ELSEWHERE;
		const struct node *node = find_wire(zones, at.wire, at.len);
		if (!node)
			node = find_wildcard(zones, &at, apex);
		const struct record *alias = node ? alias_of(node, type) : NULL;
		if (!alias)
			return answer_with(apex, node, &at, type, writer);
		(void)write_records(writer, node, &at, DNS_CNAME);
		(void)name_read(alias->data, alias->len, &at);
	}
	return DNS_ZONE_DONE;
}
