// What of a bridge segment's tree is still led over what is drained.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "base/clean.h"

#include "cli/drain_tree.h"

// A ring of bob, eve and rho, and pi behind rho. `wires`: "bob-eve:F:65535 ...", F: both ends
// forward, B: one does not.
static json_t *topology_of(const char *wires)
{
	json_t *ports = json_array(), *links = json_array();
	char a[8], b[8], state;
	int cost, used;

	for (; sscanf(wires, " %7[a-z]-%7[a-z]:%c:%d%n", a, b, &state, &cost, &used) == 4;
	     wires += used) {
		(void)json_array_append_new(ports,
					    json_pack("{s:s, s:s, s:s, s:i}", "node", a, "peer", b,
						      "state", "forwarding", "cost", cost));
		(void)json_array_append_new(
			ports, json_pack("{s:s, s:s, s:s, s:i}", "node", b, "peer", a, "state",
					 state == 'F' ? "forwarding" : "blocking", "cost", cost));
		(void)json_array_append_new(links,
					    json_pack("{s:s, s:s, s:s, s:s}", "network", "home",
						      "a", a, "b", b, "state", "up"));
	}
	return json_pack("{s:o, s:[{s:s, s:s, s:o}]}", "links", links, "segments", "name", "lan",
			 "network", "home", "ports", ports);
}

// "safe", "moving", "stuck", "none"
static const char *look(struct drain_tree *d, const char *wires)
{
	CLEAN(text_free) struct text left = { 0 };
	json_t *topology = topology_of(wires);

	drain_tree_look(d, topology, &left);
	json_decref(topology);
	assert_true((left.len > 0) == (d->moving + d->stuck > 0));
	assert_in_range(d->safe + d->moving + d->stuck, 0, 1);
	return d->safe ? "safe" : d->moving ? "moving" : d->stuck ? "stuck" : "none";
}

static void a_link_is_safe_when_the_tree_goes_round_it(void **state)
{
	struct drain_tree d = { .network = "home", .ends = { "bob", "rho" } };

	(void)state;
	assert_string_equal(look(&d, "bob-eve:F:100 eve-rho:B:100 bob-rho:F:65535 pi-rho:F:100"),
			    "moving");
	assert_string_equal(look(&d, "bob-eve:F:100 eve-rho:F:100 bob-rho:B:65535 pi-rho:F:100"),
			    "safe");
	// Both ends have to have taken it in: else it may begin to be used.
	assert_string_equal(look(&d, "bob-eve:F:100 eve-rho:F:100 bob-rho:B:100 pi-rho:F:100"),
			    "moving");
	assert_string_equal(look(&d, "bob-rho:F:65535 pi-rho:F:100"), "stuck");
	assert_string_equal(look(&d, "bob-eve:F:100 eve-rho:F:100"), "none");
	d.network = "other";
	assert_string_equal(look(&d, "bob-eve:F:100 eve-rho:B:100 bob-rho:F:65535"), "none");
}

static void a_node_keeps_one_wire_for_itself(void **state)
{
	struct drain_tree d = { .node = "eve" };

	(void)state;
	assert_string_equal(look(&d, "bob-eve:F:65535 eve-rho:F:65535 bob-rho:B:100 pi-rho:F:100"),
			    "moving");
	assert_string_equal(look(&d, "bob-eve:F:65535 eve-rho:B:65535 bob-rho:F:100 pi-rho:F:100"),
			    "safe");
	d.node = "rho"; // pi is reached through it alone
	assert_string_equal(
		look(&d, "bob-eve:F:100 eve-rho:F:65535 bob-rho:B:65535 pi-rho:F:65535"), "stuck");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_link_is_safe_when_the_tree_goes_round_it),
		cmocka_unit_test(a_node_keeps_one_wire_for_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
