// Entries of a node as such: the sysctls that a router needs, for its site's LANs, for others, or
// for what policies send through it.
#include <string.h>

#include "plan/egress.h"
#include "plan/generate.h"

static void add_sysctl(struct generation *g, const char *name)
{
	generate_add(g, json_pack("{s:s, s:s, s:[]}", "name", name, "value", "1", "needs"),
		     "sysctl/%s", name);
}

struct duties {
	bool forwards_v4, forwards_v6;
	bool is_routed; // in a routed segment, where others' traffic passes through, too
};

// What is reached by its external links.
static void add_outside(const struct generation *g, struct duties *d)
{
	struct fleet_object *link;

	for (size_t at = 0; fleet_next(g->fleet, FLEET_LINK, &at, &link);) {
		const struct fleet_link *l = &link->as.link;

		if (!l->node || l->is_disabled || strcmp(l->node, g->node->name) != 0)
			continue;
		for (size_t i = 0; i < l->route_count; i++)
			*(l->routes[i].address.family == 4 ? &d->forwards_v4 : &d->forwards_v6) =
				true;
	}
}

static struct duties duties_of(struct generation *g)
{
	struct duties d = { .forwards_v4 = egress_forwards(g->fleet, g->node, 4),
			    .forwards_v6 = egress_forwards(g->fleet, g->node, 6) };
	struct fleet_object *segment;

	for (size_t at = 0; fleet_next(g->fleet, FLEET_SEGMENT, &at, &segment);) {
		const struct fleet_object *network =
			fleet_find(g->fleet, FLEET_NETWORK, segment->as.segment.network);
		const bool is_routed = segment->as.segment.is_routed;

		// A node without a site has no LAN: spare it the walk.
		if ((!is_routed && !g->node->as.node.site) || !network ||
		    !network_member(network, g->node->name))
			continue;
		const struct segment_view *view = fleet_segment(g->fleet, segment);
		const struct segment_member *self =
			view ? segment_member_find(view, g->node) : NULL;
		const struct fleet_site *lan = self ? self->lan : NULL;

		d.is_routed = d.is_routed || (self && is_routed);
		for (size_t i = 0; lan && i < lan->lan_count; i++)
			*(lan->lan[i].address.family == 4 ? &d.forwards_v4 : &d.forwards_v6) = true;
	}
	add_outside(g, &d);
	return d;
}

void generate_node(struct generation *g)
{
	const struct duties d = duties_of(g);

	if (d.forwards_v4 || d.is_routed)
		add_sysctl(g, "net.ipv4.ip_forward");
	if (d.forwards_v6 || d.is_routed)
		add_sysctl(g, "net.ipv6.conf.all.forwarding");
	if (d.is_routed)
		generate_routed_node(g);
}
