#include "fake_kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "base/text.h"

#include "fake_tables.h"
#include "kernel/list.h"

#define HANDSHAKE_BYTES 148

static struct fake_kernel *fake_of(struct kernel *k)
{
	return (struct fake_kernel *)(void *)k;
}

static int called(struct kernel *k, struct err *err)
{
	struct fake_kernel *f = fake_of(k);

	if (++f->calls == f->fail_at)
		return err_set(err, -EIO, "the fake kernel failed as told");
	return 0;
}

static int no_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "the fake kernel is out of memory");
}

// NULL when there is nothing to copy, or no memory: *ret_len tells.
static void *copy_array(const void *items, size_t len, size_t size, size_t *ret_len)
{
	// The capacity that list_add() expects: the next power of two.
	size_t cap = 1;

	while (cap < len)
		cap *= 2;
	void *copy = len ? calloc(cap, size) : NULL;
	if (copy)
		memcpy(copy, items, len * size);
	*ret_len = copy ? len : 0;
	return copy;
}

static bool copy_peers(const struct kernel_wg *from, struct kernel_wg *to)
{
	to->peers = copy_array(from->peers, from->peers_len, sizeof *from->peers, &to->peers_len);
	for (size_t i = 0; i < to->peers_len; i++)
		to->peers[i].allowed_len = 0;
	for (size_t i = 0; i < to->peers_len; i++) {
		const struct kernel_peer *p = &from->peers[i];

		to->peers[i].allowed = copy_array(p->allowed, p->allowed_len, sizeof *p->allowed,
						  &to->peers[i].allowed_len);
		if (to->peers[i].allowed_len != p->allowed_len) {
			for (size_t rest = i + 1; rest < to->peers_len; rest++)
				to->peers[rest].allowed = NULL;
			return false;
		}
	}
	return to->peers_len == from->peers_len;
}

static bool copy_wgs(const struct kernel_snapshot *s, struct kernel_snapshot *c)
{
	size_t len;

	c->wgs = copy_array(s->wgs, s->wgs_len, sizeof *s->wgs, &len);
	// Counted one by one, so that what is freed after a failure is only what was copied.
	for (size_t i = 0; i < len; i++) {
		c->wgs_len = i + 1;
		if (!copy_peers(&s->wgs[i], &c->wgs[i]))
			return false;
	}
	return len == s->wgs_len;
}

static int dump(struct kernel *k, struct kernel_snapshot *ret, struct err *err)
{
	const struct kernel_snapshot *s = &fake_of(k)->state;
	struct kernel_snapshot c = { .guard = s->guard };

	if (++fake_of(k)->dumps == fake_of(k)->fail_dump_at)
		return err_set(err, -EIO, "the fake kernel failed as told");
	c.links = copy_array(s->links, s->links_len, sizeof *s->links, &c.links_len);
	c.addresses =
		copy_array(s->addresses, s->addresses_len, sizeof *s->addresses, &c.addresses_len);
	c.routes = copy_array(s->routes, s->routes_len, sizeof *s->routes, &c.routes_len);
	c.rules = copy_array(s->rules, s->rules_len, sizeof *s->rules, &c.rules_len);
	if (!copy_wgs(s, &c) || c.links_len != s->links_len ||
	    c.addresses_len != s->addresses_len || c.routes_len != s->routes_len ||
	    c.rules_len != s->rules_len) {
		kernel_snapshot_done(&c);
		return no_memory(err);
	}
	*ret = c;
	return 0;
}

struct kernel_link *fake_kernel_link(struct fake_kernel *f, const char *name)
{
	for (size_t i = 0; i < f->state.links_len; i++)
		if (strcmp(f->state.links[i].name, name) == 0)
			return &f->state.links[i];
	return NULL;
}

struct kernel_link *fake_kernel_add_link(struct fake_kernel *f, const char *name, const char *kind)
{
	struct kernel_link *link =
		list_add(&f->state.links, &f->state.links_len, sizeof *f->state.links);

	if (!link)
		return NULL;
	(void)snprintf(link->name, sizeof link->name, "%s", name);
	(void)snprintf(link->kind, sizeof link->kind, "%s", kind);
	link->mtu = 1500;
	return link;
}

