// Routed segments and what is drained: the paths between nodes.
// cmocka.h needs these before it.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lot.h"

// "0 1:epsilon:drained": the ways from one node of the segment `lan` to another.
static const char *ways_of(struct lot *lot, const char *from, const char *to)
{
	static char text[256];
	char key[64];
	json_t *way;
	size_t i;

	text[0] = 0;
	(void)snprintf(key, sizeof key, "path/lan/%s", to);
	json_t *body = lot_entry(lot, from, key);
	json_array_foreach(json_object_get(body, "ways"), i, way)
	{
		const char *by = json_string_value(json_object_get(way, "by"));
		const size_t len = strlen(text);

		(void)snprintf(text + len, sizeof text - len, "%s%d%s%s%s%s", len ? " " : "",
			       (int)json_integer_value(json_object_get(way, "number")),
			       by ? ":" : "", by ? by : "",
			       json_is_true(json_object_get(way, "standby")) ? ":standby" : "",
			       json_is_true(json_object_get(way, "drained")) ? ":drained" : "");
	}
	json_decref(body);
	return text;
}

static void routed_segment_has_paths_around_its_links(void **state)
{
	struct lot *lot = lot_article();

	(void)state;
	lot_put(lot, "sites", "paris", "{'lan':['10.1.0.0/16','fd00:1::/48']}");
	lot_put(lot, "nodes", "bob", "{'address':'2001:db8::b','site':'paris'}");
	lot_put(lot, "segments", "internet", NULL);
	lot_put(lot, "segments", "lan", "{'network':'home','mode':'routed'}");
	lot_change(lot);
	assert_false(lot_has(lot, "rho", "bridge/lan") || lot_has(lot, "rho", "port/lan/bob"));
	lot_says(lot, "rho", "wire/lan/bob", "routed", "true");
	assert_true(lot_has(lot, "rho", "address/lan/10.128.4.1@bob"));
	assert_true(lot_has(lot, "rho", "address/lan/10.128.4.1@vorke"));
	// The main table knows the direct ways only; all may forward.
	lot_says(lot, "rho", "route/lan/10.1.0.0/16", "via", "10.128.4.3");
	lot_says(lot, "rho", "route/lan/10.128.4.3/32", "table", "254");
	assert_false(lot_has(lot, "pi0", "route/lan/10.1.0.0/16"));
	// What passes through stays in its segment, whatever others lead there.
	lot_says(lot, "rho", "route/lan/10.1.0.0/16@passing", "table", "22345");
	lot_says(lot, "rho", "rule/lan/bob@v4", "table", "22345");
	lot_says(lot, "rho", "rule/lan/bob@v6", "priority", "22341");
	assert_true(lot_has(lot, "vorke", "route/lan/fd00:1::/48@passing"));
	assert_true(lot_has(lot, "vorke", "sysctl/net.ipv4.ip_forward"));
	assert_true(lot_has(lot, "vorke", "rule/routed/own-v6"));
	lot_says(lot, "bob", "rule/routed/fd00:1::/48", "from", "fd00:1::/48");
	assert_false(lot_has(lot, "vorke", "rule/routed/fd00:1::/48"));
	lot_says(lot, "rho", "guard/sender/lan/bob", "prefixes",
		 "[\"10.128.4.3/32\",\"fd01:203:405:8002::3/128\",\"10.1.0.0/16\",\"fd00:1::/"
		 "48\"]");
	assert_string_equal(ways_of(lot, "rho", "bob"), "0 1:epsilon 2:vorke");
	assert_string_equal(ways_of(lot, "bob", "rho"), "0 1:epsilon 2:vorke");
	// Behind a NAT and linked with one node only: by that.
	assert_string_equal(ways_of(lot, "pi0", "bob"), "1:rho");
	assert_string_equal(ways_of(lot, "pi0", "rho"), "0");
	json_t *mine = lot_entry(lot, "rho", "path-key/lan/bob"),
	       *theirs = lot_entry(lot, "bob", "path-key/lan/rho");
	assert_true(mine && json_equal(mine, theirs));
	json_decref(mine);
	json_decref(theirs);

	lot_put(lot, "links", "home.bob.rho",
		"{'network':'home','ends':['bob','rho'],'drain':true}");
	lot_put(lot, "links", "home.epsilon.rho",
		"{'network':'home','ends':['epsilon','rho'],'role':'standby'}");
	lot_put(lot, "nodes", "vorke", "{'drain':true}");
	lot_change(lot);
	assert_string_equal(ways_of(lot, "rho", "bob"),
			    "0:drained 1:epsilon:standby 2:vorke:drained");
	assert_string_equal(ways_of(lot, "bob", "epsilon"),
			    "0 1:rho:standby:drained 2:vorke:drained");
	// What ends at a drained node has nowhere else to go.
	assert_string_equal(ways_of(lot, "bob", "vorke"), "0 1:rho:drained 2:epsilon");
	lot_put(lot, "links", "home.bob.rho",
		"{'network':'home','ends':['bob','rho'],'disabled':true}");
	lot_change(lot);
	assert_string_equal(ways_of(lot, "rho", "bob"), "1:epsilon:standby 2:vorke:drained");
	assert_false(lot_has(lot, "rho", "route/lan/10.1.0.0/16"));
	lot_done(lot);
}

static void a_drained_node_is_the_trees_last_resort(void **state)
{
	struct lot *lot = lot_article();

	(void)state;
	lot_put(lot, "nodes", "vorke", "{'drain':true}");
	lot_put(lot, "links", "home.bob.rho",
		"{'network':'home','ends':['bob','rho'],'drain':true,'cost':7}");
	lot_change(lot);
	lot_says(lot, "rho", "port/internet/vorke", "cost", "65535");
	lot_says(lot, "vorke", "port/internet/rho", "cost", "65535");
	lot_says(lot, "bob", "port/internet/rho", "cost", "65535");
	lot_says(lot, "bob", "port/internet/epsilon", "cost", "100");
	lot_done(lot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(routed_segment_has_paths_around_its_links),
		cmocka_unit_test(a_drained_node_is_the_trees_last_resort),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
