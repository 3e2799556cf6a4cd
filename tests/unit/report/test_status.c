// One line says what is wrong, the worst first.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "report/status.h"

static const struct status_facts well = { .name = "rho",
					  .is_connected = true,
					  .hub = "ctl:8444",
					  .trouble = "",
					  .refused = "",
					  .revision = 7,
					  .target = 7,
					  .peers = 3,
					  .peers_up = 3,
					  .entries = 21 };

static void assert_line(const struct status_facts *facts, bool is_ok, const char *part)
{
	CLEAN(text_free) struct text line = { 0 };
	assert_int_equal(status_line(facts, &line), is_ok);
	assert_non_null(strstr(line.data, part));
	assert_null(strchr(line.data, '\n'));
}

static void the_worst_comes_first(void **state)
{
	(void)state;
	struct status_facts facts = well;
	assert_line(&facts, true, "ok: rho, revision 7, 21 entries, 3 peers up");
	facts.refused = "revision 8 cut this node off its controller";
	assert_line(&facts, false, "revision 8 cut this node off");
	facts.refused = "";
	facts.peers_up = 1;
	facts.peer_down = "peer/home/bob";
	assert_line(&facts, false, "2 of 3 peers are not up: peer/home/bob and others");
	facts.finding_text = "ufw drops the wires";
	facts.finding_cure = "ufw allow 4789/udp";
	assert_line(&facts, false, "ufw drops the wires; ufw allow 4789/udp");
	facts.is_connected = false;
	facts.trouble = "silent for 20 s";
	assert_line(
		&facts, false,
		"no session with controller ctl:8444: silent for 20 s; revision 7 stays in force");
	facts.error_count = 2;
	facts.error_entry = "wire/lan/bob";
	facts.error_text = "no such device";
	assert_line(&facts, false, "wire/lan/bob: no such device (and 1 more)");
	facts.apply_error = "permission denied";
	assert_line(&facts, false, "the kernel's state cannot be read: permission denied");
}

static void details_stand_what_is_missing(void **state)
{
	(void)state;
	CLEAN(text_free) struct text t = { 0 };
	json_t *status = json_pack("{s:[{s:s}]}", "peers", "key", "peer/home/bob");
	status_details(status, &t);
	assert_non_null(strstr(t.data, "peer/home/bob"));
	json_decref(status);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_worst_comes_first),
		cmocka_unit_test(details_stand_what_is_missing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
