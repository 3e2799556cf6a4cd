// bridge/<segment>: a bridge with a fixed MAC. Its spanning tree is the agent's, the kernel's is
// off.
#include <errno.h>
#include <linux/if_bridge.h>
#include <stdlib.h>
#include <string.h>

#include "reconcile/body.h"
#include "reconcile/kind.h"
#include "reconcile/owned.h"

enum { AGEING_DEFAULT = 30000 }; // hundredths of a second, the kernel's own

struct bridge {
	char device[IFNAMSIZ];
	uint8_t mac[6];
	uint32_t mtu;
	bool has_tree;
	struct kernel_bridge options;
};

static int parse(const json_t *json, void *body, struct err *err)
{
	struct bridge *b = body;
	uint32_t priority = 0;

	int rc = body_device(json, "device", b->device, err);
	if (rc == 0)
		rc = body_mac(json, "mac", b->mac, err);
	if (rc == 0)
		rc = body_u32(json, "mtu", 576, 65535, &b->mtu, err);
	if (rc == 0)
		rc = body_bool(json, "stp", &b->has_tree, err);
	if (rc == 0)
		rc = body_u32(json, "priority", 0, 65535, &priority, err);
	if (rc == 0)
		rc = body_seconds(json, "hello_time", &b->options.hello_time, err);
	if (rc == 0)
		rc = body_seconds(json, "max_age", &b->options.max_age, err);
	if (rc == 0)
		rc = body_seconds(json, "forward_delay", &b->options.forward_delay, err);
	b->options.priority = (uint16_t)priority;
	// The kernel forwards by learned addresses until its collector comes by, and a change of
	// the tree does not call it: what was learned on a path that fell silent must go by the
	// time the new path stands.
	b->options.ageing_time =
		b->has_tree ? b->options.max_age + b->options.forward_delay : AGEING_DEFAULT;
	// Also without a tree of its own the kernel moves a port from listening to forwarding when
	// its forward delay is over: none, no move. The agent's tree has the delay that was asked
	// for.
	if (b->has_tree)
		b->options.forward_delay = 0;
	// Without a querier snooping loses groups; every group goes to every site.
	b->options.mcast_snooping = false;
	return rc;
}

// The kernel keeps times in jiffies: a hundredth may be lost on the way.
static bool time_is(uint32_t is, uint32_t want)
{
	return abs((int)is - (int)want) <= 1;
}

static void compare_options(const struct kernel_bridge *is, const struct kernel_bridge *want,
			    struct finding *f)
{
	if (is->stp != want->stp)
		finding_differs(f, "the kernel's spanning tree was on");
	if (is->priority != want->priority)
		finding_differs(f, "the priority was %u instead of %u", is->priority,
				want->priority);
	if (!time_is(is->ageing_time, want->ageing_time))
		finding_differs(f, "the ageing time was changed");
	if (is->mcast_snooping != want->mcast_snooping)
		finding_differs(f, "multicast snooping was on");
	if (!time_is(is->hello_time, want->hello_time) || !time_is(is->max_age, want->max_age) ||
	    !time_is(is->forward_delay, want->forward_delay))
		finding_differs(f, "the spanning tree's times were changed");
}

static int compare(struct reconcile *r, const struct entry *e, struct finding *f, struct err *err)
{
	const struct bridge *b = e->body;
	const struct kernel_link *link;

	int rc = owned_find(r, e, b->device, &link, f, err);
	if (rc < 0 || !link || f->remake)
		return rc;
	if (strcmp(link->kind, "bridge") != 0) {
		finding_differs(f, "the device %s was a %s", b->device, link->kind);
		f->remake = true;
		return 0;
	}
	if (link->mtu != b->mtu)
		finding_differs(f, "the MTU was %u instead of %u", link->mtu, b->mtu);
	if (memcmp(link->mac, b->mac, sizeof b->mac) != 0)
		finding_differs(f, "the MAC was changed");
	if (link->accept_ra > 0)
		finding_differs(f, "router advertisements were accepted");
	if (!(link->flags & IFF_UP))
		finding_differs(f, "the device %s was down", b->device);
	compare_options(&link->bridge, &b->options, f);
	return 0;
}

// The moment the kernel's tree is off, whatever makes it look at its ports opens those that it had
// blocked: each is closed in another way first. The agent's tree opens them again.
static int end_kernel_tree(struct reconcile *r, const char *device, struct err *err)
{
	const struct kernel_link_change off = { .fields = KERNEL_LINK_STP_OFF };
	const struct kernel_link_change closed = { .fields = KERNEL_LINK_PORT_STATE,
						   .port.state = BR_STATE_LISTENING };
	const struct kernel_link *link = kernel_snapshot_link(&r->seen, device);
	int rc = 0;

	if (!link || !link->bridge.stp)
		return 0;
	rc = kernel_link_change(r->kernel, device, &off, err);
	for (size_t i = 0; rc == 0 && i < r->seen.links_len; i++)
		if (strcmp(r->seen.links[i].master, device) == 0 &&
		    r->seen.links[i].port.state != BR_STATE_FORWARDING)
			(void)kernel_link_change(r->kernel, r->seen.links[i].name, &closed, NULL);
	return rc;
}

