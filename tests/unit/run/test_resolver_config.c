// From entries to weft-dns's file: it reads what is made, and finds in it what was meant.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <stdlib.h>
#include <string.h>

#include "dns/config.h"
#include "run/resolver_config.h"

CLEAN_FUNC(json_t, json_decref)

static const struct resolver_places places = { "/run/weft-agent/dns.sock", "/var/lib/weft-dns" };

static void add(json_t *gathered, const char *kind, const char *name, const char *body)
{
	CLEAN(json_decref_ptr) json_t *json = json_loads(body, 0, NULL);
	assert_non_null(json);
	resolver_config_add(gathered, &places, kind, name, json);
}

static json_t *gathered_of(bool has_image)
{
	json_t *gathered = resolver_config_begin();
	if (has_image)
		resolver_config_image(gathered, "ads");
	add(gathered, "dns-zone", "lan.example",
	    "{\"zone\":\"lan.example\",\"records\":[{\"name\":\"printer\",\"type\":\"A\",\"ttl\":"
	    "90,"
	    "\"data\":\"10.1.0.9\"}],\"needs\":[]}");
	add(gathered, "dns-zone", "lan.example/2",
	    "{\"zone\":\"lan.example\",\"records\":[{\"name\":\"www\",\"type\":\"CNAME\",\"ttl\":0,"
	    "\"data\":\"printer.lan.example\"}],\"needs\":[]}");
	add(gathered, "dns-forward", "corp",
	    "{\"from\":[\"10.1.5.0/24\"],\"names\":[\"corp.example\"],\"patterns\":[],\"to\":"
	    "[\"10.9.9.9\"],\"needs\":[]}");
	add(gathered, "dns-block", "ads",
	    "{\"lists\":[\"ads\",\"later\"],\"answer\":\"zero\",\"exempt\":[],\"except\":[],"
	    "\"ttl\":20,"
	    "\"needs\":[]}");
	add(gathered, "dns", "paris",
	    "{\"listen\":[\"10.1.0.1\"],\"port\":53,\"clients\":[\"10.1.0.0/16\"],\"intercept\":[],"
	    "\"upstreams\":[\"9.9.9.9\"],\"log\":\"all\",\"rate\":300,\"stale_s\":3600,"
	    "\"cache_bytes\":1048576,\"doh\":\"block\",\"needs\":[]}");
	return gathered;
}

static void weft_dns_reads_it(void **state)
{
	CLEAN(json_decref_ptr) json_t *gathered = gathered_of(false);
	CLEAN(free_ptr) char *text = json_dumps(json_object_get(gathered, "file"), 0);
	struct err err = { 0 };
	struct name target;
	CLEAN(dns_config_free_ptr)
	struct dns_config *config = dns_config_parse(text, strlen(text), &err);
	(void)state;
	if (!config)
		fail_msg("%s: %s", err.text, text);
	assert_string_equal(json_string_value(json_object_get(gathered, "dns")), "paris");
	assert_string_equal(config->settings.control, places.control);
	assert_int_equal(config->settings.stale_ms, 3600000);
	assert_int_equal(config->settings.cache_kb, 1024);
	assert_int_equal(config->settings.rate, 300);
	assert_true(config->rules.blocks_doh);
	assert_int_equal(config->rules.n_forwards, 1);
	assert_int_equal(config->rules.n_blocks, 1);
	assert_int_equal(config->rules.blocks[0].ttl_s, 20);
	assert_int_equal(config->rules.blocks[0].answer, DNS_BLOCK_ZERO);
	struct name name;
	assert_int_equal(name_parse("www.lan.example", 15, &name, NULL), 0);
	assert_int_equal(dns_zones_answer(config->zones, &name, DNS_A, NULL, &target),
			 DNS_ZONE_DONE);
}

// A list that is not there yet does not keep the rest from being in force.
static void lists_are_those_with_an_image(void **state)
{
	CLEAN(json_decref_ptr) json_t *with = gathered_of(true);
	CLEAN(json_decref_ptr) json_t *without = gathered_of(false);
	const json_t *block =
		json_array_get(json_object_get(json_object_get(with, "file"), "blocks"), 0);
	const json_t *none =
		json_array_get(json_object_get(json_object_get(without, "file"), "blocks"), 0);
	(void)state;
	assert_int_equal(json_array_size(json_object_get(none, "lists")), 0);
	assert_int_equal(json_array_size(json_object_get(block, "lists")), 1);
	assert_string_equal(json_string_value(json_array_get(json_object_get(block, "lists"), 0)),
			    "/var/lib/weft-dns/ads.image");
}

// What weft-dns asks itself must not come back to it.
static void the_host_s_own_questions_are_told_from_its_own(void **state)
{
	CLEAN(json_decref_ptr) json_t *gathered = resolver_config_begin();
	const json_t *file = json_object_get(gathered, "file");
	(void)state;
	add(gathered, "dns", "paris",
	    "{\"listen\":[\"10.1.0.1\"],\"port\":53,\"clients\":[\"10.1.5.0/24\"],\"host\":true,"
	    "\"upstreams\":[\"9.9.9.9\"],\"cache_bytes\":1048576,\"needs\":[]}");
	assert_int_equal(json_integer_value(json_object_get(file, "mark")), 0x0fff0000);
	assert_string_equal(json_string_value(json_array_get(json_object_get(file, "clients"), 1)),
			    "10.1.0.1");
}

static void without_a_resolver_there_is_none(void **state)
{
	CLEAN(json_decref_ptr) json_t *gathered = resolver_config_begin();
	(void)state;
	assert_true(json_is_null(json_object_get(gathered, "dns")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weft_dns_reads_it),
		cmocka_unit_test(lists_are_those_with_an_image),
		cmocka_unit_test(the_host_s_own_questions_are_told_from_its_own),
		cmocka_unit_test(without_a_resolver_there_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
