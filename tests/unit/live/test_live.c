// The present: what nodes report, how they are, and what a browser gets that looks away and comes
// back.

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "live/live.h"

#define START 1700000000000

struct record {
	int stored;
	char last_kind[64];
	char last_text[256];
	int wants;
	int wakes;
};

static void store_event(void *ctx, const struct live_event *event)
{
	struct record *r = ctx;

	r->stored++;
	(void)snprintf(r->last_kind, sizeof(r->last_kind), "%s", event->kind);
	(void)snprintf(r->last_text, sizeof(r->last_text), "%s", event->text);
}

static void samples_want(void *ctx, int64_t node_id, int change)
{
	assert_int_equal(node_id, 0);
	((struct record *)ctx)->wants += change;
}

static void wake(void *ctx)
{
	((struct record *)ctx)->wakes++;
}

static struct live *start(struct record *record)
{
	static const struct live_ops ops = { .store_event = store_event,
					     .samples_want = samples_want };
	const struct live_config config = { .now_ms = START,
					    .node_entries = 20,
					    .node_bytes = 2000,
					    .ring_items = 8,
					    .events_burst = 5,
					    .events_per_hour = 3600 };
	struct live *live = live_new(&config, &ops, record);

	assert_non_null(live);
	assert_int_equal(live_node_put(live, 1, "rho", "hq", NULL), 0);
	assert_int_equal(live_node_put(live, 2, "bob", NULL, NULL), 0);
	return live;
}

static void connect_node(struct live *live, int64_t id)
{
	const struct msg_hello hello = { .version = "0.1.0", .base_revision = 3 };

	live_connected(live, id, "192.0.2.1:1", &hello, START);
}

// One complete observation.
static int observe(struct live *live, int64_t id, bool reset, const char *key, const char *body)
{
	CLEAN(entry_set_free_ptr)
	struct entry_set *set =
		reset ? entry_set_new() : entry_set_copy(live_node_entries(live, id));
	const struct entry_change change = { key, body, body ? strlen(body) : 0 };
	struct msg_observe m = { .reset = reset, .changes = &change, .count = 1 };

	assert_int_equal(entry_set_change(set, &change, 1, NULL), 0);
	m.digest = entry_set_digest(set);
	return live_observed(live, id, &m, START, NULL);
}

static void expect_item(struct live_subscriber *s, const char *kind, const char *part)
{
	struct live_item item;

	assert_int_equal(live_read(s, &item), 1);
	assert_string_equal(item.kind, kind);
	assert_int_equal(strlen(item.data), item.len);
	json_t *json = json_loads(item.data, 0, NULL);
	assert_non_null(json);
	json_decref(json);
	assert_null(strchr(item.data, '\n'));
	if (!strstr(item.data, part))
		fail_msg("%s lacks %s", item.data, part);
}

static void observations_flow_to_subscribers(void **state)
{
	struct record r = { 0 };
	CLEAN(live_free_ptr) struct live *live = start(&r);
	struct live_subscriber *s = live_subscribe(live, 0, false, wake, &r);
	struct live_item item;

	(void)state;
	assert_int_equal(live_read(s, &item), 0);
	connect_node(live, 1);
	assert_int_equal(r.wakes, 1);
	assert_int_equal(observe(live, 1, true, "peer/home/bob", "{\"state\":\"up\"}"), 0);
	assert_int_equal(observe(live, 1, false, "peer/home/eve", "{\"state\":\"down\"}"), 0);
	assert_int_equal(r.wakes, 1); // it has not slept since
	expect_item(s, "node", "\"name\":\"rho\"");
	expect_item(s, "entry", "\"set\":{\"peer/home/bob\":{\"state\":\"up\"}}");
	expect_item(s, "entry", "peer/home/eve");
	// A reset brings only what is different.
	assert_int_equal(observe(live, 1, true, "peer/home/bob", "{\"state\":\"up\"}"), 0);
	expect_item(s, "entry", "\"set\":{},\"drop\":[\"peer/home/eve\"]");
	assert_int_equal(observe(live, 1, true, "peer/home/bob", "{\"state\":\"up\"}"), 0);
	assert_int_equal(live_read(s, &item), 0);
	json_t *json = live_observed_json(live, 1);
	assert_string_equal(
		json_string_value(json_object_get(
			json_object_get(json_object_get(json, "entries"), "peer/home/bob"),
			"state")),
		"up");
	json_decref(json);
	live_unsubscribe(s);
}

