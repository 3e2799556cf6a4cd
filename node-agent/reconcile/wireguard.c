// wireguard/<network>: a WireGuard device with the node's own key.
#include <errno.h>
#include <string.h>

#include "reconcile/body.h"
#include "reconcile/kind.h"
#include "reconcile/owned.h"

struct wireguard {
	char device[IFNAMSIZ];
	uint16_t port;
	uint32_t mtu;
};

static int parse(const json_t *json, void *body, struct err *err)
{
	struct wireguard *w = body;
	uint32_t port = 0;

	int rc = body_device(json, "device", w->device, err);
	if (rc == 0)
		rc = body_u32(json, "port", 1, 65535, &port, err);
	if (rc == 0)
		rc = body_u32(json, "mtu", 576, 65535, &w->mtu, err);
	w->port = (uint16_t)port;
	return rc;
}

static int compare(struct reconcile *r, const struct entry *e, struct finding *f, struct err *err)
{
	const struct wireguard *w = e->body;
	const struct kernel_link *link;

	int rc = owned_find(r, e, w->device, &link, f, err);
	if (rc < 0 || !link || f->remake)
		return rc;
	const struct kernel_wg *wg = kernel_snapshot_wg(&r->seen, w->device);
	if (!wg && link_is_owned(link)) {
		finding_differs(f, "the device %s no longer answered as WireGuard", w->device);
		f->remake = true;
		return 0;
	}
	if (link->mtu != w->mtu)
		finding_differs(f, "the MTU was %u instead of %u", link->mtu, w->mtu);
	if (!(link->flags & IFF_UP))
		finding_differs(f, "the device %s was down", w->device);
	if (wg && wg->port != w->port)
		finding_differs(f, "the port was %u instead of %u", wg->port, w->port);
	if (wg && memcmp(&wg->private_key, &r->config.private_key, sizeof wg->private_key) != 0)
		finding_differs(f, "the device %s had another private key", w->device);
	return 0;
}

// Says who may have the port, where another tunnel of this host is the likely one.
static int port_refused(const struct reconcile *r, const struct wireguard *w, struct err *err)
{
	const char *other = "another program";

	for (size_t i = 0; i < r->seen.links_len; i++) {
		const struct kernel_link *link = &r->seen.links[i];

		if (strcmp(link->kind, "wireguard") == 0 && !link_is_owned(link))
			other = link->name;
	}
	return err_set(err, -EADDRINUSE,
		       "UDP port %u is taken by %s (ss -ulpn 'sport = :%u' names it): stop it, or "
		       "give the network another port",
		       w->port, other, w->port);
}

static int configure(struct reconcile *r, const struct entry *e, struct err *err)
{
	const struct wireguard *w = e->body;
	char alias[KERNEL_ALIAS_SIZE];
	const struct kernel_wg_change keys = { .private_key = &r->config.private_key,
					       .port = &w->port };
	struct kernel_link_change c = { .fields = KERNEL_LINK_ALIAS | KERNEL_LINK_GROUP_CLEAR |
						  KERNEL_LINK_MTU,
					.alias = alias,
					.mtu = w->mtu };

	owned_alias(e, alias);
	int rc = kernel_link_change(r->kernel, w->device, &c, err);
	if (rc == 0)
		rc = kernel_wg_change(r->kernel, w->device, &keys, err);
	if (rc == -EADDRINUSE)
		return port_refused(r, w, err);
	if (rc < 0)
		return rc;
	// Peers take packets only from overlay addresses; a link-local one would only make drops. A
	// kernel without IPv6 refuses this, and needs it as little.
	c.fields = KERNEL_LINK_NO_ADDR_GEN;
	(void)kernel_link_change(r->kernel, w->device, &c, NULL);
	c.fields = KERNEL_LINK_UP;
	rc = kernel_link_change(r->kernel, w->device, &c, err);
	return rc == -EADDRINUSE ? port_refused(r, w, err) : rc;
}

static const char *device_of(const void *body)
{
	return ((const struct wireguard *)body)->device;
}

static int create(struct reconcile *r, const struct entry *e, struct err *err)
{
	return kernel_wg_create(r->kernel, device_of(e->body), err);
}

static const struct owned_device device = {
	.kind = &kind_wireguard,
	.name = device_of,
	.create = create,
	.configure = configure,
	.destroy = kernel_wg_delete,
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
	const struct wireguard *w = e->body;
	const struct kernel_link *link = kernel_snapshot_link(&r->seen, w->device);
	const struct kernel_wg *wg = kernel_snapshot_wg(&r->seen, w->device);
	char key[KERNEL_KEY_TEXT_SIZE];

	if (!link || !wg)
		return NULL;
	kernel_key_format(&r->config.public_key, key);
	return json_pack("{s:s, s:i, s:i, s:s, s:b}", "device", w->device, "port", (int)wg->port,
			 "mtu", (int)link->mtu, "public_key", key, "up",
			 (link->flags & IFF_UP) != 0);
}

const struct entry_kind kind_wireguard = {
	.name = "wireguard",
	.rank = 20,
	.body_size = sizeof(struct wireguard),
	.parse = parse,
	.compare = compare,
	.apply = apply,
	.sweep = sweep,
	.observe = observe,
};
