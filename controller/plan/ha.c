#include "plan/ha.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#include "plan/numbers.h"
#include "plan/plan.h"

// ---- who votes ----

bool ha_is_voter(const struct ha_voters *list, int64_t id)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->ids[i] == id)
			return true;
	}
	return false;
}

static void add_nodes(const struct fleet *fleet, const char *const *names, size_t count,
		      struct ha_voters *list)
{
	for (size_t i = 0; i < count; i++) {
		const struct fleet_object *node = fleet_find(fleet, FLEET_NODE, names[i]);

		if (node && list->count < HA_VOTERS_MAX && !ha_is_voter(list, node->id))
			list->ids[list->count++] = node->id;
	}
}

// As it is written. One more voter than an odd number helps nobody: of four as many must agree as
// can be missed of three. So the controller, which may be away, votes only to make the number odd.
static void voters_written(const struct fleet *fleet, const struct fleet_object *group,
			   struct ha_voters *ret)
{
	const struct fleet_ha *ha = &group->as.ha;

	*ret = (struct ha_voters){ 0 };
	add_nodes(fleet, ha->members, ha->n_members, ret);
	add_nodes(fleet, ha->witnesses, ha->n_witnesses, ret);
	if (ret->count % 2 == 0 && ret->count < HA_VOTERS_MAX)
		ret->ids[ret->count++] = HA_CONTROLLER;
}

// "5@3:7,8,4294967295": the group's own id, as no two owners of a pool may hold the same value.
static void voters_parse(const char *text, struct ha_voters *ret)
{
	const char *at = strchr(text, '@');
	char *end;

	if (!at)
		return;
	ret->generation = strtoll(at + 1, &end, 10);
	while (*end && ret->count < HA_VOTERS_MAX)
		ret->ids[ret->count++] = strtoll(end + 1, &end, 10);
}

static void voters_format(const struct fleet_object *group, const struct ha_voters *list,
			  struct text *out)
{
	text_addf(out, "%lld@%lld", (long long)group->id, (long long)list->generation);
	for (size_t i = 0; i < list->count; i++)
		text_addf(out, "%c%lld", i ? ',' : ':', (long long)list->ids[i]);
}

void ha_voters_now(const struct fleet *fleet, const struct fleet_object *group,
		   struct ha_voters *ret)
{
	char owner[OWNER_TEXT_SIZE];

	*ret = (struct ha_voters){ 0 };
	owner_text(owner, fleet_kind_name(FLEET_HA_GROUP), group->id);
	const char *text = alloc_text(fleet->alloc, POOL_HA_VOTERS, owner);
	if (text)
		voters_parse(text, ret);
}

static bool is_same_voters(const struct ha_voters *a, const struct ha_voters *b)
{
	bool is_same = a->count == b->count;

	for (size_t i = 0; i < a->count && is_same; i++)
		is_same = ha_is_voter(b, a->ids[i]);
	return is_same;
}

bool ha_is_settled(const struct fleet *fleet, const struct fleet_object *group)
{
	struct ha_voters now, written;

	ha_voters_now(fleet, group, &now);
	voters_written(fleet, group, &written);
	return is_same_voters(&now, &written);
}

// One voter nearer to what is written: one that is too many goes, else one that lacks comes.
static void step(struct ha_voters *now, const struct ha_voters *written)
{
	now->generation++;
	for (size_t i = 0; i < now->count; i++) {
		if (ha_is_voter(written, now->ids[i]))
			continue;
		memmove(&now->ids[i], &now->ids[i + 1], (now->count - i - 1) * sizeof now->ids[0]);
		now->count--;
		return;
	}
	for (size_t i = 0; i < written->count; i++) {
		if (ha_is_voter(now, written->ids[i]))
			continue;
		now->ids[now->count++] = written->ids[i];
		return;
	}
}

