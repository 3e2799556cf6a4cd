// What the nodes of a fleet get from what an operator writes.
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

static void refused(struct lot *lot, const char *sentence)
{
	struct err err = { 0 };

	assert_true(lot_commit(lot, &err) < 0);
	assert_string_equal(err.text, sentence);
	lot_check_whole(lot);
}

static void article_fleet_gets_tunnels_wires_and_bridges(void **state)
{
	struct lot *lot = lot_article();

	(void)state;
	lot_says(lot, "rho", "wireguard/home", "port", "51820");
	lot_says(lot, "rho", "wireguard/home", "mtu", "1560");
	lot_says(lot, "rho", "address/home/10.64.0.1", "address", "10.64.0.1/32");
	lot_says(lot, "rho", "address/home/fd01:203:405:1::1", "address", "fd01:203:405:1::1/128");
	lot_says(lot, "rho", "route/home/pool-v4", "source", "10.64.0.1");
	lot_says(lot, "rho", "route/home/pool-last-v6", "type", "unreachable");
	lot_says(lot, "rho", "peer/home/bob", "allowed_ips",
		 "[\"10.64.0.3/32\",\"fd01:203:405:1::3/128\"]");
	lot_says(lot, "rho", "bridge/internet", "mtu", "1500");
	lot_says(lot, "rho", "address/internet/10.128.0.1", "address", "10.128.0.1/22");
	lot_says(lot, "rho", "wire/internet/pi0", "remote", "10.64.0.5");
	lot_says(lot, "pi0", "wire/internet/rho", "remote", "10.64.0.1");
	lot_says(lot, "rho", "port/internet/pi0", "cost", "100");
	lot_says(lot, "rho", "guard/owner/internet/bob", "prefixes",
		 "[\"10.128.0.3/32\",\"fd01:203:405:8001::3/128\"]");
	assert_false(lot_has(lot, "pi0", "peer/home/bob"));
	assert_false(lot_has(lot, "bob", "wire/internet/pi0"));
	lot_done(lot);
}

static void peers_are_reached_where_they_can_be(void **state)
{
	struct lot *lot = lot_article();

	(void)state;
	lot_says(lot, "bob", "peer/home/rho", "endpoints", "[\"rho.example.net:51820\"]");
	lot_says(lot, "bob", "peer/home/epsilon", "endpoints", "[\"epsilon.example.net:61000\"]");
	lot_says(lot, "rho", "peer/home/bob", "endpoints", "[\"[2001:db8::b]:51820\"]");
	lot_says(lot, "rho", "peer/home/vorke", "endpoints", "[\"192.0.2.9:51820\"]");
	lot_says(lot, "rho", "peer/home/pi0", "endpoints", "[]"); // behind a NAT, not seen yet
	lot_says(lot, "rho", "peer/home/pi0", "keepalive", "0");
	lot_says(lot, "pi0", "peer/home/rho", "keepalive", "15");
	lot_facts(lot, "pi0",
		  "{'public_key':'PI0','seen_address':'198.51.100.7','local_addresses':['192.168.1."
		  "5/24'],"
		  "'endpoints':{'home':'198.51.100.7:4242'}}");
	lot_change(lot);
	lot_says(lot, "rho", "peer/home/pi0", "endpoints", "[\"198.51.100.7:4242\"]");
	assert_int_equal(lot_touched(lot), 1);
	lot_done(lot);
}

static void both_ends_of_a_wire_agree_and_no_two_wires_share_a_vni(void **state)
{
	static const char *const pairs[][2] = {
		{ "rho", "epsilon" }, { "rho", "bob" },       { "rho", "vorke" }, { "rho", "pi0" },
		{ "epsilon", "bob" }, { "epsilon", "vorke" }, { "bob", "vorke" },
	};
	char vnis[7][32];
	struct lot *lot = lot_article();

	(void)state;
	for (size_t i = 0; i < 7; i++) {
		char there[64], back[64];

		(void)snprintf(there, sizeof there, "wire/internet/%s", pairs[i][1]);
		(void)snprintf(back, sizeof back, "wire/internet/%s", pairs[i][0]);
		json_t *a = lot_entry(lot, pairs[i][0], there);
		(void)snprintf(vnis[i], sizeof vnis[i], "%s", lot_field(a, "vni"));
		json_decref(a);
		lot_says(lot, pairs[i][1], back, "vni", vnis[i]);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(vnis[i], vnis[k]);
	}
	lot_done(lot);
}

