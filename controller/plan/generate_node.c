// Entries of a node as such: the sysctls that a router for its site's LANs needs.
#include <string.h>

#include "plan/generate.h"

static void add_sysctl(struct generation *g, const char *name)
{
	generate_add(g, json_pack("{s:s, s:s, s:[]}", "name", name, "value", "1", "needs"),
		     "sysctl/%s", name);
}

// Which families of LANs the node speaks for in any segment.
static void find_families(struct generation *g, bool *has_v4, bool *has_v6)
{
	struct fleet_object *segment;

	for (size_t at = 0; fleet_next(g->fleet, FLEET_SEGMENT, &at, &segment);) {
		const struct fleet_object *network =
			fleet_find(g->fleet, FLEET_NETWORK, segment->as.segment.network);
		if (!network || !network_member(network, g->node->name))
			continue;
		const struct segment_view *view = fleet_segment(g->fleet, segment);
		const struct segment_member *self =
			view ? segment_member_find(view, g->node) : NULL;
		const struct fleet_site *lan = self ? self->lan : NULL;

		for (size_t i = 0; lan && i < lan->lan_count; i++)
			*(lan->lan[i].address.family == 4 ? has_v4 : has_v6) = true;
	}
}

void generate_node(struct generation *g)
{
	bool has_v4 = false, has_v6 = false;

	// A node without a site has no LAN: spare it the walk.
	if (!g->node->as.node.site)
		return;
	find_families(g, &has_v4, &has_v6);
	if (has_v4)
		add_sysctl(g, "net.ipv4.ip_forward");
	if (has_v6)
		add_sysctl(g, "net.ipv6.conf.all.forwarding");
}
