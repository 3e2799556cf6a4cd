#include "kernel/policy_sets_messages.h"

#include <endian.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "base/octets.h"

#include "kernel/attributes.h"
#include "kernel/nft_batch.h"

#define TABLE "weft_policy"

enum { PORT_SIZE = 4 }; // in a key of several parts, each padded to four bytes

// ---- changes ----

static size_t address_size(const struct sets_record *record)
{
	return record->family == 4 ? 4 : 16;
}

// What the set knows an element by; returns its length.
static uint16_t key_of(const struct sets_record *record, uint8_t ret[2 * (16 + PORT_SIZE)])
{
	const size_t size = address_size(record);

	if (record->kind != SETS_QUIC) {
		memcpy(ret, record->to, size);
		return (uint16_t)size;
	}
	memset(ret, 0, 2 * (size + PORT_SIZE));
	memcpy(ret, record->from, size);
	octets_put(ret + size, record->from_port, 2);
	memcpy(ret + size + PORT_SIZE, record->to, size);
	octets_put(ret + 2 * size + PORT_SIZE, record->to_port, 2);
	return (uint16_t)(2 * (size + PORT_SIZE));
}

static void put_value(struct nlmsghdr *nlh, uint16_t type, const void *value, size_t size)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, type);

	mnl_attr_put(nlh, NFTA_DATA_VALUE, size, value);
	mnl_attr_nest_end(nlh, nest);
}

static void put_element(struct nft_batch *b, const struct sets_record *record, uint16_t type)
{
	uint8_t key[2 * (16 + PORT_SIZE)];
	char name[SETS_NAME_SIZE];
	const bool adds = type == NFT_MSG_NEWSETELEM;
	struct nlmsghdr *nlh = nft_batch_put(b, type, adds ? NLM_F_CREATE : 0, NFPROTO_INET);

	sets_name(record, name);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, TABLE);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, name);
	struct nlattr *list = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
	struct nlattr *element = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
	put_value(nlh, NFTA_SET_ELEM_KEY, key, key_of(record, key));
	if (adds && record->kind == SETS_QUIC)
		put_value(nlh, NFTA_SET_ELEM_DATA, &record->mark, sizeof record->mark);
	if (adds && record->timeout_ms > 0)
		mnl_attr_put_u64(nlh, NFTA_SET_ELEM_TIMEOUT, htobe64(record->timeout_ms));
	mnl_attr_nest_end(nlh, element);
	mnl_attr_nest_end(nlh, list);
	nft_batch_close(b, nlh);
}

size_t policy_sets_build(void *buf, const struct sets_record *records, size_t count)
{
	struct nft_batch b = nft_batch_begin(buf);

	// Adding again what is there changes no time-out, except on new kernels; deleting what is
	// not there fails. Hence add, delete, add.
	for (size_t i = 0; i < count; i++) {
		put_element(&b, &records[i], NFT_MSG_NEWSETELEM);
		put_element(&b, &records[i], NFT_MSG_DELSETELEM);
		if (records[i].action == SETS_PUT)
			put_element(&b, &records[i], NFT_MSG_NEWSETELEM);
	}
	return nft_batch_end(&b);
}

// ---- reading ----

struct nlmsghdr *policy_sets_names_build(void *buf)
{
	struct nlmsghdr *nlh = nft_message_put(buf, NFT_MSG_GETSET, NLM_F_DUMP, NFPROTO_INET);

	mnl_attr_put_strz(nlh, NFTA_SET_TABLE, TABLE);
	return nlh;
}

struct nlmsghdr *policy_sets_elements_build(void *buf, const struct sets_record *set)
{
	struct nlmsghdr *nlh = nft_message_put(buf, NFT_MSG_GETSETELEM, NLM_F_DUMP, NFPROTO_INET);
	char name[SETS_NAME_SIZE];

	sets_name(set, name);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, TABLE);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, name);
	return nlh;
}

struct nlmsghdr *policy_sets_table_build(void *buf)
{
	struct nlmsghdr *nlh = nft_message_put(buf, NFT_MSG_GETTABLE, 0, NFPROTO_INET);

	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, TABLE);
	return nlh;
}

static bool is_of(const struct nlmsghdr *nlh, uint16_t type)
{
	return nlh->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | type);
}

bool policy_sets_name_parse(const struct nlmsghdr *nlh, struct sets_record *ret)
{
	const struct nlattr *set[NFTA_SET_MAX + 1];
	char table[sizeof TABLE + 1], name[2 * SETS_NAME_SIZE];

	if (!is_of(nlh, NFT_MSG_NEWSET))
		return false;
	attrs_of_message(nlh, sizeof(struct nfgenmsg), set, NFTA_SET_MAX);
	attr_string(set[NFTA_SET_TABLE], table, sizeof table);
	attr_string(set[NFTA_SET_NAME], name, sizeof name);
	return strcmp(table, TABLE) == 0 && sets_name_read(name, ret);
}

static bool take_element(const struct nlattr *element, const struct sets_record *set,
			 struct sets_record *ret)
{
	const struct nlattr *fields[NFTA_SET_ELEM_MAX + 1], *key[NFTA_DATA_MAX + 1];

	attrs_of_nest(element, fields, NFTA_SET_ELEM_MAX);
	attrs_of_nest(fields[NFTA_SET_ELEM_KEY], key, NFTA_DATA_MAX);
	const uint64_t left_ms = be64toh(attr_u64(fields[NFTA_SET_ELEM_EXPIRATION]));
	*ret = *set;
	if (left_ms == 0 || !attr_bytes(key[NFTA_DATA_VALUE], ret->to, address_size(set)))
		return false;
	sets_put(ret,
		 left_ms > SETS_TIMEOUT_MAX_MS ? (uint32_t)SETS_TIMEOUT_MAX_MS : (uint32_t)left_ms);
	return true;
}

int policy_sets_elements_parse(const struct nlmsghdr *nlh, const struct sets_record *set,
			       policy_sets_fn fn, void *context)
{
	const struct nlattr *table[NFTA_SET_ELEM_LIST_MAX + 1];
	struct sets_record record;
	int rc = 0;

	if (!is_of(nlh, NFT_MSG_NEWSETELEM))
		return 0;
	attrs_of_message(nlh, sizeof(struct nfgenmsg), table, NFTA_SET_ELEM_LIST_MAX);
	const struct nlattr *list = table[NFTA_SET_ELEM_LIST_ELEMENTS];
	for (const struct nlattr *e = list ? attr_nested(list, NULL) : NULL; e && rc == 0;
	     e = attr_nested(list, e))
		if (take_element(e, set, &record))
			rc = fn(context, &record);
	return rc;
}

uint64_t policy_sets_table_parse(const struct nlmsghdr *nlh)
{
	const struct nlattr *table[NFTA_TABLE_MAX + 1];

	if (!is_of(nlh, NFT_MSG_NEWTABLE))
		return 0;
	attrs_of_message(nlh, sizeof(struct nfgenmsg), table, NFTA_TABLE_MAX);
	return be64toh(attr_u64(table[NFTA_TABLE_HANDLE]));
}