static void a_node_without_a_key_has_no_peers_until_it_comes(void **state)
{
	struct lot *lot = lot_article();

	(void)state;
	lot_put(lot, "nodes", "new", "{}");
	lot_put(lot, "networks", "home",
		"{'mesh':['rho','epsilon','bob','vorke'],'links':[['rho','pi0'],['bob','new']]}");
	lot_change(lot);
	assert_false(lot_has(lot, "bob", "peer/home/new"));
	assert_true(lot_has(lot, "bob", "wire/internet/new"));
	assert_true(lot_has(lot, "new", "peer/home/bob"));
	lot_facts(lot, "new", "{'public_key':'NEW'}");
	lot_change(lot);
	assert_int_equal(lot_touched(lot), 1);
	assert_true(lot_has(lot, "bob", "peer/home/new"));
	lot_done(lot);
}

static void adding_and_removing_a_node_leaves_the_others_as_they_were(void **state)
{
	struct lot *lot = lot_article();
	size_t before = lot_entry_count(lot, "rho");
	json_t *wire = lot_entry(lot, "rho", "wire/internet/bob");

	(void)state;
	lot_put(lot, "nodes", "new", "{}");
	lot_put(lot, "networks", "home",
		"{'mesh':['new','rho','epsilon','bob','vorke'],'links':[['rho','pi0']]}");
	lot_change(lot);
	json_t *same = lot_entry(lot, "rho", "wire/internet/bob");
	assert_true(json_equal(wire, same));
	const struct plan_delta *d = lot_delta(lot, "pi0"); // only learns what the new one owns
	assert_int_equal(d->count, 1);
	assert_string_equal(d->entries[0].key, "guard/owner/internet/new");
	// The root of the tree is the lowest MAC: a newcomer's is the highest.
	json_t *newcomer = lot_entry(lot, "new", "bridge/internet");
	json_t *bridge = lot_entry(lot, "pi0", "bridge/internet");
	assert_true(strcmp(json_string_value(json_object_get(newcomer, "mac")),
			   json_string_value(json_object_get(bridge, "mac"))) > 0);
	json_decref(newcomer);
	json_decref(bridge);
	lot_put(lot, "nodes", "new", NULL);
	lot_put(lot, "networks", "home", ARTICLE_NETWORK);
	lot_change(lot);
	assert_int_equal(lot_entry_count(lot, "rho"), before);
	assert_int_equal(lot_entry_count(lot, "new"), 0);
	json_decref(wire);
	json_decref(same);
	lot_done(lot);
}

static void a_rename_keeps_devices_addresses_and_vnis(void **state)
{
	struct lot *lot = lot_article();
	json_t *before = lot_entry(lot, "rho", "wire/internet/bob");

	(void)state;
	lot_rename(lot, "nodes", "bob", "robert");
	lot_put(lot, "networks", "home",
		"{'mesh':['rho','epsilon','robert','vorke'],'links':[['rho','pi0']]}");
	lot_change(lot);
	assert_false(lot_has(lot, "rho", "wire/internet/bob"));
	json_t *after = lot_entry(lot, "rho", "wire/internet/robert");
	assert_non_null(after);
	assert_true(
		json_equal(json_object_get(before, "device"), json_object_get(after, "device")));
	assert_true(json_equal(json_object_get(before, "vni"), json_object_get(after, "vni")));
	assert_true(
		json_equal(json_object_get(before, "remote"), json_object_get(after, "remote")));
	assert_true(lot_has(lot, "robert", "address/internet/10.128.0.3"));
	json_decref(before);
	json_decref(after);
	lot_done(lot);
}

