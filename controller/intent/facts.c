// What nodes report: kept per node, gathered for a moment, then one change for all of it.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/net.h"

#include "intent/parts.h"

#define FACTS_DELAY_MS      200
#define FACTS_RETRY_MS      1000
#define PATH_MTU_MIN        576
#define PATH_MTU_MAX        65535
#define LOCAL_ADDRESSES_MAX 256
// 802.1D-2004 17.14: the upper four bits.
#define BRIDGE_PRIORITY_STEP 4096
#define BRIDGE_PRIORITY_MAX  61440
#define HASH_DIGITS          64 // of SHA-256

static bool is_text(const json_t *value)
{
	return json_is_string(value);
}

static bool is_address(const json_t *value)
{
	struct address a;

	return json_is_string(value) && address_parse(json_string_value(value), &a, NULL) == 0;
}

static bool is_prefixes(const json_t *value)
{
	const json_t *item;
	struct prefix p;
	size_t i;

	if (!json_is_array(value) || json_array_size(value) > LOCAL_ADDRESSES_MAX)
		return false;
	json_array_foreach((json_t *)value, i, item)
	{
		if (!json_is_string(item) ||
		    prefix_parse_host(json_string_value(item), &p, NULL) < 0)
			return false;
	}
	return true;
}

static bool is_endpoints(const json_t *value)
{
	const char *key;
	json_t *item;
	struct endpoint e;

	json_object_foreach((json_t *)value, key, item)
	{
		if (!json_is_null(item) && (!json_is_string(item) ||
					    endpoint_parse(json_string_value(item), &e, NULL) < 0))
			return false;
	}
	return json_is_object(value);
}

static bool is_mtus(const json_t *value)
{
	const char *key;
	json_t *item;

	json_object_foreach((json_t *)value, key, item)
	{
		json_int_t n = json_integer_value(item);

		if (!json_is_null(item) &&
		    (!json_is_integer(item) || n < PATH_MTU_MIN || n > PATH_MTU_MAX))
			return false;
	}
	return json_is_object(value);
}

static bool is_generation(const json_t *value)
{
	return json_is_integer(value) && json_integer_value(value) > 0;
}

static bool is_hash(const json_t *value)
{
	const char *text = json_string_value(value);

	return text && strlen(text) == HASH_DIGITS &&
	       text[strspn(text, "0123456789abcdef")] == '\0';
}

static bool is_size(const json_t *value)
{
	return json_is_integer(value) && json_integer_value(value) >= 0;
}

static bool is_priorities(const json_t *value)
{
	const char *key;
	json_t *item;

	json_object_foreach((json_t *)value, key, item)
	{
		json_int_t n = json_integer_value(item);

		if (!json_is_null(item) &&
		    (!json_is_integer(item) || n < 0 || n > BRIDGE_PRIORITY_MAX ||
		     n % BRIDGE_PRIORITY_STEP != 0))
			return false;
	}
	return json_is_object(value);
}

static const struct fact_kind {
	enum kind_id of;
	const char *name;
	bool (*is_valid)(const json_t *value);
} fact_kinds[] = {
	{ KIND_NODES, "public_key", is_text },
	{ KIND_NODES, "seen_address", is_address },
	{ KIND_NODES, "local_addresses", is_prefixes },
	{ KIND_NODES, "endpoints", is_endpoints },
	{ KIND_NODES, "path_mtu", is_mtus },
	{ KIND_NODES, "bridge_priority", is_priorities },
	{ KIND_HA_GROUPS, "settled", is_generation },
	{ KIND_DOMAIN_LISTS, "sha256", is_hash },
	{ KIND_DOMAIN_LISTS, "size", is_size },
};

static bool has_facts(enum kind_id kind)
{
	return kind == KIND_NODES || kind == KIND_HA_GROUPS || kind == KIND_DOMAIN_LISTS;
}

