// What stands before the agent does: the rules of routing by which clients of a policy leave by its
// gateways or not at all. Nothing is taken away, so that it harms no agent that runs.
#include <errno.h>
#include <string.h>

#include "reconcile/kind.h"

CLEAN_FUNC(json_t, json_decref)

static int put_rule(struct kernel *kernel, uint8_t protocol, const struct entry_change *entry,
		    struct err *err)
{
	CLEAN(json_decref_ptr) json_t *json = json_loadb(entry->body, entry->body_len, 0, NULL);
	struct kernel_rule rule = { 0 };

	int rc = kind_rule.parse(json, &rule, err);
	if (rc < 0)
		return err_prefix(err, "%s", entry->key);
	rule.protocol = protocol;
	rc = kernel_rule_add(kernel, &rule, err);
	return rc == -EEXIST ? 0 : rc;
}

int reconcile_boot(struct kernel *kernel, uint8_t protocol, const struct entry_set *desired,
		   struct err *err)
{
	struct entry_change entry;
	struct err why = { 0 };
	int first = 0;

	for (size_t at = 0; entry_set_next_under(desired, "rule/policy/", &at, &entry);) {
		int rc = put_rule(kernel, protocol, &entry, first ? NULL : &why);
		if (rc < 0 && !first)
			first = rc;
	}
	return first < 0 ? err_set(err, first, "%s", why.text) : 0;
}
