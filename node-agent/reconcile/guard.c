// guard/<part>/…: the rails of the data plane. All guard entries of a node are one table, replaced
// in one transaction.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reconcile/guard_text.h"
#include "reconcile/kind.h"

static void done(void *body)
{
	prefix_list_done(&((struct guard *)body)->prefixes);
}

// Which part an entry is, its fields tell: the body does not repeat its key.
static int parse_base(const json_t *json, struct guard *g, struct err *err)
{
	uint32_t port = 0;

	g->part = GUARD_BASE;
	int rc = body_device(json, "device", g->device, err);
	if (rc == 0)
		rc = body_prefixes(json, "pools", &g->prefixes, err);
	if (rc == 0)
		rc = body_u32(json, "vxlan_port", 1, 65535, &port, err);
	g->vxlan_port = (uint16_t)port;
	return rc;
}

static int parse_wire(const json_t *json, struct guard *g, struct err *err)
{
	g->part = GUARD_WIRE;
	int rc = body_device(json, "link", g->device, err);
	if (rc == 0)
		rc = body_ip(json, "source", &g->source, err);
	if (rc == 0)
		rc = body_device(json, "wire", g->wire, err);
	return rc < 0 ? rc : body_u32(json, "vni", 1, (1u << 24) - 1, &g->vni, err);
}

static int parse_segment(const json_t *json, struct guard *g, struct err *err)
{
	g->part = GUARD_SEGMENT;
	int rc = body_device(json, "device", g->device, err);
	return rc < 0 ? rc : body_prefixes(json, "own", &g->prefixes, err);
}

static int parse_owner(const json_t *json, struct guard *g, struct err *err)
{
	g->part = GUARD_OWNER;
	int rc = body_device(json, "device", g->device, err);
	if (rc == 0)
		rc = body_mac(json, "mac", g->mac, err);
	return rc < 0 ? rc : body_prefixes(json, "prefixes", &g->prefixes, err);
}

static int parse_router(const json_t *json, struct guard *g, struct err *err)
{
	g->part = GUARD_ROUTER;
	int rc = body_device(json, "router", g->router, err);
	return rc < 0 ? rc : body_prefixes(json, "own", &g->prefixes, err);
}

static int parse_sender(const json_t *json, struct guard *g, struct err *err)
{
	g->part = GUARD_SENDER;
	int rc = body_device(json, "router", g->router, err);
	if (rc == 0 && body_has(json, "device"))
		rc = body_device(json, "device", g->device, err);
	return rc < 0 ? rc : body_prefixes(json, "prefixes", &g->prefixes, err);
}

static int parse(const json_t *json, void *body, struct err *err)
{
	if (body_has(json, "router"))
		return body_has(json, "own") ? parse_router(json, body, err)
					     : parse_sender(json, body, err);
	if (body_has(json, "vxlan_port"))
		return parse_base(json, body, err);
	if (body_has(json, "vni"))
		return parse_wire(json, body, err);
	if (body_has(json, "own"))
		return parse_segment(json, body, err);
	return parse_owner(json, body, err);
}

// Once a run: the rules of all guard entries, in the entries' order.
static int render(struct reconcile *r, struct err *err)
{
	const struct guard **guards;
	const struct entry *e;
	size_t len = 0;

	if (r->guard.digest[0])
		return 0;
	guards = calloc(r->entries_len + 1, sizeof *guards);
	if (!guards)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t at = 0; (e = entry_next(r, &kind_guard, &at));)
		guards[len++] = e->body;
	CLEAN(text_free) struct text more = { 0 };
	resolver_intercept_render(&more, r);
	guard_rules_render(&r->guard.rules, guards, len, more.data);
	r->guard.rules.failed |= more.failed;
	free(guards);
	if (r->guard.rules.failed)
		return err_set(err, -ENOMEM, "out of memory");
	rules_digest(r->guard.rules.data, r->guard.digest);
	return 0;
}

// nft prints rules in its own words, so what it prints of our own table is learnt from the first
// look at it.
static void compare_listing(struct reconcile *r, struct finding *f)
{
	struct guard_state *g = &r->guard;

	if (g->written_at == r->dumps)
		return; // the look is older than the table
	if (g->rules_sum_is_known && g->rules_sum != r->seen.guard.rules_sum)
		finding_differs(f, "the rules of table `inet weft` were edited");
	g->rules_sum = r->seen.guard.rules_sum;
	g->rules_sum_is_known = f->match == ENTRY_SAME;
}

static int compare(struct reconcile *r, const struct entry *e, struct finding *f, struct err *err)
{
	(void)e;
	int rc = render(r, err);
	if (rc < 0)
		return rc;
	if (r->guard.refused.code)
		return err_set(err, r->guard.refused.code, "%s", r->guard.refused.text);
	if (!r->seen.guard.exists) {
		finding_missing(f);
	} else if (strcmp(r->seen.guard.comment, r->guard.digest) != 0) {
		finding_differs(f, "table `inet weft` held other rules");
		// Another guard entry may have changed: they share the table.
		f->is_news = strcmp(r->seen.guard.comment, r->guard.written) == 0;
	} else {
		(void)snprintf(r->guard.written, sizeof r->guard.written, "%s", r->guard.digest);
		compare_listing(r, f);
	}
	return 0;
}

static int apply(struct reconcile *r, const struct entry *e, const struct finding *f,
		 struct err *err)
{
	struct text table = { 0 };

	(void)e;
	(void)f;
	guard_table_render(&table, r->guard.rules.data, r->guard.digest, r->seen.guard.counters);
	int rc = table.failed ? err_set(err, -ENOMEM, "out of memory")
			      : kernel_guard_replace(r->kernel, table.data, err);
	text_free(&table);
	if (rc < 0) {
		(void)err_set(&r->guard.refused, rc, "%s", err ? err->text : "");
		return rc;
	}
	// The entries behind this one find their rules in the kernel.
	r->seen.guard.exists = true;
	(void)snprintf(r->seen.guard.comment, sizeof r->seen.guard.comment, "%s", r->guard.digest);
	r->guard.written_at = r->dumps;
	r->guard.rules_sum_is_known = false;
	return 0;
}

static int sweep(struct reconcile *r, struct err *err)
{
	size_t at = 0;

	if (!r->seen.guard.exists || entry_next(r, &kind_guard, &at) || resolver_intercepts(r))
		return 0;
	return kernel_guard_delete(r->kernel, err);
}

void guard_run_begin(struct reconcile *r)
{
	text_free(&r->guard.rules);
	r->guard.rules = (struct text){ 0 };
	r->guard.digest[0] = '\0';
	r->guard.refused = (struct err){ 0 };
}

void guard_done(struct reconcile *r)
{
	text_free(&r->guard.rules);
}

json_t *guard_counters(const struct reconcile *r)
{
	json_t *json = json_object();

	for (int i = 0; i < KERNEL_COUNTERS; i++)
		(void)json_object_set_new(
			json, kernel_counter_names[i],
			json_integer((json_int_t)r->seen.guard.counters[i].packets));
	return json;
}

const struct entry_kind kind_guard = {
	.name = "guard",
	.rank = 30,
	.body_size = sizeof(struct guard),
	.parse = parse,
	.done = done,
	.compare = compare,
	.apply = apply,
	.sweep = sweep,
};