static void remove_at(void *items, size_t *len, size_t at, size_t size)
{
	char *data = items;

	memmove(data + at * size, data + (at + 1) * size, (*len - at - 1) * size);
	(*len)--;
	// list_add() grows at powers of two; a shrunk array still has the room it would ask for.
}

void fake_kernel_drop_link(struct fake_kernel *f, const char *name)
{
	struct kernel_snapshot *s = &f->state;

	for (size_t i = s->wgs_len; i-- > 0;)
		if (strcmp(s->wgs[i].device, name) == 0) {
			kernel_wg_done(&s->wgs[i]);
			remove_at(s->wgs, &s->wgs_len, i, sizeof *s->wgs);
		}
	for (size_t i = s->addresses_len; i-- > 0;)
		if (strcmp(s->addresses[i].device, name) == 0)
			remove_at(s->addresses, &s->addresses_len, i, sizeof *s->addresses);
	for (size_t i = s->routes_len; i-- > 0;)
		if (strcmp(s->routes[i].device, name) == 0)
			remove_at(s->routes, &s->routes_len, i, sizeof *s->routes);
	for (size_t i = s->links_len; i-- > 0;) {
		if (strcmp(s->links[i].master, name) == 0) {
			s->links[i].master[0] = '\0';
			s->links[i].is_port = false;
		}
		if (strcmp(s->links[i].name, name) == 0)
			remove_at(s->links, &s->links_len, i, sizeof *s->links);
	}
}

static int link_create(struct kernel *k, const struct kernel_link_make *make, struct err *err)
{
	struct fake_kernel *f = fake_of(k);
	const bool vxlan = make->kind == KERNEL_LINK_VXLAN;

	int rc = called(k, err);
	if (rc < 0)
		return rc;
	if (fake_kernel_link(f, make->name))
		return err_set(err, -EEXIST, "%s exists", make->name);
	struct kernel_link *link = fake_kernel_add_link(f, make->name, vxlan ? "vxlan" : "bridge");
	if (!link)
		return no_memory(err);
	link->group = KERNEL_LINK_GROUP;
	link->vxlan = make->vxlan;
	link->bridge = make->bridge;
	link->accept_ra = 1;
	memcpy(link->mac, make->mac, sizeof link->mac);
	return 0;
}

static void change_port(struct kernel_link *link, const struct kernel_link_change *c)
{
	if (c->fields & KERNEL_LINK_MASTER) {
		(void)snprintf(link->master, sizeof link->master, "%s", c->master);
		link->is_port = c->master[0] != '\0';
		link->port = (struct kernel_port){ .cost = 2, .priority = 32 };
	}
	if (c->fields & KERNEL_LINK_PORT_OPTIONS) {
		link->port.cost = c->port.cost;
		link->port.priority = c->port.priority;
	}
	if (c->fields & KERNEL_LINK_PORT_STATE)
		link->port.state = c->port.state;
}

static int link_change(struct kernel *k, const char *name, const struct kernel_link_change *c,
		       struct err *err)
{
	struct kernel_link *link = fake_kernel_link(fake_of(k), name);

	int rc = called(k, err);
	if (rc < 0)
		return rc;
	if (!link)
		return err_set(err, -ENODEV, "no %s", name);
	if (c->fields & KERNEL_LINK_ALIAS)
		(void)snprintf(link->alias, sizeof link->alias, "%s", c->alias);
	if (c->fields & KERNEL_LINK_GROUP_CLEAR)
		link->group = 0;
	if (c->fields & KERNEL_LINK_MTU)
		link->mtu = c->mtu;
	if (c->fields & KERNEL_LINK_MAC)
		memcpy(link->mac, c->mac, sizeof link->mac);
	if (c->fields & KERNEL_LINK_UP)
		link->flags |= IFF_UP;
	if (c->fields & KERNEL_LINK_BRIDGE_OPTIONS)
		link->bridge = c->bridge;
	if (c->fields & KERNEL_LINK_STP_OFF)
		link->bridge.stp = false;
	change_port(link, c);
	return 0;
}

