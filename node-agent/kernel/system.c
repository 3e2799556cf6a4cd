#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#include "kernel/conntrack.h"
#include "kernel/default_route.h"
#include "kernel/guard_table.h"
#include "kernel/kernel.h"
#include "kernel/list.h"
#include "kernel/netlink.h"
#include "kernel/policy_table.h"
#include "kernel/route_messages.h"
#include "kernel/sysctl.h"
#include "kernel/wg_backend.h"

#define ROUTE_PROTOCOL_DEFAULT 87
#define DUMP_TRIES             10 // a dump that the kernel's own changes ran into is taken again

// The backend that is this machine.
struct system {
	struct kernel base;
	struct netlink *route;
	struct netlink *generic;
	struct netlink *filter;
	struct guard_table *guard;
	struct wg_host host;
	const struct wg_backend *wireguard; // for new devices
	bool may_fall_back;                 // "auto"
	char *wireguard_go;
	uint8_t route_protocol;
};

struct request {
	_Alignas(8) char bytes[NETLINK_REQUEST_SIZE];
};

static struct system *system_of(struct kernel *k)
{
	return (struct system *)(void *)k;
}

static int device_index(const char *name, int *ret, struct err *err)
{
	unsigned index = if_nametoindex(name);

	if (!index)
		return err_set(err, -ENODEV, "there is no device %s", name);
	*ret = (int)index;
	return 0;
}

// As device_index(), where "" means none.
static int device_index_or_none(const char *name, int *ret, struct err *err)
{
	*ret = 0;
	return name && name[0] ? device_index(name, ret, err) : 0;
}

// --- dump

struct dump_into {
	struct kernel_snapshot *s;
	uint8_t route_protocol;
};

static int dump_link(const struct nlmsghdr *nlh, void *context)
{
	struct kernel_snapshot *s = ((struct dump_into *)context)->s;
	struct kernel_link link;

	if (link_message_parse(nlh, &link) < 0)
		return 0;
	struct kernel_link *to = list_add(&s->links, &s->links_len, sizeof *s->links);
	if (!to)
		return -ENOMEM;
	*to = link;
	return 0;
}

static int dump_address(const struct nlmsghdr *nlh, void *context)
{
	struct kernel_snapshot *s = ((struct dump_into *)context)->s;
	struct kernel_address address;

	if (address_message_parse(nlh, &address) < 0)
		return 0;
	struct kernel_address *to =
		list_add(&s->addresses, &s->addresses_len, sizeof *s->addresses);
	if (!to)
		return -ENOMEM;
	*to = address;
	return 0;
}

static int dump_route(const struct nlmsghdr *nlh, void *context)
{
	const struct dump_into *into = context;
	struct kernel_snapshot *s = into->s;
	struct kernel_route route;

	if (route_message_parse(nlh, &route) < 0 || route.protocol != into->route_protocol)
		return 0;
	struct kernel_route *to = list_add(&s->routes, &s->routes_len, sizeof *s->routes);
	if (!to)
		return -ENOMEM;
	*to = route;
	return 0;
}

static int dump_rule(const struct nlmsghdr *nlh, void *context)
{
	struct kernel_snapshot *s = ((struct dump_into *)context)->s;
	struct kernel_rule rule;

	if (rule_message_parse(nlh, &rule) < 0)
		return 0;
	struct kernel_rule *to = list_add(&s->rules, &s->rules_len, sizeof *s->rules);
	if (!to)
		return -ENOMEM;
	*to = rule;
	return 0;
}

static const char *name_of(const struct kernel_snapshot *s, int index)
{
	for (size_t i = 0; index && i < s->links_len; i++)
		if (s->links[i].index == index)
			return s->links[i].name;
	return "";
}

static void set_name(char to[IFNAMSIZ], const struct kernel_snapshot *s, int index)
{
	(void)snprintf(to, IFNAMSIZ, "%s", name_of(s, index));
}

