#include "kernel/policy_table_messages.h"

#include <endian.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "kernel/attributes.h"
#include "kernel/list.h"
#include "kernel/nft_batch.h"

#define TABLE "weft_policy"

// libnftnl's way of keeping a chain's comment: a type, a length, the text with its end.
enum { USERDATA_COMMENT = 0, USERDATA_HEAD = 2, USERDATA_SIZE = 256 };

static const struct {
	uint8_t get, new;  // types of messages
	uint16_t of_table; // attribute
} parts[POLICY_PARTS] = {
	[POLICY_CHAINS] = { NFT_MSG_GETCHAIN, NFT_MSG_NEWCHAIN, NFTA_CHAIN_TABLE },
	[POLICY_RULES] = { NFT_MSG_GETRULE, NFT_MSG_NEWRULE, NFTA_RULE_TABLE },
	[POLICY_COUNTERS] = { NFT_MSG_GETOBJ, NFT_MSG_NEWOBJ, NFTA_OBJ_TABLE },
	[POLICY_SETS] = { NFT_MSG_GETSET, NFT_MSG_NEWSET, NFTA_SET_TABLE },
};

struct nlmsghdr *policy_table_build(void *buf)
{
	struct nlmsghdr *nlh = nft_message_put(buf, NFT_MSG_GETTABLE, 0, NFPROTO_INET);

	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, TABLE);
	return nlh;
}

struct nlmsghdr *policy_part_build(void *buf, enum policy_part part)
{
	struct nlmsghdr *nlh = nft_message_put(buf, parts[part].get, NLM_F_DUMP, NFPROTO_INET);

	mnl_attr_put_strz(nlh, parts[part].of_table, TABLE);
	return nlh;
}

// ---- what they say ----

// FNV-1a: enough to notice that somebody edited a rule.
static void sum_add(struct kernel_policy *p, const struct nlattr *attr)
{
	const uint8_t *bytes = attr ? mnl_attr_get_payload(attr) : NULL;
	const size_t len = attr ? mnl_attr_get_payload_len(attr) : 0;

	for (size_t i = 0; i < len; i++)
		p->rules_sum = (p->rules_sum ^ bytes[i]) * 0x100000001b3u;
}

static void take_comment(const struct nlattr *attr, struct kernel_policy *p)
{
	char bytes[USERDATA_SIZE] = "";
	const size_t len = attr ? mnl_attr_get_payload_len(attr) : 0;

	if (p->comment[0] || len <= USERDATA_HEAD || len >= sizeof bytes)
		return;
	memcpy(bytes, mnl_attr_get_payload(attr), len);
	if (bytes[0] == USERDATA_COMMENT && (uint8_t)bytes[1] <= len - USERDATA_HEAD)
		(void)snprintf(p->comment, sizeof p->comment, "%.*s", (int)(uint8_t)bytes[1],
			       bytes + USERDATA_HEAD);
}

static int take_chain(const struct nlattr *const *t, struct kernel_policy *p)
{
	struct kernel_chain_name *to = list_add(&p->chains, &p->chains_len, sizeof *p->chains);

	if (!to)
		return -ENOMEM;
	attr_string(t[NFTA_CHAIN_NAME], to->text, sizeof to->text);
	take_comment(t[NFTA_CHAIN_USERDATA], p);
	sum_add(p, t[NFTA_CHAIN_NAME]);
	sum_add(p, t[NFTA_CHAIN_HOOK]);
	sum_add(p, t[NFTA_CHAIN_POLICY]);
	return 0;
}

static int take_rule(const struct nlattr *const *t, struct kernel_policy *p)
{
	sum_add(p, t[NFTA_RULE_CHAIN]);
	sum_add(p, t[NFTA_RULE_EXPRESSIONS]);
	sum_add(p, t[NFTA_RULE_USERDATA]);
	return 0;
}

static int take_counter(const struct nlattr *const *t, struct kernel_policy *p)
{
	const struct nlattr *data[NFTA_COUNTER_MAX + 1];

	if (be32toh(attr_u32(t[NFTA_OBJ_TYPE])) != NFT_OBJECT_COUNTER)
		return 0;
	struct kernel_named_counter *to =
		list_add(&p->counters, &p->counters_len, sizeof *p->counters);
	if (!to)
		return -ENOMEM;
	attr_string(t[NFTA_OBJ_NAME], to->name, sizeof to->name);
	attrs_of_nest(t[NFTA_OBJ_DATA], data, NFTA_COUNTER_MAX);
	to->count.packets = be64toh(attr_u64(data[NFTA_COUNTER_PACKETS]));
	to->count.bytes = be64toh(attr_u64(data[NFTA_COUNTER_BYTES]));
	sum_add(p, t[NFTA_OBJ_NAME]);
	return 0;
}

static int take_set(const struct nlattr *const *t, struct kernel_policy *p)
{
	const uint32_t flags = be32toh(attr_u32(t[NFTA_SET_FLAGS]));

	if (flags & NFT_SET_ANONYMOUS)
		return 0;
	struct kernel_policy_set *to = list_add(&p->sets, &p->sets_len, sizeof *p->sets);
	if (!to)
		return -ENOMEM;
	attr_string(t[NFTA_SET_NAME], to->name, sizeof to->name);
	to->is_map = (flags & NFT_SET_MAP) != 0;
	sum_add(p, t[NFTA_SET_NAME]);
	return 0;
}

int policy_part_parse(const struct nlmsghdr *nlh, struct kernel_policy *p)
{
	static int (*const takers[POLICY_PARTS])(
		const struct nlattr *const *t,
		struct kernel_policy *p) = { take_chain, take_rule, take_counter, take_set };
	enum { ATTRIBUTES_MAX = 32 };
	_Static_assert(ATTRIBUTES_MAX >= NFTA_SET_MAX && ATTRIBUTES_MAX >= NFTA_CHAIN_MAX &&
			       ATTRIBUTES_MAX >= NFTA_RULE_MAX && ATTRIBUTES_MAX >= NFTA_OBJ_MAX,
		       "room for the attributes of each part");
	const struct nlattr *t[ATTRIBUTES_MAX + 1];
	char table[KERNEL_NFT_NAME_SIZE];

	for (size_t i = 0; i < POLICY_PARTS; i++) {
		if (nlh->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | parts[i].new))
			continue;
		attrs_of_message(nlh, sizeof(struct nfgenmsg), t, ATTRIBUTES_MAX);
		attr_string(t[parts[i].of_table], table, sizeof table);
		return strcmp(table, TABLE) == 0 ? takers[i](t, p) : 0;
	}
	return 0;
}