static int link_delete(struct kernel *k, const char *name, struct err *err)
{
	int rc = called(k, err);

	if (rc < 0)
		return rc;
	if (!fake_kernel_link(fake_of(k), name))
		return err_set(err, -ENODEV, "no %s", name);
	fake_kernel_drop_link(fake_of(k), name);
	return 0;
}

static int address_add(struct kernel *k, const struct kernel_address *a, struct err *err)
{
	struct kernel_snapshot *s = &fake_of(k)->state;

	int rc = called(k, err);
	if (rc < 0)
		return rc;
	struct kernel_address *to =
		list_add(&s->addresses, &s->addresses_len, sizeof *s->addresses);
	if (!to)
		return no_memory(err);
	*to = *a;
	return 0;
}

static int address_drop(struct kernel *k, const struct kernel_address *a, struct err *err)
{
	struct kernel_snapshot *s = &fake_of(k)->state;

	int rc = called(k, err);
	if (rc < 0)
		return rc;
	for (size_t i = s->addresses_len; i-- > 0;)
		if (strcmp(s->addresses[i].device, a->device) == 0 &&
		    kernel_prefix_equal(&s->addresses[i].prefix, &a->prefix)) {
			remove_at(s->addresses, &s->addresses_len, i, sizeof *s->addresses);
			return 0;
		}
	return err_set(err, -EADDRNOTAVAIL, "no such address");
}

static size_t route_index(const struct kernel_snapshot *s, const struct kernel_route *r)
{
	size_t i = 0;

	while (i < s->routes_len &&
	       !(kernel_prefix_equal(&s->routes[i].to, &r->to) &&
		 s->routes[i].metric == r->metric && s->routes[i].table == r->table))
		i++;
	return i;
}

static int route_put(struct kernel *k, const struct kernel_route *r, bool replace, struct err *err)
{
	struct kernel_snapshot *s = &fake_of(k)->state;

	int rc = called(k, err);
	if (rc < 0)
		return rc;
	size_t at = route_index(s, r);
	if (at < s->routes_len && !replace)
		return err_set(err, -EEXIST, "File exists");
	if (at == s->routes_len && !list_add(&s->routes, &s->routes_len, sizeof *s->routes))
		return no_memory(err);
	s->routes[at] = *r;
	return 0;
}

static int route_drop(struct kernel *k, const struct kernel_route *r, struct err *err)
{
	struct kernel_snapshot *s = &fake_of(k)->state;

	int rc = called(k, err);
	if (rc < 0)
		return rc;
	size_t at = route_index(s, r);
	if (at == s->routes_len)
		return err_set(err, -ESRCH, "no such route");
	remove_at(s->routes, &s->routes_len, at, sizeof *s->routes);
	return 0;
}

static size_t rule_index(const struct kernel_snapshot *s, const struct kernel_rule *r)
{
	size_t i = 0;

	while (i < s->rules_len &&
	       !(kernel_rule_equal(&s->rules[i], r) && s->rules[i].protocol == r->protocol))
		i++;
	return i;
}

static int rule_add(struct kernel *k, const struct kernel_rule *r, struct err *err)
{
	struct kernel_snapshot *s = &fake_of(k)->state;

	int rc = called(k, err);
	if (rc < 0)
		return rc;
	if (rule_index(s, r) < s->rules_len)
		return err_set(err, -EEXIST, "File exists");
	struct kernel_rule *to = list_add(&s->rules, &s->rules_len, sizeof *s->rules);
	*to = *r;
	return 0;
}

static int rule_drop(struct kernel *k, const struct kernel_rule *r, struct err *err)
{
	struct kernel_snapshot *s = &fake_of(k)->state;

	int rc = called(k, err);
	if (rc < 0)
		return rc;
	size_t at = rule_index(s, r);
	if (at == s->rules_len)
		return err_set(err, -ENOENT, "No such file or directory");
	remove_at(s->rules, &s->rules_len, at, sizeof *s->rules);
	return 0;
}

