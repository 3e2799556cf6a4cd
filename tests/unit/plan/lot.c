// cmocka.h needs these before it.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "lot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static void drop_json(void *json)
{
	json_decref(json);
}

static struct host_numbers host_numbers;

void lot_number(const struct host_numbers *numbers)
{
	host_numbers = numbers ? *numbers : (struct host_numbers){ 0 };
}

void lot_init(struct lot *lot)
{
	struct fleet_settings settings = { 4789,  51820,       { 0xfd, 1, 2, 3, 4, 5 }, 862, 863,
					   { 7 }, host_numbers };

	memset(lot, 0, sizeof *lot);
	lot->fleet = fleet_new(&settings);
	lot->ids = map_new(free);
	lot->facts = map_new(drop_json);
	lot->entries = map_new(free);
	lot->digests = map_new(free);
}

void lot_done(struct lot *lot)
{
	plan_deltas_done(&lot->last);
	fleet_free(lot->fleet);
	map_free(lot->ids);
	map_free(lot->facts);
	map_free(lot->entries);
	map_free(lot->digests);
}

static json_t *parse(const char *text)
{
	char *copy = strdup(text);

	for (char *c = copy; *c; c++) {
		if (*c == '\'')
			*c = '"';
	}
	json_t *json = json_loads(copy, 0, NULL);
	if (!json)
		fail_msg("not JSON: %s", copy);
	free(copy);
	return json;
}

int64_t lot_id(const struct lot *lot, const char *kind, const char *name)
{
	CLEAN(free_ptr) char *key = text_format("%s/%s", kind, name);
	const char *id = map_get(lot->ids, key);

	return id ? atoll(id) : 0;
}

static void note_id(struct lot *lot, const char *kind, const char *name, int64_t id)
{
	CLEAN(free_ptr) char *key = text_format("%s/%s", kind, name);

	assert_int_equal(map_set(lot->ids, key, text_format("%lld", (long long)id)), 0);
}

static void put(struct lot *lot, const char *kind, const char *name, const char *to, json_t *spec)
{
	enum fleet_kind k = fleet_kind_parse(kind);
	struct fleet_object *before = fleet_find(lot->fleet, k, name), *after = NULL;
	int64_t id = lot_id(lot, kind, name);
	struct err err;

	if (!id)
		note_id(lot, kind, to, id = ++lot->next_id);
	const struct fleet_source source = { k, id, to, spec, map_get(lot->facts, name) };
	if (spec && fleet_object_new(&source, &after, &err) < 0)
		fail_msg("%s", err.text);
	json_decref(spec);
	assert_true(lot->edit_count < sizeof lot->edits / sizeof lot->edits[0]);
	lot->edits[lot->edit_count++] = (struct fleet_edit){ fleet_object_ref(before), after };
}

void lot_put(struct lot *lot, const char *kind, const char *name, const char *spec)
{
	put(lot, kind, name, name, spec ? parse(spec) : NULL);
}

void lot_facts_of(struct lot *lot, const char *kind, const char *name, const char *facts)
{
	struct fleet_object *before = fleet_find(lot->fleet, fleet_kind_parse(kind), name);

	assert_int_equal(map_set(lot->facts, name, parse(facts)), 0);
	put(lot, kind, name, name, json_incref((json_t *)fleet_object_spec(before)));
}

void lot_facts(struct lot *lot, const char *node, const char *facts)
{
	lot_facts_of(lot, "nodes", node, facts);
}

void lot_rename(struct lot *lot, const char *kind, const char *name, const char *to)
{
	struct fleet_object *before = fleet_find(lot->fleet, fleet_kind_parse(kind), name);

	note_id(lot, kind, to, lot_id(lot, kind, name));
	put(lot, kind, name, to, json_incref((json_t *)fleet_object_spec(before)));
	json_t *facts = map_get(lot->facts, name);
	if (facts)
		assert_int_equal(map_set(lot->facts, to, json_incref(facts)), 0);
}

