// wire/<segment>/<node>, wire/gateway:<gateway>/<node>: a point-to-point VXLAN device over a link.
#include <errno.h>
#include <string.h>

#include "wire/limits.h"

#include "reconcile/body.h"
#include "reconcile/kind.h"
#include "reconcile/owned.h"

#define WIRE_TTL 64

// Outer Ethernet header aside: IP, UDP and VXLAN headers, and the inner Ethernet header.
#define OVERHEAD_V4 50
#define OVERHEAD_V6 70

struct wire {
	char device[IFNAMSIZ];
	char link[IFNAMSIZ];
	uint32_t mtu;
	bool is_routed;            // it has addresses; else it is a bridge's port
	struct kernel_vxlan vxlan; // `link` in it stays empty
};

static int parse(const json_t *json, void *body, struct err *err)
{
	struct wire *w = body;
	uint32_t port = 0;

	int rc = body_device(json, "device", w->device, err);
	if (rc == 0)
		rc = body_device(json, "link", w->link, err);
	if (rc == 0)
		rc = body_u32(json, "vni", 1, (1u << 24) - 1, &w->vxlan.vni, err);
	if (rc == 0)
		rc = body_u32(json, "port", 1, 65535, &port, err);
	if (rc == 0)
		rc = body_u32(json, "mtu", 576, 65535, &w->mtu, err);
	if (rc == 0)
		rc = body_ip(json, "local", &w->vxlan.local, err);
	if (rc == 0)
		rc = body_ip(json, "remote", &w->vxlan.remote, err);
	if (rc == 0 && w->vxlan.local.family != w->vxlan.remote.family)
		rc = err_set(err, -EINVAL, "local and remote are of different families");
	if (rc == 0 && body_has(json, "routed"))
		rc = body_bool(json, "routed", &w->is_routed, err);
	if (rc == 0 && !w->is_routed && body_has(json, "gateway"))
		rc = body_bool(json, "gateway", &w->is_routed, err);
	w->vxlan.port = (uint16_t)port;
	w->vxlan.ttl = WIRE_TTL;
	w->vxlan.learning = true;
	// WireGuard authenticates every byte, so over IPv4 a checksum would be wasted work. Over
	// IPv6 it stays: sockets of one port have to agree about it, and other people's VXLANs have
	// it.
	w->vxlan.udp_csum = false;
	w->vxlan.zero_csum6 = false;
	return rc;
}

// A VXLAN bound to a device refuses an MTU that does not fit into the device's; unbound it takes
// any, and the outer packet is fragmented. The guard holds both to the link.
static const char *bound_link(const struct reconcile *r, const struct wire *w)
{
	const struct kernel_link *link = kernel_snapshot_link(&r->seen, w->link);
	const uint32_t overhead = w->vxlan.local.family == AF_INET ? OVERHEAD_V4 : OVERHEAD_V6;

	return link && w->mtu + overhead <= link->mtu ? w->link : "";
}

static void compare_vxlan(const struct wire *w, const char *bound, const struct kernel_link *link,
			  struct finding *f)
{
	const struct kernel_vxlan *is = &link->vxlan, *want = &w->vxlan;

	if (strcmp(link->kind, "vxlan") != 0)
		finding_differs(f, "the device %s was a %s", w->device, link->kind);
	else if (is->vni != want->vni)
		finding_differs(f, "the VNI was %u instead of %u", is->vni, want->vni);
	else if (is->port != want->port)
		finding_differs(f, "the VXLAN port was %u instead of %u", is->port, want->port);
	else if (!kernel_ip_equal(&is->remote, &want->remote) ||
		 !kernel_ip_equal(&is->local, &want->local))
		finding_differs(f, "the wire ran between other addresses");
	else if (strcmp(is->link, bound) != 0)
		finding_differs(f, "the wire was bound to `%s` instead of `%s`", is->link, bound);
	else if (is->ttl != want->ttl || is->learning != want->learning)
		finding_differs(f, "the wire's TTL or learning was changed");
	else
		return;
	f->remake = true;
}

static int compare(struct reconcile *r, const struct entry *e, struct finding *f, struct err *err)
{
	const struct wire *w = e->body;
	const struct kernel_link *link;

	int rc = owned_find(r, e, w->device, &link, f, err);
	if (rc < 0 || !link || f->remake)
		return rc;
	compare_vxlan(w, bound_link(r, w), link, f);
	if (link->mtu != w->mtu)
		finding_differs(f, "the MTU was %u instead of %u", link->mtu, w->mtu);
	if (!w->is_routed && !link->ipv6_off && link->accept_ra >= 0)
		finding_differs(f, "IPv6 was enabled on the wire itself");
	if (w->is_routed && link->ipv6_off)
		finding_differs(f, "IPv6 was disabled on the wire");
	if (w->is_routed && link->accept_ra > 0)
		finding_differs(f, "the wire took router advertisements");
	if (!(link->flags & IFF_UP))
		finding_differs(f, "the device %s was down", w->device);
	return 0;
}

// Puts words to what another user of VXLAN, or of its port, makes the kernel refuse.
static int vxlan_refused(const struct reconcile *r, const struct wire *w, int rc, struct err *err)
{
	if (rc == -EADDRINUSE)
		return err_set(err, rc,
			       "UDP port %u, which carries the wires, is taken by another program "
			       "(ss -ulpn 'sport = :%u' names it): stop it, or set vxlan_port in "
			       "the controller's settings",
			       w->vxlan.port, w->vxlan.port);
	for (size_t i = 0; rc == -EEXIST && i < r->seen.links_len; i++) {
		const struct kernel_link *link = &r->seen.links[i];

		if (strcmp(link->kind, "vxlan") == 0 && link->vxlan.vni == w->vxlan.vni &&
		    link->vxlan.port == w->vxlan.port)
			return err_set(
				err, rc,
				"VNI %u on UDP port %u is in use by the interface %s, which "
				"is not Weft's: give that one another VNI, or set vni_base in "
				"the controller's settings",
				w->vxlan.vni, w->vxlan.port, link->name);
	}
	return rc;
}

