#include "fake_tables.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/policy_table.h"

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

int fake_policy_replace(struct kernel_policy *p, const char *ruleset)
{
	const char *table = strstr(ruleset, "table inet weft_policy {");
	struct kernel_policy now = { 0 };

	if (table && policy_listing_parse(table, &now) < 0)
		return -ENOMEM;
	kernel_policy_done(p);
	*p = now;
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