static void site_lans_get_routes_owners_and_forwarding(void **state)
{
	struct lot *lot = lot_article();

	(void)state;
	lot_put(lot, "sites", "paris", "{'lan':['10.1.0.0/16','fd00:1::/48']}");
	lot_put(lot, "nodes", "bob", "{'site':'paris'}");
	lot_put(lot, "nodes", "rho", "{'site':'paris'}");
	lot_change(lot);
	// rho has the lower index and speaks for paris.
	lot_says(lot, "vorke", "route/internet/10.1.0.0/16", "via", "10.128.0.1");
	lot_says(lot, "vorke", "route/internet/fd00:1::/48", "via", "fd01:203:405:8001::1");
	assert_true(lot_has(lot, "rho", "sysctl/net.ipv4.ip_forward"));
	assert_true(lot_has(lot, "rho", "sysctl/net.ipv6.conf.all.forwarding"));
	assert_false(lot_has(lot, "bob", "sysctl/net.ipv4.ip_forward"));
	assert_false(lot_has(lot, "bob", "route/internet/10.1.0.0/16"));
	lot_says(
		lot, "rho", "guard/segment/internet", "own",
		"[\"10.128.0.1/32\",\"fd01:203:405:8001::1/128\",\"10.1.0.0/16\",\"fd00:1::/48\"]");
	lot_put(lot, "nodes", "rho", "{}");
	lot_change(lot);
	lot_says(lot, "vorke", "route/internet/10.1.0.0/16", "via", "10.128.0.3");
	assert_false(lot_has(lot, "rho", "sysctl/net.ipv4.ip_forward"));
	lot_done(lot);
}

static void a_link_that_loses_fragments_clamps_the_segment(void **state)
{
	struct lot *lot = lot_article();

	(void)state;
	lot_facts(lot, "pi0",
		  "{'public_key':'PI0','path_mtu':{'home/rho':1440,'home/nobody':600}}");
	lot_change(lot);
	lot_says(lot, "bob", "bridge/internet", "mtu", "1390");
	lot_says(lot, "epsilon", "wire/internet/bob", "mtu", "1390");
	lot_says(lot, "bob", "wireguard/home", "mtu", "1560");
	lot_put(lot, "links", "home.pi0.rho",
		"{'network':'home','ends':['rho','pi0'],'disabled':true}");
	lot_change(lot);
	lot_says(lot, "bob", "bridge/internet", "mtu", "1500");
	assert_false(lot_has(lot, "pi0", "wire/internet/rho"));
	assert_false(lot_has(lot, "pi0", "peer/home/rho"));
	lot_put(lot, "links", "home.bob.rho",
		"{'network':'home','ends':['rho','bob'],'cost':7,'mtu':1300}");
	lot_change(lot);
	lot_says(lot, "bob", "port/internet/rho", "cost", "7");
	lot_says(lot, "epsilon", "bridge/internet", "mtu", "1300");
	lot_done(lot);
}

static void clashes_are_refused_in_one_sentence(void **state)
{
	struct lot *lot = lot_article();

	(void)state;
	lot_put(lot, "sites", "paris", "{'lan':['10.1.0.0/16']}");
	lot_change(lot);
	lot_put(lot, "networks", "home2", "{'mesh':['rho','bob'],'pool':['10.1.0.0/16']}");
	refused(lot, "networks.home2.pool[0]: 10.1.0.0/16 overlaps sites.paris.lan[0] 10.1.0.0/16");
	lot_put(lot, "sites", "ottawa", "{'lan':['10.64.3.0/24']}");
	refused(lot, "sites.ottawa.lan[0]: 10.64.3.0/24 overlaps networks.home.pool 10.64.0.0/16");
	lot_put(lot, "networks", "home2", "{'mesh':['rho','bob','vorke'],'pool':['10.9.0.0/30']}");
	refused(lot, "networks.home2.pool: 10.9.0.0/30 has room for 2 nodes, there are 3");
	lot_put(lot, "networks", "home2", "{'mesh':['rho','bob'],'port':51820}");
	refused(lot, "networks.home2.port: 51820 is already the port of network home");
	lot_put(lot, "links", "home.bob.pi0", "{'network':'home','ends':['bob','pi0']}");
	refused(lot, "links.home.bob.pi0.ends: network home has no link between bob and pi0");
	lot_done(lot);
}

static void pools_avoid_what_nodes_report(void **state)
{
	static struct lot lot;

	(void)state;
	lot_init(&lot);
	lot_put(&lot, "nodes", "a", "{}");
	lot_change(&lot);
	lot_facts(&lot, "a", "{'local_addresses':['10.64.7.1/24','10.128.0.9/16']}");
	lot_change(&lot);
	lot_put(&lot, "networks", "n", "{'mesh':['a']}");
	lot_put(&lot, "segments", "s", "{'network':'n'}");
	lot_change(&lot);
	assert_true(lot_has(&lot, "a", "address/n/10.65.0.1"));
	assert_true(lot_has(&lot, "a", "address/s/10.129.0.1"));
	lot_done(&lot);
}

