// The tree of a segment, from what its nodes tell.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <string.h>

#include "live/live.h"

#define START 1700000000000

static const char *const names[] = { "", "bob", "epsilon", "rho", "vorke" };

static void tell(struct live *live, int64_t id, const char *key, const char *body)
{
	CLEAN(entry_set_free_ptr)
	struct entry_set *set = entry_set_copy(live_node_entries(live, id));
	const struct entry_change change = { key, body, strlen(body) };
	struct msg_observe m = { .changes = &change, .count = 1 };

	assert_int_equal(entry_set_change(set, &change, 1, NULL), 0);
	m.digest = entry_set_digest(set);
	assert_int_equal(live_observed(live, id, &m, START, NULL), 0);
}

static void tell_port(struct live *live, int64_t id, int64_t peer, const char *state,
		      const char *role, int rtt_ms)
{
	char key[64], body[256];

	(void)snprintf(key, sizeof key, "port/lan/%s", names[peer]);
	(void)snprintf(body, sizeof body,
		       "{\"state\":\"%s\",\"role\":\"%s\",\"cost\":%d,\"measured\":true,"
		       "\"rtt_us\":%d,\"loss_ppm\":0}",
		       state, role, 10 * rtt_ms + 10, 1000 * rtt_ms);
	tell(live, id, key, body);
}

// epsilon and vorke have a wire of 25 ms that is blocked; the tree goes over rho. bob has one to
// rho alone.
static struct live *article(void)
{
	const struct live_config config = { .now_ms = START };
	const struct msg_hello hello = { .version = "0.1.0" };
	struct live *live = live_new(&config, NULL, NULL);

	for (int64_t id = 1; id <= 4; id++)
		assert_int_equal(live_node_put(live, id, names[id], NULL, NULL), 0);
	for (int64_t id = 1; id <= 4; id++) {
		char body[128];

		live_connected(live, id, "192.0.2.1:1", &hello, START);
		(void)snprintf(body, sizeof body,
			       "{\"bridge_id\":\"8000.%d\",\"root_id\":\"8000.3\","
			       "\"root_cost\":%d}",
			       (int)id, id == 3 ? 0 : 100);
		tell(live, id, "bridge/lan", body);
		if (id != 3) {
			tell_port(live, id, 3, "forwarding", "root", id == 1 ? 20 : 90);
			tell_port(live, 3, id, "forwarding", "designated", id == 1 ? 20 : 90);
		}
	}
	tell_port(live, 2, 4, "forwarding", "designated", 25);
	tell_port(live, 4, 2, "blocking", "blocked", 25);
	return live;
}

static void root_wires_and_ways_are_told(void **state)
{
	CLEAN(live_free_ptr) struct live *live = article();
	CLEAN(live_tree_done) struct live_tree tree = { 0 };

	(void)state;
	assert_int_equal(live_tree_read(live, "lan", "home", &tree, NULL), 0);
	assert_int_equal(tree.nodes_count, 4);
	assert_int_equal(tree.wires_count, 4);
	assert_string_equal(tree.nodes[tree.root].name, "rho");
	assert_int_equal(tree.nodes[0].root_port, 2);
	json_auto_t *json = live_tree_json(&tree);
	json_t *pairs = json_object_get(json, "pairs"), *wires = json_object_get(json, "wires");
	// bob-epsilon has no wire of its own: the best over any is the tree's.
	json_t *pair = json_array_get(pairs, 0);
	assert_string_equal(json_string_value(json_object_get(pair, "b")), "epsilon");
	assert_true(json_is_null(json_object_get(pair, "direct_ms")));
	assert_float_equal(json_number_value(json_object_get(pair, "path_ms")), 110, 0.01);
	assert_float_equal(json_number_value(json_object_get(pair, "stretch")), 1, 0.01);
	// epsilon-vorke: 180 ms instead of 25.
	pair = json_array_get(pairs, 4);
	assert_string_equal(json_string_value(json_object_get(pair, "a")), "epsilon");
	assert_string_equal(json_string_value(json_object_get(pair, "b")), "vorke");
	assert_int_equal(json_array_size(json_object_get(pair, "path")), 3);
	assert_string_equal(json_string_value(json_array_get(json_object_get(pair, "path"), 1)),
			    "rho");
	assert_float_equal(json_number_value(json_object_get(pair, "stretch")), 7.2, 0.01);
	size_t blocked = 0, at;
	json_t *wire;
	json_array_foreach(wires, at, wire)
	{
		const char *where = json_string_value(json_object_get(wire, "blocked_at"));

		blocked += where && strcmp(where, "vorke") == 0;
	}
	assert_int_equal(blocked, 1);
}

static void samples_are_newer_than_what_costs_rest_on(void **state)
{
	CLEAN(live_free_ptr) struct live *live = article();
	CLEAN(live_tree_done) struct live_tree tree = { 0 };
	json_auto_t *values = json_pack("{s:{s:i}}", "link/home/rho", "rtt_us", 30000);
	const struct msg_samples samples = { .at_ms = START, .values = values };

	(void)state;
	live_samples(live, 1, &samples, START);
	assert_int_equal(live_tree_read(live, "lan", "home", &tree, NULL), 0);
	// 30 ms at bob, 20 at rho, who sends none.
	assert_int_equal(tree.wires[0].rtt_us, 25000);
}

static void who_is_away_tells_nothing(void **state)
{
	CLEAN(live_free_ptr) struct live *live = article();
	CLEAN(live_tree_done) struct live_tree tree = { 0 };
	size_t unknown = 0, down = 0;

	(void)state;
	live_disconnected(live, 2, "gone", START);
	live_disconnected(live, 4, "gone", START);
	tell_port(live, 3, 4, "disabled", "disabled", 90);
	assert_int_equal(live_tree_read(live, "lan", "home", &tree, NULL), 0);
	for (size_t i = 0; i < tree.wires_count; i++) {
		unknown += tree.wires[i].state == LIVE_WIRE_UNKNOWN;
		down += tree.wires[i].state == LIVE_WIRE_DOWN;
	}
	assert_int_equal(unknown, 1); // epsilon-vorke
	assert_int_equal(down, 1);    // rho-vorke
	json_auto_t *json = live_tree_json(&tree);
	json_t *pair = json_array_get(json_object_get(json, "pairs"), 4);
	assert_int_equal(json_array_size(json_object_get(pair, "path")), 0);
	assert_true(json_is_null(json_object_get(pair, "stretch")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(root_wires_and_ways_are_told),
		cmocka_unit_test(samples_are_newer_than_what_costs_rest_on),
		cmocka_unit_test(who_is_away_tells_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