int ha_allocate(struct fleet *fleet, const struct fleet_object *group, struct err *err)
{
	CLEAN(text_free) struct text text = { 0 };
	char owner[OWNER_TEXT_SIZE];
	struct ha_voters now, written;

	owner_text(owner, fleet_kind_name(FLEET_HA_GROUP), group->id);
	ha_voters_now(fleet, group, &now);
	voters_written(fleet, group, &written);
	if (is_same_voters(&now, &written))
		return 0;
	if (now.generation == 0) {
		now = written;
		now.generation = 1;
	} else if (group->as.ha.settled == now.generation) {
		step(&now, &written);
	} else {
		return 0; // not all have the generation before: the step is taken when they do
	}
	voters_format(group, &now, &text);
	if (text.failed || alloc_put(fleet->alloc, POOL_HA_VOTERS, owner, text.data) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	return 0;
}

bool plan_ha_group(const struct fleet *fleet, int64_t group_id, struct plan_ha *ret)
{
	const struct fleet_object *group = fleet_find_id(fleet, FLEET_HA_GROUP, group_id);
	struct ha_voters now, members = { 0 };

	if (!group)
		return false;
	ha_voters_now(fleet, group, &now);
	add_nodes(fleet, group->as.ha.members, group->as.ha.n_members, &members);
	*ret = (struct plan_ha){ .generation = now.generation,
				 .settled = group->as.ha.settled,
				 .lease_ms = group->as.ha.lease_ms };
	for (size_t i = 0; i < now.count; i++) {
		if (now.ids[i] == HA_CONTROLLER) {
			ret->has_controller = true;
			continue;
		}
		ret->voters[ret->n_voters++] = now.ids[i];
		if (ha_is_voter(&members, now.ids[i]))
			ret->members[ret->n_members++] = now.ids[i];
	}
	return true;
}

// ---- the network ----

// NULL when all that have to talk are linked; else the two that are not.
struct gap {
	const char *a, *b;
};

static bool find_gap(const struct fleet *fleet, const struct fleet_object *network,
		     const struct fleet_ha *ha, struct gap *ret)
{
	for (size_t i = 0; i < ha->n_members; i++) {
		for (size_t k = i + 1; k < ha->n_members + ha->n_witnesses; k++) {
			const char *b = k < ha->n_members ? ha->members[k]
							  : ha->witnesses[k - ha->n_members];

			if (network_is_linked(fleet, network, ha->members[i], b))
				continue;
			*ret = (struct gap){ ha->members[i], b };
			return true;
		}
	}
	return false;
}

const struct fleet_object *ha_network(const struct fleet *fleet, const struct fleet_object *group)
{
	const struct fleet_ha *ha = &group->as.ha;
	const struct fleet_object *best = NULL;
	struct fleet_object *o;
	struct gap gap;

	if (ha->network)
		return fleet_find(fleet, FLEET_NETWORK, ha->network);
	for (size_t at = 0; fleet_next(fleet, FLEET_NETWORK, &at, &o);) {
		if (!find_gap(fleet, o, ha, &gap) && (!best || o->id < best->id))
			best = o;
	}
	return best;
}

// ---- the check ----

static void check_network(const struct fleet *fleet, const struct fleet_object *group,
			  ha_refuse_fn *refuse, void *arg)
{
	const struct fleet_object *network = ha_network(fleet, group);
	char text[512];
	struct gap gap;

	if (!network && !group->as.ha.network)
		refuse(arg, group, "members",
		       "no network links each member with every other voter");
	if (!network || !find_gap(fleet, network, &group->as.ha, &gap))
		return;
	(void)snprintf(text, sizeof text,
		       "%s has no link between %s and %s: each member needs one with every other "
		       "voter",
		       network->name, gap.a, gap.b);
	refuse(arg, group, "network", text);
}

static void check_site(const struct fleet *fleet, const struct fleet_object *group,
		       ha_refuse_fn *refuse, void *arg)
{
	const struct fleet_ha *ha = &group->as.ha;
	char field[32], text[256];

	for (size_t i = 0; ha->site && i < ha->n_members; i++) {
		const struct fleet_object *node = fleet_find(fleet, FLEET_NODE, ha->members[i]);

		if (!node || (node->as.node.site && strcmp(node->as.node.site, ha->site) == 0))
			continue;
		(void)snprintf(field, sizeof field, "members[%zu]", i);
		(void)snprintf(text, sizeof text, "%s does not stand at site %s", node->name,
			       ha->site);
		refuse(arg, group, field, text);
	}
}

static bool has_vip(const struct fleet_ha *ha, const struct address *vip)
{
	for (size_t i = 0; i < ha->n_vips; i++) {
		if (address_equal(&ha->vips[i], vip))
			return true;
	}
	return false;
}

static void check_vip(const struct fleet *fleet, const struct fleet_object *group, size_t at,
		      ha_refuse_fn *refuse, void *arg)
{
	const struct address *vip = &group->as.ha.vips[at];
	char field[32], text[256], vip_text[ADDRESS_TEXT_SIZE];
	struct fleet_object *o;
	struct prefix pool;

	(void)snprintf(field, sizeof field, "vip[%zu]", at);
	(void)address_format(vip, vip_text);
	for (size_t n = 0; fleet_next(fleet, FLEET_HA_GROUP, &n, &o);) {
		if (o->id >= group->id || !has_vip(&o->as.ha, vip))
			continue;
		(void)snprintf(text, sizeof text, "%s is already that of ha-groups.%s", vip_text,
			       o->name);
		refuse(arg, group, field, text);
	}
	for (int kind = FLEET_NETWORK; kind <= FLEET_SEGMENT; kind++) {
		for (size_t n = 0;
		     kind != FLEET_LINK && fleet_next(fleet, (enum fleet_kind)kind, &n, &o);) {
			if (!fleet_pool(fleet, o, vip->family, &pool) ||
			    !prefix_contains(&pool, vip))
				continue;
			(void)snprintf(text, sizeof text, "%s is within the pool of %s.%s",
				       vip_text, fleet_kind_name(o->kind), o->name);
			refuse(arg, group, field, text);
		}
	}
}

void ha_check(const struct fleet *fleet, const struct fleet_object *group, ha_refuse_fn *refuse,
	      void *arg)
{
	check_network(fleet, group, refuse, arg);
	check_site(fleet, group, refuse, arg);
	for (size_t i = 0; i < group->as.ha.n_vips; i++)
		check_vip(fleet, group, i, refuse, arg);
}