static void lies_and_floods_are_refused(void **state)
{
	struct record r = { 0 };
	CLEAN(live_free_ptr) struct live *live = start(&r);
	struct entry_change change = { "a", "{}", 2 };
	struct msg_observe m = { .reset = true, .changes = &change, .count = 1 };
	struct entry_change many[21];
	char keys[21][8];

	(void)state;
	assert_int_equal(observe(live, 1, true, "good", "{}"), 0);
	assert_int_equal(live_observed(live, 1, &m, START, NULL), -EBADMSG);
	assert_non_null(entry_set_get(live_node_entries(live, 1), "good", NULL));
	assert_int_equal(live_observed(live, 9, &m, START, NULL), -ENOENT);
	for (size_t i = 0; i < 21; i++) {
		(void)snprintf(keys[i], sizeof(keys[i]), "k%zu", i);
		many[i] = (struct entry_change){ keys[i], "{}", 2 };
	}
	m = (struct msg_observe){ .reset = true, .more = true, .changes = many, .count = 21 };
	assert_int_equal(live_observed(live, 1, &m, START, NULL), -E2BIG);
	assert_int_equal(entry_set_count(live_node_entries(live, 1)), 1);
}

static void parts_of_a_reset_come_in_together(void **state)
{
	struct record r = { 0 };
	CLEAN(live_free_ptr) struct live *live = start(&r);
	CLEAN(entry_set_free_ptr) struct entry_set *whole = entry_set_new();
	struct entry_change first = { "a", "{}", 2 };
	struct entry_change second = { "b", "{}", 2 };

	(void)state;
	assert_int_equal(observe(live, 1, true, "old", "{}"), 0);
	assert_int_equal(entry_set_put(whole, "a", "{}", 2, NULL), 1);
	assert_int_equal(entry_set_put(whole, "b", "{}", 2, NULL), 1);
	struct msg_observe m = { .reset = true,
				 .more = true,
				 .changes = &first,
				 .count = 1,
				 .digest = entry_set_digest(whole) };
	assert_int_equal(live_observed(live, 1, &m, START, NULL), 0);
	assert_non_null(entry_set_get(live_node_entries(live, 1), "old", NULL));
	m.reset = m.more = false;
	m.changes = &second;
	assert_int_equal(live_observed(live, 1, &m, START, NULL), 0);
	assert_int_equal(entry_set_count(live_node_entries(live, 1)), 2);
	assert_null(entry_set_get(live_node_entries(live, 1), "old", NULL));
}