static int wg_create(struct kernel *k, const char *device, struct err *err)
{
	struct fake_kernel *f = fake_of(k);

	int rc = called(k, err);
	if (rc < 0)
		return rc;
	struct kernel_wg *wg = list_add(&f->state.wgs, &f->state.wgs_len, sizeof *f->state.wgs);
	if (!wg)
		return no_memory(err);
	struct kernel_link *link = fake_kernel_add_link(f, device, "wireguard");
	if (!link) {
		f->state.wgs_len--;
		return no_memory(err);
	}
	link->group = KERNEL_LINK_GROUP;
	(void)snprintf(wg->device, sizeof wg->device, "%s", device);
	return 0;
}

static struct kernel_wg *wg_of(struct fake_kernel *f, const char *device)
{
	for (size_t i = 0; i < f->state.wgs_len; i++)
		if (strcmp(f->state.wgs[i].device, device) == 0)
			return &f->state.wgs[i];
	return NULL;
}

static int peer_set(struct kernel_wg *wg, size_t at, const struct kernel_peer_change *c)
{
	size_t allowed_len = 0;
	CLEAN(free_ptr) void *allowed = NULL;

	if (c->set_allowed) {
		allowed = copy_array(c->allowed, c->allowed_len, sizeof *c->allowed, &allowed_len);
		if (allowed_len != c->allowed_len)
			return -ENOMEM;
	}
	if (at == wg->peers_len && !list_add(&wg->peers, &wg->peers_len, sizeof *wg->peers))
		return -ENOMEM;
	struct kernel_peer *p = &wg->peers[at];
	p->public_key = c->public_key;
	if (c->endpoint.ip.family)
		p->endpoint = c->endpoint;
	if (c->set_keepalive) {
		// WireGuard says something at once, for which it shakes hands first.
		if (p->keepalive == 0 && c->keepalive > 0 && p->endpoint.ip.family)
			p->tx_bytes += HANDSHAKE_BYTES;
		p->keepalive = c->keepalive;
	}
	if (c->set_allowed) {
		kernel_peer_done(p);
		p->allowed = take_ptr(&allowed);
		p->allowed_len = allowed_len;
	}
	return 0;
}

static int peer_change(struct kernel_wg *wg, const struct kernel_peer_change *c)
{
	size_t at = 0;

	while (at < wg->peers_len &&
	       memcmp(&wg->peers[at].public_key, &c->public_key, sizeof c->public_key) != 0)
		at++;
	if (!c->remove)
		return peer_set(wg, at, c);
	if (at < wg->peers_len) {
		kernel_peer_done(&wg->peers[at]);
		remove_at(wg->peers, &wg->peers_len, at, sizeof *wg->peers);
	}
	return 0;
}

static int wg_change(struct kernel *k, const char *device, const struct kernel_wg_change *c,
		     struct err *err)
{
	struct kernel_wg *wg = wg_of(fake_of(k), device);

	int rc = called(k, err);
	if (rc < 0)
		return rc;
	if (!wg)
		return err_set(err, -ENODEV, "no %s", device);
	if (c->private_key)
		wg->private_key = *c->private_key;
	if (c->port)
		wg->port = *c->port;
	for (size_t i = 0; rc == 0 && i < c->peers_len; i++)
		rc = peer_change(wg, &c->peers[i]);
	return rc < 0 ? no_memory(err) : 0;
}

struct kernel_peer *fake_kernel_peer(struct fake_kernel *f, const char *device, size_t at)
{
	struct kernel_wg *wg = wg_of(f, device);

	return wg && at < wg->peers_len ? &wg->peers[at] : NULL;
}

static int set_sysctl(struct fake_kernel *f, const char *name, const char *value)
{
	char *copy = strdup(value);

	if (!copy || map_set(f->sysctls, name, copy) < 0) {
		free(copy);
		return -ENOMEM;
	}
	return 0;
}

void fake_kernel_set_sysctl(struct fake_kernel *f, const char *name, const char *value)
{
	(void)set_sysctl(f, name, value);
}

const char *fake_kernel_sysctl(struct fake_kernel *f, const char *name)
{
	return map_get(f->sysctls, name);
}

