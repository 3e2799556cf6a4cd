#include "kernel/vip.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <nftables/libnftables.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/netlink.h"
#include "kernel/nft_text.h"
#include "kernel/route_messages.h"
#include "kernel/vip_messages.h"

struct vip {
	struct netlink *route;
	struct netlink *filter;
	struct nft_text *nft;
};

struct request {
	_Alignas(8) char bytes[NETLINK_REQUEST_SIZE];
};

void vip_close(struct vip *vip)
{
	if (!vip)
		return;
	netlink_close(vip->route);
	netlink_close(vip->filter);
	nft_text_close(vip->nft);
	free(vip);
}

bool vip_set_equal(const struct vip_set *a, const struct vip_set *b)
{
	for (size_t i = 0; i < a->n && i < b->n; i++)
		if (!kernel_ip_equal(&a->ips[i], &b->ips[i]))
			return false;
	return a->group == b->group && a->part == b->part && a->n == b->n &&
	       strcmp(a->interface, b->interface) == 0;
}

int vip_open(struct vip **ret, struct err *err)
{
	CLEAN(vip_close_ptr) struct vip *vip = calloc(1, sizeof *vip);

	if (!vip)
		return err_set(err, -ENOMEM, "out of memory");
	int rc = netlink_open(NETLINK_ROUTE, &vip->route, err);
	if (rc == 0)
		rc = netlink_open(NETLINK_NETFILTER, &vip->filter, err);
	if (rc == 0)
		rc = nft_text_open(&vip->nft, err);
	if (rc == 0)
		*ret = take_ptr(&vip);
	return rc;
}

// ---- tables ----

// Both as they should be, by their comments.
static bool is_as_wanted(struct vip *vip, const struct vip_set *set)
{
	static const char *const families[] = { "inet", "netdev" };
	char command[64], name[VIP_TABLE_SIZE], digest[VIP_DIGEST_SIZE];

	vip_table_name(name, set);
	vip_rules_digest(set, digest);
	for (size_t i = 0; i < 2; i++) {
		const char *text;

		(void)snprintf(command, sizeof command, "list table %s %s", families[i], name);
		if (nft_text_run(vip->nft, command, &text, NULL) < 0 || !strstr(text, digest) ||
		    (i == 1 && !strstr(text, "hook egress device")))
			return false;
	}
	return true;
}

int vip_tables(struct vip *vip, const struct vip_set *set, struct err *err)
{
	CLEAN(text_free) struct text rules = { 0 };

	if (is_as_wanted(vip, set))
		return 0;
	vip_rules_render(&rules, set);
	if (rules.failed)
		return err_set(err, -ENOMEM, "out of memory");
	return nft_text_run(vip->nft, rules.data, NULL, err);
}

int vip_tables_drop(struct vip *vip, const struct vip_set *set, struct err *err)
{
	char commands[256], name[VIP_TABLE_SIZE];

	vip_table_name(name, set);
	// Adding first makes the deletion of an absent table no error.
	(void)snprintf(commands, sizeof commands,
		       "add table inet %s; delete table inet %s; add table netdev %s; "
		       "delete table netdev %s",
		       name, name, name, name);
	return nft_text_run(vip->nft, commands, NULL, err);
}

// ---- elements ----

struct elements {
	size_t count;
	int64_t ms;
};

static int take_elements(const struct nlmsghdr *nlh, void *context)
{
	struct elements *e = context;

	(void)vip_read_parse(nlh, &e->count, &e->ms);
	return 0;
}

static int read_slot(struct vip *vip, const struct vip_set *set, enum vip_slot slot, bool of_use,
		     struct elements *ret, struct err *err)
{
	struct request q;

	*ret = (struct elements){ .ms = INT64_MAX };
	return netlink_talk(vip->filter, vip_read_build(q.bytes, set, slot, of_use), take_elements,
			    ret, err);
}

int vip_read(struct vip *vip, const struct vip_set *set, enum vip_slot *ret_slot, int64_t *ret_ms,
	     struct err *err)
{
	enum vip_slot found = VIP_NONE;
	int64_t ms = 0;

