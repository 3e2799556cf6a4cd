// Gives networks, segments and their nodes the numbers and prefixes they lack.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "plan/egress.h"
#include "plan/follow.h"
#include "plan/ha.h"
#include "plan/numbers.h"
#include "plan/overlap.h"
#include "plan/plan.h"

struct allocation {
	struct fleet *fleet;
	int64_t revision;
	struct err *err;
};

// ---- numbers ----

// A network's port follows from its number: one that another network wrote down is passed over.
static bool network_number_is_free(void *arg, int64_t number)
{
	const struct fleet *fleet = arg;
	struct fleet_object *o;

	for (size_t at = 0; fleet_next(fleet, FLEET_NETWORK, &at, &o);) {
		if (o->as.network.port == fleet->settings.wireguard_port + (int)number - 1)
			return false;
	}
	return true;
}

static int take_number(const struct allocation *a, const struct fleet_object *o, const char *owner)
{
	bool is_network = o->kind == FLEET_NETWORK;
	struct alloc_range range = {
		.first = 1,
		.last = is_network ? NETWORKS_MAX : SEGMENTS_MAX,
		.is_free = is_network ? network_number_is_free : NULL,
		.arg = a->fleet,
	};
	int64_t number;
	int rc = alloc_take(a->fleet->alloc, is_network ? POOL_NETWORK_NUMBER : POOL_SEGMENT_NUMBER,
			    owner, &range, &number);

	if (rc == -ENOSPC)
		return err_set(a->err, rc, "%s.%s: all %lld %s that can be are there",
			       fleet_kind_name(o->kind), o->name, (long long)range.last,
			       fleet_kind_name(o->kind));
	return rc < 0 ? err_set(a->err, rc, "out of memory") : 0;
}

// ---- prefixes ----

struct pool_source {
	const char *range;
	uint8_t length;
};

static const struct pool_source network_sources[] = {
	{ "10.64.0.0/10", 16 },
	{ "172.16.0.0/12", 16 },
	{ "100.64.0.0/10", 16 },
	{ NULL, 0 },
};
static const struct pool_source segment_sources[] = {
	{ "10.128.0.0/10", 22 },
	{ "172.16.0.0/12", 22 },
	{ "192.168.0.0/16", 22 },
	{ "100.64.0.0/10", 22 },
	{ NULL, 0 },
};

static bool is_taken(const struct prefix_list *taken, const struct prefix *p)
{
	for (size_t i = 0; i < taken->count; i++) {
		if (prefix_overlaps(&taken->items[i].prefix, p))
			return true;
	}
	return false;
}

// The first prefix that overlaps nothing and, if asked, was never given before.
static bool find_prefix(const struct allocation *a, const struct pool_source *source,
			const struct prefix_list *taken, bool is_fresh, char text[PREFIX_TEXT_SIZE])
{
	struct prefix range, p;

	if (prefix_parse(source->range, &range, NULL) < 0)
		return false;
	for (uint64_t n = 0; prefix_subnet(&range, source->length, n, &p); n++) {
		(void)prefix_format(&p, text);
		if (!is_taken(taken, &p) &&
		    !(is_fresh && alloc_is_held(a->fleet->alloc, POOL_PREFIX4, text, true)))
			return true;
	}
	return false;
}

// Who comes back gets what he had, if nobody else has it now.
static bool find_former(const struct allocation *a, const char *owner,
			const struct prefix_list *taken, char text[PREFIX_TEXT_SIZE])
{
	const char *former = alloc_former(a->fleet->alloc, POOL_PREFIX4, owner);
	struct prefix p;

	if (!former || prefix_parse(former, &p, NULL) < 0 || is_taken(taken, &p))
		return false;
	(void)prefix_format(&p, text);
	return true;
}

// 1 and the prefix; 0 when there is none that overlaps nothing; -ENOMEM.
static int choose_prefix(const struct allocation *a, const struct pool_source *sources,
			 const char *owner, bool with_reported, char text[PREFIX_TEXT_SIZE])
{
	CLEAN(prefix_list_done) struct prefix_list taken = { 0 };

	if (prefix_list_of_fleet(a->fleet, &taken, with_reported) < 0)
		return -ENOMEM;
	if (find_former(a, owner, &taken, text))
		return 1;
	for (int is_fresh = 1; is_fresh >= 0; is_fresh--) {
		for (const struct pool_source *s = sources; s->range; s++) {
			if (find_prefix(a, s, &taken, is_fresh, text))
				return 1;
		}
	}
	return 0;
}