static void take_delta(struct lot *lot, const struct plan_delta *d)
{
	CLEAN(free_ptr) char *id = text_format("%lld", (long long)d->node_id);
	struct digest *digest = map_get(lot->digests, id);

	if (!digest) {
		digest = calloc(1, sizeof *digest);
		assert_int_equal(map_set(lot->digests, id, digest), 0);
	}
	digest_sub(digest, d->removed);
	digest_add(digest, d->added);
	for (size_t i = 0; i < d->count; i++) {
		CLEAN(free_ptr) char *key = text_format("%s %s", id, d->entries[i].key);

		if (d->entries[i].body)
			assert_int_equal(map_set(lot->entries, key, strdup(d->entries[i].body)), 0);
		else
			assert_true(map_drop(lot->entries, key));
	}
}

static int refuse(struct lot *lot, int code)
{
	assert_int_equal(fleet_revert(lot->fleet, lot->edits, lot->edit_count), 0);
	alloc_undo(fleet_alloc(lot->fleet));
	return code;
}

static void plan(struct lot *lot, struct err *err)
{
	CLEAN(plan_work_free_ptr) struct plan_work *work = NULL;
	int rc;

	assert_int_equal(plan_begin(lot->fleet, lot->edits, lot->edit_count, &work, err), 0);
	assert_int_equal(fleet_revert(lot->fleet, lot->edits, lot->edit_count), 0);
	alloc_rewind(fleet_alloc(lot->fleet));
	lot->steps = 0;
	while ((rc = plan_step(work, err)) > 0)
		lot->steps++;
	assert_int_equal(rc, 0);
	plan_deltas_done(&lot->last);
	plan_take(work, &lot->last);
	alloc_replay(fleet_alloc(lot->fleet));
	assert_int_equal(fleet_apply(lot->fleet, lot->edits, lot->edit_count), 0);
}

static int commit(struct lot *lot, struct err *err)
{
	struct problem_list problems = { 0 };
	int rc;

	assert_int_equal(fleet_apply(lot->fleet, lot->edits, lot->edit_count), 0);
	assert_int_equal(plan_check(lot->fleet, lot->edits, lot->edit_count, &problems), 0);
	if (problem_list_any(&problems)) {
		rc = problem_list_err(&problems, err);
		problem_list_done(&problems);
		return refuse(lot, rc);
	}
	rc = plan_allocate(lot->fleet, lot->edits, lot->edit_count, ++lot->revision, err);
	if (rc < 0)
		return refuse(lot, rc);
	plan(lot, err);
	alloc_commit(fleet_alloc(lot->fleet));
	for (size_t i = 0; i < lot->last.count; i++)
		take_delta(lot, &lot->last.items[i]);
	return 0;
}

int lot_commit(struct lot *lot, struct err *err)
{
	int rc = commit(lot, err);

	for (size_t i = 0; i < lot->edit_count; i++) {
		fleet_object_unref(lot->edits[i].before);
		fleet_object_unref(lot->edits[i].after);
	}
	lot->edit_count = 0;
	return rc;
}

json_t *lot_entry(const struct lot *lot, const char *node, const char *key)
{
	CLEAN(free_ptr)
	char *full = text_format("%lld %s", (long long)lot_id(lot, "nodes", node), key);
	const char *body = map_get(lot->entries, full);

	return body ? json_loads(body, 0, NULL) : NULL;
}

size_t lot_entry_count(const struct lot *lot, const char *node)
{
	CLEAN(free_ptr) char *id = text_format("%lld ", (long long)lot_id(lot, "nodes", node));
	const char *key;
	size_t count = 0;

	for (size_t at = 0; map_next(lot->entries, &at, &key, NULL);)
		count += text_starts(key, id, NULL);
	return count;
}

struct whole {
	struct lot *lot;
	const char *id;
	size_t count;
	struct digest digest;
	char last[256];
};

