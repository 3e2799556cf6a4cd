#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/fleet_parts.h"
#include "plan/follow.h"
#include "plan/numbers.h"

#define VXLAN_OVERHEAD  50 // Ethernet 14, VXLAN 8, UDP 8, IPv4 20
#define VLAN_TAG        4
#define WIREGUARD_MTU   1420
#define SEGMENT_MTU_MIN 576

static void view_free(void *at)
{
	struct segment_view *view = at;

	if (view)
		free(view->members);
	free(view);
}

void fleet_views_drop(struct fleet *fleet)
{
	map_free(take_ptr(&fleet->views));
	map_free(take_ptr(&fleet->links));
}

const struct segment_member *segment_member_find(const struct segment_view *view,
						 const struct fleet_object *node)
{
	for (size_t i = 0; i < view->count; i++) {
		if (view->members[i].node == node)
			return &view->members[i];
	}
	return NULL;
}

static bool may_speak(const struct segment_member *m, const char *site,
		      const struct fleet_object *group)
{
	const char *own = m->node->as.node.site;

	return own && strcmp(own, site) == 0 && (!group || follow_is_member(group, m->node));
}

// Of the nodes at one site, or of the HA group that its LANs follow, the one with the lowest index
// speaks for them; in its place any member of the group may.
static void view_choose_speakers(const struct fleet *fleet, struct segment_view *view)
{
	for (size_t i = 0; i < view->count; i++) {
		struct segment_member *m = &view->members[i];
		const char *site = m->node->as.node.site;
		const struct fleet_object *o = site ? fleet_find(fleet, FLEET_SITE, site) : NULL;

		if (!o || o->as.site.lan_count == 0)
			continue;
		const struct fleet_object *group = follow_group(fleet, view->segment, site);
		const bool may = may_speak(m, site, group);
		m->group = may ? group : NULL;
		m->speaks = may;
		for (size_t k = 0; k < view->count && m->speaks; k++) {
			const struct segment_member *other = &view->members[k];

			if (other->index < m->index && may_speak(other, site, group))
				m->speaks = false;
		}
		m->lan = m->speaks || m->group ? &o->as.site : NULL;
	}
}

static int by_index(const void *x, const void *y)
{
	const struct segment_member *a = x, *b = y;

	return (a->index > b->index) - (a->index < b->index);
}

static int view_members(const struct fleet *fleet, struct segment_view *view)
{
	struct map *members = view->network->as.network.members;
	const char *name;

	view->members = calloc(map_size(members) + 1, sizeof *view->members);
	if (!view->members)
		return -1;
	for (size_t at = 0; map_next(members, &at, &name, NULL);) {
		struct fleet_object *node = fleet_find(fleet, FLEET_NODE, name);
		int64_t index = node ? fleet_index(fleet, view->segment, node) : 0;

		if (index > 0)
			view->members[view->count++] =
				(struct segment_member){ .node = node, .index = index };
	}
	qsort(view->members, view->count, sizeof *view->members, by_index);
	return 0;
}

static int least(int a, int b)
{
	return a < b ? a : b;
}

// What a member saw of its links: packets above path_mtu are lost, fragments too.
static int member_mtu(const struct fleet *fleet, const struct segment_view *view,
		      const struct fleet_object *node, int mtu)
{
	const char *network = view->network->name;
	size_t len = strlen(network);
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)node->as.node.path_mtu, key, value)
	{
		if (strncmp(key, network, len) != 0 || key[len] != '/')
			continue;
		if (network_is_linked(fleet, view->network, node->name, key + len + 1))
			mtu = least(mtu, (int)json_integer_value(value) - VXLAN_OVERHEAD);
	}
	return mtu;
}

static int view_mtu(const struct fleet *fleet, const struct segment_view *view)
{
	struct fleet_object *o;
	int mtu = view->segment->as.segment.mtu;

	for (size_t i = 0; i < view->count; i++)
		mtu = member_mtu(fleet, view, view->members[i].node, mtu);
	for (size_t at = 0; fleet_next(fleet, FLEET_LINK, &at, &o);) {
		if (o->as.link.mtu && strcmp(o->as.link.network, view->network->name) == 0)
			mtu = least(mtu, o->as.link.mtu);
	}
	return mtu < SEGMENT_MTU_MIN ? SEGMENT_MTU_MIN : mtu;
}

static struct segment_view *view_make(const struct fleet *fleet, struct fleet_object *segment)
{
	struct segment_view *view = calloc(1, sizeof *view);

	if (!view)
		return NULL;
	view->segment = segment;
	view->network = fleet_find(fleet, FLEET_NETWORK, segment->as.segment.network);
	if (!view->network || view_members(fleet, view) < 0) {
		view_free(view);
		return NULL;
	}
	view_choose_speakers(fleet, view);
	view->number = fleet_number(fleet, segment);
	view->mtu = view_mtu(fleet, view);
	return view;
}

const struct segment_view *fleet_segment(struct fleet *fleet, struct fleet_object *segment)
{
	char key[ID_TEXT_SIZE];

	(void)snprintf(key, sizeof key, "%lld", (long long)segment->id);
	if (!fleet->views)
		fleet->views = map_new(view_free);
	if (!fleet->views)
		return NULL;
	struct segment_view *view = map_get(fleet->views, key);
	if (view)
		return view;
	view = view_make(fleet, segment);
	if (view && map_set(fleet->views, key, view) < 0) {
		view_free(view);
		return NULL;
	}
	return view;
}

int network_mtu(const struct fleet *fleet, const struct fleet_object *network)
{
	struct fleet_object *o;
	int mtu = WIREGUARD_MTU;

	for (size_t at = 0; fleet_next(fleet, FLEET_SEGMENT, &at, &o);) {
		int need = o->as.segment.mtu + VXLAN_OVERHEAD + VLAN_TAG;

		if (strcmp(o->as.segment.network, network->name) == 0 && need > mtu)
			mtu = (need + 7) / 8 * 8;
	}
	return mtu;
}

// What one end found of its link with the other.
static int found_mtu(const struct fleet_object *network, const struct fleet_object *self,
		     const struct fleet_object *peer, int mtu)
{
	char key[2 * NAME_MAX_LEN + 2];

	(void)snprintf(key, sizeof key, "%s/%s", network->name, peer->name);
	const json_t *found = json_object_get(self->as.node.path_mtu, key);
	return found ? least(mtu, (int)json_integer_value(found) - VXLAN_OVERHEAD) : mtu;
}

int link_wire_mtu(const struct fleet *fleet, const struct fleet_object *network,
		  const struct fleet_object *a, const struct fleet_object *b, int mtu)
{
	const struct fleet_link *link = fleet_override(fleet, network->name, a->name, b->name);

	mtu = least(mtu, network_mtu(fleet, network) - VXLAN_OVERHEAD);
	mtu = found_mtu(network, a, b, found_mtu(network, b, a, mtu));
	if (link && link->mtu)
		mtu = least(mtu, link->mtu);
	return mtu < SEGMENT_MTU_MIN ? SEGMENT_MTU_MIN : mtu;
}

int64_t segment_vni(const struct fleet *fleet, const struct segment_view *view,
		    const struct segment_member *a, const struct segment_member *b)
{
	int64_t low = a->index < b->index ? a->index : b->index;
	int64_t high = a->index < b->index ? b->index : a->index;

	return fleet_vni(fleet,
			 view->number * SEGMENT_VNI_BLOCK + (high - 1) * (high - 2) / 2 + low - 1);
}
