#include "kernel/policy_sets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/list.h"
#include "kernel/netlink.h"

enum { REQUEST_SIZE = 256, DUMP_TRIES = 8 };

struct policy_sets {
	struct netlink *netlink;
	_Alignas(8) char request[REQUEST_SIZE];
	_Alignas(8) char batch[POLICY_SETS_BATCH_SIZE];
};

void policy_sets_close(struct policy_sets *sets)
{
	if (!sets)
		return;
	netlink_close(sets->netlink);
	free(sets);
}

int policy_sets_open(struct policy_sets **ret, struct err *err)
{
	CLEAN(policy_sets_close_ptr) struct policy_sets *sets = calloc(1, sizeof *sets);

	if (!sets)
		return err_set(err, -ENOMEM, "out of memory");
	int rc = netlink_open(NETLINK_NETFILTER, &sets->netlink, err);
	if (rc == 0)
		rc = netlink_widen(sets->netlink, 2 * POLICY_SETS_BATCH_SIZE, err);
	if (rc == 0)
		*ret = take_ptr(&sets);
	return rc;
}

// ---- which sets there are ----

struct names {
	struct sets_record *items;
	size_t len;
};

static int take_name(const struct nlmsghdr *nlh, void *context)
{
	struct names *names = context;
	struct sets_record set;

	if (!policy_sets_name_parse(nlh, &set))
		return 0;
	struct sets_record *to = list_add(&names->items, &names->len, sizeof *to);
	if (!to)
		return -ENOMEM;
	*to = set;
	return 0;
}

static int read_names(struct policy_sets *sets, struct names *ret, struct err *err)
{
	int rc = netlink_talk(sets->netlink, policy_sets_names_build(sets->request), take_name, ret,
			      err);

	return rc == -ENOENT ? 0 : rc; // there is no such table
}

static bool has_set(const struct names *names, const struct sets_record *record)
{
	for (size_t i = 0; i < names->len; i++) {
		const struct sets_record *set = &names->items[i];

		if (set->kind == record->kind && set->family == record->family &&
		    set->list == record->list)
			return true;
	}
	return false;
}

// ---- changes ----

static int put_in_force(struct policy_sets *sets, const struct sets_record *records, size_t count,
			struct err *err)
{
	int rc = netlink_talk_batch(sets->netlink, sets->batch,
				    policy_sets_build(sets->batch, records, count), err);

	// Each message that failed was answered, and only the first answer read.
	if (rc < 0)
		netlink_drain(sets->netlink);
	return rc;
}

// What is to go from a set that is not there is gone. Returns how many records are left, in place.
static size_t leave_out(struct sets_record *records, size_t count, const struct names *names)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (records[i].action == SETS_PUT || records[i].kind == SETS_QUIC ||
		    has_set(names, &records[i]))
			records[kept++] = records[i];
	return kept;
}

static int tell_missing(const struct sets_record *records, size_t count, const struct names *names,
			struct err *err)
{
	char name[SETS_NAME_SIZE] = "quic";

	for (size_t i = 0; i < count; i++)
		if (records[i].kind != SETS_QUIC && !has_set(names, &records[i]))
			sets_name(&records[i], name);
	return err_set(err, -ENOENT, "table `inet weft_policy` has no set %s", name);
}

int policy_sets_change(struct policy_sets *sets, const struct sets_record *records, size_t count,
		       struct err *err)
{
	CLEAN(free_ptr) struct sets_record *copy = NULL;
	struct names names = { 0 };
	size_t kept = 0;

	int rc = put_in_force(sets, records, count, err);
	if (rc != -ENOENT)
		return rc;
	copy = calloc(count, sizeof *copy);
	if (!copy)
		return err_set(err, -ENOMEM, "out of memory");
	rc = read_names(sets, &names, err);
	if (rc == 0) {
		memcpy(copy, records, count * sizeof *copy);
		kept = leave_out(copy, count, &names);
	}
	if (rc == 0 && kept > 0)
		rc = put_in_force(sets, copy, kept, err);
	if (rc == -ENOENT)
		rc = tell_missing(copy, kept, &names, err);
	free(names.items);
	return rc;
}

// ---- reading ----

struct reading {
	const struct sets_record *set;
	policy_sets_fn fn;
	void *context;
};

static int take_elements(const struct nlmsghdr *nlh, void *context)
{
	const struct reading *reading = context;

	return policy_sets_elements_parse(nlh, reading->set, reading->fn, reading->context);
}

// When others changed the tables meanwhile it was cut short: then again.
static int read_elements(struct policy_sets *sets, const struct sets_record *set, policy_sets_fn fn,
			 void *context, struct err *err)
{
	struct reading reading = { set, fn, context };
	int rc = -EINTR;

	for (int i = 0; i < DUMP_TRIES && rc == -EINTR; i++)
		rc = netlink_talk(sets->netlink, policy_sets_elements_build(sets->request, set),
				  take_elements, &reading, err);
	return rc == -ENOENT ? 0 : rc; // its list was taken out of the policies meanwhile
}

int policy_sets_dump(struct policy_sets *sets, policy_sets_fn fn, void *context, struct err *err)
{
	struct names names = { 0 };

	int rc = read_names(sets, &names, err);
	for (size_t i = 0; rc == 0 && i < names.len; i++)
		rc = read_elements(sets, &names.items[i], fn, context, err);
	free(names.items);
	return rc;
}

static int take_table(const struct nlmsghdr *nlh, void *context)
{
	*(uint64_t *)context = policy_sets_table_parse(nlh);
	return 0;
}

int policy_sets_table(struct policy_sets *sets, uint64_t *ret, struct err *err)
{
	*ret = 0;
	int rc = netlink_talk(sets->netlink, policy_sets_table_build(sets->request), take_table,
			      ret, err);
	return rc == -ENOENT ? 0 : rc;
}
