#include "kernel/policy_table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kernel/list.h"
#include "kernel/nft_listing.h"

// Whether the line opens the block of such an object, and its name.
static bool opens(const char *line, const char *kind, char ret_name[KERNEL_NFT_NAME_SIZE])
{
	char word[16];
	int end = 0;

	return sscanf(line, " %15s %63[a-zA-Z0-9_] {%n", word, ret_name, &end) == 2 && end > 0 &&
	       strcmp(word, kind) == 0;
}

// True when the line is one of the rules, and not what a counter has counted.
static bool take_line(struct kernel_policy *p, const char *line, bool *ret_failed)
{
	char name[KERNEL_NFT_NAME_SIZE] = "";
	struct kernel_counter c;
	bool is_map;

	if (sscanf(line, " packets %" SCNu64 " bytes %" SCNu64, &c.packets, &c.bytes) == 2) {
		if (p->counters_len)
			p->counters[p->counters_len - 1].count = c;
		return false;
	}
	if (opens(line, "counter", name)) {
		struct kernel_named_counter *to =
			list_add(&p->counters, &p->counters_len, sizeof *p->counters);
		*ret_failed = *ret_failed || !to;
		if (to)
			memcpy(to->name, name, sizeof name);
	} else if (opens(line, "chain", name)) {
		struct kernel_chain_name *to =
			list_add(&p->chains, &p->chains_len, sizeof *p->chains);
		*ret_failed = *ret_failed || !to;
		if (to)
			memcpy(to->text, name, sizeof name);
	} else if ((is_map = opens(line, "map", name)) || opens(line, "set", name)) {
		struct kernel_policy_set *to = list_add(&p->sets, &p->sets_len, sizeof *p->sets);
		*ret_failed = *ret_failed || !to;
		if (to) {
			to->is_map = is_map;
			memcpy(to->name, name, sizeof name);
		}
	} else if (!p->comment[0]) {
		(void)sscanf(line, " comment \"%128[^\"]\"", p->comment);
	}
	return true;
}

int policy_listing_parse(const char *text, struct kernel_policy *ret)
{
	CLEAN(kernel_policy_done)
	struct kernel_policy p = { .exists = true, .rules_sum = NFT_LISTING_SUM };
	char line[1024];
	bool failed = false;

	while (*text) {
		uint64_t sum = p.rules_sum;

		text = nft_listing_next(text, line, sizeof line, &sum);
		if (take_line(&p, line, &failed))
			p.rules_sum = sum;
	}
	if (failed)
		return -ENOMEM;
	*ret = p;
	p = (struct kernel_policy){ 0 };
	return 0;
}

int policy_table_read(struct nft_text *nft, struct kernel_policy *ret, struct err *err)
{
	struct err why;
	const char *text;

	int rc = nft_text_list(nft, "list table inet weft_policy", &text, &why);
	if (rc == -ENOENT) {
		*ret = (struct kernel_policy){ 0 };
		return 0;
	}
	if (rc < 0)
		return err_set(err, -EIO, "nftables cannot be read: %s", why.text);
	return policy_listing_parse(text, ret) < 0 ? err_set(err, -ENOMEM, "out of memory") : 0;
}
