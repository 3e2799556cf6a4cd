// Real rules of other firewalls (as docker, ufw and firewalld make them on Debian) are told to drop
// what they drop, and no more.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "base/file.h"
#include "base/text.h"

#include "doctor/firewall_iptables.h"
#include "doctor/firewall_walk.h"

#define RULES WEFT_SOURCE_DIR "/tests/netns/rules/"

// Not inlined: gcc 12 then takes the text for its own variable, and warns of a dangling pointer.
__attribute__((noinline)) static char *read_text(const char *path)
{
	char *text = NULL;

	assert_int_equal(file_read(path, 1 << 20, &text, NULL, NULL), 0);
	return text;
}

// A dump of iptables with one more rule before the first of its table's; NULL: none.
static json_t *iptables(const char *path, const char *rule)
{
	CLEAN(free_ptr) char *text = read_text(path);
	json_t *objects = json_array();
	const char *found = strstr(text, "\n-A ");
	assert_non_null(found);
	const size_t head = (size_t)(found - text);
	CLEAN(free_ptr)
	char *all = text_format("%.*s\n%s%s", (int)head, text, rule ? rule : "", text + head);

	firewall_add_iptables(objects, "ip", all);
	return json_pack("{s:o}", "nftables", objects);
}

static json_t *listing(const char *rules)
{
	json_t *json = json_loads(rules, 0, NULL);

	assert_non_null(json);
	return json;
}

static void expect(json_t *rules, enum walk_hook hook, const struct walk_packet *packet,
		   enum walk_verdict verdict)
{
	struct walk_result r;

	firewall_walk(rules, hook, packet, &r);
	assert_int_equal(r.verdict, verdict);
	json_decref(rules);
}

static const struct walk_packet tunnel = { 4, "eth0", "", 51820 };
static const struct walk_packet bridged = { 4, "wbaaaaaaaa", "wbaaaaaaaa", 40000 };

static void docker_drops_what_is_bridged_until_it_is_let(void **state)
{
	const char *path = RULES "docker.rules";

	(void)state;
	expect(iptables(path, NULL), WALK_FORWARD, &bridged, WALK_DROP);
	expect(iptables(path, NULL), WALK_INPUT, &tunnel, WALK_ACCEPT);
	expect(iptables(path, "-A DOCKER-USER -i wbaaaaaaaa -o wbaaaaaaaa -j ACCEPT"), WALK_FORWARD,
	       &bridged, WALK_ACCEPT);
	expect(iptables(path, "-A DOCKER-USER -i wb+ -j ACCEPT"), WALK_FORWARD, &bridged,
	       WALK_ACCEPT);
	expect(iptables(path, "-A DOCKER-USER -i wbbbbbbbbb -j ACCEPT"), WALK_FORWARD, &bridged,
	       WALK_DROP);
	// A condition that is not understood may hold or not.
	expect(iptables(path, "-A DOCKER-USER -m set --match-set friends src -j ACCEPT"),
	       WALK_FORWARD, &bridged, WALK_UNSURE);
}

static void ufw_drops_the_tunnel_until_its_port_is_allowed(void **state)
{
	const char *path = RULES "ufw.rules";

	(void)state;
	expect(iptables(path, NULL), WALK_INPUT, &tunnel, WALK_DROP);
	expect(iptables(path, NULL), WALK_FORWARD, &bridged, WALK_DROP);
	expect(iptables(path, "-A ufw-user-input -p udp -m udp --dport 51820 -j ACCEPT"),
	       WALK_INPUT, &tunnel, WALK_ACCEPT);
	expect(iptables(path, "-A ufw-user-input -p udp -m multiport --dports 53,51820:51830 -j "
			      "ACCEPT"),
	       WALK_INPUT, &tunnel, WALK_ACCEPT);
	expect(iptables(path, "-A ufw-user-input -p tcp -m tcp --dport 51820 -j ACCEPT"),
	       WALK_INPUT, &tunnel, WALK_DROP);
	expect(iptables(path, "-A ufw-user-input ! -i eth0 -j ACCEPT"), WALK_INPUT, &tunnel,
	       WALK_DROP);
	expect(iptables(path, "-A ufw-user-input -m comment --comment \"a b -j DROP\" -j ACCEPT"),
	       WALK_INPUT, &tunnel, WALK_ACCEPT);
}

