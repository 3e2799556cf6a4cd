// A configuration and what follows from it: who is answered, what is blocked, whom the rest goes
// to.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

#include "dns/config.h"
#include "dns/image.h"

static struct dns_config *config_of(const char *text)
{
	struct err err = { 0 };
	struct dns_config *config = dns_config_parse(text, strlen(text), &err);
	if (!config)
		fail_msg("%s: %s", text, err.text);
	return config;
}

static struct name name_of(const char *text)
{
	struct name name;
	assert_int_equal(name_parse(text, strlen(text), &name, NULL), 0);
	return name;
}

static struct address address_of(const char *text)
{
	struct address address;
	assert_int_equal(address_parse(text, &address, NULL), 0);
	return address;
}

static void defaults_answer_this_host_only(void **state)
{
	CLEAN(dns_config_free_ptr)
	struct dns_config *config = config_of("{\"listen\":[\"127.0.0.1\",\"[::1]:5353\"]}");
	struct address own = address_of("127.3.0.1"), own_six = address_of("::1");
	struct address other = address_of("10.0.0.1");
	(void)state;
	assert_int_equal(config->n_listen, 2);
	assert_int_equal(config->listen[0].port, 53);
	assert_int_equal(config->listen[1].port, 5353);
	assert_true(dns_prefixes_match(&config->rules.clients, &own) == 8);
	assert_true(dns_prefixes_match(&config->rules.clients, &own_six) == 128);
	assert_true(dns_prefixes_match(&config->rules.clients, &other) < 0);
}

// The most that the controller takes (api/openapi.yaml, ResolverSpec) is taken here.
static void the_bounds_of_a_resolver_are_within(void **state)
{
	CLEAN(dns_config_free_ptr)
	struct dns_config *config =
		config_of("{\"listen\":\"127.0.0.1\",\"cache_kb\":4194304,\"stale\":\"604800s\","
			  "\"rate\":1000000,\"zones\":[{\"zone\":\"lan\",\"records\":[{\"name\":"
			  "\"x\",\"type\":\"A\",\"data\":\"10.0.0.1\",\"ttl\":\"604800s\"}]}],"
			  "\"blocks\":[{\"name\":\"ads\",\"ttl\":\"604800s\"}]}");
	(void)state;
	assert_int_equal(config->settings.cache_kb, 4096 * 1024);
	assert_int_equal(config->settings.stale_ms, 604800000);
}

static void what_is_wrong_is_said(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "[]", "the file must be a mapping of settings" },
		{ "{", "line 1: string or '}' expected near end of file" },
		{ "{}", "listen: it needs an address to answer at" },
		{ "{\"listen\":\"127.0.0.1\",\"prt\":1}",
		  "prt: there is no such setting, did you mean port?" },
		{ "{\"listen\":\"127.0.0.1\",\"port\":0}", "port: 0 is not in 1..65535" },
		{ "{\"listen\":\"host.example\"}", "listen: host.example is no address" },
		{ "{\"listen\":\"127.0.0.1\",\"zones\":{}}", "zones: it must be a list" },
		{ "{\"listen\":\"127.0.0.1\",\"forwards\":[{\"name\":\"corp\"}]}",
		  "forwards: corp: to: it needs an upstream" },
		{ "{\"listen\":\"127.0.0.1\",\"zones\":[{\"zone\":\"lan\",\"records\":[{\"name\":"
		  "\"a\",\"type\":\"A\",\"data\":\"::1\"}]}]}",
		  "zones: lan: records[0]: a: ::1 is no address of type A" },
		{ "{\"listen\":\"127.0.0.1\",\"blocks\":[{\"name\":\"b\",\"lists\":[\"/none/"
		  "x\"]}]}",
		  "blocks: b: /none/x: No such file or directory" },
		{ "{\"listen\":\"127.0.0.1\",\"grace\":\"1s\"}", "grace: 1s is not in 2s..1h" },
		{ "{\"listen\":\"127.0.0.1\",\"views\":[{\"upstreams\":[\"9.9.9.9\"],"
		  "\"mark\":0}]}",
		  "views: mark: 0 is not in 1..4294967295" },
		{ "{\"listen\":\"127.0.0.1\",\"views\":[{\"mark\":65536,\"upstreams\":[\"x\"]}]"
		  "}",
		  "views: upstreams: \"x\" is no address: a resolver is not found by a name" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err err = { 0 };
		assert_null(dns_config_parse(rows[i].text, strlen(rows[i].text), &err));
		assert_string_equal(err.text, rows[i].why);
	}
}

