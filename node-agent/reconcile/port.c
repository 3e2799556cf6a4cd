// port/<segment>/<node>: a wire's place in a bridge.
#include <errno.h>
#include <linux/if_bridge.h>
#include <string.h>

#include "reconcile/body.h"
#include "reconcile/kind.h"
#include "reconcile/owned.h"

struct port {
	char device[IFNAMSIZ];
	char bridge[IFNAMSIZ];
	uint32_t cost;
	uint32_t priority;
};

static int parse(const json_t *json, void *body, struct err *err)
{
	struct port *p = body;

	int rc = body_device(json, "device", p->device, err);
	if (rc == 0)
		rc = body_device(json, "bridge", p->bridge, err);
	if (rc == 0)
		rc = body_u32(json, "cost", 1, 65535, &p->cost, err);
	if (rc == 0)
		rc = body_u32(json, "priority", 0, 63, &p->priority, err);
	return rc;
}

static int compare(struct reconcile *r, const struct entry *e, struct finding *f, struct err *err)
{
	const struct port *p = e->body;
	const struct kernel_link *link = kernel_snapshot_link(&r->seen, p->device);

	if (!link)
		return err_set(err, -ENODEV, "there is no device %s to put into %s", p->device,
			       p->bridge);
	if (!kernel_snapshot_link(&r->seen, p->bridge))
		return err_set(err, -ENODEV, "there is no bridge %s for %s", p->bridge, p->device);
	if (!link->is_port)
		finding_missing(f);
	else if (strcmp(link->master, p->bridge) != 0)
		finding_differs(f, "the port was in %s", link->master);
	else if (link->port.cost != p->cost)
		finding_differs(f, "the cost was %u instead of %u", link->port.cost, p->cost);
	else if (link->port.priority != p->priority)
		finding_differs(f, "the priority was %u instead of %u", link->port.priority,
				p->priority);
	return 0;
}

static int apply(struct reconcile *r, const struct entry *e, const struct finding *f,
		 struct err *err)
{
	const struct port *p = e->body;
	const struct kernel_link *link = kernel_snapshot_link(&r->seen, p->device);
	const bool join = !link || strcmp(link->master, p->bridge) != 0;
	struct kernel_link_change c = { .fields = KERNEL_LINK_MASTER, .master = p->bridge };
	int rc = 0;

	(void)f;
	c.port.cost = p->cost;
	c.port.priority = (uint16_t)p->priority;
	if (join)
		rc = kernel_link_change(r->kernel, p->device, &c, err);
	if (rc < 0)
		return rc;
	c.fields = KERNEL_LINK_PORT_OPTIONS;
	// The kernel opens what joins. Until the tree knows better it is closed: as listening, for
	// without a tree of its own the kernel opens whatever is blocked.
	if (join && bridge_has_tree(r, p->bridge))
		c.fields |= KERNEL_LINK_PORT_STATE;
	c.port.state = BR_STATE_LISTENING;
	rc = kernel_link_change(r->kernel, p->device, &c, err);
	if (rc == 0 || !join)
		return rc;
	c.fields = KERNEL_LINK_MASTER;
	c.master = link ? link->master : "";
	(void)kernel_link_change(r->kernel, p->device, &c, NULL);
	return rc;
}

static bool is_desired(const struct reconcile *r, const char *device)
{
	const struct entry *e;

	for (size_t at = 0; (e = entry_next(r, &kind_port, &at));)
		if (strcmp(((const struct port *)e->body)->device, device) == 0)
			return true;
	return false;
}

static int sweep(struct reconcile *r, struct err *err)
{
	const struct kernel_link_change out = { .fields = KERNEL_LINK_MASTER, .master = "" };
	int first = 0;

	for (size_t i = 0; i < r->seen.links_len; i++) {
		const struct kernel_link *link = &r->seen.links[i];

		// A wire that goes altogether leaves its bridge by that.
		if (!link->is_port || !link_is_wanted(r, link) || is_desired(r, link->name))
			continue;
		int rc = kernel_link_change(r->kernel, link->name, &out, first ? NULL : err);
		if (rc < 0 && !first)
			first = rc;
	}
	return first;
}

static const char *role_of(const struct kernel_port *p, const struct kernel_link *bridge)
{
	if (p->state == 0)
		return "disabled";
	if (bridge && bridge->bridge.root_port == p->number && p->number)
		return "root";
	if (bridge && p->designated_port == p->id &&
	    memcmp(p->designated_bridge, bridge->bridge.id, sizeof p->designated_bridge) == 0)
		return "designated";
	return "blocked";
}

static void add_measured(json_t *body, const struct kernel_port *p)
{
	(void)json_object_set_new(body, "measured", json_boolean(p->is_measured));
	if (!p->is_measured)
		return;
	(void)json_object_set_new(body, "rtt_us", json_integer(p->rtt_us));
	(void)json_object_set_new(body, "loss_ppm", json_integer(p->loss_ppm));
}

static json_t *observe(struct reconcile *r, const struct entry *e)
{
	const struct port *p = e->body;
	const struct kernel_link *link = kernel_snapshot_link(&r->seen, p->device);
	char root[KERNEL_BRIDGE_ID_SIZE], bridge[KERNEL_BRIDGE_ID_SIZE];

	if (!link || !link->is_port)
		return NULL;
	const struct kernel_link *bridge_link = kernel_snapshot_link(&r->seen, link->master);
	const struct kernel_link port = seen_by_tree(r, link);
	const struct kernel_link whole =
		bridge_link ? seen_by_tree(r, bridge_link) : (struct kernel_link){ 0 };
	const struct kernel_port *is = &port.port;
	kernel_bridge_id_format(is->designated_root, root);
	kernel_bridge_id_format(is->designated_bridge, bridge);
	json_t *body = json_pack(
		"{s:s, s:i, s:i, s:i, s:s, s:s, s:i, s:I, s:s}", "state",
		kernel_port_state_name(is->state), "port_id", (int)is->id, "cost", (int)is->cost,
		"priority", (int)is->priority, "designated_root", root, "designated_bridge", bridge,
		"designated_port", (int)is->designated_port, "designated_cost",
		(json_int_t)is->designated_cost, "role", role_of(is, bridge_link ? &whole : NULL));
	if (is->is_measuring)
		add_measured(body, is);
	return body;
}

static json_t *sample(struct reconcile *r, const struct entry *e)
{
	const struct port *p = e->body;
	const struct kernel_link *link = kernel_snapshot_link(&r->seen, p->device);

	if (!link || !link->is_port)
		return NULL;
	return json_pack("{s:f, s:f, s:f}", "message_age_timer",
			 (double)link->port.message_age_timer / 100, "forward_delay_timer",
			 (double)link->port.forward_delay_timer / 100, "hold_timer",
			 (double)link->port.hold_timer / 100);
}

const struct entry_kind kind_port = {
	.name = "port",
	.rank = 60,
	.body_size = sizeof(struct port),
	.parse = parse,
	.compare = compare,
	.apply = apply,
	.sweep = sweep,
	.observe = observe,
	.sample = sample,
};