static void firewalld_drops_both(void **state)
{
	CLEAN(free_ptr) char *text = read_text(RULES "firewalld.json");
	struct walk_result r;

	(void)state;
	expect(listing(text), WALK_INPUT, &tunnel, WALK_DROP);
	json_t *rules = listing(text);
	firewall_walk(rules, WALK_FORWARD, &bridged, &r);
	assert_int_equal(r.verdict, WALK_DROP);
	assert_string_equal(r.table, "firewalld");
	assert_string_equal(r.chain, "filter_FORWARD");
	json_decref(rules);
}

#define CHAIN                                                                                      \
	"{\"chain\":{\"family\":\"inet\",\"table\":\"f\",\"name\":\"in\",\"hook\":\"input\","      \
	"\"policy\":\"drop\"}}"
#define RULE(expr)                                                                                 \
	"{\"rule\":{\"family\":\"inet\",\"table\":\"f\",\"chain\":\"in\",\"expr\":[" expr "]}}"
#define RULESET(expr) "{\"nftables\":[" CHAIN "," RULE(expr) "]}"
#define ACCEPT        "{\"accept\":null}"

static void nft_rules_are_read_as_nft_means_them(void **state)
{
	static const struct {
		const char *rules;
		enum walk_verdict verdict;
	} cases[] = {
		{ "{\"nftables\":[]}", WALK_ACCEPT },
		{ "{\"nftables\":[" CHAIN "]}", WALK_DROP },
		{ RULESET(ACCEPT), WALK_ACCEPT },
		{ RULESET("{\"match\":{\"op\":\"==\",\"left\":{\"payload\":{\"protocol\":\"udp\","
			  "\"field\":\"dport\"}},\"right\":{\"set\":[53,51820]}}}," ACCEPT),
		  WALK_ACCEPT },
		{ RULESET("{\"match\":{\"op\":\"==\",\"left\":{\"payload\":{\"protocol\":\"udp\","
			  "\"field\":\"dport\"}},\"right\":\"@open\"}}," ACCEPT),
		  WALK_UNSURE },
		{ RULESET("{\"match\":{\"op\":\"!=\",\"left\":{\"meta\":{\"key\":\"iifname\"}},"
			  "\"right\":\"eth0\"}}," ACCEPT),
		  WALK_DROP },
		{ RULESET("{\"match\":{\"op\":\"in\",\"left\":{\"ct\":{\"key\":\"state\"}},"
			  "\"right\":[\"established\",\"related\"]}}," ACCEPT),
		  WALK_DROP },
		{ RULESET("{\"vmap\":{\"key\":{\"meta\":{\"key\":\"iifname\"}},\"data\":{\"set\":"
			  "[[\"lo\",{\"drop\":null}],[\"eth*\",{\"accept\":null}]]}}}"),
		  WALK_ACCEPT },
		{ RULESET("{\"limit\":{\"rate\":3}}," ACCEPT), WALK_UNSURE },
		{ RULESET("{\"jump\":{\"target\":\"in\"}}"), WALK_DROP }, // a loop ends
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		expect(listing(cases[i].rules), WALK_INPUT, &tunnel, cases[i].verdict);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(docker_drops_what_is_bridged_until_it_is_let),
		cmocka_unit_test(ufw_drops_the_tunnel_until_its_port_is_allowed),
		cmocka_unit_test(firewalld_drops_both),
		cmocka_unit_test(nft_rules_are_read_as_nft_means_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