static int check_facts(enum kind_id of, const json_t *patch, struct err *err)
{
	const char *name;
	json_t *value;

	if (!json_is_object(patch))
		return err_set(err, -EINVAL, "facts must be an object");
	json_object_foreach((json_t *)patch, name, value)
	{
		const struct fact_kind *found = NULL;

		for (size_t i = 0; i < ARRAY_LEN(fact_kinds); i++) {
			if (fact_kinds[i].of == of && strcmp(fact_kinds[i].name, name) == 0)
				found = &fact_kinds[i];
		}
		if (!found)
			return err_set(err, -EINVAL, "%s is not a fact", name);
		if (!json_is_null(value) && !found->is_valid(value))
			return err_set(err, -EINVAL, "the fact %s is malformed", name);
	}
	return 0;
}

const json_t *intent_facts(const struct intent *intent, int64_t node_id)
{
	const struct resource *node = resource_find_id(intent, node_id);
	char key[ID_KEY_SIZE];

	if (!node || node->kind != KIND_NODES)
		return NULL;
	id_key(key, node_id);
	const json_t *pending = map_get(intent->pending_facts, key);
	return pending ? pending : node->facts;
}

int64_t intent_key_owner(const struct intent *intent, const char *public_key, int64_t but)
{
	const char *name;
	void *value;

	for (size_t at = 0; map_next(intent->by_name[KIND_NODES], &at, &name, &value);) {
		const struct resource *node = value;
		const json_t *facts = intent_facts(intent, node->pub.id);
		const char *key = json_string_value(json_object_get(facts, "public_key"));

		if (key && node->pub.id != but && strcmp(key, public_key) == 0)
			return node->pub.id;
	}
	return 0;
}

bool intent_is_linked(const struct intent *intent, const char *network, const char *a,
		      const char *b)
{
	return fleet_is_linked(intent->fleet, network, a, b);
}

bool intent_ha_group(const struct intent *intent, int64_t group_id, struct plan_ha *ret)
{
	return plan_ha_group(intent->fleet, group_id, ret);
}

// A peer with another's key would take its place on every host that has both.
static int check_key(const struct intent *intent, int64_t node_id, const json_t *now,
		     const json_t *patch, struct err *err)
{
	const json_t *key = json_object_get(patch, "public_key");

	if (!json_is_string(key) || json_equal(key, json_object_get(now, "public_key")))
		return 0;
	int64_t owner = intent_key_owner(intent, json_string_value(key), node_id);
	const struct resource *other = owner ? resource_find_id(intent, owner) : NULL;
	return other ? err_set(err, -EEXIST,
			       "its WireGuard key is that of nodes/%s: was its "
			       "state directory copied?",
			       other->name)
		     : 0;
}