static void name_devices(struct kernel_snapshot *s)
{
	for (size_t i = 0; i < s->links_len; i++) {
		set_name(s->links[i].master, s, s->links[i].master_index);
		set_name(s->links[i].vxlan.link, s, s->links[i].parent_index);
	}
	for (size_t i = 0; i < s->addresses_len; i++)
		set_name(s->addresses[i].device, s, s->addresses[i].index);
	for (size_t i = 0; i < s->routes_len; i++)
		set_name(s->routes[i].device, s, s->routes[i].index);
}

static const struct wg_backend *backend_of(const struct kernel_link *link)
{
	if (strcmp(link->kind, wg_backend_kernel.kind) == 0)
		return &wg_backend_kernel;
	return strcmp(link->kind, wg_backend_go.kind) == 0 ? &wg_backend_go : NULL;
}

// 1 when the device answered, 0 when it is gone or its process is, and only then: what is merely
// slow to answer must not be taken for dead and made anew.
static int read_wireguard(struct system *sys, const struct wg_backend *backend, const char *device,
			  struct kernel_wg *ret, struct err *err)
{
	int rc = -EINTR;

	for (int try = 0; try < DUMP_TRIES && rc == -EINTR; try++)
		rc = backend->read(&sys->host, device, ret, err);
	if (rc == -ENODEV || rc == -ENOENT || rc == -ECONNREFUSED)
		return 0;
	return rc < 0 ? rc : 1;
}

// Only devices Weft made are asked: an answer holds a private key.
static int dump_wireguard(struct system *sys, struct kernel_snapshot *s, struct err *err)
{
	for (size_t i = 0; i < s->links_len; i++) {
		const struct wg_backend *backend = backend_of(&s->links[i]);
		struct kernel_wg wg;

		if (!backend || !text_starts(s->links[i].alias, KERNEL_ALIAS_PREFIX, NULL))
			continue;
		const int rc = read_wireguard(sys, backend, s->links[i].name, &wg, err);
		if (rc < 0)
			return rc;
		if (rc == 0)
			continue;
		struct kernel_wg *to = list_add(&s->wgs, &s->wgs_len, sizeof *s->wgs);
		if (!to) {
			kernel_wg_done(&wg);
			return err_set(err, -ENOMEM, "out of memory");
		}
		*to = wg;
		explicit_bzero(&wg.private_key, sizeof wg.private_key);
	}
	return 0;
}

// What an agent that was killed left of a device that another program makes.
static void mark_unfinished(struct kernel_snapshot *s)
{
	for (size_t i = 0; i < s->links_len; i++) {
		struct kernel_link *link = &s->links[i];
		const struct wg_backend *backend = backend_of(link);

		if (backend && backend->is_unfinished && !link->alias[0] &&
		    backend->is_unfinished(link->name))
			link->group = KERNEL_LINK_GROUP;
	}
}

static int dump_tables(struct system *sys, struct kernel_snapshot *s, struct err *err)
{
	struct dump_into into = { .s = s, .route_protocol = sys->route_protocol };
	struct request q;

	int rc = netlink_talk(sys->route, link_dump_build(q.bytes), dump_link, &into, err);
	if (rc == 0)
		rc = netlink_talk(sys->route, address_dump_build(q.bytes), dump_address, &into,
				  err);
	for (int i = 0; rc == 0 && i < 2; i++)
		rc = netlink_talk(
			sys->route,
			route_dump_build(q.bytes, i ? AF_INET6 : AF_INET, sys->route_protocol),
			dump_route, &into, err);
	if (rc == 0)
		rc = netlink_talk(sys->route, rule_dump_build(q.bytes), dump_rule, &into, err);
	if (rc < 0)
		return rc;
	name_devices(s);
	mark_unfinished(s);
	return 0;
}

