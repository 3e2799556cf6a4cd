// address/<network or segment>/<address>: an address on a device that Weft made.
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "reconcile/body.h"
#include "reconcile/kind.h"
#include "reconcile/owned.h"

struct address {
	char device[IFNAMSIZ];
	struct kernel_prefix prefix;
};

static int parse(const json_t *json, void *body, struct err *err)
{
	struct address *a = body;

	int rc = body_device(json, "device", a->device, err);
	return rc < 0 ? rc : body_prefix(json, "address", &a->prefix, err);
}

static bool is_it(const struct kernel_address *seen, const struct address *a)
{
	return strcmp(seen->device, a->device) == 0 &&
	       kernel_prefix_equal(&seen->prefix, &a->prefix);
}

static int compare(struct reconcile *r, const struct entry *e, struct finding *f, struct err *err)
{
	const struct address *a = e->body;

	if (!kernel_snapshot_link(&r->seen, a->device))
		return err_set(err, -ENODEV, "there is no device %s for the address", a->device);
	for (size_t i = 0; i < r->seen.addresses_len; i++)
		if (is_it(&r->seen.addresses[i], a))
			return 0;
	finding_missing(f);
	return 0;
}

static int apply(struct reconcile *r, const struct entry *e, const struct finding *f,
		 struct err *err)
{
	const struct address *a = e->body;
	struct kernel_address make = { .prefix = a->prefix, .scope = RT_SCOPE_UNIVERSE };

	(void)f;
	(void)snprintf(make.device, sizeof make.device, "%s", a->device);
	// The allocation makes it unique; a check over a spanning tree that still listens would
	// tell nothing.
	make.flags = IFA_F_NODAD | IFA_F_PERMANENT;
	return kernel_address_add(r->kernel, &make, err);
}

static bool is_desired(const struct reconcile *r, const struct kernel_address *seen)
{
	const struct entry *e;

	for (size_t at = 0; (e = entry_next(r, &kind_address, &at));)
		if (is_it(seen, e->body))
			return true;
	return false;
}

// The kernel's own (link-local) and leased ones are not Weft's.
static bool is_strays(const struct reconcile *r, const struct kernel_address *seen)
{
	const struct kernel_link *link = kernel_snapshot_link(&r->seen, seen->device);

	return link && link_is_wanted(r, link) && seen->scope != RT_SCOPE_LINK &&
	       seen->flags & IFA_F_PERMANENT && !is_desired(r, seen) && !ha_wants_address(r, seen);
}

static int sweep(struct reconcile *r, struct err *err)
{
	int first = 0;

	for (size_t i = 0; i < r->seen.addresses_len; i++) {
		if (!is_strays(r, &r->seen.addresses[i]))
			continue;
		int rc = kernel_address_drop(r->kernel, &r->seen.addresses[i], first ? NULL : err);
		if (rc < 0 && !first)
			first = rc;
	}
	return first;
}

const struct entry_kind kind_address = {
	.name = "address",
	.rank = 70,
	.body_size = sizeof(struct address),
	.parse = parse,
	.compare = compare,
	.apply = apply,
	.sweep = sweep,
};
