#include "plan/outside.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static bool is_of(const struct fleet_object *link, const char *node)
{
	const struct fleet_link *l = &link->as.link;

	return l->node && strcmp(l->node, node) == 0 && l->route_count && !l->is_disabled;
}

size_t outside_links(const struct fleet *fleet, const char *node,
		     const struct fleet_object ***ret_links)
{
	const struct fleet_object **links = NULL;
	struct fleet_object *o;
	size_t count = 0, i = 0;

	for (size_t at = 0; fleet_next(fleet, FLEET_LINK, &at, &o);)
		count += is_of(o, node);
	links = calloc(count + 1, sizeof(*links));
	if (!links)
		return SIZE_MAX;
	for (size_t at = 0; fleet_next(fleet, FLEET_LINK, &at, &o);)
		if (is_of(o, node))
			links[i++] = o;
	*ret_links = links;
	return count;
}

bool outside_has(const struct fleet_object *link, const struct prefix *prefix)
{
	for (size_t i = 0; i < link->as.link.route_count; i++)
		if (prefix_equal(&link->as.link.routes[i], prefix))
			return true;
	return false;
}

// ---- the check ----

struct check {
	const struct fleet *fleet;
	const struct fleet_object *link;
	outside_refuse_fn *refuse;
	void *arg;
};

// "10.20.0.0/16 lies within the pool of networks.home"
static void refuse(const struct check *c, size_t route, const char *why, const char *other)
{
	char text[PREFIX_TEXT_SIZE], field[32], sentence[256];

	(void)prefix_format(&c->link->as.link.routes[route], text);
	(void)snprintf(field, sizeof(field), "routes[%zu]", route);
	(void)snprintf(sentence, sizeof(sentence), "%s %s %s", text, why, other);
	c->refuse(c->arg, c->link, field, sentence);
}

// A route to a part of a pool would lead the overlay's own traffic away.
static void check_pools(const struct check *c, enum fleet_kind kind, size_t route)
{
	const struct prefix *r = &c->link->as.link.routes[route];
	struct fleet_object *o;
	struct prefix pool;

	for (size_t at = 0; fleet_next(c->fleet, kind, &at, &o);) {
		if (!fleet_pool(c->fleet, o, r->address.family, &pool) || pool.length > r->length ||
		    !prefix_contains(&pool, &r->address))
			continue;
		CLEAN(free_ptr)
		char *other = text_format("%s.%s", fleet_kind_name(kind), o->name);
		refuse(c, route, "lies within the pool of", other ? other : "");
	}
}

static void check_number(const struct check *c, size_t route)
{
	const struct prefix *prefix = &c->link->as.link.routes[route];
	struct fleet_object *o;
	size_t count = 0;

	for (size_t at = 0; fleet_next(c->fleet, FLEET_LINK, &at, &o);)
		count += is_of(o, c->link->as.link.node) && outside_has(o, prefix);
	if (count > OUTSIDE_LINKS_MAX)
		refuse(c, route, "is reached by more than 16 links of node", c->link->as.link.node);
}

void outside_check(const struct fleet *fleet, const struct fleet_object *link,
		   outside_refuse_fn *refuse_fn, void *arg)
{
	const struct check c = { fleet, link, refuse_fn, arg };

	for (size_t i = 0; link->as.link.node && i < link->as.link.route_count; i++) {
		check_pools(&c, FLEET_NETWORK, i);
		check_pools(&c, FLEET_SEGMENT, i);
		check_number(&c, i);
	}
}
