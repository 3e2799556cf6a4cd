// Where the kernel really sends what Weft's routes are for: other people's addresses, routes and
// rules may be more specific, better or first.
#include <errno.h>
#include <string.h>

#include "doctor/inside.h"
#include "kernel/question.h"

enum { ASKED_MAX = 256, TABLE_MAIN = 254 };

// The first address of a prefix that a host may have.
static bool address_in(const char *prefix, struct kernel_ip *ret)
{
	struct kernel_prefix p;

	if (kernel_prefix_parse(prefix, &p, NULL) < 0)
		return false;
	const unsigned last = p.ip.family == AF_INET ? 3 : 15;
	if (p.len < 8 * (last + 1))
		p.ip.bytes[last] |= 1;
	*ret = p.ip;
	return true;
}

static bool is_own_device(const struct examination *x, const char *device)
{
	const struct kernel_link *link = kernel_snapshot_link(&x->seen, device);

	return link && is_own(link);
}

// False when somebody else's device takes it.
static bool check_one(struct examination *x, const char *key, const char *prefix,
		      const char *device)
{
	struct kernel_route route = { 0 };
	struct kernel_packet packet = { 0 };
	struct err err = { 0 };
	char text[KERNEL_ADDR_TEXT_SIZE];

	if (!kernel_snapshot_link(&x->seen, device) || !address_in(prefix, &packet.to) ||
	    kernel_route_to(&packet, &route, &err) < 0 || !route.device[0] ||
	    is_own_device(x, route.device) || strcmp(route.device, "lo") == 0)
		return true;
	kernel_ip_format(&packet.to, text);
	CLEAN(free_ptr)
	char *cure = text_format("see ip route get %s and ip rule: remove that route or rule, or "
				 "give the network another pool (or the site another prefix)",
				 text);
	say(x, GRADE_BAD, cure ? cure : "",
	    "%s: %s should go by %s, but this host sends it by %s (table %u), which is not Weft's",
	    key, text, device, route.device, route.table);
	return false;
}

static bool is_of_main(const json_t *route)
{
	const json_t *table = json_object_get(route, "table");

	return !table || json_integer_value(table) == TABLE_MAIN;
}

static void check_tables(struct examination *x, int *asked, int *astray)
{
	const json_t *body, *allowed;
	const char *key;
	size_t i;

	for (void *at = NULL; (key = entry_of(x->desired, "peer/", &at, &body));) {
		json_array_foreach(json_object_get(body, "allowed_ips"), i, allowed)
		{
			if ((*asked)++ < ASKED_MAX && *astray < 3)
				*astray += !check_one(x, key, json_string_value(allowed),
						      text_in(body, "device"));
		}
	}
	for (void *at = NULL; (key = entry_of(x->desired, "route/", &at, &body));) {
		// Of other tables it depends on the packet.
		if (strcmp(text_in(body, "type"), "unicast") == 0 && is_of_main(body) &&
		    (*asked)++ < ASKED_MAX && *astray < 3)
			*astray += !check_one(x, key, text_in(body, "destination"),
					      text_in(body, "device"));
	}
}

// A port of Weft's in somebody's bridge, or somebody's port in Weft's.
static void check_bridges(struct examination *x)
{
	for (size_t i = 0; i < x->seen.links_len; i++) {
		const struct kernel_link *link = &x->seen.links[i];
		const struct kernel_link *master = kernel_snapshot_link(&x->seen, link->master);

		if (master && is_own(link) && !is_own(master))
			say(x, GRADE_BAD,
			    "find what puts it there (a bridge's pattern of ports) and leave out "
			    "interfaces named wg*, wv*, wb*",
			    "Weft's interface %s is in the bridge %s, which is not Weft's",
			    link->name, master->name);
	}
}

void check_routes(struct examination *x)
{
	int asked = 0, astray = 0;

	check_tables(x, &asked, &astray);
	check_bridges(x);
	if (!astray)
		say(x, GRADE_OK, "", "this host sends by Weft's interfaces what is meant for them");
}
