// The policy DNS: its entries are handed on, and plain DNS is redirected in the table of the rails.
#include <string.h>

#include "fixture.h"

static const char dns[] =
	"{\"cache_bytes\":1048576,\"clients\":[],\"doh\":\"allow\",\"intercept\":"
	"[\"eth1\",\"br-lan\"],\"listen\":[\"10.1.0.1\",\"10.1.0.2\",\"fd00:1::1\"],"
	"\"log\":\"off\",\"needs\":[],\"port\":53,\"rate\":0,\"stale_s\":0,"
	"\"upstreams\":[\"9.9.9.9\"]}";

static void redirects(void **state)
{
	struct fixture *f = *state;

	fixture_want(f, "dns/paris", dns);
	fixture_run(f);
	assert_int_equal(f->result.errors_len, 0);
	assert_non_null(
		strstr(f->kernel.guard_table,
		       "\t\tiifname { \"eth1\", \"br-lan\" } ip daddr != { 10.1.0.1, 10.1.0.2 } "
		       "meta l4proto { tcp, udp } th dport 53 dnat ip to 10.1.0.1:53\n"));
	assert_non_null(strstr(f->kernel.guard_table, "dnat ip6 to [fd00:1::1]:53\n"));
	fixture_assert_quiet(f);
	assert_true(entry_set_drop(f->set, "dns/paris"));
	fixture_run(f);
	assert_null(strstr(f->kernel.guard_table, "dnat"));
	fixture_assert_quiet(f);
}

static void count(void *context, const char *kind, const char *name, const json_t *body)
{
	char(*said)[256] = context;
	size_t used = strlen(*said);

	(void)snprintf(*said + used, sizeof *said - used, "%s %s %zu;", kind, name,
		       json_object_size(body));
}

static void is_handed_on(void **state)
{
	struct fixture *f = *state;
	char said[256] = "";

	fixture_want(f, "dns/paris", dns);
	fixture_want(f, "names/ads", "{\"needs\":[],\"rules\":[\"ads.example\"]}");
	fixture_want(f, "dns-zone/lan.example/2",
		     "{\"needs\":[],\"records\":[],\"zone\":\"lan.example\"}");
	fixture_run(f);
	reconcile_each_resolver(f->r, count, &said);
	assert_string_equal(said, "names ads 2;dns-zone lan.example/2 3;dns paris 11;");
}

// Text of others goes into rules: what is no address and no interface is refused.
static void refuses_what_is_none(void **state)
{
	struct fixture *f = *state;

	fixture_want(f, "dns/paris",
		     "{\"intercept\":[\"a\\\" accept\"],\"listen\":[\"10.1.0.1\"],"
		     "\"needs\":[],\"port\":53}");
	fixture_run(f);
	assert_int_equal(f->result.errors_len, 1);
	assert_string_equal(f->result.errors[0].text,
			    "intercept[0]: a name of an interface is expected");
	fixture_want(f, "dns/paris",
		     "{\"intercept\":[\"a\"],\"listen\":[\"10.1.0.1 }\"],\"needs\":[],"
		     "\"port\":53}");
	fixture_run(f);
	assert_string_equal(f->result.errors[0].text, "listen[0]: an address is expected");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(redirects, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(is_handed_on, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(refuses_what_is_none, fixture_setup,
						fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