int intent_set_facts(struct intent *intent, int64_t node_id, const json_t *patch, struct err *err)
{
	const struct resource *node = resource_find_id(intent, node_id);
	const json_t *now = intent_facts(intent, node_id);
	int delay =
		intent->settings.facts_delay_ms ? intent->settings.facts_delay_ms : FACTS_DELAY_MS;
	char key[ID_KEY_SIZE];

	if (!node || !has_facts(node->kind))
		return err_set(err, -ENOENT, "there is no node with id %lld", (long long)node_id);
	int rc = check_facts(node->kind, patch, err);
	if (rc == 0)
		rc = check_key(intent, node_id, now, patch, err);
	if (rc < 0)
		return rc;
	json_auto_t *next = json_merge_patch(now, patch);
	if (!next)
		return err_set(err, -ENOMEM, "out of memory");
	if (now && json_equal(now, next))
		return 0;
	id_key(key, node_id);
	if (map_set(intent->pending_facts, key, next) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	next = NULL;
	// It may be waiting for one that changes too often.
	if (!uv_is_active((uv_handle_t *)intent->facts) ||
	    uv_timer_get_due_in(intent->facts) > (uint64_t)delay)
		(void)uv_timer_start(intent->facts, facts_due, (uint64_t)delay, 0);
	return 0;
}

int intent_observe_peer(struct intent *intent, int64_t observer_id, const char *network,
			const char *peer_name, const char *endpoint, int path_mtu)
{
	const struct resource *observer = resource_find_id(intent, observer_id);
	const struct resource *peer = resource_find(intent, KIND_NODES, peer_name);
	CLEAN(free_ptr) char *link = text_format("%s/%s", network, peer_name);

	if (!observer || observer->kind != KIND_NODES || !peer || !link ||
	    !intent_is_linked(intent, network, observer->name, peer_name))
		return -ENOENT;
	json_auto_t *mtu = json_pack("{s:{s:o}}", "path_mtu", link,
				     path_mtu > 0 ? json_integer(path_mtu) : json_null());
	const json_t *known = json_object_get(intent_facts(intent, observer_id), "path_mtu");
	int rc = 0;
	if (path_mtu > 0 || json_object_get(known, link))
		rc = intent_set_facts(intent, observer_id, mtu, NULL);
	if (rc < 0 || !endpoint || !fleet_node_is_public(observer->object) ||
	    json_object_get(peer->spec, "address"))
		return rc;
	struct endpoint place;
	if (endpoint_parse(endpoint, &place, NULL) < 0 || !place.is_address || place.port == 0)
		return -EINVAL;
	const char *believed = claims_note(intent, observer, peer, network, &place);
	json_auto_t *seen =
		believed ? json_pack("{s:{s:s}}", "endpoints", network, believed) : NULL;
	if (!seen)
		return -ENOMEM;
	return intent_set_facts(intent, peer->pub.id, seen, NULL);
}

void facts_drop(void *json)
{
	json_decref(json);
}

// What was stored is pending no more, unless it changed meanwhile.
void facts_settled(struct intent *intent, const struct job *job, bool is_stored)
{
	const char *key;
	void *value;

	for (size_t at = 0; map_next(job->facts, &at, &key, &value);) {
		bool is_same = map_get(intent->pending_facts, key) == value;

		if (is_same && (is_stored || !map_get(intent->by_id, key)))
			(void)map_drop(intent->pending_facts, key);
	}
	if (map_size(intent->pending_facts) > 0 && !uv_is_active((uv_handle_t *)intent->facts))
		(void)uv_timer_start(intent->facts, facts_due, FACTS_RETRY_MS, 0);
}

// The pending facts become a job; until it is done they are what intent_facts() shows. Those of a
// node that changes too often wait: each change is planned, stored and sent to its neighbours.
void facts_due(uv_timer_t *timer)
{
	struct intent *intent = timer->data;
	CLEAN(job_free_ptr) struct job *job = calloc(1, sizeof *job);
	const char *key;
	void *value;

	if (!job || !(job->facts = map_new(facts_drop)))
		return;
	for (size_t at = 0; map_next(intent->pending_facts, &at, &key, &value);) {
		const struct resource *node = map_get(intent->by_id, key);

		if (node && !limit_take(intent->fact_limit, key, (int64_t)uv_now(timer->loop))) {
			(void)uv_timer_start(timer, facts_due, FACTS_RETRY_MS, 0);
			continue;
		}
		if (node && !job->actor)
			job->actor = node->kind == KIND_NODES ? text_format("node/%s", node->name)
							      : strdup("controller");
		if (map_set(job->facts, key, value) == 0)
			(void)json_incref(value);
	}
	if (map_size(job->facts) > 0)
		(void)queue_add(intent, take_ptr(&job));
}

int facts_edits(struct intent *intent, const struct job *job, struct edits *edits,
		struct outcome *outcome)
{
	const char *key;
	void *value;

	for (size_t at = 0; map_next(job->facts, &at, &key, &value);) {
		struct resource *now = map_get(intent->by_id, key);

		if (!now || !has_facts(now->kind) || (now->facts && json_equal(now->facts, value)))
			continue;
		struct resource_parts parts = {
			.kind = now->kind,
			.id = now->pub.id,
			.name = now->name,
			.spec = now->spec,
			.set = now->set,
			.facts = value,
		};
		struct resource *after = resource_new(now, &parts);
		if (!after || edits_add(edits, now, after) < 0)
			return outcome_set(outcome, INTENT_UNAVAILABLE, "out of memory");
	}
	return 0;
}
