#include "kernel/vip_messages.h"

#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/attributes.h"
#include "kernel/nft_batch.h"

static const uint8_t nf_families[] = { NFPROTO_INET, NFPROTO_NETDEV };
static const char *const table_families[] = { "inet", "netdev" };
static const char slots[] = { 'a', 'b' };

void vip_table_name(char ret[VIP_TABLE_SIZE], const struct vip_set *set)
{
	if (set->part)
		(void)snprintf(ret, VIP_TABLE_SIZE, "weft_ha_%u_%u", set->group, set->part);
	else
		(void)snprintf(ret, VIP_TABLE_SIZE, "weft_ha_%u", set->group);
}

void vip_table_read(const char *text, struct vip_set *ret)
{
	char *end;

	ret->group = (uint32_t)strtoul(text + strlen("weft_ha_"), &end, 10);
	ret->part = *end == '_' ? (uint32_t)strtoul(end + 1, NULL, 10) : 0;
}

// "lease_a4": elements with time-outs; "use_a4": elements without, while the slot counts.
static void set_name(char ret[16], bool of_use, enum vip_slot slot, int version)
{
	(void)snprintf(ret, 16, "%s_%c%d", of_use ? "use" : "lease", slots[slot], version);
}

static uint8_t family_of(int version)
{
	return version == 4 ? AF_INET : AF_INET6;
}

static bool has_version(const struct vip_set *set, int version)
{
	for (size_t i = 0; i < set->n; i++) {
		if (set->ips[i].family == family_of(version))
			return true;
	}
	return false;
}

// ---- rules ----

static void add_vips(struct text *out, const struct vip_set *set, int version)
{
	const char *separator = "{ ";
	char address[KERNEL_ADDR_TEXT_SIZE];

	for (size_t i = 0; i < set->n; i++) {
		if (set->ips[i].family != family_of(version))
			continue;
		kernel_ip_format(&set->ips[i], address);
		text_addf(out, "%s%s", separator, address);
		separator = ", ";
	}
	text_add(out, " }");
}

static void add_sets(struct text *out, const struct vip_set *set)
{
	for (int version = 4; version <= 6; version += 2) {
		const char *type = version == 4 ? "ipv4_addr" : "ipv6_addr";

		for (size_t i = 0; i < sizeof slots && has_version(set, version); i++)
			text_addf(out,
				  "\tset lease_%c%d { type %s; flags timeout; }\n"
				  "\tset use_%c%d { type %s; }\n",
				  slots[i], version, type, slots[i], version, type);
	}
}

// Goes on with the packet if the address that `match` names has a lease in a slot in use.
static void add_gate(struct text *out, const char *name, const char *match, int version)
{
	text_addf(out, "\tchain %s {\n", name);
	for (size_t i = 0; i < sizeof slots; i++)
		text_addf(out, "\t\t%s @use_%c%d %s @lease_%c%d return\n", match, slots[i], version,
			  match, slots[i], version);
	text_add(out, "\t\tcounter name shut drop\n\t}\n");
}

static void add_jump(struct text *out, const struct vip_set *set, const char *match, int version,
		     const char *to)
{
	if (!has_version(set, version))
		return;
	text_addf(out, "\t\t%s ", match);
	add_vips(out, set, version);
	text_addf(out, " jump %s\n", to);
}

// What this host itself takes and sends as one of the addresses, through whatever interface.
static void add_host(struct text *out, const struct vip_set *set)
{
	if (has_version(set, 4)) {
		add_gate(out, "to4", "ip daddr", 4);
		add_gate(out, "from4", "ip saddr", 4);
	}
	if (has_version(set, 6)) {
		add_gate(out, "to6", "ip6 daddr", 6);
		add_gate(out, "from6", "ip6 saddr", 6);
	}
	text_add(out, "\tchain input {\n\t\ttype filter hook input priority filter - 11; policy "
		      "accept;\n");
	add_jump(out, set, "ip daddr", 4, "to4");
	add_jump(out, set, "ip6 daddr", 6, "to6");
	text_add(out, "\t}\n\tchain output {\n\t\ttype filter hook output priority filter - 11; "
		      "policy accept;\n");
	add_jump(out, set, "ip saddr", 4, "from4");
	add_jump(out, set, "ip6 saddr", 6, "from6");
	text_add(out, "\t}\n");
}

// What leaves for the LAN: answers of ARP and neighbour discovery too, and what the agent makes
// itself.
static void add_lan(struct text *out, const struct vip_set *set)
{
	if (has_version(set, 4)) {
		add_gate(out, "arp4", "arp saddr ip", 4);
		add_gate(out, "from4", "ip saddr", 4);
	}
	if (has_version(set, 6))
		add_gate(out, "from6", "ip6 saddr", 6);
	text_addf(out,
		  "\tchain out {\n\t\ttype filter hook egress device \"%s\" priority 0; "
		  "policy accept;\n",
		  set->interface);
	add_jump(out, set, "arp saddr ip", 4, "arp4");
	add_jump(out, set, "ip saddr", 4, "from4");
	add_jump(out, set, "ip6 saddr", 6, "from6");
	text_add(out, "\t}\n");
}

static void add_tables(struct text *out, const struct vip_set *set, const char *comment)
{
	char name[VIP_TABLE_SIZE];

	vip_table_name(name, set);
	for (size_t i = 0; i < sizeof nf_families; i++) {
		text_addf(out, "add table %s %s\ndelete table %s %s\ntable %s %s {\n",
			  table_families[i], name, table_families[i], name, table_families[i],
			  name);
		text_addf(out, "\tcomment \"%s\"\n\tcounter shut { }\n", comment);
		add_sets(out, set);
		(i ? add_lan : add_host)(out, set);
		text_add(out, "}\n");
	}
}