static char *mesh_of(size_t count)
{
	char *spec = malloc(count * 10 + 32), *at = spec;

	at += sprintf(at, "{'mesh':[");
	for (size_t i = 0; i < count; i++)
		at += sprintf(at, "%s'n%zu'", i ? "," : "", i);
	(void)sprintf(at, "]}");
	return spec;
}

static void a_segment_holds_64_nodes(void **state)
{
	static struct lot lot;
	char name[16];

	(void)state;
	lot_init(&lot);
	for (size_t i = 0; i < 65; i++) {
		(void)snprintf(name, sizeof name, "n%zu", i);
		lot_put(&lot, "nodes", name, "{}");
	}
	char *mesh = mesh_of(64);
	lot_put(&lot, "networks", "m", mesh);
	lot_put(&lot, "segments", "s", "{'network':'m'}");
	lot_change(&lot);
	free(mesh);
	mesh = mesh_of(65);
	lot_put(&lot, "networks", "m", mesh);
	refused(&lot, "segments.s.network: a segment holds at most 64 nodes, network m has 65");
	free(mesh);
	lot_done(&lot);
}

static void one_more_in_a_mesh_of_1000_costs_its_neighbours(void **state)
{
	static struct lot lot;
	struct err err;
	char name[16];

	(void)state;
	lot_init(&lot);
	for (size_t i = 0; i < 1000; i++) {
		(void)snprintf(name, sizeof name, "n%zu", i);
		lot_put(&lot, "nodes", name, "{}");
	}
	char *mesh = mesh_of(999);
	lot_put(&lot, "networks", "m", mesh);
	free(mesh);
	assert_int_equal(lot_commit(&lot, &err), 0);
	assert_int_equal(lot_touched(&lot), 999);
	// In pieces, so that others have their turn in between.
	assert_true(lot.steps > 100);
	mesh = mesh_of(1000);
	lot_put(&lot, "networks", "m", mesh);
	free(mesh);
	assert_int_equal(lot_commit(&lot, &err), 0);
	assert_int_equal(lot_touched(&lot), 1);
	lot_facts(&lot, "n999", "{'public_key':'K'}");
	clock_t start = clock();
	assert_int_equal(lot_commit(&lot, &err), 0);
	// Generous: sanitizers and a shared machine. It is about 20 ms without them.
	assert_true(clock() - start < 2 * CLOCKS_PER_SEC);
	assert_int_equal(lot_touched(&lot), 999);
	assert_int_equal(lot_delta(&lot, "n0")->count, 3); // the peer, its probe and the key
	lot_check_whole(&lot);
	lot_done(&lot);
}

static void each_link_is_probed_under_a_key_of_its_own(void **state)
{
	struct lot *lot = lot_article();
	char key[128];

	(void)state;
	lot_says(lot, "rho", "probe/home/bob", "local", "10.64.0.1");
	lot_says(lot, "rho", "probe/home/bob", "interval_ms", "200");
	lot_says(lot, "rho", "probe/home/bob", "down", "3");
	lot_says(lot, "rho", "probe/home/bob", "port", "862");
	lot_says(lot, "rho", "probe/home/bob", "needs",
		 "[\"peer/home/bob\",\"address/home/10.64.0.1\",\"probe-key/home/bob\"]");
	json_t *body = lot_entry(lot, "rho", "probe-key/home/bob");
	(void)snprintf(key, sizeof key, "%s", lot_field(body, "key"));
	json_decref(body);
	assert_int_equal(strlen(key), 64);
	lot_says(lot, "bob", "probe-key/home/rho", "key", key);
	body = lot_entry(lot, "rho", "probe-key/home/epsilon");
	assert_string_not_equal(lot_field(body, "key"), key);
	json_decref(body);
	lot_rename(lot, "nodes", "bob", "rob");
	lot_put(lot, "networks", "home",
		"{'mesh':['rho','epsilon','rob','vorke'],'links':[['rho','pi0']]}");
	lot_change(lot);
	lot_says(lot, "rho", "probe-key/home/rob", "key", key);
	lot_done(lot);
}

