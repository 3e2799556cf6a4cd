// Policies with other marks and priorities than before: nothing of the ones before is left.
// clang-format off
#include "fixture.h"
// clang-format on

#include <string.h>

#include "fake_kernel.h"

#define TV_MARK "16777216"                           // 0x01000000
#define MOVED   "\"mask\":16380,\"priority\":12350," // 0x00003ffc

// One rule by a gateway-group and one that drops, with the numbers that are told.
static void want_numbers(struct fixture *f, const char *numbers, const char *mark)
{
	char body[512];

	(void)snprintf(body, sizeof body,
		       "{\"from\":[\"10.1.0.0/16\"],\"id\":7,%s\"needs\":[],\"rules\":[{"
		       "\"lists\":[{\"id\":5,\"name\":\"tv\"}],\"number\":1,\"ports\":[],"
		       "\"to\":[],\"verdict\":\"mark\",\"mark\":%s},{\"number\":2,\"ports\":[],"
		       "\"to\":[],\"verdict\":\"block\",\"block\":\"drop\"}]}",
		       numbers, mark);
	fixture_want(f, "policy/home", body);
}

static void numbers_are_those_that_are_told(void **state)
{
	struct fixture *f = *state;

	want_numbers(f, "", TV_MARK);
	fixture_run(f);
	assert_int_equal(f->result.errors_len, 0);
	assert_int_equal(fixture_rules_with(f, 0x0ffd0000, KERNEL_RULE_BLACKHOLE), 2);
	assert_null(strchr(f->kernel.policy.comment, '/'));
	// Others: nothing of the ones before is left, in rules, table, map and connections.
	want_numbers(f, MOVED, "1024");
	fixture_run(f);
	assert_int_equal(f->result.errors_len, 0);
	assert_int_equal(f->result.drifts_len, 0);
	assert_int_equal(fixture_rules_with(f, 0x0ffd0000, KERNEL_RULE_BLACKHOLE), 0);
	assert_int_equal(fixture_rules_with(f, 0xffd << 2, KERNEL_RULE_BLACKHOLE), 2);
	for (size_t i = 0; i < f->kernel.state.rules_len; i++)
		assert_in_range(f->kernel.state.rules[i].priority, 12350, 12351);
	fixture_table_has(f, "mark & 0xf0000000 | 0x00700402 goto take_00000400");
	fixture_table_has(f, "ct mark & 0x00003ffc vmap { 0x00000400 : goto take_00000400");
	fixture_table_has(f, "delete chain inet weft_policy take_01000000\n");
	fixture_table_has(f, "flush map inet weft_policy quic_4\n");
	assert_null(strstr(strstr(f->kernel.policy_table, "table inet weft_policy {"), "0fff0000"));
	assert_non_null(strstr(f->kernel.policy.comment, "/00003ffc"));
	assert_int_equal(f->kernel.forgotten_len, 3);
	assert_int_equal(f->kernel.forgotten[0].mark, 0x0ff10000);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(f->kernel.forgotten[i].mask, 0x0fff0000);
	fixture_assert_quiet(f);
	// And back, by an agent that has just started.
	fixture_begin(f);
	want_numbers(f, "", TV_MARK);
	fixture_run(f);
	assert_int_equal(fixture_rules_with(f, 0xffd << 2, KERNEL_RULE_BLACKHOLE), 0);
	assert_int_equal(f->kernel.forgotten_len, 6);
	assert_int_equal(f->kernel.forgotten[3].mask, 0x3ffc);
	fixture_assert_quiet(f);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(numbers_are_those_that_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