static int check_entry(void *arg, const char *key, const char *body)
{
	struct whole *w = arg;
	CLEAN(free_ptr) char *full = text_format("%s %s", w->id, key);
	const char *known = map_get(w->lot->entries, full);

	if (!known)
		fail_msg("the deltas never set %s", full);
	assert_string_equal(known, body);
	assert_true(strcmp(w->last, key) < 0);
	(void)snprintf(w->last, sizeof w->last, "%s", key);
	digest_add(&w->digest, digest_of_entry(key, body, strlen(body)));
	w->count++;
	return 0;
}

void lot_check_whole(struct lot *lot)
{
	size_t total = 0;
	const char *name;
	void *value;

	for (size_t at = 0; map_next(lot->ids, &at, &name, &value);) {
		const char *node;
		struct whole w = { .lot = lot, .id = value };
		struct digest none = { 0 };

		if (!text_starts(name, "nodes/", &node) ||
		    !fleet_find(lot->fleet, FLEET_NODE, node))
			continue;
		assert_int_equal(plan_node(lot->fleet, atoll(value), check_entry, &w), 0);
		const struct digest *digest = map_get(lot->digests, value);
		assert_true(digest_equal(digest ? *digest : none, w.digest));
		total += w.count;
	}
	assert_int_equal(total, map_size(lot->entries));
}

size_t lot_touched(const struct lot *lot)
{
	return lot->last.count;
}

const struct plan_delta *lot_delta(const struct lot *lot, const char *node)
{
	int64_t id = lot_id(lot, "nodes", node);

	for (size_t i = 0; i < lot->last.count; i++) {
		if (lot->last.items[i].node_id == id)
			return &lot->last.items[i];
	}
	return NULL;
}

// ---- words of the tests ----

void lot_change(struct lot *lot)
{
	struct err err;

	if (lot_commit(lot, &err) < 0)
		fail_msg("refused: %s", err.text);
	lot_check_whole(lot);
}

struct lot *lot_article(void)
{
	static struct lot lot;

	lot_init(&lot);
	lot_put(&lot, "nodes", "rho", "{'address':'rho.example.net'}");
	lot_put(&lot, "nodes", "epsilon", "{'address':'epsilon.example.net:61000'}");
	lot_put(&lot, "nodes", "bob", "{'address':'2001:db8::b'}");
	lot_put(&lot, "nodes", "vorke", "{}");
	lot_put(&lot, "nodes", "pi0", "{}");
	lot_put(&lot, "networks", "home", ARTICLE_NETWORK);
	lot_put(&lot, "segments", "internet", "{'network':'home','mtu':1500}");
	lot_change(&lot);
	lot_facts(&lot, "rho",
		  "{'public_key':'RHO','seen_address':'192.0.2.1','local_addresses':['192.0.2.1/"
		  "24']}");
	lot_facts(&lot, "epsilon", "{'public_key':'EPSILON'}");
	lot_facts(&lot, "bob", "{'public_key':'BOB'}");
	lot_facts(&lot, "vorke",
		  "{'public_key':'VORKE','seen_address':'192.0.2.9','local_addresses':['192.0.2.9/"
		  "24']}");
	lot_facts(&lot, "pi0",
		  "{'public_key':'PI0','seen_address':'198.51.100.7','local_addresses':['192.168.1."
		  "5/24']}");
	lot_change(&lot);
	return &lot;
}

const char *lot_field(json_t *body, const char *name)
{
	static char text[512];
	json_t *value = json_object_get(body, name);

	if (json_is_string(value))
		(void)snprintf(text, sizeof text, "%s", json_string_value(value));
	else
		text[json_dumpb(value, text, sizeof text - 1, JSON_COMPACT | JSON_ENCODE_ANY)] = 0;
	return text;
}

void lot_says(struct lot *lot, const char *node, const char *key, const char *name,
	      const char *value)
{
	json_t *body = lot_entry(lot, node, key);

	if (!body)
		fail_msg("%s has no %s", node, key);
	assert_string_equal(lot_field(body, name), value);
	json_decref(body);
}

bool lot_has(struct lot *lot, const char *node, const char *key)
{
	json_t *body = lot_entry(lot, node, key);

	json_decref(body);
	return body != NULL;
}