static void a_link_says_how_it_is_probed_before_its_network_does(void **state)
{
	struct lot *lot = lot_article();

	(void)state;
	lot_put(lot, "slas", "voice", "{'latency':'150ms','jitter':'3x','loss':'1%','for':'5s'}");
	lot_put(lot, "networks", "home",
		"{'mesh':['rho','epsilon','bob','vorke'],'links':[['rho','pi0']],"
		"'probe':{'interval':'50ms','down':4},'sla':'voice'}");
	lot_change(lot);
	lot_says(lot, "rho", "probe/home/bob", "interval_ms", "50");
	lot_says(lot, "rho", "probe/home/bob", "down", "4");
	lot_says(lot, "rho", "probe/home/bob", "up", "5");
	lot_says(lot, "bob", "probe/home/rho", "sla",
		 "{\"clear_for_ms\":30000,\"for_ms\":5000,\"jitter_permille\":3000,"
		 "\"latency_us\":150000,\"loss_ppm\":10000}");
	lot_put(lot, "links", "home.bob.rho",
		"{'network':'home','ends':['bob','rho'],'probe':{'interval':'1s','hold_down':'9s'}"
		"}");
	lot_change(lot);
	assert_int_equal(lot_touched(lot), 2);
	lot_says(lot, "bob", "probe/home/rho", "interval_ms", "1000");
	lot_says(lot, "bob", "probe/home/rho", "down", "3");
	lot_says(lot, "bob", "probe/home/rho", "hold_down_ms", "9000");
	lot_says(lot, "bob", "probe/home/epsilon", "interval_ms", "50");
	lot_put(lot, "slas", "voice", "{'latency':'99ms'}");
	lot_change(lot);
	assert_int_equal(lot_touched(lot), 5);
	lot_says(lot, "pi0", "probe/home/rho", "sla",
		 "{\"clear_for_ms\":30000,\"for_ms\":3000,\"latency_us\":99000}");
	lot_done(lot);
}

static void an_external_link_is_watched_at_its_node_alone(void **state)
{
	struct lot *lot = lot_article();

	(void)state;
	lot_put(lot, "slas", "voice", "{'latency':'150ms'}");
	lot_put(lot, "links", "upstairs",
		"{'node':'rho','interface':'tun0','target':'10.9.0.2','sla':'voice',"
		"'probe':{'interval':'1s'}}");
	lot_change(lot);
	assert_int_equal(lot_touched(lot), 1);
	json_t *body = lot_entry(lot, "rho", "echo/upstairs");
	json_t *want = json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:[], s:{s:i, s:i, s:i}}",
				 "device", "tun0", "target", "10.9.0.2", "interval_ms", 1000,
				 "down", 3, "up", 5, "hold_down_ms", 2000, "needs", "sla",
				 "latency_us", 150000, "for_ms", 3000, "clear_for_ms", 30000);
	assert_true(json_equal(body, want));
	json_decref(body);
	json_decref(want);
	lot_put(lot, "slas", "voice", "{'latency':'99ms'}");
	lot_change(lot);
	assert_int_equal(lot_touched(lot), 1);
	lot_rename(lot, "nodes", "rho", "rhododendron");
	lot_put(lot, "networks", "home",
		"{'mesh':['rhododendron','epsilon','bob','vorke'],'links':[['rhododendron','pi0']]"
		"}");
	lot_put(lot, "links", "upstairs",
		"{'node':'rhododendron','interface':'tun0','target':'fd09::2','udp_port':7}");
	lot_change(lot);
	lot_says(lot, "rhododendron", "echo/upstairs", "udp_port", "7");
	lot_put(lot, "links", "upstairs", "{'node':'bob','interface':'t','target':'fd09::2'}");
	lot_change(lot);
	assert_int_equal(lot_touched(lot), 2);
	assert_null(lot_entry(lot, "rhododendron", "echo/upstairs"));
	lot_put(lot, "links", "again", "{'node':'bob','interface':'t','target':'fd09::2'}");
	refused(lot, "links.again.target: upstairs already watches fd09::2 through t of that node");
	lot_put(lot, "links", "upstairs",
		"{'node':'bob','interface':'t','target':'fd09::2','disabled':true}");
	lot_change(lot);
	assert_null(lot_entry(lot, "bob", "echo/upstairs"));
	lot_done(lot);
}

