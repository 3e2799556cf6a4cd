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
}

static int parse_uplink(const json_t *json, struct policy_exit *e, struct err *err)
{
	const char *uplink = NULL;

	if (!body_has(json, "uplink"))
		return 0;
	int rc = body_string(json, "uplink", &uplink, err);
	if (rc < 0)
		return rc;
	if (!text_starts(uplink, "uplink/", NULL))
		return err_set(err, -EINVAL, "uplink: `%.60s` is no uplink", uplink);
	e->uplink = strdup(uplink);
	return e->uplink ? 0 : err_set(err, -ENOMEM, "out of memory");
}

static int parse(const json_t *json, void *body, struct err *err)
{
	struct policy_exit *e = body;

	int rc = body_device(json, "device", e->device, err);
	if (rc == 0)
		rc = body_u32(json, "mark", 1, UINT32_MAX, &e->mark, err);
	if (rc == 0 && e->mark & ~POLICY_MASK)
		rc = err_set(err, -EINVAL, "mark: %#x has bits that are not in the mask %#x",
			     e->mark, POLICY_MASK);
	if (rc == 0)
		rc = body_u32(json, "table", 1, UINT32_MAX, &e->table, err);
	if (rc == 0)
		rc = body_prefixes(json, "from", &e->from, err);
	return rc < 0 ? rc : parse_uplink(json, e, err);
}

// "exit/<gateway>.<ingress>": the names of both, which are without dots.
static bool split_key(const char *key, char ret_gateway[WIRE_KEY_MAX + 1],
		      char ret_ingress[WIRE_KEY_MAX + 1])
{
	const char *name = strchr(key, '/') + 1, *dot = strrchr(name, '.');

	if (!dot || strlen(key) > WIRE_KEY_MAX)
		return false;
	(void)snprintf(ret_gateway, WIRE_KEY_MAX + 1, "%.*s", (int)(dot - name), name);
	(void)snprintf(ret_ingress, WIRE_KEY_MAX + 1, "%s", dot + 1);
	return true;
}

void reconcile_each_exit(const struct reconcile *r, reconcile_exit_fn *each, void *context)
{
	char gateway[WIRE_KEY_MAX + 1], ingress[WIRE_KEY_MAX + 1], wire[2 * WIRE_KEY_MAX + 32];
	const struct entry *e;

	for (size_t at = 0; (e = entry_next(r, &kind_exit, &at));) {
		const struct policy_exit *x = e->body;
		struct reconcile_exit exit = { .wire = wire, .is_up = true };
		const struct uplink_entry *u = x->uplink ? uplink_of(r, x->uplink) : NULL;

		if (!split_key(e->key, gateway, ingress))
			continue;
		(void)snprintf(wire, sizeof wire, "wire/gateway:%s/%s", gateway, ingress);
		(void)snprintf(exit.check, sizeof exit.check, "gateway:%.*s",
			       (int)(WIRE_KEY_MAX - strlen("gateway:")), gateway);
		if (x->uplink)
			exit.is_up = u && u->is_up;
		else
			exit.is_up = x->out[0][0] || x->out[1][0];
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