static void health_has_a_reason(void **state)
{
	struct record r = { 0 };
	CLEAN(live_free_ptr) struct live *live = start(&r);
	char reason[LIVE_REASON_SIZE];
	struct digest target = { .low = 5 };
	const struct msg_entry_error error = { "peer/home/bob", "no such device", NULL };
	struct msg_applied applied = { .revision = 9, .digest = target };

	(void)state;
	assert_int_equal(live_node_health(live, 1, START, reason), LIVE_HEALTH_NEVER);
	connect_node(live, 1);
	live_node_target(live, 1, 9, target, START);
	assert_int_equal(live_node_health(live, 1, START + 1000, reason), LIVE_HEALTH_OK);
	assert_int_equal(live_node_health(live, 1, START + 2001, reason), LIVE_HEALTH_LAGGING);
	assert_string_equal(reason, "at revision 3, should be at 9");
	uint64_t before = live_cursor(live);
	live_tick(live, START + 2001);
	assert_int_equal(live_cursor(live), before + 1); // it is told, once
	live_tick(live, START + 3001);
	assert_int_equal(live_cursor(live), before + 1);
	live_applied(live, 1, &applied, START + 3000);
	assert_int_equal(live_node_health(live, 1, START + 9000, reason), LIVE_HEALTH_OK);
	// Of the programs beside the agent: what runs by an older file than it should is not well.
	assert_int_equal(observe(live, 1, true, "dns/paris",
				 "{\"state\":\"running\",\"error\":\"lists: too many\"}"),
			 0);
	assert_int_equal(live_node_health(live, 1, START + 9000, reason), LIVE_HEALTH_ERROR);
	assert_string_equal(reason, "dns/paris: lists: too many");
	assert_int_equal(observe(live, 1, true, "splitter/weft", "{\"state\":\"running\"}"), 0);
	assert_int_equal(live_node_health(live, 1, START + 9000, reason), LIVE_HEALTH_OK);
	applied.errors = &error;
	applied.errors_count = 1;
	applied.errors_total = 3;
	live_applied(live, 1, &applied, START + 3000);
	assert_int_equal(live_node_health(live, 1, START + 9000, reason), LIVE_HEALTH_ERROR);
	assert_string_equal(reason, "peer/home/bob: no such device (and 2 more)");
	live_disconnected(live, 1, "silent", START + 9000);
	assert_int_equal(live_node_health(live, 1, START + 9000, reason), LIVE_HEALTH_OFFLINE);
	assert_string_equal(reason, "not connected: silent");
	json_t *json = live_state_json(live, START + 9000);
	assert_int_equal(json_array_size(json_object_get(json, "nodes")), 2);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(json, "counts"), "offline")), 1);
	json_decref(json);
}

static void names_may_be_swapped(void **state)
{
	struct record r = { 0 };
	CLEAN(live_free_ptr) struct live *live = start(&r);

	(void)state;
	assert_int_equal(live_node_put(live, 1, "bob", NULL, NULL), 0);
	assert_int_equal(live_node_put(live, 2, "rho", NULL, NULL), 0);
	assert_int_equal(live_node_id(live, "bob"), 1);
	assert_int_equal(live_node_id(live, "rho"), 2);
	live_node_drop(live, 1);
	assert_int_equal(live_node_id(live, "bob"), 0);
	assert_null(live_node_json(live, 1, START));
}

static void say(struct live *live, int n)
{
	json_t *what = json_pack("{s:s}", "who", "admin");

	for (int i = 0; i < n; i++)
		live_revision(live, i + 1, what);
	json_decref(what);
}

static void a_cursor_resumes_or_resets(void **state)
{
	struct record r = { 0 };
	CLEAN(live_free_ptr) struct live *live = start(&r);
	struct live_item item;

	(void)state;
	say(live, 3);
	uint64_t cursor = live_cursor(live);
	say(live, 2);
	struct live_subscriber *s = live_subscribe(live, cursor, false, NULL, NULL);
	expect_item(s, "revision", "\"revision\":1");
	expect_item(s, "revision", "\"revision\":2");
	assert_int_equal(live_read(s, &item), 0);
	// Slow: the ring of 8 has gone on.
	say(live, 9);
	assert_int_equal(live_read(s, &item), -ESTALE);
	assert_int_equal(live_read(s, &item), 0);
	say(live, 8);
	expect_item(s, "revision", "\"revision\":1");
	live_unsubscribe(s);
	// Of an earlier run, and of none.
	s = live_subscribe(live, 17, false, NULL, NULL);
	assert_int_equal(live_read(s, &item), -ESTALE);
	assert_int_equal(live_read(s, &item), 0);
	live_unsubscribe(s);
	s = live_subscribe(live, live_cursor(live) + 1, false, NULL, NULL);
	assert_int_equal(live_read(s, &item), -ESTALE);
	live_unsubscribe(s);
}

