// Rules of other programs beside a node's policies: which of Weft's numbers they have, and which
// setting moves these.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "doctor/inside.h"

#define RULE "'rule/gateway-group/tv.block-v4': {'table': 51394, 'priority': 12351}, "
#define LOW  "'rule/policy/10.1.0.0/16': {'table': 254, 'priority': 12370}, "

static json_t *desired_with(const char *policy)
{
	char text[512];

	(void)snprintf(text, sizeof text, "{" RULE LOW "'policy/home': %s}", policy);
	for (char *c = text; *c; c++)
		if (*c == '\'')
			*c = '"';
	json_t *json = json_loads(text, 0, NULL);
	assert_non_null(json);
	return json;
}

// What is said of one rule, its own copy as JSON: {"text": …, "cure": …}.
static json_t *said_of(const char *policy, struct kernel_rule rule)
{
	const struct doctor_config config = { 0 };
	CLEAN(json_decref_ptr) json_t *desired = desired_with(policy), *lines = json_array();
	struct examination x = { .config = &config,
				 .check = "policies",
				 .desired = desired,
				 .seen = { .rules = &rule, .rules_len = 1 },
				 .lines = lines };

	check_policies(&x);
	assert_int_equal(json_array_size(lines), 1);
	return json_incref(json_array_get(lines, 0));
}

static void expect(const char *policy, struct kernel_rule rule, const char *text)
{
	CLEAN(json_decref_ptr) json_t *line = said_of(policy, rule);
	CLEAN(free_ptr) char *said = json_dumps(line, JSON_COMPACT);

	if (!strstr(said, text))
		fail_msg("%s is not in %s", text, said);
}

static const struct kernel_rule tailscale = { .priority = 5210, .mark = 0x80000, .mask = 0xff0000 };

static void a_mark_of_weft_s_is_told(void **state)
{
	(void)state;
	expect("{}", tailscale, "looks for the mark 0x80000/0xff0000, and marks of 0x0fff0000 are");
	expect("{}", tailscale, "outside of 0x0fff0000, or set mark_mask in controller.yaml");
	expect("{\"mask\": 16380}", tailscale, "no other program's rules");
	struct kernel_rule other = tailscale;
	other.mask = other.mark = 0x3000;
	expect("{\"mask\": 16380}", other, "marks of 0x00003ffc are");
	expect("{}", other, "no other program's rules");
}

static void so_are_a_priority_and_a_table(void **state)
{
	struct kernel_rule rule = { .priority = 12351, .action = KERNEL_RULE_LOOKUP };

	(void)state;
	expect("{}", rule, "has the priority 12351, among those of Weft's, 12351 to 12370");
	expect("{}", rule, "or set priority_base in controller.yaml");
	rule.priority = 22350;
	expect("{}", rule, "no other program's rules");
	rule.table = 51394;
	expect("{}", rule, "looks into table 51394, which is Weft's");
	expect("{}", rule, "or set table_base in controller.yaml");
	rule.table = 254;
	expect("{}", rule, "no other program's rules");
	// Weft's own.
	rule = (struct kernel_rule){ .priority = 12351, .protocol = 87 };
	expect("{}", rule, "no other program's rules");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mark_of_weft_s_is_told),
		cmocka_unit_test(so_are_a_priority_and_a_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