static int dump(struct kernel *k, struct kernel_snapshot *ret, struct err *err)
{
	struct system *sys = system_of(k);
	CLEAN(kernel_snapshot_done) struct kernel_snapshot s = { 0 };
	int rc = -EINTR;

	for (int try = 0; try < DUMP_TRIES && rc == -EINTR; try++) {
		kernel_snapshot_done(&s);
		rc = dump_tables(sys, &s, err);
	}
	if (rc == 0)
		rc = dump_wireguard(sys, &s, err);
	if (rc == 0)
		rc = guard_table_read(sys->guard, &s.guard, err);
	if (rc < 0)
		return rc;
	*ret = s;
	s = (struct kernel_snapshot){ 0 };
	return 0;
}

static int dump_links(struct kernel *k, struct kernel_snapshot *ret, struct err *err)
{
	struct system *sys = system_of(k);
	CLEAN(kernel_snapshot_done) struct kernel_snapshot s = { 0 };
	struct dump_into into = { .s = &s };
	struct request q;
	int rc = -EINTR;

	for (int try = 0; try < DUMP_TRIES && rc == -EINTR; try++) {
		kernel_snapshot_done(&s);
		rc = netlink_talk(sys->route, link_dump_build(q.bytes), dump_link, &into, err);
	}
	if (rc < 0)
		return rc;
	name_devices(&s);
	*ret = s;
	s = (struct kernel_snapshot){ 0 };
	return 0;
}

// --- links, addresses, routes

static int link_create(struct kernel *k, const struct kernel_link_make *make, struct err *err)
{
	struct request q;
	int parent = 0;

	int rc = make->kind == KERNEL_LINK_VXLAN
			 ? device_index_or_none(make->vxlan.link, &parent, err)
			 : 0;
	if (rc < 0)
		return rc;
	return netlink_talk(system_of(k)->route, link_create_build(q.bytes, make, parent), NULL,
			    NULL, err);
}

// A WireGuard device of the kernel's own, as it goes up, switches this off for every device of the
// host and never on again (wg_open() in drivers/net/wireguard/device.c). It is the host's to
// decide, and leaving would not bring it back.
#define REDIRECTS "net.ipv4.conf.all.send_redirects"

static int set_up(struct system *sys, struct nlmsghdr *request, struct err *err)
{
	char before[16], after[16];
	const bool is_known = sysctl_read(REDIRECTS, before, sizeof before, NULL) == 0;

	int rc = netlink_talk(sys->route, request, NULL, NULL, err);
	if (is_known && sysctl_read(REDIRECTS, after, sizeof after, NULL) == 0 &&
	    strcmp(before, after) != 0)
		(void)sysctl_write(REDIRECTS, before, NULL);
	return rc;
}

static int link_change(struct kernel *k, const char *name, const struct kernel_link_change *c,
		       struct err *err)
{
	struct request q;
	int index = 0, master = 0;

	int rc = device_index(name, &index, err);
	if (rc == 0 && c->fields & KERNEL_LINK_MASTER)
		rc = device_index_or_none(c->master, &master, err);
	if (rc < 0)
		return rc;
	struct nlmsghdr *request = link_change_build(q.bytes, index, c, master);
	return c->fields & KERNEL_LINK_UP
		       ? set_up(system_of(k), request, err)
		       : netlink_talk(system_of(k)->route, request, NULL, NULL, err);
}

static int link_delete(struct kernel *k, const char *name, struct err *err)
{
	struct request q;
	int index = 0;

	int rc = device_index(name, &index, err);
	if (rc < 0)
		return rc;
	return netlink_talk(system_of(k)->route, link_delete_build(q.bytes, index), NULL, NULL,
			    err);
}

static int address_send(struct kernel *k, bool add, const struct kernel_address *a, struct err *err)
{
	struct request q;
	int index = 0;

	int rc = device_index(a->device, &index, err);
	if (rc < 0)
		return rc;
	return netlink_talk(system_of(k)->route, address_build(q.bytes, add, index, a), NULL, NULL,
			    err);
}

