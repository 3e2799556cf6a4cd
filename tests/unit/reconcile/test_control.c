// The rule of the agent's own connection: made, kept, moved, and never in another's place.
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "fake_kernel.h"
#include "reconcile/reconcile.h"

struct fixture {
	struct fake_kernel kernel;
	struct reconcile *r;
	struct reconcile_result result;
};

static int setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof f);
	fake_kernel_init(&f.kernel);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	reconcile_result_done(&f->result);
	reconcile_free(f->r);
	fake_kernel_done(&f->kernel);
	return 0;
}

static void begin(struct fixture *f, uint32_t priority)
{
	const struct reconcile_config config = {
		.kernel = &f->kernel.base,
		.control = { .priority = priority,
			     .mark = 0x10000000,
			     .mask = priority ? 0x10000000 : 0,
			     .table = 254 },
	};

	reconcile_free(f->r);
	assert_int_equal(reconcile_new(&config, &f->r, NULL), 0);
}

static void run(struct fixture *f)
{
	CLEAN(entry_set_free_ptr) struct entry_set *nothing = entry_set_new();
	const struct reconcile_now now = { 0 };

	reconcile_result_done(&f->result);
	assert_int_equal(reconcile_run(f->r, nothing, &now, &f->result, NULL), 0);
}

static size_t count(const struct fixture *f, uint8_t family, uint32_t priority)
{
	size_t n = 0;

	for (size_t i = 0; i < f->kernel.state.rules_len; i++)
		n += f->kernel.state.rules[i].family == family &&
		     f->kernel.state.rules[i].priority == priority;
	return n;
}

static void add_rule(struct fixture *f, uint32_t priority, uint32_t mark, uint32_t mask)
{
	const struct kernel_rule other = { .family = AF_INET,
					   .protocol = 3,
					   .action = KERNEL_RULE_LOOKUP,
					   .priority = priority,
					   .mark = mark,
					   .mask = mask,
					   .table = 100 };

	assert_int_equal(kernel_rule_add(&f->kernel.base, &other, NULL), 0);
}

static void it_is_made_in_both_families_and_comes_back(void **state)
{
	struct fixture *f = *state;

	begin(f, 1);
	run(f);
	assert_int_equal(f->result.errors_len, 0);
	assert_int_equal(count(f, AF_INET, 1), 1);
	assert_int_equal(count(f, AF_INET6, 1), 1);
	assert_int_equal(f->result.writes, 2);
	run(f);
	assert_int_equal(f->result.writes, 0);
	const struct kernel_rule gone = f->kernel.state.rules[0];
	assert_int_equal(kernel_rule_drop(&f->kernel.base, &gone, NULL), 0);
	run(f);
	assert_int_equal(count(f, gone.family, 1), 1);
}

static void another_setting_moves_it_and_leaving_removes_it(void **state)
{
	struct fixture *f = *state;

	add_rule(f, 500, 0x1, 0xff);
	begin(f, 1);
	run(f);
	begin(f, 7);
	run(f);
	assert_int_equal(count(f, AF_INET, 1), 0);
	assert_int_equal(count(f, AF_INET6, 7), 1);
	assert_int_equal(reconcile_remove_all(f->r, NULL), 0);
	assert_int_equal(f->kernel.state.rules_len, 1);
	assert_int_equal(count(f, AF_INET, 500), 1);
	begin(f, 0);
	run(f);
	assert_int_equal(f->kernel.state.rules_len, 1);
}

static void refused(struct fixture *f, const char *part)
{
	run(f);
	assert_int_equal(f->result.errors_len, 1);
	assert_string_equal(f->result.errors[0].entry, "node/self");
	assert_non_null(strstr(f->result.errors[0].text, part));
	assert_int_equal(f->kernel.state.rules_len, 1);
}

static void a_priority_that_is_taken_is_named(void **state)
{
	struct fixture *f = *state;

	add_rule(f, 1, 0x1, 0xff);
	begin(f, 1);
	refused(f, "control.priority: 1 is the priority of another program's rule");
}

static void a_mark_that_is_taken_is_named(void **state)
{
	struct fixture *f = *state;

	add_rule(f, 900, 0x30000000, 0xf0000000);
	begin(f, 1);
	refused(f, "control.mark: 0x10000000/0x10000000 is also what another program's rule of "
		   "priority 900 looks for");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_is_made_in_both_families_and_comes_back),
		TEST(another_setting_moves_it_and_leaving_removes_it),
		TEST(a_priority_that_is_taken_is_named),
		TEST(a_mark_that_is_taken_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
