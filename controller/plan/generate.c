#include "plan/generate.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/json.h"

#define KEY_SIZE 256

void entry_list_done(struct entry_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].key);
		free(list->items[i].body);
	}
	free(list->items);
	*list = (struct entry_list){ 0 };
}

static int made_compare(const void *x, const void *y)
{
	const struct made_entry *a = x, *b = y;

	if (a->node != b->node)
		return a->node < b->node ? -1 : 1;
	return strcmp(a->key, b->key);
}

void entry_list_sort(struct entry_list *list)
{
	if (list->count > 1)
		qsort(list->items, list->count, sizeof *list->items, made_compare);
}

static bool list_room(struct entry_list *list)
{
	if (list->count < list->cap)
		return true;
	size_t cap = list->cap ? list->cap * 2 : 64;
	struct made_entry *items = reallocarray(list->items, cap, sizeof *items);
	if (!items)
		return false;
	list->items = items;
	list->cap = cap;
	return true;
}

void generate_add(struct generation *g, json_t *body, const char *key, ...)
{
	CLEAN(free_ptr) char *bytes = body ? json_canonical(body) : NULL;
	char text[KEY_SIZE];
	va_list args;

	json_decref(body);
	va_start(args, key);
	(void)vsnprintf(text, sizeof text, key, args);
	va_end(args);
	CLEAN(free_ptr) char *copy = strdup(text);
	if (!bytes || !copy || !list_room(g->out)) {
		g->out->failed = true;
		return;
	}
	struct digest digest = digest_of_entry(copy, bytes, strlen(bytes));
	g->out->items[g->out->count++] =
		(struct made_entry){ take_ptr(&copy), take_ptr(&bytes), g->node->id, digest };
}

static void made_free(void *at)
{
	struct made_entry *made = at;

	if (!made)
		return;
	free(made->key);
	free(made->body);
	free(made);
}

struct map *made_links_new(void)
{
	return map_new(made_free);
}

static bool made_copy(struct made_entry *to, const struct made_entry *from, int64_t node)
{
	*to = (struct made_entry){ strdup(from->key), strdup(from->body), node, from->digest };
	return to->key && to->body;
}

void generate_copy(struct generation *g, const struct made_entry *made)
{
	if (!list_room(g->out)) {
		g->out->failed = true;
		return;
	}
	if (!made_copy(&g->out->items[g->out->count++], made, g->node->id))
		g->out->failed = true;
}

void generate_keep(struct generation *g, const char *name)
{
	struct made_entry *made = g->links && !g->out->failed ? calloc(1, sizeof *made) : NULL;

	if (made && (!made_copy(made, &g->out->items[g->out->count - 1], 0) ||
		     map_set(g->links, name, made) < 0))
		made_free(made);
}

json_t *json_address(const struct address *address, int length)
{
	char text[ADDRESS_TEXT_SIZE];

	(void)address_format(address, text);
	if (length < 0)
		return json_string(text);
	return json_sprintf("%s/%d", text, length);
}

json_t *json_addresses(const struct fleet *fleet, const struct fleet_object *scope,
		       const struct fleet_object *node)
{
	json_t *list = json_array();
	struct address address;

	for (int family = 4; family <= 6; family += 2) {
		if (fleet_address(fleet, scope, node, family, &address))
			(void)json_array_append_new(list, json_address(&address, -1));
	}
	return list;
}

json_t *json_prefix(const struct prefix *prefix)
{
	char text[PREFIX_TEXT_SIZE];

	return json_string(prefix_format(prefix, text));
}

json_t *json_needs(const char *first, ...)
{
	json_t *needs = json_array();
	va_list args;

	va_start(args, first);
	for (const char *key = first; key; key = va_arg(args, const char *))
		(void)json_array_append_new(needs, json_string(key));
	va_end(args);
	return needs;
}

struct generation_in {
	struct generation *g;
	struct network_cell cell;
};