static int address_add(struct kernel *k, const struct kernel_address *a, struct err *err)
{
	return address_send(k, true, a, err);
}

static int address_drop(struct kernel *k, const struct kernel_address *a, struct err *err)
{
	return address_send(k, false, a, err);
}

static int route_put(struct kernel *k, const struct kernel_route *r, bool replace, struct err *err)
{
	struct kernel_route route = *r;
	struct request q;
	int index = 0;

	route.protocol = system_of(k)->route_protocol;
	int rc = device_index_or_none(r->device, &index, err);
	if (rc < 0)
		return rc;
	return netlink_talk(system_of(k)->route, route_put_build(q.bytes, &route, index, replace),
			    NULL, NULL, err);
}

static int route_drop(struct kernel *k, const struct kernel_route *r, struct err *err)
{
	struct kernel_route route = *r;
	struct request q;
	int index = 0;

	route.protocol = system_of(k)->route_protocol;
	int rc = device_index_or_none(r->device, &index, err);
	if (rc < 0)
		return rc;
	return netlink_talk(system_of(k)->route, route_drop_build(q.bytes, &route, index), NULL,
			    NULL, err);
}

static int rule_send(struct kernel *k, bool add, const struct kernel_rule *r, struct err *err)
{
	struct request q;

	return netlink_talk(system_of(k)->route, rule_build(q.bytes, add, r), NULL, NULL, err);
}

static int rule_add(struct kernel *k, const struct kernel_rule *r, struct err *err)
{
	return rule_send(k, true, r, err);
}

static int rule_drop(struct kernel *k, const struct kernel_rule *r, struct err *err)
{
	return rule_send(k, false, r, err);
}

// --- WireGuard

static int wg_create(struct kernel *k, const char *device, struct err *err)
{
	struct system *sys = system_of(k);

	int rc = sys->wireguard->create(&sys->host, device, err);
	if (rc != -EOPNOTSUPP || !sys->may_fall_back || sys->wireguard == &wg_backend_go)
		return rc;
	sys->wireguard = &wg_backend_go;
	return sys->wireguard->create(&sys->host, device, err);
}

static int one_link(const struct nlmsghdr *nlh, void *context)
{
	return link_message_parse(nlh, context);
}

// Which maker's device this is, told by the kind of the link. Asked for each change: of one link
// only, and a host may have thousands.
static int find_backend(struct system *sys, const char *device, const struct wg_backend **ret,
			struct err *err)
{
	struct kernel_link link = { 0 };
	struct request q;
	int index = 0;

	int rc = device_index(device, &index, err);
	if (rc == 0)
		rc = netlink_talk(sys->route, link_get_build(q.bytes, index), one_link, &link, err);
	if (rc < 0)
		return rc;
	*ret = backend_of(&link);
	return *ret ? 0 : err_set(err, -ENODEV, "%s is no WireGuard device", device);
}

static int wg_delete(struct kernel *k, const char *device, struct err *err)
{
	const struct wg_backend *backend;

	int rc = find_backend(system_of(k), device, &backend, err);
	return rc < 0 ? rc : backend->destroy(&system_of(k)->host, device, err);
}

static int wg_change(struct kernel *k, const char *device, const struct kernel_wg_change *c,
		     struct err *err)
{
	const struct wg_backend *backend;

	int rc = find_backend(system_of(k), device, &backend, err);
	return rc < 0 ? rc : backend->change(&system_of(k)->host, device, c, err);
}

static const char *wireguard_name(struct kernel *k)
{
	return system_of(k)->wireguard->name;
}

// --- the rest

static int system_sysctl_read(struct kernel *k, const char *name, char *ret, size_t size,
			      struct err *err)
{
	(void)k;
	return sysctl_read(name, ret, size, err);
}

static int system_sysctl_write(struct kernel *k, const char *name, const char *value,
			       struct err *err)
{
	(void)k;
	return sysctl_write(name, value, err);
}