// "upstairs standby tun0, carrier": the links that a prefix is reached by, in order.
static const char *links_to(struct lot *lot, const char *node, const char *prefix)
{
	static char text[256];
	char key[64];
	json_t *way;
	size_t i;

	text[0] = 0;
	(void)snprintf(key, sizeof key, "outside/%s", prefix);
	json_t *body = lot_entry(lot, node, key);
	json_array_foreach(json_object_get(body, "ways"), i, way)
	{
		const size_t len = strlen(text);

		(void)snprintf(text + len, sizeof text - len, "%s%s%s%s%s", i ? ", " : "",
			       json_string_value(json_object_get(way, "link")),
			       json_is_true(json_object_get(way, "standby")) ? " standby" : "",
			       json_is_true(json_object_get(way, "drained")) ? " drained" : "",
			       json_array_size(json_object_get(way, "via")) ? " via" : "");
	}
	json_decref(body);
	return text;
}

static void links_with_one_prefix_stand_in_for_each_other(void **state)
{
	struct lot *lot = lot_article();

	(void)state;
	lot_put(lot, "links", "upstairs",
		"{'node':'pi0','interface':'tun0','target':'10.9.0.2','via':['10.9.0.2','fd09::2'],"
		"'routes':['10.20.0.0/16','fd20::/64']}");
	lot_put(lot, "links", "carrier",
		"{'node':'pi0','interface':'tun1','target':'10.9.1.2','role':'standby',"
		"'routes':['10.30.0.0/16','10.20.0.0/16']}");
	lot_change(lot);
	assert_int_equal(lot_touched(lot), 1);
	assert_string_equal(links_to(lot, "pi0", "10.20.0.0/16"), "upstairs via, carrier standby");
	assert_string_equal(links_to(lot, "pi0", "10.30.0.0/16"), "carrier standby");
	assert_string_equal(links_to(lot, "pi0", "fd20::/64"), "upstairs via");
	lot_says(lot, "pi0", "outside/10.20.0.0/16", "table", "254");
	assert_true(lot_has(lot, "pi0", "sysctl/net.ipv4.ip_forward"));
	assert_true(lot_has(lot, "pi0", "sysctl/net.ipv6.conf.all.forwarding"));
	lot_put(lot, "links", "upstairs",
		"{'node':'pi0','interface':'tun0','target':'10.9.0.2','drain':true,"
		"'routes':['10.20.0.0/16']}");
	lot_rename(lot, "links", "carrier", "another");
	lot_change(lot);
	assert_string_equal(links_to(lot, "pi0", "10.20.0.0/16"),
			    "upstairs drained, another standby");
	assert_false(lot_has(lot, "pi0", "outside/fd20::/64"));
	assert_false(lot_has(lot, "pi0", "sysctl/net.ipv6.conf.all.forwarding"));
	lot_put(lot, "links", "upstairs", NULL);
	lot_change(lot);
	assert_string_equal(links_to(lot, "pi0", "10.20.0.0/16"), "another standby");
	lot_put(lot, "links", "bad",
		"{'node':'pi0','interface':'tun0','target':'10.9.0.2','routes':['10.64.0.0/10']}");
	lot_change(lot);
	lot_put(lot, "links", "bad",
		"{'node':'pi0','interface':'tun0','target':'10.9.0.2','routes':['10.64.0.0/28']}");
	refused(lot, "links.bad.routes[0]: 10.64.0.0/28 lies within the pool of networks.home");
	lot_done(lot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links_with_one_prefix_stand_in_for_each_other),
		cmocka_unit_test(each_link_is_probed_under_a_key_of_its_own),
		cmocka_unit_test(a_link_says_how_it_is_probed_before_its_network_does),
		cmocka_unit_test(an_external_link_is_watched_at_its_node_alone),
		cmocka_unit_test(article_fleet_gets_tunnels_wires_and_bridges),
		cmocka_unit_test(peers_are_reached_where_they_can_be),
		cmocka_unit_test(both_ends_of_a_wire_agree_and_no_two_wires_share_a_vni),
		cmocka_unit_test(a_node_without_a_key_has_no_peers_until_it_comes),
		cmocka_unit_test(adding_and_removing_a_node_leaves_the_others_as_they_were),
		cmocka_unit_test(a_rename_keeps_devices_addresses_and_vnis),
		cmocka_unit_test(site_lans_get_routes_owners_and_forwarding),
		cmocka_unit_test(a_link_that_loses_fragments_clamps_the_segment),
		cmocka_unit_test(clashes_are_refused_in_one_sentence),
		cmocka_unit_test(pools_avoid_what_nodes_report),
		cmocka_unit_test(a_segment_holds_64_nodes),
		cmocka_unit_test(one_more_in_a_mesh_of_1000_costs_its_neighbours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
