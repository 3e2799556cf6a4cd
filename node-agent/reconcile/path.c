// path/<segment>/<node>: another node of a routed segment and the ways to it. Which way is taken is
// decided, and its routes are made, by who probes them; here they are handed on, with what the
// kernel has, and what is nobody's is not taken for stray.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reconcile/body.h"
#include "reconcile/judging.h"
#include "reconcile/ways.h"

struct way_name {
	char device[IFNAMSIZ];
	char *by;
};

struct path {
	struct reconcile_destination plain; // without what is borrowed
	struct reconcile_way ways[RECONCILE_WAYS_MAX];
	struct way_name names[RECONCILE_WAYS_MAX];
	char local[KERNEL_ADDR_TEXT_SIZE], remote[KERNEL_ADDR_TEXT_SIZE];
	char *network;
	uint32_t port;
	struct prefix_list prefixes;
	char *group;
	struct prefix_list lan;
};

static void done(void *body)
{
	struct path *p = body;

	for (size_t i = 0; i < RECONCILE_WAYS_MAX; i++)
		free(p->names[i].by);
	free(p->network);
	free(p->group);
	prefix_list_done(&p->prefixes);
	prefix_list_done(&p->lan);
}

static int parse_text(const json_t *json, const char *name, char **ret, struct err *err)
{
	const char *value = NULL;

	int rc = body_string(json, name, &value, err);
	if (rc < 0)
		return rc;
	*ret = strdup(value);
	return *ret ? 0 : err_set(err, -ENOMEM, "out of memory");
}

static int parse_way(const json_t *json, struct reconcile_way *way, struct way_name *name,
		     struct err *err)
{
	uint32_t number = 0;

	int rc = body_u32(json, "number", 0, RECONCILE_WAYS_MAX - 1, &number, err);
	if (rc == 0)
		rc = body_device(json, "device", name->device, err);
	if (rc == 0)
		rc = body_addresses(json, "via", way->via, err);
	if (rc == 0)
		rc = body_bool(json, "standby", &way->is_standby, err);
	if (rc == 0)
		rc = body_bool(json, "drained", &way->is_drained, err);
	if (rc == 0 && body_has(json, "by"))
		rc = parse_text(json, "by", &name->by, err);
	way->number = (uint8_t)number;
	return rc < 0 ? rc : judging_parse(json, &way->probe, err);
}

static int parse_ways(const json_t *json, struct path *p, struct err *err)
{
	const json_t *list = json_object_get(json, "ways"), *item;
	size_t i;

	if (json_array_size(list) == 0 || json_array_size(list) > RECONCILE_WAYS_MAX)
		return err_set(err, -EINVAL, "ways: 1 to %d are needed", RECONCILE_WAYS_MAX);
	json_array_foreach((json_t *)list, i, item)
	{
		if (parse_way(item, &p->ways[i], &p->names[i], err) < 0)
			return err_prefix(err, "ways[%zu]", i);
		for (size_t k = 0; k < i; k++)
			if (p->ways[k].number == p->ways[i].number)
				return err_set(err, -EINVAL, "ways[%zu]: number %u is there twice",
					       i, p->ways[i].number);
		p->plain.ways_len++;
	}
	return 0;
}

// The first family that both have an address of is the one that is probed.
static int choose_family(struct path *p, struct err *err)
{
	const struct reconcile_destination *d = &p->plain;

	for (int f = 0; f < 2; f++) {
		if (!d->own[f].family || !d->peer[f].family)
			continue;
		kernel_ip_format(&d->own[f], p->local);
		kernel_ip_format(&d->peer[f], p->remote);
		return 0;
	}
	return err_set(err, -EINVAL, "own and peer have no family in common");
}

static int parse_lan(const json_t *json, struct path *p, struct err *err)
{
	struct reconcile_lan *lan = &p->plain.lan;

	int rc = body_u32(json, "group", 1, UINT32_MAX, &lan->group, err);
	if (rc == 0)
		rc = parse_text(json, "name", &p->group, err);
	if (rc == 0)
		rc = body_u32(json, "table", 1, UINT32_MAX, &lan->table, err);
	if (rc == 0 && body_has(json, "passing"))
		rc = body_u32(json, "passing", 1, UINT32_MAX, &lan->passing, err);
	if (rc == 0)
		rc = body_bool(json, "first", &lan->is_first, err);
	if (rc == 0)
		rc = body_prefixes(json, "prefixes", &p->lan, err);
	return rc < 0 ? err_prefix(err, "lan") : 0;
}

