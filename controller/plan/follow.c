#include "plan/follow.h"

#include <string.h>

#include "plan/numbers.h"

bool follow_is_member(const struct fleet_object *group, const struct fleet_object *node)
{
	const struct fleet_ha *ha = &group->as.ha;

	for (size_t i = 0; i < ha->n_members; i++) {
		if (strcmp(ha->members[i], node->name) == 0)
			return true;
	}
	return false;
}

// Two groups may name one site; its LANs follow the older.
static const struct fleet_object *group_of_site(const struct fleet *fleet, const char *site)
{
	const struct fleet_object *first = NULL;
	struct fleet_object *o;

	for (size_t at = 0; fleet_next(fleet, FLEET_HA_GROUP, &at, &o);) {
		if (o->as.ha.site && strcmp(o->as.ha.site, site) == 0 &&
		    (!first || o->id < first->id))
			first = o;
	}
	return first;
}

// Somebody who is active and not in the segment could not be reached there.
static bool are_all_in(const struct fleet *fleet, const struct fleet_object *segment,
		       const struct fleet_ha *ha)
{
	const struct fleet_object *network =
		fleet_find(fleet, FLEET_NETWORK, segment->as.segment.network);

	for (size_t i = 0; network && i < ha->n_members; i++) {
		if (!network_member(network, ha->members[i]))
			return false;
	}
	return network != NULL;
}

bool follow_leads(const struct fleet *fleet, const struct fleet_object *segment,
		  const struct fleet_object *group)
{
	const char *name = group->as.ha.site;
	const struct fleet_object *site = name ? fleet_find(fleet, FLEET_SITE, name) : NULL;

	return site && site->as.site.lan_count > 0 && group_of_site(fleet, name) == group &&
	       are_all_in(fleet, segment, &group->as.ha);
}

// Its number among the segment's addresses, 0 when it has none.
static int64_t hop_index(const struct fleet *fleet, const struct fleet_object *segment,
			 const struct fleet_object *group)
{
	char pool[OWNER_TEXT_SIZE], owner[OWNER_TEXT_SIZE];

	index_pool(pool, fleet_kind_name(segment->kind), segment->id);
	owner_text(owner, fleet_kind_name(group->kind), group->id);
	return alloc_number(fleet->alloc, pool, owner);
}

const struct fleet_object *follow_group(const struct fleet *fleet,
					const struct fleet_object *segment, const char *site)
{
	const struct fleet_object *group = group_of_site(fleet, site);

	if (!group || !follow_leads(fleet, segment, group) ||
	    (!segment->as.segment.is_routed && hop_index(fleet, segment, group) == 0))
		return NULL;
	return group;
}

bool follow_hop(const struct fleet *fleet, const struct fleet_object *segment,
		const struct fleet_object *group, int family, struct address *ret_address)
{
	const int64_t index = hop_index(fleet, segment, group);
	struct prefix pool;

	return index > 0 && !segment->as.segment.is_routed && follow_leads(fleet, segment, group) &&
	       fleet_pool(fleet, segment, family, &pool) &&
	       prefix_nth(&pool, (uint64_t)index, ret_address);
}
