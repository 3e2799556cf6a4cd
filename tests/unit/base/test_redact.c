// Secrets go out of a text, and nothing else does.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "base/redact.h"

static void what_is_secret_goes_and_the_rest_stays(void **state)
{
	static const struct {
		const char *text;
		const char *safe;
	} cases[] = {
		{ "", "" },
		{ "nothing to hide, weft is fine", "nothing to hide, weft is fine" },
		{ "join weft1.eyJ2IjoxLCJpIjoi now", "join (redacted) now" },
		{ "Bearer weftt_0123456789abcdefgh\n", "Bearer (redacted)\n" },
		{ "weft-agent weft_node_connected{} 1", "weft-agent weft_node_connected{} 1" },
		{ "{\"password\": \"a \\\" b\", \"name\": \"x\"}",
		  "{\"password\": \"(redacted)\", \"name\": \"x\"}" },
		{ "{\"secret\":null,\"secrets\":[]}", "{\"secret\":null,\"secrets\":[]}" },
		{ "PrivateKey = abc=\nPort = 1", "PrivateKey = (redacted)\nPort = 1" },
		{ "  private key: (hidden)", "  private key: (hidden)" },
		{ "a -----BEGIN EC PRIVATE KEY-----\nMHc\n-----END EC PRIVATE KEY----- b",
		  "a (redacted) b" },
		{ "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----",
		  "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----" },
		{ "-----BEGIN PRIVATE KEY-----\ncut short", "(redacted)" },
		{ "the key 0123456789ab is known", "the key (redacted) is known" },
	};
	static const char *const known[] = { "0123456789ab", "is", NULL };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct text out = { 0 };
		redact(&out, cases[i].text, known, ARRAY_LEN(known));
		assert_string_equal(out.data ? out.data : "", cases[i].safe);
		text_free(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_secret_goes_and_the_rest_stays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