// Which forward takes a question: "" when none does.
static const char *forward_of(const struct dns_config *config, const char *client, const char *name)
{
	struct address address = address_of(client);
	struct name asked = name_of(name);
	const struct dns_forward *forward = dns_rules_forward(&config->rules, &address, &asked);
	return forward ? forward->name : "";
}

static void the_longest_match_forwards(void **state)
{
	CLEAN(dns_config_free_ptr)
	struct dns_config *config = config_of(
		"{\"listen\":\"127.0.0.1\",\"upstreams\":\"9.9.9.9\",\"forwards\":["
		"{\"name\":\"lan\",\"from\":[\"10.1.0.0/16\"],\"to\":\"10.0.0.1\"},"
		"{\"name\":\"room\",\"from\":[\"10.1.5.0/24\"],\"to\":\"10.0.0.2\"},"
		"{\"name\":\"glob\",\"patterns\":[\"*.Corp.example\"],\"to\":\"10.0.0.3\"},"
		"{\"name\":\"corp\",\"names\":[\"corp.example\"],\"to\":\"10.0.0.4\"},"
		"{\"name\":\"deep\",\"names\":[\"a.corp.example\"],\"to\":\"10.0.0.5\"},"
		"{\"name\":\"inner\",\"from\":[\"10.1.0.0/"
		"16\"],\"names\":[\"corp.example\"],\"to\":"
		"\"tls://10.0.0.6\"},"
		"{\"name\":\"int\",\"patterns\":[\"*.int.*\"],\"to\":\"10.0.0.7\"}]}");
	(void)state;
	assert_string_equal(forward_of(config, "10.9.0.1", "x.example"), "");
	assert_string_equal(forward_of(config, "10.1.0.1", "x.example"), "lan");
	assert_string_equal(forward_of(config, "10.1.5.1", "x.example"), "room");
	assert_string_equal(forward_of(config, "10.9.0.1", "corp.example"), "corp");
	// As many labels: the name goes before the pattern, the longer prefix before both.
	assert_string_equal(forward_of(config, "10.9.0.1", "x.corp.example"), "corp");
	assert_string_equal(forward_of(config, "10.1.0.1", "x.corp.example"), "inner");
	assert_string_equal(forward_of(config, "10.1.0.1", "a.corp.example"), "deep");
	assert_string_equal(forward_of(config, "10.1.5.1", "a.int.example"), "int");
	assert_string_equal(forward_of(config, "10.1.5.1", "int.example"), "room");
	assert_true(config->rules.forwards[0].to.space != config->rules.forwards[1].to.space);
	assert_true(config->rules.upstreams.space != config->rules.forwards[0].to.space);
}

static void patterns(void **state)
{
	(void)state;
	assert_true(dns_pattern_match("*", "a.b"));
	assert_true(dns_pattern_match("*.int.*", "a.b.int.c.d"));
	assert_true(dns_pattern_match("a?c", "abc"));
	assert_true(dns_pattern_match("*a*b*c", "xxaxxbxbxc"));
	assert_false(dns_pattern_match("a?c", "ac"));
	assert_false(dns_pattern_match("*.int", "int"));
	assert_false(dns_pattern_match("", "a"));
	assert_true(dns_pattern_match("**", ""));
}

