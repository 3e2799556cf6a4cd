#include "reconcile/policy_text.h"

#include <stdlib.h>
#include <string.h>

static int order_ports(const void *a, const void *b)
{
	const struct policy_ports *x = a, *y = b;

	if (x->is_udp != y->is_udp)
		return x->is_udp - y->is_udp;
	return x->first - y->first;
}

static void add_sorted(struct text *out, const struct policy_ports *sorted, size_t len, bool is_udp)
{
	bool any = false;

	for (size_t i = 0; i < len; i++) {
		struct policy_ports run = sorted[i];

		if (run.is_udp != is_udp)
			continue;
		while (i + 1 < len && sorted[i + 1].is_udp == is_udp &&
		       sorted[i + 1].first <= run.last) {
			i++;
			if (sorted[i].last > run.last)
				run.last = sorted[i].last;
		}
		text_addf(out, "%s%u",
			  any      ? ", "
			  : is_udp ? "udp dport { "
				   : "tcp dport { ",
			  run.first);
		if (run.last != run.first)
			text_addf(out, "-%u", run.last);
		any = true;
	}
	if (any)
		text_add(out, " } ");
}

void policy_add_ports(struct text *out, const struct policy_ports *ports, size_t len, bool is_udp)
{
	struct policy_ports *sorted = calloc(len + 1, sizeof *sorted);

	out->failed = out->failed || !sorted;
	if (!sorted)
		return;
	if (len)
		memcpy(sorted, ports, len * sizeof *sorted);
	qsort(sorted, len, sizeof *sorted, order_ports);
	add_sorted(out, sorted, len, is_udp);
	free(sorted);
}

// The prefixes of that length and family as a set of sources; false: there are none.
static bool add_sources(struct text *out, const struct policy *p, int len, int family)
{
	const char *separator = "{ ";

	for (size_t k = 0; k < p->from.len; k++) {
		const struct kernel_prefix *from = &p->from.items[k];

		if (from->len != len || from->ip.family != guard_family_number[family] ||
		    guard_is_covered(&p->from, k))
			continue;
		if (*separator == '{')
			text_addf(out, "\t\t%s saddr ", guard_family_name[family]);
		text_add(out, separator);
		guard_add_prefix(out, from);
		separator = ", ";
	}
	if (*separator != ',')
		return false;
	text_add(out, " } ");
	return true;
}

static void add_family(struct text *out, const struct policy_table *t, int family, const char *word,
		       bool (*is_meant)(const struct policy *p))
{
	for (int len = family ? 128 : 32; len >= 0; len--)
		for (size_t i = 0; i < t->policies_len; i++) {
			const struct policy *p = t->policies[i];

			if (!add_sources(out, p, len, family))
				continue;
			if (is_meant && !is_meant(p))
				text_add(out, "accept\n");
			else
				text_addf(out, "goto %s_%u\n", word, p->id);
		}
}

void policy_add_clients(struct text *out, const struct policy_table *t, const char *word,
			bool (*is_meant)(const struct policy *p))
{
	for (int family = 0; family < 2; family++)
		add_family(out, t, family, word, is_meant);
}
