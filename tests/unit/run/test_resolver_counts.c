// What weft-dns says of itself, as the controller is told of it.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <stdlib.h>

#include "base/clean.h"

#include "run/resolver_counts.h"

CLEAN_FUNC(json_t, json_decref)

static json_t *json_of(const char *text)
{
	json_t *json = json_loads(text, 0, NULL);
	assert_non_null(json);
	return json;
}

static void is(const json_t *json, const char *text)
{
	CLEAN(json_decref_ptr) json_t *wanted = json_of(text);
	if (json_equal(json, wanted))
		return;
	CLEAN(free_ptr) char *said = json_dumps(json, JSON_SORT_KEYS);
	fail_msg("%s, not %s", said ? said : "nothing", text);
}

static void an_upstream_is_told_once(void **state)
{
	CLEAN(json_decref_ptr)
	json_t *status =
		json_of("{\"upstreams\":["
			"{\"name\":\"9.9.9.9\",\"state\":\"up\",\"rtt_us\":25000,\"mark\":65536},"
			"{\"name\":\"9.9.9.9\",\"state\":\"down\",\"rtt_us\":900,\"mark\":131072},"
			"{\"name\":\"192.0.2.1\",\"state\":\"down\",\"rtt_us\":900,\"mark\":65536},"
			"{\"name\":\"192.0.2.1\",\"state\":\"down\",\"rtt_us\":0,\"mark\":0},"
			"{\"name\":\"9.9.9.9\",\"state\":\"up\",\"rtt_us\":11000,\"mark\":0},"
			"{\"name\":\"192.0.2.2\",\"state\":\"up\",\"rtt_us\":0,\"mark\":0}]}");
	CLEAN(json_decref_ptr)
	json_t *ways = json_of("{\"65536\":\"tv\",\"131072\":\"work\"}");
	CLEAN(json_decref_ptr) json_t *told = resolver_counts_upstreams(status, ways);
	(void)state;
	is(told, "[{\"name\":\"9.9.9.9\",\"state\":\"up\",\"rtt_us\":20000,\"away\":[\"work\"]},"
		 "{\"name\":\"192.0.2.1\",\"state\":\"down\",\"rtt_us\":null},"
		 "{\"name\":\"192.0.2.2\",\"state\":\"up\",\"rtt_us\":null}]");
}

static void without_a_status_there_is_none(void **state)
{
	CLEAN(json_decref_ptr) json_t *told = resolver_counts_upstreams(NULL, NULL);
	(void)state;
	is(told, "[]");
}

static void counts_stand_at_their_entries(void **state)
{
	CLEAN(json_decref_ptr)
	json_t *status = json_of(
		"{\"counts\":{\"queries\":9,\"blocked\":2},\"entries\":4,\"bytes\":900,\"hits\":5,"
		"\"upstreams\":["
		"{\"name\":\"tls://192.0.2.1#dns.example\",\"state\":\"down\",\"mark\":0,"
		"\"answers\":3,\"waited_us\":700,\"useless\":1,\"failures\":2},"
		"{\"name\":\"tls://192.0.2.1#dns.example\",\"state\":\"up\",\"mark\":65536,"
		"\"answers\":4,\"waited_us\":300,\"useless\":0,\"failures\":1},"
		"{\"name\":\"[2001:DB8::1]:5353\",\"state\":\"down\",\"mark\":0,\"answers\":0}],"
		"\"blocks\":[{\"block\":\"ads\",\"list\":\"/var/lib/weft-dns/mine.image\","
		"\"names\":7,\"hits\":2},{\"block\":\"ads\",\"list\":\"/x/A b\",\"hits\":1}],"
		"\"lists\":[{\"list\":\"films\",\"hits\":6}]}");
	CLEAN(json_decref_ptr) json_t *values = json_object();
	(void)state;
	resolver_counts_add(values, "paris", status);
	// A key that the controller would refuse the whole message for is left out.
	is(values, "{\"dns/paris\":{\"queries\":9,\"blocked\":2,\"entries\":4,\"bytes\":900,"
		   "\"hits\":5},\"dns-upstream/tls/192.0.2.1@853\":{\"up\":1,\"answers\":7,"
		   "\"waited_us\":1000,\"useless\":1,\"failures\":3},"
		   "\"dns-upstream/plain/2001:db8::1@5353\":{\"up\":0,\"answers\":0,"
		   "\"waited_us\":0,\"useless\":0,\"failures\":0},"
		   "\"dns-block/ads/mine\":{\"hits\":2,\"names\":7},\"names/films\":{\"hits\":6}}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_upstream_is_told_once),
		cmocka_unit_test(without_a_status_there_is_none),
		cmocka_unit_test(counts_stand_at_their_entries),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
