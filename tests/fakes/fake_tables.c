#include "fake_tables.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/list.h"
#include "kernel/nft_listing.h"

int fake_policy_copy(const struct kernel_policy *from, struct kernel_policy *ret)
{
	struct kernel_policy copy = *from;

	copy.chains = calloc(from->chains_len + 1, sizeof *from->chains);
	copy.counters = calloc(from->counters_len + 1, sizeof *from->counters);
	copy.sets = calloc(from->sets_len + 1, sizeof *from->sets);
	if (!copy.chains || !copy.counters || !copy.sets) {
		kernel_policy_done(&copy);
		return -ENOMEM;
	}
	if (from->chains_len)
		memcpy(copy.chains, from->chains, from->chains_len * sizeof *from->chains);
	if (from->counters_len)
		memcpy(copy.counters, from->counters, from->counters_len * sizeof *from->counters);
	if (from->sets_len)
		memcpy(copy.sets, from->sets, from->sets_len * sizeof *from->sets);
	*ret = copy;
	return 0;
}

// ---- a transaction, read as nft would list the table that it makes ----

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

static int listing_parse(const char *text, struct kernel_policy *ret)
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

int fake_policy_replace(struct kernel_policy *p, const char *ruleset)
{
	const char *table = strstr(ruleset, "table inet weft_policy {");
	struct kernel_policy now = { 0 };

	if (table && listing_parse(table, &now) < 0)
		return -ENOMEM;
	kernel_policy_done(p);
	*p = now;
	return 0;
}

int fake_flows_forget(struct kernel *k, uint32_t mark, uint32_t mask, struct err *err)
{
	struct fake_kernel *f = (struct fake_kernel *)(void *)k;

	(void)err;
	f->forgotten[f->forgotten_len++ % ARRAY_LEN(f->forgotten)] =
		(struct fake_marks){ mark, mask };
	return 0;
}

void fake_guard_replace(struct kernel_guard *guard, const char *ruleset)
{
	const char *comment = strstr(ruleset, "comment \"");

	guard->exists = true;
	guard->comment[0] = '\0';
	if (comment)
		(void)sscanf(comment, "comment \"%128[^\"]\"", guard->comment);
	guard->rules_sum = strlen(ruleset);
}

int fake_kernel_default(const struct fake_kernel *f, const char *device, uint8_t family,
			struct kernel_route *ret, struct err *err)
{
	for (size_t i = 0; i < f->defaults_len; i++) {
		const struct kernel_route *r = &f->defaults[i];

		if (r->to.ip.family == family && (!device[0] || strcmp(r->device, device) == 0)) {
			*ret = *r;
			return 0;
		}
	}
	return err_set(err, -ENOENT, "no default route");
}
