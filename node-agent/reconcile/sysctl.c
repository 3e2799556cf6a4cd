// sysctl/<name>: a kernel setting, whose former value comes back when the entry goes.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reconcile/body.h"
#include "reconcile/kind.h"
#include "reconcile/owned.h"

#define FORWARDING_V6 "net.ipv6.conf.all.forwarding"
#define ACCEPT_RA     "net/ipv6/conf/%s/accept_ra"
#define VALUE_SIZE    128

struct sysctl {
	char name[128];
	char value[VALUE_SIZE];
};

static int parse(const json_t *json, void *body, struct err *err)
{
	struct sysctl *s = body;
	const char *name = NULL, *value = NULL;

	int rc = body_string(json, "name", &name, err);
	if (rc == 0)
		rc = body_string(json, "value", &value, err);
	if (rc < 0)
		return rc;
	if (strlen(name) >= sizeof s->name || strlen(value) >= sizeof s->value)
		return err_set(err, -EINVAL, "name or value is too long");
	memcpy(s->name, name, strlen(name) + 1);
	memcpy(s->value, value, strlen(value) + 1);
	return 0;
}

// "eth1" of "net/ipv4/conf/eth1/rp_filter", whose parts may as well be apart by dots; false: it is
// no single interface's.
static bool device_of(const char *name, char ret[IFNAMSIZ])
{
	char family[8], rest[64];

	if (sscanf(name,
		   strchr(name, '/') ? "net/%7[^/]/conf/%15[^/]/%63s"
				     : "net.%7[^.].conf.%15[^.].%63s",
		   family, ret, rest) != 3)
		return false;
	return strcmp(ret, "all") != 0 && strcmp(ret, "default") != 0;
}

static int compare(struct reconcile *r, const struct entry *e, struct finding *f, struct err *err)
{
	const struct sysctl *s = e->body;
	char value[VALUE_SIZE], device[IFNAMSIZ];
	const bool is_of_device = device_of(s->name, device);

	int rc = kernel_sysctl_read(r->kernel, s->name, value, sizeof value, err);
	// It is set when the interface comes, which is no drift.
	if (rc == -ENOENT && is_of_device && !kernel_snapshot_link(&r->seen, device))
		return 0;
	if (rc < 0)
		return rc;
	if (strcmp(value, s->value) != 0)
		finding_differs(f, "%s was %s instead of %s", s->name, value, s->value);
	f->is_news = is_of_device;
	return 0;
}

static int save(struct reconcile *r, struct err *err)
{
	if (!r->config.save_restore)
		return 0;
	return r->config.save_restore(r->config.context, r->former, err);
}

// Remembers `value` unless an older one is remembered already.
static int remember(struct reconcile *r, const char *name, const char *value, struct err *err)
{
	if (json_object_get(r->former, name))
		return 0;
	if (json_object_set_new(r->former, name, json_string(value)) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	return 0;
}

// The interfaces that take router advertisements: a host that forwards stops unless accept_ra is 2.
static bool takes_adverts(const struct kernel_link *link)
{
	return link->accept_ra == 1 && !link_is_owned(link) && !(link->flags & IFF_LOOPBACK);
}

static int remember_adverts(struct reconcile *r, struct err *err)
{
	char name[64];
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < r->seen.links_len; i++) {
		if (!takes_adverts(&r->seen.links[i]))
			continue;
		(void)snprintf(name, sizeof name, ACCEPT_RA, r->seen.links[i].name);
		rc = remember(r, name, "1", err);
	}
	return rc;
}

static int keep_adverts(struct reconcile *r, struct err *err)
{
	char name[64];
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < r->seen.links_len; i++) {
		if (!takes_adverts(&r->seen.links[i]))
			continue;
		(void)snprintf(name, sizeof name, ACCEPT_RA, r->seen.links[i].name);
		rc = kernel_sysctl_write(r->kernel, name, "2", err);
	}
	return rc;
}

static int apply(struct reconcile *r, const struct entry *e, const struct finding *f,
		 struct err *err)
{
	const struct sysctl *s = e->body;
	const bool starts_v6 = strcmp(s->name, FORWARDING_V6) == 0 && strcmp(s->value, "1") == 0;
	char before[VALUE_SIZE];

	(void)f;
	int rc = kernel_sysctl_read(r->kernel, s->name, before, sizeof before, err);
	if (rc == 0)
		rc = remember(r, s->name, before, err);
	if (rc == 0 && starts_v6)
		rc = remember_adverts(r, err);
	if (rc == 0)
		rc = save(r, err); // on disk before anything changes
	if (rc == 0 && starts_v6)
		rc = keep_adverts(r, err);
	return rc < 0 ? rc : kernel_sysctl_write(r->kernel, s->name, s->value, err);
}

// The accept_ra values belong to the entry of IPv6 forwarding.
static bool is_desired(const struct reconcile *r, const char *name)
{
	const size_t len = strlen(name), tail = strlen("/accept_ra");
	const struct entry *e;

	if (len > tail && strcmp(name + len - tail, "/accept_ra") == 0)
		name = FORWARDING_V6;
	for (size_t at = 0; (e = entry_next(r, &kind_sysctl, &at));)
		if (strcmp(((const struct sysctl *)e->body)->name, name) == 0)
			return true;
	return false;
}

// A setting that went with its device needs no restoring.
static int restore(struct reconcile *r, const char *name, struct err *err)
{
	const char *value = json_string_value(json_object_get(r->former, name));
	char now[VALUE_SIZE];

	int rc = kernel_sysctl_read(r->kernel, name, now, sizeof now, err);
	if (rc == 0 && value && strcmp(now, value) != 0)
		rc = kernel_sysctl_write(r->kernel, name, value, err);
	return rc == -ENOENT ? 0 : rc;
}

static int sweep(struct reconcile *r, struct err *err)
{
	const char *name;
	json_t *value;
	void *next;
	bool changed = false;
	int first = 0;

	json_object_foreach_safe(r->former, next, name, value)
	{
		// What is no text is no sysctl's: a later version keeps it here for itself.
		if (!json_is_string(value) || is_desired(r, name))
			continue;
		int rc = restore(r, name, first ? NULL : err);
		if (rc < 0) {
			first = first ? first : rc;
			continue;
		}
		(void)json_object_del(r->former, name);
		changed = true;
	}
	if (changed) {
		int rc = save(r, first ? NULL : err);
		first = first ? first : rc;
	}
	return first;
}

const struct entry_kind kind_sysctl = {
	.name = "sysctl",
	.rank = 10,
	.body_size = sizeof(struct sysctl),
	.parse = parse,
	.compare = compare,
	.apply = apply,
	.sweep = sweep,
};
