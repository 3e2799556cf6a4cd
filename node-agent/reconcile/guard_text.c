#include "reconcile/guard_text.h"

#include <openssl/sha.h>
#include <string.h>

#include "base/hex.h"

const char *const guard_family_name[2] = { "ip", "ip6" };
const uint8_t guard_family_number[2] = { AF_INET, AF_INET6 };

bool guard_is_covered(const struct prefix_list *list, size_t at)
{
	for (size_t i = 0; i < list->len; i++) {
		if (i == at || !kernel_prefix_within(&list->items[at], &list->items[i]))
			continue;
		if (i < at || list->items[i].len < list->items[at].len)
			return true;
	}
	return false;
}

void guard_add_prefix(struct text *out, const struct kernel_prefix *p)
{
	struct kernel_prefix net = *p;
	char address[KERNEL_ADDR_TEXT_SIZE];
	const unsigned bytes = p->ip.family == AF_INET ? 4 : 16;

	for (unsigned i = 0; i < bytes; i++) {
		const unsigned bits = net.len > 8 * i ? net.len - 8 * i : 0;

		if (bits < 8)
			net.ip.bytes[i] &= (uint8_t)(0xff00u >> bits);
	}
	kernel_prefix_format(&net, address);
	text_add(out, address);
}

bool guard_add_set(struct text *out, const struct prefix_list *list, uint8_t family,
		   const char *more)
{
	const char *separator = "{ ";
	bool any = false;

	for (size_t i = 0; i < list->len; i++) {
		if (list->items[i].ip.family != family || guard_is_covered(list, i))
			continue;
		text_add(out, separator);
		guard_add_prefix(out, &list->items[i]);
		separator = ", ";
		any = true;
	}
	if (more) {
		text_addf(out, "%s%s", separator, more);
		any = true;
	}
	if (any)
		text_add(out, " }");
	return any;
}

// Neighbour discovery and multicast listener reports come from link-local addresses or none.
static const char *always(int family)
{
	return family == 1 ? "fe80::/10, ::" : NULL;
}

void guard_add_foreign_source(struct text *out, const char *match, const struct prefix_list *list,
			      bool with_link_local, const char *counter)
{
	for (int f = 0; f < 2; f++) {
		struct text set = { 0 };

		const char *more = with_link_local ? always(f) : NULL;
		if (guard_add_set(&set, list, guard_family_number[f], more))
			text_addf(out, "\t\t%s %s saddr != %s counter name %s drop\n", match,
				  guard_family_name[f], set.data, counter);
		else
			text_addf(out, "\t\t%s meta nfproto ipv%d counter name %s drop\n", match,
				  f ? 6 : 4, counter);
		out->failed = out->failed || set.failed;
		text_free(&set);
	}
}

void rules_digest(const char *rules, char ret[65])
{
	unsigned char sum[SHA256_DIGEST_LENGTH];

	(void)SHA256((const unsigned char *)rules, strlen(rules), sum);
	hex_write(sum, sizeof sum, ret);
}

void guard_open_chain(struct text *out, const char *name, const char *hook, const char *priority)
{
	text_addf(out, "\tchain %s {\n\t\ttype filter hook %s priority %s; policy accept;\n", name,
		  hook, priority);
}