static int generate_neighbour(void *arg, struct fleet_object *peer)
{
	struct generation_in *in = arg;

	in->cell.peer = peer;
	generate_link(in->g, &in->cell);
	return in->g->out->failed;
}

static void generate_in_network(struct generation *g, const struct cell *cell)
{
	struct network_cell c = { .network = fleet_find_id(g->fleet, FLEET_NETWORK, cell->scope) };

	if (!c.network || !network_member(c.network, g->node->name))
		return;
	if (cell->kind == CELL_MEMBER) {
		generate_member(g, &c);
		return;
	}
	if (cell->other == 0) {
		struct generation_in in = { g, c };

		if (network_each_neighbour(g->fleet, c.network, g->node->name, generate_neighbour,
					   &in) < 0)
			g->out->failed = true;
		return;
	}
	c.peer = fleet_find_id(g->fleet, FLEET_NODE, cell->other);
	if (c.peer && network_is_linked(g->fleet, c.network, g->node->name, c.peer->name))
		generate_link(g, &c);
}

static void generate_pair(struct generation *g, const struct cell *cell, struct segment_cell *c)
{
	const struct fleet_object *other = fleet_find_id(g->fleet, FLEET_NODE, cell->other);

	c->other = other ? segment_member_find(c->view, other) : NULL;
	if (!c->other || c->other == c->self)
		return;
	const bool is_routed = c->view->segment->as.segment.is_routed;
	if (cell->kind == CELL_OWNER)
		(is_routed ? generate_routed_owner : generate_owner)(g, c);
	else if (cell->kind == CELL_PATH && is_routed)
		generate_path(g, c);
	else if (cell->kind == CELL_WIRE &&
		 network_is_linked(g->fleet, c->view->network, g->node->name, other->name))
		(is_routed ? generate_routed_wire : generate_wire)(g, c);
}

static void generate_in_segment(struct generation *g, const struct cell *cell)
{
	struct fleet_object *segment = fleet_find_id(g->fleet, FLEET_SEGMENT, cell->scope);
	struct segment_cell c = { .view = segment ? fleet_segment(g->fleet, segment) : NULL };

	c.self = c.view ? segment_member_find(c.view, g->node) : NULL;
	if (!c.self)
		return;
	if (cell->kind == CELL_SEGMENT && c.view->segment->as.segment.is_routed)
		generate_routed_segment(g, &c);
	else if (cell->kind == CELL_SEGMENT)
		generate_segment(g, &c);
	else
		generate_pair(g, cell, &c);
}

static void generate_watched(struct generation *g, const struct cell *cell)
{
	const struct fleet_object *link = fleet_find_id(g->fleet, FLEET_LINK, cell->scope);

	// Before or after the change it may be another node's, or none at all.
	if (link && link->as.link.node && strcmp(link->as.link.node, g->node->name) == 0 &&
	    !link->as.link.is_disabled)
		generate_external(g, link);
}

void generate_cell(struct fleet *fleet, const struct cell *cell, struct map *links,
		   struct entry_list *out)
{
	struct generation g = { fleet, fleet_find_id(fleet, FLEET_NODE, cell->node), out, links };

	if (!g.node)
		return;
	if (cell->kind == CELL_NODE)
		generate_node(&g);
	else if (cell->kind == CELL_EGRESS)
		generate_egress(&g);
	else if (cell->kind == CELL_HA)
		generate_ha(&g, fleet_find_id(fleet, FLEET_HA_GROUP, cell->scope));
	else if (cell->kind == CELL_MEMBER || cell->kind == CELL_LINK)
		generate_in_network(&g, cell);
	else if (cell->kind >= CELL_DNS && cell->kind <= CELL_NAMES)
		generate_dns(&g, cell);
	else if (cell->kind == CELL_EXTERNAL)
		generate_watched(&g, cell);
	else if (cell->kind == CELL_OUTSIDE)
		generate_outside(&g);
	else
		generate_in_segment(&g, cell);
}