static int guard_replace(struct kernel *k, const char *ruleset, struct err *err)
{
	return guard_table_replace(system_of(k)->guard, ruleset, err);
}

static int default_route(struct kernel *k, const char *device, uint8_t family,
			 struct kernel_route *ret, struct err *err)
{
	return default_route_find(system_of(k)->route, device, family, ret, err);
}

static int policy_read(struct kernel *k, struct kernel_policy *ret, struct err *err)
{
	return policy_table_read(system_of(k)->filter, ret, err);
}

static int guard_delete(struct kernel *k, struct err *err)
{
	return guard_table_delete(system_of(k)->guard, err);
}

static int checksum_off(struct kernel *k, const char *device, struct err *err)
{
	(void)k;
	return offload_checksum_off(device, err);
}

static void system_close(struct kernel *k)
{
	struct system *sys = system_of(k);

	netlink_close(sys->route);
	netlink_close(sys->generic);
	netlink_close(sys->filter);
	guard_table_close(sys->guard);
	free(sys->wireguard_go);
	free(sys);
}

static const struct kernel_ops system_ops = {
	.dump = dump,
	.dump_links = dump_links,
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
	.sysctl_read = system_sysctl_read,
	.sysctl_write = system_sysctl_write,
	.default_route = default_route,
	.policy_read = policy_read,
	.policy_replace = guard_replace,
	.guard_replace = guard_replace,
	.guard_delete = guard_delete,
	.flows_forget = system_flows_forget,
	.checksum_off = checksum_off,
	.wireguard_name = wireguard_name,
	.close = system_close,
};

// Which maker new devices get. The family's presence tells without making a device; "auto" is
// settled by the first one.
static int choose_wireguard(struct system *sys, const char *wanted, struct err *err)
{
	wg_host_find_family(&sys->host);
	if (!wanted || strcmp(wanted, "auto") == 0) {
		sys->may_fall_back = true;
		sys->wireguard = sys->host.family ? &wg_backend_kernel : &wg_backend_go;
	} else if (strcmp(wanted, wg_backend_kernel.name) == 0) {
		sys->wireguard = &wg_backend_kernel;
	} else if (strcmp(wanted, wg_backend_go.name) == 0) {
		sys->wireguard = &wg_backend_go;
	} else {
		return err_set(err, -EINVAL,
			       "wireguard: `%s` is not one of auto, kernel, wireguard-go", wanted);
	}
	return 0;
}

int kernel_open(const struct kernel_config *config, struct kernel **ret, struct err *err)
{
	struct system *sys = calloc(1, sizeof *sys);

	if (!sys)
		return err_set(err, -ENOMEM, "out of memory");
	CLEAN(kernel_close_ptr) struct kernel *k = &sys->base;
	k->ops = &system_ops;
	sys->route_protocol =
		config->route_protocol ? config->route_protocol : ROUTE_PROTOCOL_DEFAULT;
	sys->wireguard_go = strdup(config->wireguard_go ? config->wireguard_go : "wireguard-go");
	if (!sys->wireguard_go)
		return err_set(err, -ENOMEM, "out of memory");
	int rc = netlink_open(NETLINK_ROUTE, &sys->route, err);
	if (rc == 0)
		rc = netlink_open(NETLINK_GENERIC, &sys->generic, err);
	if (rc == 0)
		rc = guard_table_open(&sys->guard, err);
	if (rc == 0)
		rc = netlink_open(NETLINK_NETFILTER, &sys->filter, err);
	if (rc < 0)
		return rc;
	sys->host = (struct wg_host){ .route = sys->route,
				      .generic = sys->generic,
				      .program = sys->wireguard_go };
	rc = choose_wireguard(sys, config->wireguard, err);
	if (rc < 0)
		return rc;
	*ret = take_ptr(&k);
	return 0;
}