static void samples_go_only_to_who_wants_them(void **state)
{
	struct record r = { 0 };
	CLEAN(live_free_ptr) struct live *live = start(&r);
	struct live_subscriber *with = live_subscribe(live, 0, true, NULL, NULL);
	struct live_subscriber *without = live_subscribe(live, 0, false, NULL, NULL);
	json_t *values = json_pack("{s:{s:i}}", "node/self", "rss_kb", 7);
	const struct msg_samples samples = { .at_ms = START, .values = values };
	struct live_item item;

	(void)state;
	assert_int_equal(r.wants, 1);
	for (int i = 0; i < 50; i++)
		live_samples(live, 1, &samples, START);
	say(live, 1);
	// Samples push out samples, not changes; their loss is no reset.
	assert_int_equal(live_read(with, &item), 1);
	assert_string_equal(item.kind, "sample");
	expect_item(without, "revision", "");
	live_unsubscribe(with);
	live_unsubscribe(without);
	assert_int_equal(r.wants, 0);
	json_decref(values);
}

static void events_are_rationed(void **state)
{
	struct record r = { 0 };
	CLEAN(live_free_ptr) struct live *live = start(&r);
	const struct msg_event event = { START, "warning", "drift_repaired", "route/a/b",
					 "came back" };

	(void)state;
	for (int i = 0; i < 100; i++)
		live_event(live, 1, &event, START);
	assert_int_equal(r.stored, 5);
	live_event(live, 2, &event, START); // another node has its own ration
	assert_int_equal(r.stored, 6);
	live_event(live, 1, &event, START + 1000);
	assert_int_equal(r.stored, 7);
	live_tick(live, START + 120000);
	assert_int_equal(r.stored, 8);
	assert_string_equal(r.last_kind, "events_suppressed");
}

static void who_goes_away_and_comes_back_is_told(void **state)
{
	struct record record = { 0 };
	struct live *live = start(&record);

	(void)state;
	live_tick(live, START + 60000);
	assert_int_equal(record.stored, 0); // who was never here is not away
	connect_node(live, 1);
	live_disconnected(live, 1, "the connection broke", START + 1000);
	live_tick(live, START + 3900);
	connect_node(live, 1);
	assert_int_equal(record.stored, 0); // back at once: no news
	live_disconnected(live, 1, "the connection broke", START + 10000);
	live_tick(live, START + 13000);
	live_tick(live, START + 14000);
	assert_int_equal(record.stored, 1);
	assert_string_equal(record.last_kind, "node_offline");
	assert_string_equal(record.last_text, "rho is offline since 3 s: the connection broke");
	connect_node(live, 1);
	assert_int_equal(record.stored, 2);
	assert_string_equal(record.last_kind, "node_online");
	live_free(live);
}

static void many_that_go_away_are_one_event(void **state)
{
	struct record record = { 0 };
	struct live *live = start(&record);

	(void)state;
	for (int64_t id = 100; id < 130; id++) {
		char name[16];
		(void)snprintf(name, sizeof(name), "n%lld", (long long)id);
		assert_int_equal(live_node_put(live, id, name, NULL, NULL), 0);
		connect_node(live, id);
		live_disconnected(live, id, "the connection broke", START + 1000);
	}
	live_tick(live, START + 5000);
	assert_int_equal(record.stored, 1);
	assert_non_null(strstr(record.last_text, "30 nodes are offline: "));
	assert_non_null(strstr(record.last_text, " and 25 more"));
	for (int64_t id = 100; id < 130; id++)
		connect_node(live, id);
	assert_int_equal(record.stored, 1);
	live_free(live);
}