static int take_prefix(const struct allocation *a, const struct fleet_object *o, const char *owner)
{
	const struct pool_source *sources =
		o->kind == FLEET_NETWORK ? network_sources : segment_sources;
	char text[PREFIX_TEXT_SIZE];

	if (alloc_text(a->fleet->alloc, POOL_PREFIX4, owner))
		return 0;
	int rc = choose_prefix(a, sources, owner, true, text);
	// One node that reports every private prefix must not keep others from theirs.
	if (rc == 0)
		rc = choose_prefix(a, sources, owner, false, text);
	if (rc > 0)
		rc = alloc_put(a->fleet->alloc, POOL_PREFIX4, owner, text) < 0 ? -ENOMEM : 1;
	if (rc != 0)
		return rc < 0 ? err_set(a->err, -ENOMEM, "out of memory") : 0;
	return err_set(a->err, -ENOSPC,
		       "%s.%s.pool: no free private prefix of length %d is left; write one here",
		       fleet_kind_name(o->kind), o->name, sources->length);
}

static int settle_prefix(const struct allocation *a, const struct fleet_object *o,
			 const char *owner)
{
	const struct fleet_pools *pools =
		o->kind == FLEET_NETWORK ? &o->as.network.pools : &o->as.segment.pools;

	if (!pools->v4.address.family)
		return take_prefix(a, o, owner);
	int rc = alloc_release(a->fleet->alloc, POOL_PREFIX4, owner, a->revision);
	return rc < 0 ? err_set(a->err, rc, "out of memory") : 0;
}

// ---- indexes ----

// How many nodes the smaller pool numbers: network and broadcast address stay free.
static int64_t index_limit(const struct fleet *fleet, const struct fleet_object *scope,
			   struct prefix *ret_pool)
{
	int64_t limit = INT32_MAX;

	for (int family = 4; family <= 6; family += 2) {
		struct prefix pool;

		if (!fleet_pool(fleet, scope, family, &pool))
			continue;
		uint64_t size = prefix_size(&pool), lost = family == 4 ? 2 : 1;
		int64_t room = size <= lost       ? 0
			       : size > INT32_MAX ? INT32_MAX
						  : (int64_t)(size - lost);
		if (room < limit) {
			limit = room;
			*ret_pool = pool;
		}
	}
	return limit;
}

static int refuse_index(const struct allocation *a, const struct fleet_object *scope, int64_t limit,
			size_t members, const struct prefix *pool)
{
	char text[PREFIX_TEXT_SIZE];

	if (scope->kind == FLEET_SEGMENT && limit == SEGMENT_MEMBERS_MAX)
		return err_set(a->err, -ENOSPC,
			       "segments.%s: a segment holds at most %d nodes, network %s has %zu",
			       scope->name, SEGMENT_MEMBERS_MAX, scope->as.segment.network,
			       members);
	return err_set(a->err, -ENOSPC, "%s.%s.pool: %s has room for %lld nodes, there are %zu",
		       fleet_kind_name(scope->kind), scope->name, prefix_format(pool, text),
		       (long long)limit, members);
}

// Owners that are no members any more lose their index. `members` maps node names.
static int release_indexes(const struct allocation *a, const char *pool, struct map *members)
{
	const char *owner;

	for (size_t at = 0; alloc_next(a->fleet->alloc, pool, &at, &owner, NULL);) {
		const bool is_node = strncmp(owner, "nodes/", 6) == 0;
		const struct fleet_object *node =
			is_node ? fleet_find_id(a->fleet, FLEET_NODE, strtoll(owner + 6, NULL, 10))
				: NULL;

		// The others are next hops, which settle_hop looks at.
		if (members && (!is_node || (node && map_get(members, node->name))))
			continue;
		CLEAN(free_ptr) char *copy = strdup(owner);
		if (!copy || alloc_release(a->fleet->alloc, pool, copy, a->revision) < 0)
			return err_set(a->err, -ENOMEM, "out of memory");
	}
	return 0;
}

