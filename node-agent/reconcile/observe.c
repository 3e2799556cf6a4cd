#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "reconcile/kind.h"
#include "reconcile/owned.h"

// Consumes `body`; NULL is nothing to put.
static int put(struct entry_set *set, const char *key, json_t *body, struct err *err)
{
	if (!body)
		return 0;
	char *text = json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(body);
	if (!text)
		return err_set(err, -ENOMEM, "out of memory");
	int rc = entry_set_put(set, key, text, strlen(text), err);
	free(text);
	return rc < 0 ? rc : 0;
}

static bool is_of_interest(const struct reconcile *r, const struct kernel_address *a)
{
	const struct kernel_link *link = kernel_snapshot_link(&r->seen, a->device);

	return link && !link_is_owned(link) && !(link->flags & IFF_LOOPBACK) &&
	       a->scope != RT_SCOPE_LINK && a->scope != RT_SCOPE_HOST &&
	       !(a->flags & IFA_F_TEMPORARY);
}

static json_t *local_addresses(const struct reconcile *r)
{
	json_t *list = json_array();
	char text[KERNEL_ADDR_TEXT_SIZE];

	for (size_t i = 0; i < r->seen.addresses_len; i++) {
		if (!is_of_interest(r, &r->seen.addresses[i]))
			continue;
		kernel_prefix_format(&r->seen.addresses[i].prefix, text);
		(void)json_array_append_new(list, json_string(text));
	}
	return list;
}

json_t *self_observe(struct reconcile *r, const struct reconcile_self *self)
{
	struct utsname u = { 0 };

	(void)uname(&u);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:s}", "version",
			 self->version ? self->version : "", "kernel", u.release, "hostname",
			 u.nodename, "boot_id", self->boot_id ? self->boot_id : "", "wireguard",
			 kernel_wireguard_name(r->kernel), "addresses", local_addresses(r),
			 "csum_offload", self->csum_offload ? self->csum_offload : "on");
}

static json_t *observe_entry(struct reconcile *r, const struct entry *e)
{
	if (!e->kind || !e->body)
		return NULL;
	if (e->kind->observe)
		return e->kind->observe(r, e);
	return e->outcome == ENTRY_STANDS ? json_pack("{s:b}", "ok", 1) : NULL;
}

int reconcile_observe(struct reconcile *r, const struct reconcile_self *self,
		      const struct reconcile_now *now, struct entry_set *ret, struct err *err)
{
	r->now = *now;
	int rc = reconcile_look(r, err);
	if (rc == 0)
		rc = put(ret, "node/self", self_observe(r, self), err);
	for (size_t i = 0; rc == 0 && i < r->entries_len; i++)
		rc = put(ret, r->entries[i].key, observe_entry(r, &r->entries[i]), err);
	return rc;
}

int reconcile_samples(struct reconcile *r, const struct reconcile_now *now, json_t **ret,
		      struct err *err)
{
	r->now = *now;
	int rc = reconcile_look(r, err);
	if (rc < 0)
		return rc;
	json_t *values = json_object();
	for (size_t i = 0; i < r->entries_len; i++) {
		const struct entry *e = &r->entries[i];
		json_t *sample = e->body && e->kind->sample ? e->kind->sample(r, e) : NULL;

		if (sample)
			(void)json_object_set_new(values, e->key, sample);
	}
	(void)json_object_set_new(values, "guard/counters", guard_counters(r));
	(void)json_object_set_new(values, "node/self",
				  json_pack("{s:I, s:I}", "entries", (json_int_t)r->entries_len,
					    "writes_total", (json_int_t)r->kernel->writes));
	if (!values)
		return err_set(err, -ENOMEM, "out of memory");
	*ret = values;
	return 0;
}
