#include "reconcile/owned.h"

#include <errno.h>
#include <string.h>

bool link_is_owned(const struct kernel_link *link)
{
	return text_starts(link->alias, KERNEL_ALIAS_PREFIX, NULL);
}

bool link_is_unfinished(const struct kernel_link *link)
{
	return !link->alias[0] && link->group == KERNEL_LINK_GROUP;
}

bool link_is_wanted(const struct reconcile *r, const struct kernel_link *link)
{
	const char *key;

	return text_starts(link->alias, KERNEL_ALIAS_PREFIX, &key) && reconcile_entry(r, key);
}

void owned_alias(const struct entry *e, char alias[KERNEL_ALIAS_SIZE])
{
	(void)snprintf(alias, KERNEL_ALIAS_SIZE, KERNEL_ALIAS_PREFIX "%s", e->key);
}

int owned_find(const struct reconcile *r, const struct entry *e, const char *device,
	       const struct kernel_link **ret, struct finding *f, struct err *err)
{
	const struct kernel_link *link = kernel_snapshot_link(&r->seen, device);
	char alias[KERNEL_ALIAS_SIZE];

	*ret = link;
	if (!link) {
		finding_missing(f);
		return 0;
	}
	owned_alias(e, alias);
	if (strcmp(link->alias, alias) == 0)
		return 0;
	if (link_is_owned(link)) {
		finding_differs(f, "the device %s had the alias `%.80s`", device, link->alias);
		return 0;
	}
	if (link_is_unfinished(link)) {
		finding_differs(f, "the device %s had been left unfinished", device);
		f->remake = true;
		return 0;
	}
	return err_set(err, -EEXIST,
		       "the device %s exists and was not made by Weft: rename or delete it "
		       "(ip link delete %s), then it is made here",
		       device, device);
}

int owned_apply(struct reconcile *r, const struct entry *e, const struct finding *f,
		const struct owned_device *device, struct err *err)
{
	const char *name = device->name(e->body);
	const bool make = f->match == ENTRY_MISSING || f->remake;
	int rc = 0;

	if (f->remake)
		rc = device->destroy(r->kernel, name, err);
	if (rc == 0 && make)
		rc = device->create(r, e, err);
	if (rc < 0)
		return rc;
	rc = device->configure(r, e, err);
	if (rc < 0 && make)
		(void)device->destroy(r->kernel, name, NULL);
	return rc;
}

int owned_sweep(struct reconcile *r, const struct owned_device *device, struct err *err)
{
	int first = 0;

	for (size_t i = 0; i < r->seen.links_len; i++) {
		const struct kernel_link *link = &r->seen.links[i];
		const struct entry *e;
		const char *key;

		if (!text_starts(link->alias, KERNEL_ALIAS_PREFIX, &key) ||
		    entry_kind_of_key(key) != device->kind)
			continue;
		e = reconcile_entry(r, key);
		// An entry that failed keeps what it had until it stands again.
		if (e && (!e->body || e->outcome == ENTRY_FAILED ||
			  strcmp(device->name(e->body), link->name) == 0))
			continue;
		int rc = device->destroy(r->kernel, link->name, first ? NULL : err);
		if (rc < 0 && !first)
			first = rc;
	}
	return first;
}
