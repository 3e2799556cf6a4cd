// Start: everything from the store into memory, and targets made anew if the planner is another
// one.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/version.h"
#include "wire/digest.h"

#include "intent/parts.h"

#define ULA_BYTES 6

enum { TEXT_SIZE = 128 }; // of what is kept

struct loading {
	struct intent *intent;
	struct map *facts; // node id -> json_t, until the nodes are made
	char ula[2 * ULA_BYTES + 1];
	char generation[TEXT_SIZE];
};

static int load_text(const struct store_row *row, void *arg, struct err *err)
{
	const char *text = store_row_text(row, 0);

	(void)err;
	(void)snprintf(arg, TEXT_SIZE, "%s", text ? text : "");
	return 0;
}

static int load_meta(struct store_tx *tx, struct loading *l, struct err *err)
{
	char text[TEXT_SIZE] = "";
	int rc = store_meta_int(tx, "revision", &l->intent->revision, err);

	if (rc >= 0)
		rc = store_meta_int(tx, "last_id", &l->intent->last_id, err);
	if (rc >= 0)
		rc = store_query(tx, SQL_META_GET, STORE_PARAMS(store_text("plan_generation")),
				 load_text, l->generation, err);
	if (rc >= 0)
		rc = store_query(tx, SQL_META_GET, STORE_PARAMS(store_text("ula")), load_text, text,
				 err);
	(void)snprintf(l->ula, sizeof l->ula, "%s", text);
	return rc;
}

static int load_fact(const struct store_row *row, void *arg, struct err *err)
{
	struct loading *l = arg;
	struct store_fact fact;
	char key[ID_KEY_SIZE];

	store_read_fact(row, &fact);
	id_key(key, fact.node_id);
	json_t *value = json_loads(fact.value, JSON_DECODE_ANY, NULL);
	json_t *facts = map_get(l->facts, key);
	if (!facts) {
		facts = json_object();
		if (!facts || map_set(l->facts, key, facts) < 0) {
			json_decref(facts);
			json_decref(value);
			return err_set(err, -ENOMEM, "out of memory");
		}
	}
	if (!value)
		return err_set(err, -EUCLEAN, "fact %s of node %s is damaged in the database",
			       fact.name, key);
	return json_object_set_new(facts, fact.name, value) < 0
		       ? err_set(err, -ENOMEM, "out of memory")
		       : 0;
}

