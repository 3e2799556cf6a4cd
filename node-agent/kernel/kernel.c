#include "kernel/kernel.h"

// Every change passes here, so that `writes` is the truth whichever backend stands behind.

int kernel_dump(struct kernel *k, struct kernel_snapshot *ret, struct err *err)
{
	return k->ops->dump(k, ret, err);
}

int kernel_dump_links(struct kernel *k, struct kernel_snapshot *ret, struct err *err)
{
	return k->ops->dump_links(k, ret, err);
}

int kernel_link_create(struct kernel *k, const struct kernel_link_make *make, struct err *err)
{
	k->writes++;
	return k->ops->link_create(k, make, err);
}

int kernel_link_change(struct kernel *k, const char *name, const struct kernel_link_change *c,
		       struct err *err)
{
	// What a port forgets, it learns again: nothing that is configured has changed.
	k->writes += c->fields != KERNEL_LINK_PORT_FLUSH;
	return k->ops->link_change(k, name, c, err);
}

int kernel_link_delete(struct kernel *k, const char *name, struct err *err)
{
	k->writes++;
	return k->ops->link_delete(k, name, err);
}

int kernel_address_add(struct kernel *k, const struct kernel_address *a, struct err *err)
{
	k->writes++;
	return k->ops->address_add(k, a, err);
}

int kernel_address_drop(struct kernel *k, const struct kernel_address *a, struct err *err)
{
	k->writes++;
	return k->ops->address_drop(k, a, err);
}

int kernel_route_put(struct kernel *k, const struct kernel_route *r, bool replace, struct err *err)
{
	k->writes++;
	return k->ops->route_put(k, r, replace, err);
}

int kernel_route_drop(struct kernel *k, const struct kernel_route *r, struct err *err)
{
	k->writes++;
	return k->ops->route_drop(k, r, err);
}

int kernel_rule_add(struct kernel *k, const struct kernel_rule *r, struct err *err)
{
	k->writes++;
	return k->ops->rule_add(k, r, err);
}

int kernel_rule_drop(struct kernel *k, const struct kernel_rule *r, struct err *err)
{
	k->writes++;
	return k->ops->rule_drop(k, r, err);
}

int kernel_wg_create(struct kernel *k, const char *device, struct err *err)
{
	k->writes++;
	return k->ops->wg_create(k, device, err);
}

int kernel_wg_delete(struct kernel *k, const char *device, struct err *err)
{
	k->writes++;
	return k->ops->wg_delete(k, device, err);
}

int kernel_wg_change(struct kernel *k, const char *device, const struct kernel_wg_change *c,
		     struct err *err)
{
	k->writes++;
	return k->ops->wg_change(k, device, c, err);
}

const char *kernel_wireguard_name(struct kernel *k)
{
	return k->ops->wireguard_name(k);
}

int kernel_sysctl_read(struct kernel *k, const char *name, char *ret, size_t size, struct err *err)
{
	return k->ops->sysctl_read(k, name, ret, size, err);
}

int kernel_sysctl_write(struct kernel *k, const char *name, const char *value, struct err *err)
{
	k->writes++;
	return k->ops->sysctl_write(k, name, value, err);
}

int kernel_default_route(struct kernel *k, const char *device, uint8_t family,
			 struct kernel_route *ret, struct err *err)
{
	return k->ops->default_route(k, device, family, ret, err);
}

int kernel_policy_read(struct kernel *k, struct kernel_policy *ret, struct err *err)
{
	return k->ops->policy_read(k, ret, err);
}

int kernel_policy_replace(struct kernel *k, const char *ruleset, struct err *err)
{
	k->writes++;
	return k->ops->policy_replace(k, ruleset, err);
}

int kernel_flows_forget(struct kernel *k, uint32_t mark, uint32_t mask, struct err *err)
{
	k->writes++;
	return k->ops->flows_forget(k, mark, mask, err);
}

int kernel_guard_replace(struct kernel *k, const char *ruleset, struct err *err)
{
	k->writes++;
	return k->ops->guard_replace(k, ruleset, err);
}

int kernel_guard_delete(struct kernel *k, struct err *err)
{
	k->writes++;
	return k->ops->guard_delete(k, err);
}

int kernel_checksum_off(struct kernel *k, const char *device, struct err *err)
{
	k->writes++;
	return k->ops->checksum_off(k, device, err);
}

void kernel_close(struct kernel *k)
{
	if (k)
		k->ops->close(k);
}
