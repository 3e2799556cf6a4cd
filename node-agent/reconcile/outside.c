// outside/<prefix>: a prefix that is reached by external links. Which of them is taken is decided,
// and the route is made, by who hears how they are judged; here they are handed on, with what the
// kernel has.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reconcile/body.h"
#include "reconcile/judging.h"
#include "reconcile/ways.h"

struct link_name {
	char device[IFNAMSIZ];
	char *link;
};

struct outside {
	uint32_t table, metric;
	struct kernel_prefix prefix;
	struct reconcile_way ways[RECONCILE_WAYS_MAX]; // without what is borrowed
	struct link_name names[RECONCILE_WAYS_MAX];
	size_t len;
};

static void done(void *body)
{
	struct outside *o = body;

	for (size_t i = 0; i < RECONCILE_WAYS_MAX; i++)
		free(o->names[i].link);
}

static int parse_way(const json_t *json, struct reconcile_way *way, struct link_name *name,
		     struct err *err)
{
	const char *link = NULL;

	int rc = body_id(json, "id", &way->link, err);
	if (rc == 0)
		rc = body_string(json, "link", &link, err);
	if (rc == 0)
		rc = body_foreign_device(json, "device", name->device, err);
	if (rc == 0)
		rc = body_addresses(json, "via", way->via, err);
	if (rc == 0)
		rc = body_bool(json, "standby", &way->is_standby, err);
	if (rc == 0)
		rc = body_bool(json, "drained", &way->is_drained, err);
	if (rc < 0)
		return rc;
	name->link = strdup(link);
	return name->link ? 0 : err_set(err, -ENOMEM, "out of memory");
}

static int parse(const json_t *json, void *body, struct err *err)
{
	const json_t *list = json_object_get(json, "ways"), *item;
	struct outside *o = body;
	size_t i;

	int rc = body_prefix(json, "prefix", &o->prefix, err);
	if (rc == 0)
		rc = body_u32(json, "table", 1, UINT32_MAX, &o->table, err);
	if (rc == 0)
		rc = body_u32(json, "metric", 1, RECONCILE_STANDING_METRIC - 1, &o->metric, err);
	if (rc < 0)
		return rc;
	if (json_array_size(list) == 0 || json_array_size(list) > RECONCILE_WAYS_MAX)
		return err_set(err, -EINVAL, "ways: 1 to %d are needed", RECONCILE_WAYS_MAX);
	json_array_foreach((json_t *)list, i, item)
	{
		if (parse_way(item, &o->ways[i], &o->names[i], err) < 0)
			return err_prefix(err, "ways[%zu]", i);
		o->ways[i].number = (uint8_t)i;
		o->len++;
	}
	return 0;
}

// Fills what is borrowed from the entry.
static void lend(const struct entry *e, struct reconcile_destination *ret,
		 struct reconcile_way ways[RECONCILE_WAYS_MAX])
{
	const struct outside *o = e->body;

	memcpy(ways, o->ways, sizeof o->ways);
	for (size_t i = 0; i < o->len; i++) {
		ways[i].by = o->names[i].link;
		ways[i].device = o->names[i].device;
	}
	*ret = (struct reconcile_destination){ .key = e->key,
					       .table = o->table,
					       .metric = o->metric,
					       .prefixes = &o->prefix,
					       .prefixes_len = 1,
					       .ways = ways,
					       .ways_len = o->len };
}

bool outside_wants_route(const struct reconcile *r, const struct kernel_route *seen)
{
	const struct entry *e;

	for (size_t at = 0; (e = entry_next(r, &kind_outside, &at));) {
		const struct outside *o = e->body;

		if (o->table == seen->table && o->metric == seen->metric &&
		    kernel_prefix_equal(&o->prefix, &seen->to))
			return true;
	}
	return false;
}

void outside_each_destination(const struct reconcile *r, reconcile_destination_fn *each,
			      void *context)
{
	struct reconcile_way ways[RECONCILE_WAYS_MAX];
	struct reconcile_destination d;
	const struct entry *e;

	for (size_t at = 0; (e = entry_next(r, &kind_outside, &at));) {
		if (e->blocked_by)
			continue;
		lend(e, &d, ways);
		ways_look(r, &d);
		each(context, &d);
	}
}

const struct entry_kind kind_outside = {
	.name = "outside",
	.rank = 98,
	.body_size = sizeof(struct outside),
	.parse = parse,
	.done = done,
	.compare = judging_compare_nothing,
	.sweep = judging_nothing_to_sweep,
	.observe = judging_observe_nothing,
};