static int configure(struct reconcile *r, const struct entry *e, struct err *err)
{
	const struct bridge *b = e->body;
	char alias[KERNEL_ALIAS_SIZE], sysctl[64];
	struct kernel_link_change c = { .fields = KERNEL_LINK_ALIAS | KERNEL_LINK_GROUP_CLEAR |
						  KERNEL_LINK_MTU | KERNEL_LINK_MAC |
						  KERNEL_LINK_BRIDGE_OPTIONS,
					.alias = alias,
					.mtu = b->mtu,
					.bridge = b->options };

	memcpy(c.mac, b->mac, sizeof c.mac);
	owned_alias(e, alias);
	int rc = end_kernel_tree(r, b->device, err);
	if (rc == 0)
		rc = kernel_link_change(r->kernel, b->device, &c, err);
	if (rc < 0)
		return rc;
	// Nobody on a segment may become this host's default router by an advertisement.
	(void)snprintf(sysctl, sizeof sysctl, "net/ipv6/conf/%s/accept_ra", b->device);
	rc = kernel_sysctl_write(r->kernel, sysctl, "0", err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	c.fields = KERNEL_LINK_UP;
	return kernel_link_change(r->kernel, b->device, &c, err);
}

static int create(struct reconcile *r, const struct entry *e, struct err *err)
{
	const struct bridge *b = e->body;
	struct kernel_link_make make = { .kind = KERNEL_LINK_BRIDGE, .bridge = b->options };

	(void)snprintf(make.name, sizeof make.name, "%s", b->device);
	memcpy(make.mac, b->mac, sizeof make.mac);
	return kernel_link_create(r->kernel, &make, err);
}

static const char *device_of(const void *body)
{
	return ((const struct bridge *)body)->device;
}

static const struct owned_device device = {
	.kind = &kind_bridge,
	.name = device_of,
	.create = create,
	.configure = configure,
	.destroy = kernel_link_delete,
};

static int apply(struct reconcile *r, const struct entry *e, const struct finding *f,
		 struct err *err)
{
	return owned_apply(r, e, f, &device, err);
}

static int sweep(struct reconcile *r, struct err *err)
{
	return owned_sweep(r, &device, err);
}

bool bridge_has_tree(const struct reconcile *r, const char *name)
{
	const struct entry *e;

	for (size_t at = 0; (e = entry_next(r, &kind_bridge, &at));)
		if (strcmp(device_of(e->body), name) == 0)
			return ((const struct bridge *)e->body)->has_tree;
	return false;
}

static double seconds(uint64_t hundredths)
{
	return (double)hundredths / 100;
}

static json_t *observe(struct reconcile *r, const struct entry *e)
{
	const struct bridge *b = e->body;
	const struct kernel_link *link = kernel_snapshot_link(&r->seen, b->device);
	char id[KERNEL_BRIDGE_ID_SIZE], root[KERNEL_BRIDGE_ID_SIZE];

	if (!link)
		return NULL;
	const struct kernel_link seen = seen_by_tree(r, link);
	const struct kernel_bridge *is = &seen.bridge;
	kernel_bridge_id_format(is->id, id);
	kernel_bridge_id_format(is->root_id, root);
	return json_pack("{s:s, s:b, s:s, s:s, s:i, s:i, s:f, s:f, s:f, s:f, s:b, s:b}", "device",
			 b->device, "up", (link->flags & IFF_UP) != 0, "bridge_id", id, "root_id",
			 root, "root_port", (int)is->root_port, "root_cost", (int)is->root_cost,
			 "max_age", seconds(is->max_age), "hello_time", seconds(is->hello_time),
			 "forward_delay", seconds(is->forward_delay), "ageing_time",
			 seconds(is->ageing_time), "stp", b->has_tree, "topology_change",
			 is->topology_change);
}

static json_t *sample(struct reconcile *r, const struct entry *e)
{
	const struct bridge *b = e->body;
	const struct kernel_link *link = kernel_snapshot_link(&r->seen, b->device);

	if (!link)
		return NULL;
	return json_pack("{s:f, s:f, s:f, s:f}", "hello_timer", seconds(link->bridge.hello_timer),
			 "tcn_timer", seconds(link->bridge.tcn_timer), "topology_change_timer",
			 seconds(link->bridge.topology_change_timer), "gc_timer",
			 seconds(link->bridge.gc_timer));
}

const struct entry_kind kind_bridge = {
	.name = "bridge",
	.rank = 50,
	.body_size = sizeof(struct bridge),
	.parse = parse,
	.compare = compare,
	.apply = apply,
	.sweep = sweep,
	.observe = observe,
	.sample = sample,
};