// Makes the image of a list beside it.
static void make_list(const char *directory, const char *name, const char *text, char ret[128])
{
	char list[128];
	struct name_lines lines;
	struct err err = { 0 };
	(void)snprintf(list, sizeof(list), "%s/%s.txt", directory, name);
	(void)snprintf(ret, 128, "%s/%s", directory, name);
	assert_int_equal(file_replace(list, text, strlen(text), 0600, NULL), 0);
	if (dns_image_make(list, ret, &lines, &err) < 0)
		fail_msg("%s", err.text);
	(void)unlink(list);
}

// Which block a name is blocked by, "" for none.
static const char *blocked_by(const struct dns_config *config, const char *client, const char *text)
{
	struct address address = address_of(client);
	struct name name = name_of(text);
	struct dns_blocked blocked;
	if (!dns_rules_blocked(&config->rules, &address, &name, &blocked))
		return "";
	return blocked.is_doh ? "doh" : blocked.block->name;
}

static void names_are_blocked(void **state)
{
	char directory[] = "/tmp/weft-dns-XXXXXX", ads[128], none[128], text[1024];
	(void)state;
	assert_non_null(mkdtemp(directory));
	make_list(directory, "ads", "ads.example\n0.0.0.0 tracker.example\n", ads);
	make_list(directory, "none", "# nothing\n", none);
	(void)snprintf(
		text, sizeof(text),
		"{\"listen\":\"127.0.0.1\",\"doh\":\"block\",\"blocks\":["
		"{\"name\":\"empty\",\"lists\":[\"%s\"]},"
		"{\"name\":\"ads\",\"lists\":[\"%s\",\"%s\"],\"answer\":\"zero\",\"ttl\":\"20s\","
		"\"exempt\":[\"10.1.0.7/32\",\"fd00::7\"],\"except\":[\"good.ads.example\"]}]}",
		none, none, ads);
	CLEAN(dns_config_free_ptr) struct dns_config *config = config_of(text);
	assert_string_equal(blocked_by(config, "10.1.0.1", "x.ads.example"), "ads");
	assert_string_equal(blocked_by(config, "10.1.0.7", "x.ads.example"), "");
	assert_string_equal(blocked_by(config, "fd00::7", "ads.example"), "");
	assert_string_equal(blocked_by(config, "fd00::8", "ads.example"), "ads");
	assert_string_equal(blocked_by(config, "10.1.0.1", "good.ads.example"), "");
	assert_string_equal(blocked_by(config, "10.1.0.1", "tracker.example"), "ads");
	assert_string_equal(blocked_by(config, "10.1.0.1", "sub.tracker.example"), "");
	assert_string_equal(blocked_by(config, "10.1.0.1", "mask.icloud.com"), "doh");
	assert_string_equal(blocked_by(config, "10.1.0.1", "www.icloud.com"), "");
	assert_int_equal(config->rules.blocks[1].answer, DNS_BLOCK_ZERO);
	assert_int_equal(config->rules.blocks[1].ttl_s, 20);
	(void)unlink(ads);
	(void)unlink(none);
	(void)rmdir(directory);
}

// ---- policies ----

// The way that a question takes, in words.
static const char *way_of(const struct dns_config *config, const char *client, const char *text)
{
	static char ret[128];
	const struct address address = address_of(client);
	const struct name name = name_of(text);
	const struct dns_decided decided = dns_rules_decide(&config->rules, &address, &name);
	const struct dns_way way = dns_rules_way(&config->rules, &address, &name, decided.mark);
	(void)snprintf(ret, sizeof(ret), "%s/%u %#x %s", decided.policy ? decided.policy->name : "",
		       decided.rule ? decided.rule->number : 0, way.mark, way.group->items[0].text);
	return ret;
}

static uint32_t space_of(const struct dns_config *config, const char *client, const char *text)
{
	const struct address address = address_of(client);
	const struct name name = name_of(text);
	const struct dns_decided decided = dns_rules_decide(&config->rules, &address, &name);
	return dns_rules_way(&config->rules, &address, &name, decided.mark).space;
}

