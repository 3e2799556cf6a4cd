// Which events a webhook wants, and the signature, against the vector of the Standard Webhooks
// libraries.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <errno.h>
#include <string.h>

#include "base/clean.h"

#include "webhook/message.h"
#include "webhook/target.h"

static void what_is_wanted(void **state)
{
	static const struct {
		const char *spec;
		const char *severity, *kind, *entry;
		bool wanted;
	} rows[] = {
		{ "{}", "warning", "link_down", NULL, true },
		{ "{}", "info", "link_down", NULL, false },
		{ "{\"severity\":\"info\"}", "info", "link_down", NULL, true },
		{ "{\"severity\":\"error\"}", "warning", "link_down", NULL, false },
		{ "{\"events\":[\"link_*\"]}", "error", "link_down", NULL, true },
		{ "{\"events\":[\"link_*\"]}", "error", "link", NULL, false },
		{ "{\"events\":[\"link_down\",\"x\"]}", "error", "link_down_again", NULL, false },
		{ "{\"events\":[\"x\",\"link_down\"]}", "error", "link_down", NULL, true },
		{ "{\"events\":[\"*\"]}", "error", "anything", NULL, true },
		{ "{\"events\":[\"x\"]}", "info", "webhook_test", "webhooks/chat", true },
		{ "{}", "info", "webhook_test", "webhooks/other", false },
		{ "{}", "error", "webhook_test", NULL, false },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct webhook_target target = { 0 };
		json_auto_t *spec = json_loads(rows[i].spec, 0, NULL);
		const struct store_event event = { .severity = rows[i].severity,
						   .kind = rows[i].kind,
						   .entry = rows[i].entry };
		assert_int_equal(webhook_target_read("chat", spec, &target, NULL), 0);
		if (webhook_target_wants(&target, &event) != rows[i].wanted)
			fail_msg("row %zu", i);
		webhook_target_done(&target);
	}
}

static void signature(void **state)
{
	char got[WEBHOOK_SIGNATURE_SIZE];
	char body[] = "{\"test\": 2432232314}";
	const struct webhook_message message = { .id = "msg_p5jXN8AQM9LWM0D4loKWxJek",
						 .body = body };
	(void)state;
	assert_int_equal(webhook_sign(&message, 1614265330,
				      "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", got, NULL),
			 0);
	assert_string_equal(got, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

static void what_cannot_sign(void **state)
{
	char got[WEBHOOK_SIGNATURE_SIZE] = "before";
	char body[] = "{}";
	const struct webhook_message message = { .id = "1", .body = body };
	static const char *const secrets[] = { "", "\n", "whsec_", "whsec_*" };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
		struct err err = { 0 };
		assert_int_equal(webhook_sign(&message, 1, secrets[i], got, &err), -EINVAL);
		assert_int_not_equal(err.text[0], 0);
		assert_string_equal(got, "before");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_wanted),
		cmocka_unit_test(signature),
		cmocka_unit_test(what_cannot_sign),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