	for (enum vip_slot slot = VIP_A; slot <= VIP_B; slot++) {
		struct elements use, lease;

		int rc = read_slot(vip, set, slot, true, &use, err);
		if (rc == 0)
			rc = read_slot(vip, set, slot, false, &lease, err);
		if (rc < 0)
			return rc;
		if (use.count == 0 || lease.count == 0 || lease.ms == INT64_MAX)
			continue;
		found = slot;
		ms = lease.ms;
	}
	*ret_slot = found;
	*ret_ms = ms;
	return 0;
}

int vip_pledge(struct vip *vip, const struct vip_set *set, enum vip_slot slot, int64_t ms,
	       struct err *err)
{
	struct request q;

	if (ms < VIP_SPAN_MIN_MS)
		return err_set(err, -EINVAL, "a lease of %lld ms is too short", (long long)ms);
	const size_t len = vip_pledge_build(q.bytes, set, slot, ms);
	return netlink_talk_batch(vip->filter, q.bytes, len, err);
}

int vip_use(struct vip *vip, const struct vip_set *set, enum vip_slot slot, struct err *err)
{
	struct request q;
	const size_t len = vip_use_build(q.bytes, set, slot);

	return netlink_talk_batch(vip->filter, q.bytes, len, err);
}

// ---- addresses ----

int vip_addresses(struct vip *vip, const struct vip_set *set, bool add, struct err *err)
{
	const int index = (int)if_nametoindex(set->interface);
	int first = 0;

	if (!index)
		return add ? err_set(err, -ENODEV, "there is no interface %s", set->interface) : 0;
	for (size_t i = 0; i < set->n; i++) {
		const bool is_v6 = set->ips[i].family == AF_INET6;
		const struct kernel_address address = {
			.prefix = { set->ips[i], is_v6 ? 128 : 32 },
			.flags = IFA_F_NODAD | IFA_F_NOPREFIXROUTE,
			.is_no_source = is_v6,
		};
		struct request q;
		struct err one;

		int rc = netlink_talk(vip->route, address_build(q.bytes, add, index, &address),
				      NULL, NULL, &one);
		if (rc == 0 || (add ? rc == -EEXIST : rc == -EADDRNOTAVAIL) || first < 0)
			continue;
		first = err_set(err, rc, "%s: %s", set->interface, one.text);
	}
	return first;
}

// ---- all of it ----

// Reads the addresses in a listing's "{ 10.1.0.1, fd00::1 }" behind `at`.
static void read_ips(const char *at, struct vip_set *set)
{
	const char *end = strchr(at, '\n');
	char word[KERNEL_ADDR_TEXT_SIZE];

	while (at && (!end || at < end) && set->n < VIP_MAX) {
		const size_t len = strspn(at, "0123456789abcdef.:");

		if (len > 0 && len < sizeof word) {
			memcpy(word, at, len);
			word[len] = '\0';
			if (kernel_ip_parse(word, &set->ips[set->n], NULL) == 0)
				set->n++;
		}
		at += len ? len : 1;
		if (*at == 'j') // "jump"
			return;
	}
}

// What a netdev table's listing says: the interface, and what leaves from which addresses.
static void read_listing(const char *text, struct vip_set *set)
{
	static const char *const matches[] = { "\t\tip saddr ", "\t\tip6 saddr " };
	const char *device = strstr(text, "device \"");
	const char *chain = strstr(text, "chain out {");

	if (device)
		(void)snprintf(set->interface, sizeof set->interface, "%.*s",
			       (int)strcspn(device + 8, "\""), device + 8);
	for (size_t i = 0; chain && i < 2; i++) {
		const char *at = strstr(chain, matches[i]);

		if (at)
			read_ips(at + strlen(matches[i]), set);
	}
}

int vip_drop_all(struct vip *vip, struct err *err)
{
	const char *text;
	int first = 0;

	for (;;) {
		struct vip_set set = { 0 };
		char command[64], name[VIP_TABLE_SIZE];

		if (nft_text_run(vip->nft, "list tables netdev", &text, NULL) < 0)
			return first;
		const char *at = strstr(text, "weft_ha_");
		if (!at || first < 0)
			return first;
		vip_table_read(at, &set);
		vip_table_name(name, &set);
		(void)snprintf(command, sizeof command, "list table netdev %s", name);
		if (nft_text_run(vip->nft, command, &text, NULL) == 0)
			read_listing(text, &set);
		int rc = vip_addresses(vip, &set, false, err);
		if (rc == 0)
			rc = vip_tables_drop(vip, &set, err);
		first = rc;
	}
}