static int take_indexes(const struct allocation *a, const struct fleet_object *scope,
			const char *pool, struct map *members)
{
	struct prefix prefix = { 0 };
	struct alloc_range range = { .first = 1, .last = index_limit(a->fleet, scope, &prefix) };
	const char *name;
	int64_t index;

	if (scope->kind == FLEET_SEGMENT && range.last > SEGMENT_MEMBERS_MAX)
		range.last = SEGMENT_MEMBERS_MAX;
	for (size_t at = 0; map_next(members, &at, &name, NULL);) {
		const struct fleet_object *node = fleet_find(a->fleet, FLEET_NODE, name);
		char owner[OWNER_TEXT_SIZE];

		if (!node)
			continue;
		owner_text(owner, "nodes", node->id);
		int rc = alloc_take(a->fleet->alloc, pool, owner, &range, &index);
		if (rc == -ENOSPC)
			return refuse_index(a, scope, range.last, map_size(members), &prefix);
		if (rc < 0)
			return err_set(a->err, rc, "out of memory");
	}
	return 0;
}

static int settle_indexes(const struct allocation *a, const struct fleet_object *scope,
			  struct map *members)
{
	char pool[OWNER_TEXT_SIZE];

	index_pool(pool, fleet_kind_name(scope->kind), scope->id);
	int rc = release_indexes(a, pool, members);
	return rc < 0 || !members ? rc : take_indexes(a, scope, pool, members);
}

// ---- objects ----

static int settle(const struct allocation *a, const struct fleet_object *o, struct map *members)
{
	char owner[OWNER_TEXT_SIZE];

	owner_text(owner, fleet_kind_name(o->kind), o->id);
	int rc = take_number(a, o, owner);
	if (rc == 0)
		rc = settle_prefix(a, o, owner);
	return rc < 0 ? rc : settle_indexes(a, o, members);
}

static int settle_segment(const struct allocation *a, const struct fleet_object *segment)
{
	const struct fleet_object *network =
		fleet_find(a->fleet, FLEET_NETWORK, segment->as.segment.network);

	return network ? settle(a, segment, network->as.network.members) : 0;
}

static int settle_network(const struct allocation *a, const struct fleet_object *network)
{
	struct fleet_object *segment;
	int rc = settle(a, network, network->as.network.members);

	for (size_t at = 0; rc == 0 && fleet_next(a->fleet, FLEET_SEGMENT, &at, &segment);) {
		if (strcmp(segment->as.segment.network, network->name) == 0)
			rc = settle_segment(a, segment);
	}
	return rc;
}

static int settle_gone(const struct allocation *a, const struct fleet_object *o)
{
	const char *numbers = o->kind == FLEET_NETWORK ? POOL_NETWORK_NUMBER : POOL_SEGMENT_NUMBER;
	struct alloc *alloc = a->fleet->alloc;
	char owner[OWNER_TEXT_SIZE];

	owner_text(owner, fleet_kind_name(o->kind), o->id);
	if (alloc_release(alloc, numbers, owner, a->revision) < 0 ||
	    alloc_release(alloc, POOL_PREFIX4, owner, a->revision) < 0)
		return err_set(a->err, -ENOMEM, "out of memory");
	return settle_indexes(a, o, NULL);
}

static int release_voters(const struct allocation *a, const struct fleet_object *group)
{
	char owner[OWNER_TEXT_SIZE];

	owner_text(owner, fleet_kind_name(group->kind), group->id);
	int rc = alloc_release(a->fleet->alloc, POOL_HA_VOTERS, owner, a->revision);
	return rc < 0 ? err_set(a->err, rc, "out of memory") : 0;
}

static int settle_edit(const struct allocation *a, const struct fleet_edit *edit)
{
	const struct fleet_object *o = edit->after ? edit->after : edit->before;

	if (o->kind == FLEET_HA_GROUP)
		return edit->after ? ha_allocate(a->fleet, o, a->err) : release_voters(a, o);
	if (o->kind != FLEET_NETWORK && o->kind != FLEET_SEGMENT)
		return 0;
	if (!edit->after)
		return settle_gone(a, o);
	return o->kind == FLEET_NETWORK ? settle_network(a, o) : settle_segment(a, o);
}

// ---- next hops of the LANs that follow an HA group ----

static int refuse_hop(const struct allocation *a, const struct fleet_object *segment,
		      const struct fleet_object *group, const struct prefix *pool)
{
	char text[PREFIX_TEXT_SIZE];

	return err_set(a->err, -ENOSPC,
		       "segments.%s.pool: %s has no address left for ha-groups.%s, whose active "
		       "member speaks for site %s there",
		       segment->name, prefix_format(pool, text), group->name, group->as.ha.site);
}