static int resource_load(struct intent *intent, struct resource *r, struct err *err)
{
	enum fleet_kind kind = fleet_kind_parse(kinds[r->kind].name);
	CLEAN(edits_done) struct edits edits = { 0 };
	struct outcome outcome = { 0 };

	if (edits_add(&edits, NULL, resource_ref(r)) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	if (kind != FLEET_KIND_COUNT && edits_parse(intent, &edits, &outcome) < 0)
		return err_set(err, -EUCLEAN, "%s %s: %s", r->pub.kind, r->name, outcome.detail);
	return edits_apply(intent, &edits) < 0 ? err_set(err, -ENOMEM, "out of memory") : 0;
}

static int load_resource(const struct store_row *row, void *arg, struct err *err)
{
	struct loading *l = arg;
	struct store_resource stored;
	char key[ID_KEY_SIZE];

	store_read_resource(row, &stored);
	const struct kind *kind = kind_by_name(stored.kind);
	json_auto_t *spec = json_loads(stored.spec, 0, NULL);
	if (!kind || !spec)
		return err_set(err, -EUCLEAN, "%s %s is damaged in the database", stored.kind,
			       stored.name);
	id_key(key, stored.id);
	struct resource_parts parts = {
		.kind = kind_id_of(kind),
		.id = stored.id,
		.name = stored.name,
		.spec = spec,
		.set = stored.set_name,
		.facts = map_get(l->facts, key),
	};
	CLEAN(resource_unref_ptr) struct resource *r = resource_new(NULL, &parts);
	if (!r)
		return err_set(err, -ENOMEM, "out of memory");
	r->pub.revision = stored.revision;
	r->pub.created_ms = stored.created_ms;
	r->pub.updated_ms = stored.updated_ms;
	return resource_load(l->intent, r, err);
}

static int load_allocation(const struct store_row *row, void *arg, struct err *err)
{
	struct loading *l = arg;
	struct store_allocation a;

	store_read_allocation(row, &a);
	if (alloc_load(fleet_alloc(l->intent->fleet), a.pool, a.owner, a.value, a.freed_revision) <
	    0)
		return err_set(err, -ENOMEM, "out of memory");
	return 0;
}

static int target_keep(struct intent *intent, int64_t node_id, int64_t revision,
		       struct digest digest)
{
	struct node_target *target = calloc(1, sizeof *target);
	char key[ID_KEY_SIZE];

	id_key(key, node_id);
	if (!target || map_set(intent->targets, key, target) < 0) {
		free(target);
		return -ENOMEM;
	}
	target->revision = revision;
	target->digest = digest;
	return 0;
}

static int load_target(const struct store_row *row, void *arg, struct err *err)
{
	struct loading *l = arg;
	struct store_target t;
	struct digest digest;

	store_read_target(row, &t);
	if (digest_parse(t.digest, &digest) < 0)
		return err_set(err, -EUCLEAN, "the target of node %lld is damaged in the database",
			       (long long)t.node_id);
	return target_keep(l->intent, t.node_id, t.revision, digest) < 0
		       ? err_set(err, -ENOMEM, "out of memory")
		       : 0;
}

// ---- what the first start, or another planner, has to write ----

static int ula_make(struct loading *l)
{
	unsigned char bytes[ULA_BYTES] = { 0 };

	if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
		return -EIO;
	bytes[0] = 0xfd; // RFC 4193
	for (size_t i = 0; i < sizeof bytes; i++)
		(void)snprintf(l->ula + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

static int ula_use(struct loading *l, const struct intent_settings *s, struct err *err)
{
	struct fleet_settings settings = {
		.vxlan_port = s->vxlan_port,
		.wireguard_port = s->wireguard_port,
		.probe_port = s->probe_port,
		.ha_port = s->ha_port,
		.numbers = s->numbers,
	};

	memcpy(settings.probe_secret, s->probe_secret, sizeof settings.probe_secret);
	if (!l->ula[0] && ula_make(l) < 0)
		return err_set(err, -EIO, "no random bytes for the address prefix");
	for (size_t i = 0; i < ULA_BYTES; i++) {
		unsigned value = 0;

		if (sscanf(l->ula + 2 * i, "%2x", &value) != 1)
			return err_set(err, -EUCLEAN, "the value ula is damaged in the database");
		settings.ula[i] = (uint8_t)value;
	}
	l->intent->fleet = fleet_new(&settings);
	return l->intent->fleet ? 0 : err_set(err, -ENOMEM, "out of memory");
}

static int sum_entry(void *arg, const char *key, const char *body)
{
	digest_add(arg, digest_of_entry(key, body, strlen(body)));
	return 0;
}

// 1 when the node's plan differs from its target, 0 when not.
static int plan_differs(struct intent *intent, int64_t id, struct digest *ret_digest,
			struct err *err)
{
	struct digest none = { 0 };
	char key[ID_KEY_SIZE];

	*ret_digest = none;
	if (plan_node(intent->fleet, id, sum_entry, ret_digest) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	id_key(key, id);
	const struct node_target *target = map_get(intent->targets, key);
	return !digest_equal(target ? target->digest : none, *ret_digest);
}

int intent_verify(struct intent *intent, intent_fault_fn *told, void *arg, struct err *err)
{
	void *value;

	for (size_t at = 0; map_next(intent->by_name[KIND_NODES], &at, NULL, &value);) {
		const struct resource *node = value;
		struct digest digest;
		char text[ERR_TEXT_SIZE];
		int rc = plan_differs(intent, node->pub.id, &digest, err);

		if (rc < 0)
			return rc;
		if (rc == 0)
			continue;
		(void)snprintf(text, sizeof text,
			       "node %s: the plan made of the database is another than the one "
			       "that was committed: restore a backup, or change the node to have "
			       "it planned anew",
			       node->name);
		told(arg, text);
	}
	return 0;
}

// Only nodes whose entries differ get another target.
static int retarget_one(struct loading *l, struct store_tx *tx, int64_t id, struct err *err)
{
	struct intent *intent = l->intent;
	struct digest digest;
	char text[DIGEST_TEXT_SIZE];
	int differs = plan_differs(intent, id, &digest, err);

	if (differs <= 0)
		return differs;
	digest_format(digest, text);
	int rc = store_exec(
		tx, SQL_TARGET_PUT,
		STORE_PARAMS(store_int(id), store_int(intent->revision), store_text(text)), err);
	if (rc < 0)
		return rc;
	return target_keep(intent, id, intent->revision, digest) < 0
		       ? err_set(err, -ENOMEM, "out of memory")
		       : 0;
}

static int retarget(struct store_tx *tx, void *arg, struct err *err)
{
	struct loading *l = arg;
	void *value;
	int rc = store_exec(tx, SQL_META_PUT, STORE_PARAMS(store_text("ula"), store_text(l->ula)),
			    err);

	if (rc >= 0)
		rc = store_exec(
			tx, SQL_META_PUT,
			STORE_PARAMS(store_text("plan_generation"), store_text(l->generation)),
			err);
	for (size_t at = 0; rc >= 0 && map_next(l->intent->by_name[KIND_NODES], &at, NULL, &value);)
		rc = retarget_one(l, tx, ((struct resource *)value)->pub.id, err);
	return rc < 0 ? rc : 0;
}

static int load_all(struct store_tx *tx, void *arg, struct err *err)
{
	struct loading *l = arg;
	int rc = load_meta(tx, l, err);

	if (rc >= 0)
		rc = ula_use(l, &l->intent->settings, err);
	if (rc >= 0)
		rc = store_query(tx, SQL_FACT_ALL, STORE_NO_PARAMS, load_fact, l, err);
	if (rc >= 0)
		rc = store_query(tx, SQL_RESOURCE_ALL, STORE_NO_PARAMS, load_resource, l, err);
	if (rc >= 0)
		rc = store_query(tx, SQL_ALLOCATION_ALL, STORE_NO_PARAMS, load_allocation, l, err);
	if (rc >= 0)
		rc = store_query(tx, SQL_TARGET_ALL, STORE_NO_PARAMS, load_target, l, err);
	if (rc >= 0)
		rc = pending_load(l->intent, tx, err);
	return rc < 0 ? rc : 0;
}

static void loading_done(struct loading *l)
{
	map_free(l->facts);
}

int intent_load(struct intent *intent, struct err *err)
{
	CLEAN(loading_done) struct loading l = { .intent = intent, .facts = map_new(facts_drop) };
	const struct intent_settings *s = &intent->settings;
	char generation[sizeof l.generation], secret[DIGEST_TEXT_SIZE];

	if (!l.facts)
		return err_set(err, -ENOMEM, "out of memory");
	if (store_read_sync(s->store, load_all, &l, err) != STORE_OK)
		return err_prefix(err, "reading the database");
	// Another release may plan otherwise, and nobody has to remember to say so. A secret key
	// that is another one makes other entries, too.
	digest_format(digest_of_bytes(s->probe_secret, sizeof s->probe_secret), secret);
	(void)snprintf(generation, sizeof generation, "%.16s/%d/%d/%d/%d/%d/%.8s/%x/%u/%u/%u",
		       weft_version(), PLAN_GENERATION, s->vxlan_port, s->wireguard_port,
		       s->probe_port, s->ha_port, secret, s->numbers.mark_mask,
		       s->numbers.table_base, s->numbers.priority_base, s->numbers.vni_base);
	if (strcmp(generation, l.generation) == 0)
		return 0;
	memcpy(l.generation, generation, sizeof generation);
	if (store_transact_sync(s->store, NULL, retarget, &l, err) != STORE_OK)
		return err_prefix(err, "writing the targets");
	return 0;
}
