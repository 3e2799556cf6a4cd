// Everything that parses what a kernel, a wireguard-go or nft answers. The first byte says which;
// the rest is the answer.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/attributes.h"
#include "kernel/guard_listing.h"
#include "kernel/policy_table_messages.h"
#include "kernel/route_messages.h"
#include "kernel/wg_messages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void each_message(const void *data, size_t size, void (*take)(const struct nlmsghdr *nlh))
{
	const struct nlmsghdr *nlh;

	for (size_t at = 0; (nlh = message_next(data, size, &at));)
		take(nlh);
}

static void take_route(const struct nlmsghdr *nlh)
{
	struct kernel_link link;
	struct kernel_address address;
	struct kernel_route route;
	struct kernel_rule rule;
	char text[KERNEL_ADDR_TEXT_SIZE];

	(void)link_message_parse(nlh, &link);
	if (address_message_parse(nlh, &address) == 0)
		kernel_prefix_format(&address.prefix, text);
	if (route_message_parse(nlh, &route) == 0)
		kernel_prefix_format(&route.to, text);
	(void)route_message_parse_by(nlh, 3, &route);
	(void)rule_message_parse(nlh, &rule);
}

static void take_family(const struct nlmsghdr *nlh)
{
	uint16_t id;

	(void)genl_family_parse(nlh, &id);
}

static struct kernel_wg wg;

static void take_wireguard(const struct nlmsghdr *nlh)
{
	(void)wg_get_parse(nlh, &wg);
}

static struct kernel_policy policy;

static void take_policy(const struct nlmsghdr *nlh)
{
	(void)policy_part_parse(nlh, &policy);
}

static void take_listing(const char *text)
{
	struct kernel_guard guard;

	guard_listing_parse(text, &guard);
}

static void take_text(char *text, uint8_t which)
{

	if (which == 3)
		(void)uapi_get_parse(text, &wg);
	else if (which == 4)
		(void)uapi_set_parse(text);
	else
		take_listing(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	const uint8_t which = data[0] % 7;
	// A copy of its own: aligned as a receive buffer is, and its end watched by the sanitizer.
	char *copy = malloc(size);
	memcpy(copy, data + 1, size - 1);
	copy[size - 1] = '\0';
	if (which == 0)
		each_message(copy, size - 1, take_route);
	else if (which == 1)
		each_message(copy, size - 1, take_family);
	else if (which == 2)
		each_message(copy, size - 1, take_wireguard);
	else if (which == 6)
		each_message(copy, size - 1, take_policy);
	else
		take_text(copy, which);
	kernel_policy_done(&policy);
	kernel_wg_done(&wg);
	memset(&wg, 0, sizeof wg);
	free(copy);
	return 0;
}