// Behind the numbers that nodes can have, where the pool has any.
static int settle_hop(const struct allocation *a, const struct fleet_object *segment,
		      const struct fleet_object *group)
{
	char pool[OWNER_TEXT_SIZE], owner[OWNER_TEXT_SIZE];
	const bool is_wanted = !segment->as.segment.is_routed &&
			       fleet_find_id(a->fleet, FLEET_HA_GROUP, group->id) == group &&
			       follow_leads(a->fleet, segment, group);
	struct prefix prefix = { 0 };
	int64_t index;

	index_pool(pool, fleet_kind_name(FLEET_SEGMENT), segment->id);
	owner_text(owner, fleet_kind_name(FLEET_HA_GROUP), group->id);
	const int64_t limit = index_limit(a->fleet, segment, &prefix);
	struct alloc_range range = { .first = limit > SEGMENT_MEMBERS_MAX ? SEGMENT_MEMBERS_MAX + 1
									  : 1,
				     .last = limit };
	int rc = is_wanted ? alloc_take(a->fleet->alloc, pool, owner, &range, &index)
			   : alloc_release(a->fleet->alloc, pool, owner, a->revision);
	if (rc == -ENOSPC)
		return refuse_hop(a, segment, group, &prefix);
	return rc < 0 ? err_set(a->err, rc, "out of memory") : 0;
}

// In all segments.
static int settle_hops_of(const struct allocation *a, const struct fleet_object *group)
{
	struct fleet_object *segment;
	int rc = 0;

	for (size_t at = 0; rc == 0 && fleet_next(a->fleet, FLEET_SEGMENT, &at, &segment);)
		rc = settle_hop(a, segment, group);
	return rc;
}

static int settle_hops_of_site(const struct allocation *a, const char *site)
{
	struct fleet_object *group;
	int rc = 0;

	for (size_t at = 0; site && rc == 0 && fleet_next(a->fleet, FLEET_HA_GROUP, &at, &group);) {
		if (group->as.ha.site && strcmp(group->as.ha.site, site) == 0)
			rc = settle_hops_of(a, group);
	}
	return rc;
}

static int settle_hops_in(const struct allocation *a, const struct fleet_object *segment)
{
	struct fleet_object *group;
	int rc = 0;

	for (size_t at = 0; rc == 0 && fleet_next(a->fleet, FLEET_HA_GROUP, &at, &group);)
		rc = settle_hop(a, segment, group);
	return rc;
}

// Whether a member came to the network or left it.
static bool is_moved(const struct fleet_object *group, const struct fleet_edit *network)
{
	const struct fleet_ha *ha = &group->as.ha;

	for (size_t i = 0; i < ha->n_members; i++) {
		if (!network->before || !network_member(network->before, ha->members[i]) !=
						!network_member(network->after, ha->members[i]))
			return true;
	}
	return false;
}

static int settle_hops_on(const struct allocation *a, const struct fleet_edit *edit)
{
	struct fleet_object *group, *segment;
	int rc = 0;

	for (size_t at = 0; fleet_next(a->fleet, FLEET_SEGMENT, &at, &segment);) {
		if (strcmp(segment->as.segment.network, edit->after->name) != 0)
			continue;
		for (size_t n = 0; rc == 0 && fleet_next(a->fleet, FLEET_HA_GROUP, &n, &group);)
			rc = is_moved(group, edit) ? settle_hop(a, segment, group) : 0;
	}
	return rc;
}

static int settle_hops(const struct allocation *a, const struct fleet_edit *edit)
{
	const struct fleet_object *o = edit->after ? edit->after : edit->before;

	if (o->kind == FLEET_SEGMENT)
		return edit->after ? settle_hops_in(a, o) : 0;
	if (o->kind == FLEET_NETWORK)
		return edit->after ? settle_hops_on(a, edit) : 0;
	if (o->kind == FLEET_SITE)
		return settle_hops_of_site(a, o->name);
	if (o->kind != FLEET_HA_GROUP)
		return 0;
	int rc = settle_hops_of(a, o);
	if (rc == 0 && edit->before)
		rc = settle_hops_of_site(a, edit->before->as.ha.site);
	return rc == 0 && edit->after ? settle_hops_of_site(a, edit->after->as.ha.site) : rc;
}

int plan_allocate(struct fleet *fleet, const struct fleet_edit *edits, size_t count,
		  int64_t revision, struct err *err)
{
	struct allocation a = { fleet, revision, err };
	int rc = 0;

	for (size_t i = 0; i < count && rc == 0; i++)
		rc = settle_edit(&a, &edits[i]);
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = settle_hops(&a, &edits[i]);
	if (rc == 0)
		rc = egress_allocate(fleet, edits, count, revision, err);
	fleet_views_drop(fleet);
	return rc;
}