static int parse(const json_t *json, void *body, struct err *err)
{
	struct path *p = body;
	struct reconcile_destination *d = &p->plain;

	int rc = body_id(json, "self", &d->self, err);
	if (rc == 0)
		rc = body_id(json, "other", &d->other, err);
	if (rc == 0 && d->self == d->other)
		rc = err_set(err, -EINVAL, "self and other are the same");
	if (rc == 0)
		rc = body_u32(json, "table", 1, UINT32_MAX, &d->table, err);
	if (rc == 0)
		rc = body_u32(json, "metric", 1, RECONCILE_STANDING_METRIC - 1, &d->metric, err);
	if (rc == 0)
		rc = body_u32(json, "port", 1, 65535, &p->port, err);
	if (rc == 0)
		rc = body_addresses(json, "own", d->own, err);
	if (rc == 0)
		rc = body_addresses(json, "peer", d->peer, err);
	if (rc == 0)
		rc = choose_family(p, err);
	if (rc == 0)
		rc = parse_text(json, "network", &p->network, err);
	if (rc == 0)
		rc = body_prefixes(json, "prefixes", &p->prefixes, err);
	if (rc == 0 && body_has(json, "lan"))
		rc = parse_lan(json_object_get(json, "lan"), p, err);
	return rc < 0 ? rc : parse_ways(json, p, err);
}

// ---- what is handed on ----

// Fills what is borrowed from the entry.
static void lend(const struct entry *e, struct reconcile_destination *ret,
		 struct reconcile_way ways[RECONCILE_WAYS_MAX])
{
	const struct path *p = e->body;

	*ret = p->plain;
	memcpy(ways, p->ways, sizeof p->ways);
	ret->key = e->key;
	ret->network = p->network;
	ret->prefixes = p->prefixes.items;
	ret->prefixes_len = p->prefixes.len;
	ret->lan.name = p->group;
	ret->lan.prefixes = p->lan.items;
	ret->lan.len = p->lan.len;
	ret->ways = ways;
	for (size_t i = 0; i < ret->ways_len; i++) {
		ways[i].by = p->names[i].by;
		ways[i].device = p->names[i].device;
		ways[i].probe.device = ways[i].device;
		ways[i].probe.local = p->local;
		ways[i].probe.remote = p->remote;
		ways[i].probe.port = (uint16_t)p->port;
	}
}

static bool is_listed(const struct prefix_list *list, const struct kernel_prefix *prefix)
{
	for (size_t i = 0; i < list->len; i++)
		if (kernel_prefix_equal(prefix, &list->items[i]))
			return true;
	return false;
}

// Which of a group's members is followed is not known here; a device of another's is not.
static bool wants_as_lan(const struct path *p, const struct kernel_route *seen)
{
	bool is_its = false;

	for (size_t i = 0; i < p->plain.ways_len; i++)
		is_its = is_its || strcmp(seen->device, p->names[i].device) == 0;
	return is_its && seen->metric == p->plain.metric &&
	       (seen->table == p->plain.table || seen->table == p->plain.lan.table ||
		seen->table == p->plain.lan.passing) &&
	       is_listed(&p->lan, &seen->to);
}

static bool wants(const struct path *p, const struct kernel_route *seen)
{
	const bool is_v6 = seen->to.ip.family == AF_INET6;
	const struct kernel_prefix peer = ways_host(&p->plain.peer[is_v6]);

	if (wants_as_lan(p, seen))
		return true;
	if (p->plain.table != seen->table)
		return false;
	if (seen->metric == p->plain.metric && is_listed(&p->prefixes, &seen->to))
		return true;
	for (size_t i = 0; kernel_prefix_equal(&seen->to, &peer) && i < p->plain.ways_len; i++)
		if (seen->metric == RECONCILE_STANDING_METRIC + p->ways[i].number &&
		    strcmp(seen->device, p->names[i].device) == 0)
			return true;
	return false;
}

bool path_wants_route(const struct reconcile *r, const struct kernel_route *seen)
{
	const struct entry *e;

	for (size_t at = 0; (e = entry_next(r, &kind_path, &at));)
		if (wants(e->body, seen))
			return true;
	return false;
}

void path_each_destination(const struct reconcile *r, reconcile_destination_fn *each, void *context)
{
	struct reconcile_way ways[RECONCILE_WAYS_MAX];
	struct reconcile_destination d;
	const struct entry *e;

	for (size_t at = 0; (e = entry_next(r, &kind_path, &at));) {
		const uint8_t *key = key_of(r, &kind_path_key, e);

		if (e->blocked_by || !key)
			continue;
		lend(e, &d, ways);
		for (size_t i = 0; i < d.ways_len; i++)
			ways[i].probe.key = key;
		ways_look(r, &d);
		each(context, &d);
	}
}

const struct entry_kind kind_path = {
	.name = "path",
	.rank = 97,
	.body_size = sizeof(struct path),
	.parse = parse,
	.done = done,
	.compare = judging_compare_nothing,
	.sweep = judging_nothing_to_sweep,
	.observe = judging_observe_nothing,
};
