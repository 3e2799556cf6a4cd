// What the kernel says of table `inet weft_policy`, message by message.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <endian.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "kernel/nft_batch.h"
#include "kernel/policy_table_messages.h"

static _Alignas(8) char buf[1024];

static struct nlmsghdr *message(uint16_t type, const char *table, uint16_t of_name,
				const char *name)
{
	struct nlmsghdr *nlh = nft_message_put(buf, type, 0, NFPROTO_INET);

	mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, table); // the first of each kind
	mnl_attr_put_strz(nlh, of_name, name);
	return nlh;
}

static void take_chain(struct kernel_policy *p, const char *table, const char *name,
		       const char *comment)
{
	struct nlmsghdr *nlh = message(NFT_MSG_NEWCHAIN, table, NFTA_CHAIN_NAME, name);
	char data[64] = { 0 };

	data[1] = (char)(strlen(comment) + 1);
	(void)strcpy(data + 2, comment);
	if (*comment)
		mnl_attr_put(nlh, NFTA_CHAIN_USERDATA, strlen(comment) + 3, data);
	assert_int_equal(policy_part_parse(nlh, p), 0);
}

static void take_counter(struct kernel_policy *p, const char *name, uint64_t packets)
{
	struct nlmsghdr *nlh = message(NFT_MSG_NEWOBJ, "weft_policy", NFTA_OBJ_NAME, name);

	mnl_attr_put_u32(nlh, NFTA_OBJ_TYPE, htobe32(NFT_OBJECT_COUNTER));
	struct nlattr *data = mnl_attr_nest_start(nlh, NFTA_OBJ_DATA);
	mnl_attr_put_u64(nlh, NFTA_COUNTER_BYTES, htobe64(84 * packets));
	mnl_attr_put_u64(nlh, NFTA_COUNTER_PACKETS, htobe64(packets));
	mnl_attr_nest_end(nlh, data);
	assert_int_equal(policy_part_parse(nlh, p), 0);
}

static void take_set(struct kernel_policy *p, const char *name, uint32_t flags)
{
	struct nlmsghdr *nlh = message(NFT_MSG_NEWSET, "weft_policy", NFTA_SET_NAME, name);

	mnl_attr_put_u32(nlh, NFTA_SET_FLAGS, htobe32(flags));
	assert_int_equal(policy_part_parse(nlh, p), 0);
}

static void take_rule(struct kernel_policy *p, const char *says)
{
	struct nlmsghdr *nlh = message(NFT_MSG_NEWRULE, "weft_policy", NFTA_RULE_CHAIN, "arrival");

	mnl_attr_put_u64(nlh, NFTA_RULE_HANDLE, (uint64_t)(uintptr_t)p); // another each time
	mnl_attr_put_strz(nlh, NFTA_RULE_EXPRESSIONS, says);
	assert_int_equal(policy_part_parse(nlh, p), 0);
}

static void table_is_read(void **state)
{
	struct kernel_policy p = { .rules_sum = POLICY_SUM_NOTHING };

	(void)state;
	take_chain(&p, "weft_policy", "arrival", "1afe");
	take_chain(&p, "weft_policy", "policy_1", "");
	take_chain(&p, "filter", "input", "another's");
	take_counter(&p, "p1r1", 3);
	take_set(&p, "l7_4", NFT_SET_TIMEOUT);
	take_set(&p, "quic_4", NFT_SET_TIMEOUT | NFT_SET_MAP);
	take_set(&p, "__set0", NFT_SET_ANONYMOUS | NFT_SET_CONSTANT);
	assert_int_equal(p.chains_len, 2);
	assert_string_equal(p.chains[1].text, "policy_1");
	assert_string_equal(p.comment, "1afe");
	assert_int_equal(p.counters_len, 1);
	assert_string_equal(p.counters[0].name, "p1r1");
	assert_int_equal(p.counters[0].count.packets, 3);
	assert_int_equal(p.counters[0].count.bytes, 252);
	assert_int_equal(p.sets_len, 2);
	assert_string_equal(p.sets[0].name, "l7_4");
	assert_true(!p.sets[0].is_map && p.sets[1].is_map);
	kernel_policy_done(&p);
}

// What is counted is no edit, nor is a table that was made anew; another rule is.
static void an_edit_has_another_sum(void **state)
{
	struct kernel_policy a = { .rules_sum = POLICY_SUM_NOTHING }, b = a, c = a;

	(void)state;
	take_rule(&a, "meta mark");
	take_counter(&a, "p1r1", 3);
	take_rule(&b, "meta mark");
	take_counter(&b, "p1r1", 4);
	take_rule(&c, "ct mark");
	take_counter(&c, "p1r1", 3);
	assert_true(a.rules_sum == b.rules_sum);
	assert_true(a.rules_sum != c.rules_sum);
	kernel_policy_done(&a);
	kernel_policy_done(&b);
	kernel_policy_done(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_is_read),
		cmocka_unit_test(an_edit_has_another_sum),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