// A bridge's port has no addresses. A routed wire has those that the plan gives it; what comes by
// it need not go back by it while the two ends move from one path to another, and a check for
// duplicates of the kernel's own address would only keep it from working at once.
static int set_protocols(struct reconcile *r, const struct wire *w, struct err *err)
{
	static const struct {
		const char *family, *name;
		const char *port, *routed; // NULL: as it is
	} settings[] = {
		{ "ipv6", "accept_ra", NULL, "0" },
		{ "ipv6", "accept_dad", NULL, "0" },
		{ "ipv6", "disable_ipv6", "1", "0" },
		{ "ipv4", "rp_filter", NULL, "2" },
	};
	char sysctl[64];

	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		const char *value = w->is_routed ? settings[i].routed : settings[i].port;

		if (!value)
			continue;
		(void)snprintf(sysctl, sizeof sysctl, "net/%s/conf/%s/%s", settings[i].family,
			       w->device, settings[i].name);
		// -ENOENT: this kernel has no IPv6 at all.
		const int rc = kernel_sysctl_write(r->kernel, sysctl, value, err);
		if (rc < 0 && rc != -ENOENT)
			return rc;
	}
	return 0;
}

static int configure(struct reconcile *r, const struct entry *e, struct err *err)
{
	const struct wire *w = e->body;
	char alias[KERNEL_ALIAS_SIZE];
	struct kernel_link_change c = { .fields = KERNEL_LINK_ALIAS | KERNEL_LINK_GROUP_CLEAR |
						  KERNEL_LINK_MTU,
					.alias = alias,
					.mtu = w->mtu };

	owned_alias(e, alias);
	int rc = kernel_link_change(r->kernel, w->device, &c, err);
	if (rc == 0)
		rc = set_protocols(r, w, err);
	if (rc < 0)
		return rc;
	c.fields = KERNEL_LINK_UP;
	return vxlan_refused(r, w, kernel_link_change(r->kernel, w->device, &c, err), err);
}

static int create(struct reconcile *r, const struct entry *e, struct err *err)
{
	const struct wire *w = e->body;
	struct kernel_link_make make = { .kind = KERNEL_LINK_VXLAN, .vxlan = w->vxlan };

	(void)snprintf(make.name, sizeof make.name, "%s", w->device);
	(void)snprintf(make.vxlan.link, sizeof make.vxlan.link, "%s", bound_link(r, w));
	return vxlan_refused(r, w, kernel_link_create(r->kernel, &make, err), err);
}

static const char *device_of(const void *body)
{
	return ((const struct wire *)body)->device;
}

static const struct owned_device device = {
	.kind = &kind_wire,
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

static json_t *observe(struct reconcile *r, const struct entry *e)
{
	const struct wire *w = e->body;
	const struct kernel_link *link = kernel_snapshot_link(&r->seen, w->device);

	if (!link)
		return NULL;
	return json_pack("{s:s, s:b, s:i, s:i}", "device", w->device, "up",
			 (link->flags & IFF_UP) != 0, "mtu", (int)link->mtu, "vni",
			 (int)link->vxlan.vni);
}

static json_t *sample(struct reconcile *r, const struct entry *e)
{
	const struct wire *w = e->body;
	const struct kernel_link *link = kernel_snapshot_link(&r->seen, w->device);

	if (!link)
		return NULL;
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "rx_bytes", (json_int_t)link->stats.rx_bytes,
			 "tx_bytes", (json_int_t)link->stats.tx_bytes, "rx_packets",
			 (json_int_t)link->stats.rx_packets, "tx_packets",
			 (json_int_t)link->stats.tx_packets, "rx_drops",
			 (json_int_t)link->stats.rx_drops);
}

// "home" of a wire that needs wireguard/home; NULL: it does not say.
static const char *network_of(const struct entry *e)
{
	const char *network;

	for (size_t i = 0; i < e->needs_len; i++)
		if (text_starts(e->needs[i], "wireguard/", &network))
			return network;
	return NULL;
}

void wire_over(const struct reconcile *r, const char *key, char ret[WIRE_KEY_MAX + 1])
{
	const struct entry *e = reconcile_entry(r, key);
	const char *network = e && e->kind == &kind_wire ? network_of(e) : NULL;

	ret[0] = '\0';
	if (network)
		(void)snprintf(ret, WIRE_KEY_MAX + 1, "%s/%s", network, strrchr(key, '/') + 1);
}

void reconcile_each_wire(const struct reconcile *r, reconcile_wire_fn each, void *context)
{
	const struct entry *e;

	for (size_t at = 0; (e = entry_next(r, &kind_wire, &at));) {
		const struct wire *w = e->body;
		char over[WIRE_KEY_MAX + 1];

		wire_over(r, e->key, over);
		if (!over[0] || e->blocked_by)
			continue;
		each(context, &(struct reconcile_wire){ e->key, w->device, over, w->vxlan.vni });
	}
}

const struct entry_kind kind_wire = {
	.name = "wire",
	.rank = 40,
	.body_size = sizeof(struct wire),
	.parse = parse,
	.compare = compare,
	.apply = apply,
	.sweep = sweep,
	.observe = observe,
	.sample = sample,
};
