// gateway/<name>: a way out that gateway-groups of this node choose among: an uplink of its own, or
// the wire to the node that is the exit. The kernel has nothing of it; it is handed on to who
// chooses.
#include "reconcile/gateway.h"

#include <errno.h>
#include <linux/if.h>
#include <stdlib.h>
#include <string.h>

#include "reconcile/body.h"
#include "reconcile/judging.h"
#include "reconcile/uplink.h"

struct gateway {
	char *uplink;           // "uplink/fibre"; NULL: by a wire
	char *wire;             // "wire/gateway:via-bob/bob"
	struct key_list checks; // "echo/gateway:rho-isp"
	char device[IFNAMSIZ];
	struct kernel_ip via;
	bool is_drained;
};

static void done(void *body)
{
	struct gateway *g = body;

	free(g->uplink);
	free(g->wire);
	key_list_done(&g->checks);
}

static int parse_wire(const json_t *json, struct gateway *g, struct err *err)
{
	int rc = body_key(json, "wire", "wire/", &g->wire, err);
	if (rc == 0)
		rc = body_device(json, "device", g->device, err);
	return rc < 0 ? rc : body_ip(json, "via", &g->via, err);
}

static int parse(const json_t *json, void *body, struct err *err)
{
	struct gateway *g = body;

	int rc = body_bool(json, "drained", &g->is_drained, err);
	if (rc == 0 && body_has(json, "check"))
		rc = body_keys(json, "check", "echo/", &g->checks, err);
	if (rc < 0)
		return rc;
	return body_has(json, "uplink") ? body_key(json, "uplink", "uplink/", &g->uplink, err)
					: parse_wire(json, g, err);
}

static void find_uplink(const struct reconcile *r, const struct gateway *g,
			struct reconcile_gateway *ret)
{
	const struct uplink_entry *u = uplink_of(r, g->uplink);

	if (!u) {
		ret->why = "its uplink is not there";
		return;
	}
	ret->device[0] = u->device[0];
	ret->device[1] = u->device[1];
	memcpy(ret->has_way, u->has_way, sizeof u->has_way);
	memcpy(ret->via, u->via, sizeof u->via);
	ret->why = u->is_up ? NULL : u->why;
}

static void find_wire(const struct reconcile *r, const struct gateway *g,
		      struct reconcile_gateway *ret)
{
	const struct kernel_link *link = kernel_snapshot_link(&r->seen, g->device);

	ret->wire = g->wire;
	wire_over(r, g->wire, ret->over);
	ret->device[0] = ret->device[1] = g->device;
	ret->has_way[0] = ret->has_way[1] = true;
	ret->via[0] = ret->via[1] = g->via;
	if (!link)
		ret->why = "its wire is not there";
	else if (!(link->flags & IFF_UP))
		ret->why = "its wire is down";
}

static void fill(const struct reconcile *r, const struct entry *e, struct reconcile_gateway *ret)
{
	const struct gateway *g = e->body;

	*ret = (struct reconcile_gateway){ .key = e->key,
					   .is_drained = g->is_drained,
					   .checks = (const char *const *)g->checks.items,
					   .checks_len = g->checks.len };
	if (g->uplink)
		find_uplink(r, g, ret);
	else
		find_wire(r, g, ret);
	if (e->blocked_by && !ret->why)
		ret->why = e->error.text;
}

bool gateway_find(const struct reconcile *r, const char *key, struct reconcile_gateway *ret)
{
	const struct entry *e = reconcile_entry(r, key);
	const bool is_there = e && e->kind == &kind_gateway && e->body;

	*ret = (struct reconcile_gateway){ .key = key, .why = "there is no such gateway" };
	if (is_there)
		fill(r, e, ret);
	return is_there;
}

void reconcile_each_gateway(const struct reconcile *r, reconcile_gateway_fn *each, void *context)
{
	const struct entry *e;

	for (size_t at = 0; (e = entry_next(r, &kind_gateway, &at));) {
		struct reconcile_gateway gateway;

		fill(r, e, &gateway);
		each(context, &gateway);
	}
}

bool gateway_is_by(const struct entry *e, const char **ret_device)
{
	const struct gateway *g = e->body;

	*ret_device = g->device;
	return g->wire != NULL;
}

const struct entry_kind kind_gateway = {
	.name = "gateway",
	.rank = 96,
	.body_size = sizeof(struct gateway),
	.parse = parse,
	.done = done,
	.compare = judging_compare_nothing,
	.sweep = judging_nothing_to_sweep,
	.observe = judging_observe_nothing,
};