static int sysctl_read(struct kernel *k, const char *name, char *ret, size_t size, struct err *err)
{
	const char *value = fake_kernel_sysctl(fake_of(k), name);
	if (!value)
		return err_set(err, -ENOENT, "no sysctl %s", name);
	(void)snprintf(ret, size, "%s", value);
	return 0;
}

static int sysctl_write(struct kernel *k, const char *name, const char *value, struct err *err)
{
	struct fake_kernel *f = fake_of(k);
	char device[64];

	int rc = called(k, err);
	if (rc < 0)
		return rc;
	if (set_sysctl(f, name, value) < 0)
		return no_memory(err);
	if (sscanf(name, "net/ipv6/conf/%63[^/]/", device) == 1) {
		struct kernel_link *link = fake_kernel_link(f, device);

		if (link && strstr(name, "/disable_ipv6"))
			link->ipv6_off = value[0] == '1';
		if (link && strstr(name, "/accept_ra"))
			link->accept_ra = atoi(value);
	}
	return 0;
}

static int guard_replace(struct kernel *k, const char *ruleset, struct err *err)
{
	struct fake_kernel *f = fake_of(k);
	int rc = called(k, err);

	if (rc < 0)
		return rc;
	(void)snprintf(f->guard_table, sizeof f->guard_table, "%s", ruleset);
	fake_guard_replace(&f->state.guard, ruleset);
	return 0;
}

static int guard_delete(struct kernel *k, struct err *err)
{
	int rc = called(k, err);

	if (rc == 0)
		fake_of(k)->state.guard = (struct kernel_guard){ 0 };
	return rc;
}

static int default_route(struct kernel *k, const char *device, uint8_t family,
			 struct kernel_route *ret, struct err *err)
{
	return fake_kernel_default(fake_of(k), device, family, ret, err);
}

static int policy_read(struct kernel *k, struct kernel_policy *ret, struct err *err)
{
	return fake_policy_copy(&fake_of(k)->policy, ret) < 0 ? no_memory(err) : 0;
}

static int policy_replace(struct kernel *k, const char *ruleset, struct err *err)
{
	struct fake_kernel *f = fake_of(k);

	int rc = called(k, err);
	if (rc < 0)
		return rc;
	(void)snprintf(f->policy_table, sizeof f->policy_table, "%s", ruleset);
	return fake_policy_replace(&f->policy, ruleset) < 0 ? no_memory(err) : 0;
}

static int checksum_off(struct kernel *k, const char *device, struct err *err)
{
	(void)device;
	return called(k, err);
}

static int wg_delete(struct kernel *k, const char *device, struct err *err)
{
	return link_delete(k, device, err);
}

static const char *wireguard_name(struct kernel *k)
{
	(void)k;
	return "kernel";
}

static void close_fake(struct kernel *k)
{
	(void)k; // lives where the test put it
}

static const struct kernel_ops fake_ops = {
	.dump = dump,
	.dump_links = dump,
	.link_create = link_create,
	.link_change = link_change,
	.link_delete = link_delete,
	.address_add = address_add,
	.address_drop = address_drop,
	.route_put = route_put,
	.route_drop = route_drop,
	.rule_add = rule_add,
	.rule_drop = rule_drop,
	.wg_create = wg_create,
	.wg_delete = wg_delete,
	.wg_change = wg_change,
	.sysctl_read = sysctl_read,
	.sysctl_write = sysctl_write,
	.guard_replace = guard_replace,
	.guard_delete = guard_delete,
	.default_route = default_route,
	.policy_read = policy_read,
	.policy_replace = policy_replace,
	.flows_forget = fake_flows_forget,
	.checksum_off = checksum_off,
	.wireguard_name = wireguard_name,
	.close = close_fake,
};

void fake_kernel_init(struct fake_kernel *f)
{
	*f = (struct fake_kernel){ .base.ops = &fake_ops };
	f->sysctls = map_new(free);
}

void fake_kernel_done(struct fake_kernel *f)
{
	kernel_snapshot_done(&f->state);
	kernel_policy_done(&f->policy);
	map_free(f->sysctls);
}