static void topology_is_what_both_ends_say(void **state)
{
	struct record r = { 0 };
	CLEAN(live_free_ptr) struct live *live = start(&r);
	json_t *path = NULL;

	(void)state;
	connect_node(live, 1);
	connect_node(live, 2);
	assert_int_equal(observe(live, 1, true, "peer/home/bob", "{\"state\":\"up\"}"), 0);
	assert_int_equal(observe(live, 2, true, "peer/home/rho", "{\"state\":\"never\"}"), 0);
	json_t *json = live_topology_json(live, START, false);
	char *dump = json_dumps(json_object_get(json, "links"), JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(dump, "[{\"a\":\"bob\",\"b\":\"rho\",\"network\":\"home\",\"state\":"
				  "\"down\"}]");
	free(dump);
	json_decref(json);
	assert_int_equal(observe(live, 2, false, "peer/home/rho", "{\"state\":\"up\"}"), 0);
	assert_int_equal(observe(live, 1, false, "port/lan/bob", "{\"state\":\"forwarding\"}"), 0);
	assert_int_equal(observe(live, 2, false, "port/lan/rho", "{\"state\":\"blocking\"}"), 0);
	json = live_state_json(live, START);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(json, "counts"), "links_up")),
		1);
	json_decref(json);
	assert_int_equal(live_segment_path(live, "lan", "rho", "bob", &path, NULL), 0);
	assert_string_equal(json_string_value(json_object_get(path, "broken_at")), "rho");
	json_decref(path);
	assert_int_equal(observe(live, 2, false, "port/lan/rho", "{\"state\":\"forwarding\"}"), 0);
	assert_int_equal(live_segment_path(live, "lan", "rho", "bob", &path, NULL), 0);
	assert_true(json_is_null(json_object_get(path, "broken_at")));
	assert_int_equal(json_array_size(json_object_get(path, "path")), 2);
	json_decref(path);
	assert_int_equal(live_segment_path(live, "lan", "rho", "eve", &path, NULL), -ENOENT);
}

static json_int_t links_up(struct live *live)
{
	json_t *json = live_state_json(live, START);
	json_int_t up =
		json_integer_value(json_object_get(json_object_get(json, "counts"), "links_up"));

	json_decref(json);
	return up;
}

static void very_many_links_are_counted_in_pieces(void **state)
{
	enum { NODES = 150 };
	const struct live_ops ops = { 0 };
	const struct live_config config = { .now_ms = START, .count_at_once = 20000 };
	CLEAN(live_free_ptr) struct live *live = live_new(&config, &ops, NULL);
	char names[NODES][32];

	(void)state;
	for (int i = 0; i < NODES; i++) {
		(void)snprintf(names[i], sizeof names[i], "peer/home/n%d", i);
		assert_int_equal(live_node_put(live, i + 1, strrchr(names[i], '/') + 1, NULL, NULL),
				 0);
		connect_node(live, i + 1);
	}
	for (int i = 0; i < NODES; i++) {
		CLEAN(entry_set_free_ptr) struct entry_set *set = entry_set_new();
		struct entry_change changes[NODES] = { 0 };
		struct msg_observe m = { .reset = true, .changes = changes };

		for (int k = 0; k < NODES; k++) {
			if (k != i)
				changes[m.count++] =
					(struct entry_change){ names[k], "{\"state\":\"up\"}", 14 };
		}
		assert_int_equal(entry_set_change(set, changes, m.count, NULL), 0);
		m.digest = entry_set_digest(set);
		assert_int_equal(live_observed(live, i + 1, &m, START, NULL), 0);
	}
	assert_int_equal(links_up(live), 0); // nobody who asks has to wait for it
	for (int i = 0; i < NODES && links_up(live) == 0; i++)
		live_count_links(live);
	assert_int_equal(links_up(live), NODES * (NODES - 1) / 2);
	// And again: what changed meanwhile is seen.
	assert_int_equal(observe(live, 1, false, names[1], "{\"state\":\"down\"}"), 0);
	for (int i = 0; i < NODES; i++)
		live_count_links(live);
	assert_int_equal(links_up(live), NODES * (NODES - 1) / 2 - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(observations_flow_to_subscribers),
		cmocka_unit_test(lies_and_floods_are_refused),
		cmocka_unit_test(parts_of_a_reset_come_in_together),
		cmocka_unit_test(health_has_a_reason),
		cmocka_unit_test(names_may_be_swapped),
		cmocka_unit_test(a_cursor_resumes_or_resets),
		cmocka_unit_test(samples_go_only_to_who_wants_them),
		cmocka_unit_test(events_are_rationed),
		cmocka_unit_test(who_goes_away_and_comes_back_is_told),
		cmocka_unit_test(many_that_go_away_are_one_event),
		cmocka_unit_test(topology_is_what_both_ends_say),
		cmocka_unit_test(very_many_links_are_counted_in_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
