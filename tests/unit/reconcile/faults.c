// The n-th allocation, file operation or call of the kernel fails, for every n: nothing crashes or
// leaks, what is refused says so in a sentence, nothing half-made stays, former sysctls are known
// before they are changed, and the next runs mend it. jansson's own allocations are left out: its
// parser does not survive a failed one.
// clang-format off
#include "fixture.h"
// clang-format on

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clean.h"

#include "fault.h"

static void assert_sentences(const struct reconcile_result *result)
{
	for (size_t i = 0; i < result->errors_len; i++)
		assert_true(strlen(result->errors[i].text) > 5);
}

static void assert_nothing_half_made(struct fixture *f)
{
	for (size_t i = 0; i < f->kernel.state.links_len; i++)
		assert_int_not_equal(f->kernel.state.links[i].group, KERNEL_LINK_GROUP);
}

// Whatever was changed of the host's own can be set back.
static void assert_former_known(struct fixture *f)
{
	static const char *const names[] = { "net.ipv4.ip_forward",
					     "net.ipv6.conf.all.forwarding" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(fake_kernel_sysctl(&f->kernel, names[i]), "0") != 0)
			assert_string_equal(json_string_value(json_object_get(f->saved, names[i])),
					    "0");
}

static void mend(struct fixture *f)
{
	fixture_run(f);
	fixture_run(f);
	assert_int_equal(f->result.errors_len, 0);
	assert_nothing_half_made(f);
	assert_former_known(f);
	fixture_assert_quiet(f);
}

enum failing { MEMORY, CHANGES, LOOKS };

static void arm(struct fixture *f, enum failing what, unsigned n)
{
	if (what == MEMORY)
		fault_arm(FAULT_ALLOC, n);
	else if (what == CHANGES)
		f->kernel.fail_at = f->kernel.calls + n;
	else
		f->kernel.fail_dump_at = f->kernel.dumps + n;
}

// Whether it struck.
static bool disarm(struct fixture *f)
{
	bool has_struck = fault_disarm() ||
			  (f->kernel.fail_at && f->kernel.calls >= f->kernel.fail_at) ||
			  (f->kernel.fail_dump_at && f->kernel.dumps >= f->kernel.fail_dump_at);

	f->kernel.fail_at = f->kernel.fail_dump_at = 0;
	return has_struck;
}

// One run under a fault; what it returns and reports is a sentence.
static bool run_under(struct fixture *f, enum failing what, unsigned n)
{
	struct err err = { 0 };

	reconcile_result_done(&f->result);
	f->now.mono_ms += 1000;
	arm(f, what, n);
	int rc = reconcile_run(f->r, f->set, &f->now, &f->result, &err);
	bool has_struck = disarm(f);
	assert_true(rc == 0 || (has_struck && err.text[0]));
	assert_sentences(&f->result);
	assert_former_known(f);
	return has_struck;
}

static void change_of(struct fixture *f)
{
	fixture_want(f, "wire/lan/cyd",
		     "{\"device\":\"wvtwo\",\"link\":\"wgone\",\"local\":\"10.88.0.1\","
		     "\"mtu\":1500,\"needs\":[\"wireguard/home\"],\"port\":4789,"
		     "\"remote\":\"10.88.0.3\",\"vni\":4098}");
	assert_true(entry_set_drop(f->set, "port/lan/bob"));
	assert_true(entry_set_drop(f->set, "sysctl/net.ipv6.conf.all.forwarding"));
	assert_true(entry_set_drop(f->set, "address/lan/10.99.0.1"));
}

// From nothing, or a change of what stands.
static void walk(enum failing what, bool stands)
{
	bool has_struck;
	unsigned n = 0;

	do {
		struct fixture *f;

		assert_int_equal(fixture_setup((void **)&f), 0);
		if (stands) {
			fixture_run(f);
			change_of(f);
		}
		has_struck = run_under(f, what, ++n);
		mend(f);
		assert_int_equal(fixture_teardown((void **)&f), 0);
	} while (has_struck);
	assert_true(n > 3);
}

static void from_nothing_without_memory(void **state)
{
	(void)state;
	walk(MEMORY, false);
}

static void a_change_without_memory(void **state)
{
	(void)state;
	walk(MEMORY, true);
}

static void from_nothing_with_a_failing_kernel(void **state)
{
	(void)state;
	walk(CHANGES, false);
	walk(LOOKS, false);
}

static void a_change_with_a_failing_kernel(void **state)
{
	(void)state;
	walk(CHANGES, true);
	walk(LOOKS, true);
}

static void leaving(void **state)
{
	(void)state;
	for (enum failing what = MEMORY; what <= LOOKS; what++) {
		bool has_struck;
		unsigned n = 0;

		do {
			struct fixture *f;
			struct err err = { 0 };

			assert_int_equal(fixture_setup((void **)&f), 0);
			fixture_run(f);
			arm(f, what, ++n);
			int rc = reconcile_remove_all(f->r, &err);
			has_struck = disarm(f);
			assert_true(rc == 0 || (has_struck && err.text[0]));
			assert_int_equal(reconcile_remove_all(f->r, &err), 0);
			assert_int_equal(f->kernel.state.links_len, 1);
			assert_string_equal(fake_kernel_sysctl(&f->kernel, "net.ipv4.ip_forward"),
					    "0");
			assert_int_equal(fixture_teardown((void **)&f), 0);
		} while (has_struck);
		assert_true(n > 3);
	}
}

static void observing(void **state)
{
	const struct reconcile_self self = { .version = "1", .boot_id = "b" };
	struct fixture *f = *state;
	bool has_struck;
	unsigned n = 0;

	fixture_run(f);
	do {
		struct err err = { 0 };
		json_t *samples = NULL;
		CLEAN(entry_set_free_ptr) struct entry_set *seen = entry_set_new();

		fault_arm(FAULT_ALLOC, ++n);
		int rc = reconcile_observe(f->r, &self, &f->now, seen, &err);
		has_struck = fault_disarm();
		assert_true(rc == 0 || (has_struck && err.text[0]));
		fault_arm(FAULT_ALLOC, n);
		rc = reconcile_samples(f->r, &f->now, &samples, &err);
		has_struck |= fault_disarm();
		assert_true(rc == 0 || err.text[0]);
		json_decref(samples);
	} while (has_struck);
	fixture_assert_quiet(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_nothing_without_memory),
		cmocka_unit_test(a_change_without_memory),
		cmocka_unit_test(from_nothing_with_a_failing_kernel),
		cmocka_unit_test(a_change_with_a_failing_kernel),
		cmocka_unit_test(leaving),
		cmocka_unit_test_setup_teardown(observing, fixture_setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
