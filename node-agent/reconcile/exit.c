// exit/<gateway>.<ingress>: this node's uplink is a gateway of another node's clients.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reconcile/body.h"
#include "reconcile/policy_table.h"
#include "reconcile/uplink.h"

static void done(void *body)
{
	struct policy_exit *e = body;

	prefix_list_done(&e->from);
	free(e->uplink);
	key_list_done(&e->checks);
}

static int parse(const json_t *json, void *body, struct err *err)
{
	struct policy_exit *e = body;

	int rc = body_device(json, "device", e->device, err);
	if (rc == 0)
		rc = body_u32(json, "mark", 1, UINT32_MAX, &e->mark, err);
	if (rc == 0)
		rc = policy_mask_parse(json, &e->mask, err);
	if (rc == 0 && e->mark & ~e->mask)
		rc = err_set(err, -EINVAL, "mark: %#x has bits that are not in the mask %#x",
			     e->mark, e->mask);
	if (rc == 0)
		rc = body_u32(json, "table", 1, UINT32_MAX, &e->table, err);
	if (rc == 0)
		rc = body_prefixes(json, "from", &e->from, err);
	if (rc == 0 && body_has(json, "check"))
		rc = body_keys(json, "check", "echo/", &e->checks, err);
	if (rc == 0 && body_has(json, "uplink"))
		rc = body_key(json, "uplink", "uplink/", &e->uplink, err);
	return rc;
}

// "exit/<gateway>.<ingress>" has that wire.
static bool wire_of(const char *key, char ret[WIRE_KEY_MAX + 16])
{
	const char *name = strchr(key, '/') + 1, *dot = strrchr(name, '.');

	if (!dot || strlen(key) > WIRE_KEY_MAX)
		return false;
	(void)snprintf(ret, WIRE_KEY_MAX + 16, "wire/gateway:%.*s/%s", (int)(dot - name), name,
		       dot + 1);
	return true;
}

void reconcile_each_exit(const struct reconcile *r, reconcile_exit_fn *each, void *context)
{
	char wire[WIRE_KEY_MAX + 16];
	const struct entry *e;

	for (size_t at = 0; (e = entry_next(r, &kind_exit, &at));) {
		const struct policy_exit *x = e->body;
		const struct uplink_entry *u = x->uplink ? uplink_of(r, x->uplink) : NULL;
		const struct reconcile_exit exit = {
			.wire = wire,
			.checks = (const char *const *)x->checks.items,
			.checks_len = x->checks.len,
			.is_up = x->uplink ? u && u->is_up : x->out[0][0] || x->out[1][0],
		};

		if (wire_of(e->key, wire))
			each(context, &exit);
	}
}

const struct entry_kind kind_exit = {
	.name = "exit",
	.rank = 86,
	.body_size = sizeof(struct policy_exit),
	.parse = parse,
	.done = done,
	.compare = policy_table_compare,
	.apply = policy_table_apply,
	.sweep = policy_table_sweep,
};