static void names_are_asked_for_by_their_way(void **state)
{
	char directory[] = "/tmp/weft-dns-XXXXXX", tv[128], ads[128], text[2048], name[100];
	(void)state;
	assert_non_null(mkdtemp(directory));
	make_list(directory, "tv", "tv.example\n", tv);
	make_list(directory, "ads", "ads.example\n", ads);
	(void)snprintf(
		text, sizeof(text),
		"{\"listen\":\"127.0.0.1\",\"upstreams\":[\"9.9.9.9\"],\"mark\":5,\"forwards\":[{"
		"\"name\":\"f\",\"names\":[\"corp.tv.example\"],\"to\":[\"10.9.9.9\"]}],"
		"\"policies\":[{\"id\":1,\"name\":\"home\",\"from\":[\"10.1.0.0/16\"],\"rules\":["
		"{\"number\":1,\"to\":[\"192.0.2.0/24\"],\"verdict\":\"mark\",\"mark\":65536},"
		"{\"number\":2,\"to\":[],\"lists\":[{\"id\":7,\"name\":\"tv\",\"path\":\"%s\"}],"
		"\"verdict\":\"mark\",\"mark\":131072},"
		"{\"number\":3,\"to\":[],\"lists\":[{\"id\":9,\"name\":\"ads\",\"path\":\"%s\"}],"
		"\"verdict\":\"block\",\"nxdomain\":true},"
		"{\"number\":4,\"to\":[],\"verdict\":\"mark\",\"mark\":196608}]}],"
		"\"views\":[{\"mark\":131072,\"upstreams\":[\"1.1.1.1\"]}]}",
		tv, ads);
	CLEAN(dns_config_free_ptr) struct dns_config *config = config_of(text);
	// Once more each: the second time it is remembered in which lists the name is.
	for (int i = 0; i < 2; i++) {
		assert_string_equal(way_of(config, "10.1.0.1", "www.tv.example"),
				    "home/2 0x20000 1.1.1.1");
		assert_string_equal(way_of(config, "10.1.0.1", "corp.tv.example"),
				    "home/2 0x20000 10.9.9.9");
		assert_string_equal(way_of(config, "10.1.0.1", "ads.example"),
				    "home/3 0x5 9.9.9.9");
		assert_string_equal(way_of(config, "10.1.0.1", "else.example"),
				    "home/4 0x30000 9.9.9.9");
		assert_string_equal(way_of(config, "10.2.0.1", "www.tv.example"), "/0 0x5 9.9.9.9");
	}
	assert_int_not_equal(space_of(config, "10.1.0.1", "else.example"),
			     space_of(config, "10.2.0.1", "else.example"));
	assert_int_not_equal(space_of(config, "10.1.0.1", "else.example"),
			     space_of(config, "10.1.0.1", "tv.example"));
	// More names than are remembered, and longer ones.
	for (unsigned i = 0; i < 20000; i++) {
		(void)snprintf(name, sizeof(name), "%s%u.%s.example",
			       i % 7 ? "n"
				     : "a-very-long-name-that-is-not-remembered.since-it-has-more-"
				       "bytes-than-"
				       "a-place-has",
			       i / 2, i % 2 ? "tv" : "no");
		const struct name asked = name_of(name);
		const struct decide_set lists = dns_rules_lists(&config->rules, &asked);
		assert_int_equal(!decide_set_is_empty(&lists), i % 2);
	}
	(void)unlink(tv);
	(void)unlink(ads);
	(void)rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_answer_this_host_only),
		cmocka_unit_test(the_bounds_of_a_resolver_are_within),
		cmocka_unit_test(what_is_wrong_is_said),
		cmocka_unit_test(the_longest_match_forwards),
		cmocka_unit_test(patterns),
		cmocka_unit_test(names_are_blocked),
		cmocka_unit_test(names_are_asked_for_by_their_way),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