// FNV-1a of the rules.
void vip_rules_digest(const struct vip_set *set, char ret[VIP_DIGEST_SIZE])
{
	struct text rules = { 0 };
	uint64_t sum = 0xcbf29ce484222325u;

	add_tables(&rules, set, "");
	for (size_t i = 0; i < rules.len; i++)
		sum = (sum ^ (uint8_t)rules.data[i]) * 0x100000001b3u;
	(void)snprintf(ret, VIP_DIGEST_SIZE, "%016llx", (unsigned long long)sum);
	text_free(&rules);
}

void vip_rules_render(struct text *out, const struct vip_set *set)
{
	char digest[VIP_DIGEST_SIZE];

	vip_rules_digest(set, digest);
	add_tables(out, set, digest);
}

// ---- batches ----

struct batch {
	struct nft_batch nft;
	const struct vip_set *set;
};

static void name_set(struct nlmsghdr *nlh, const struct vip_set *set, const char *name)
{
	char table[VIP_TABLE_SIZE];

	vip_table_name(table, set);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, table);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, name);
}

static struct nlmsghdr *begin_set(struct batch *b, uint16_t type, uint16_t flags, size_t family,
				  const char *name)
{
	struct nlmsghdr *nlh = nft_batch_put(&b->nft, type, flags, nf_families[family]);

	name_set(nlh, b->set, name);
	return nlh;
}

// Without elements: all of them.
static void put_flush(struct batch *b, size_t family, const char *name)
{
	nft_batch_close(&b->nft, begin_set(b, NFT_MSG_DELSETELEM, 0, family, name));
}

static void put_elements(struct batch *b, size_t family, const char *name, int version, int64_t ms)
{
	struct nlmsghdr *nlh = begin_set(b, NFT_MSG_NEWSETELEM, NLM_F_CREATE, family, name);
	struct nlattr *list = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);

	for (size_t i = 0; i < b->set->n; i++) {
		const struct kernel_ip *ip = &b->set->ips[i];

		if (ip->family != family_of(version))
			continue;
		struct nlattr *element = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
		struct nlattr *key = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_KEY);
		mnl_attr_put(nlh, NFTA_DATA_VALUE, ip_size(ip->family), ip->bytes);
		mnl_attr_nest_end(nlh, key);
		if (ms > 0)
			mnl_attr_put_u64(nlh, NFTA_SET_ELEM_TIMEOUT, htobe64((uint64_t)ms));
		mnl_attr_nest_end(nlh, element);
	}
	mnl_attr_nest_end(nlh, list);
	nft_batch_close(&b->nft, nlh);
}

// Empties a slot's sets of one kind in both tables, and fills them again if `fill`.
static void put_slot(struct batch *b, bool of_use, enum vip_slot slot, bool fill, int64_t ms)
{
	char name[16];

	for (size_t family = 0; family < sizeof nf_families; family++) {
		for (int version = 4; version <= 6; version += 2) {
			if (!has_version(b->set, version))
				continue;
			set_name(name, of_use, slot, version);
			put_flush(b, family, name);
			if (fill)
				put_elements(b, family, name, version, ms);
		}
	}
}

static struct batch batch_begin(void *buf, const struct vip_set *set)
{
	return (struct batch){ .nft = nft_batch_begin(buf), .set = set };
}

size_t vip_pledge_build(void *buf, const struct vip_set *set, enum vip_slot slot, int64_t ms)
{
	struct batch b = batch_begin(buf, set);

	put_slot(&b, false, slot, true, ms);
	return nft_batch_end(&b.nft);
}

size_t vip_use_build(void *buf, const struct vip_set *set, enum vip_slot slot)
{
	struct batch b = batch_begin(buf, set);

	for (enum vip_slot s = VIP_A; s <= VIP_B; s++) {
		put_slot(&b, true, s, s == slot, 0);
		if (slot == VIP_NONE)
			put_slot(&b, false, s, false, 0);
	}
	return nft_batch_end(&b.nft);
}

// ---- reading ----

struct nlmsghdr *vip_read_build(void *buf, const struct vip_set *set, enum vip_slot slot,
				bool of_use)
{
	struct nlmsghdr *nlh = nft_message_put(buf, NFT_MSG_GETSETELEM, NLM_F_DUMP, nf_families[0]);
	char name[16];

	set_name(name, of_use, slot, has_version(set, 4) ? 4 : 6);
	name_set(nlh, set, name);
	return nlh;
}

static void take_element(const struct nlattr *element, int64_t *ret_ms)
{
	const struct nlattr *fields[NFTA_SET_ELEM_MAX + 1];

	attrs_of_nest(element, fields, NFTA_SET_ELEM_MAX);
	if (!fields[NFTA_SET_ELEM_EXPIRATION])
		return;
	const int64_t ms = (int64_t)be64toh(attr_u64(fields[NFTA_SET_ELEM_EXPIRATION]));
	if (ms < *ret_ms)
		*ret_ms = ms;
}

int vip_read_parse(const struct nlmsghdr *nlh, size_t *ret_count, int64_t *ret_ms)
{
	const struct nlattr *table[NFTA_SET_ELEM_LIST_MAX + 1];

	if (nlh->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM))
		return -ENOMSG;
	attrs_of_message(nlh, sizeof(struct nfgenmsg), table, NFTA_SET_ELEM_LIST_MAX);
	const struct nlattr *list = table[NFTA_SET_ELEM_LIST_ELEMENTS];
	for (const struct nlattr *e = list ? attr_nested(list, NULL) : NULL; e;
	     e = attr_nested(list, e)) {
		(*ret_count)++;
		take_element(e, ret_ms);
	}
	return 0;
}
