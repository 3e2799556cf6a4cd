// The host of an HTTP/1 request.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "base/clean.h"

#include "proxy/sniff.h"

static void a_host_is_found(void **state)
{
	static const struct {
		const char *head;
		enum sniff_result result;
		const char *name;
	} rows[] = {
		{ "GET / HTTP/1.1\r\nHost: Example.com\r\n\r\n", SNIFF_NAME, "example.com" },
		{ "GET / HTTP/1.1\r\nAccept: */*\r\nhOST:\t example.com:8080 \r\n\r\nbody",
		  SNIFF_NAME, "example.com" },
		{ "\r\nPOST /a?b HTTP/1.0\nHost: example.com\n\n", SNIFF_NAME, "example.com" },
		{ "GET http://one.example/x HTTP/1.1\r\nHost: two.example\r\n\r\n", SNIFF_NAME,
		  "one.example" },
		{ "GET HTTP://u:p@one.example:80?x HTTP/1.1\r\nHost: two.example\r\n\r\n",
		  SNIFF_NAME, "one.example" },
		{ "GET / HTTP/1.0\r\n\r\n", SNIFF_NO_NAME, NULL },
		{ "GET / HTTP/1.1\r\nHost:\r\n\r\n", SNIFF_NO_NAME, NULL },
		{ "GET / HTTP/1.1\r\nHost: 192.0.2.1:80\r\n\r\n", SNIFF_NO_NAME, NULL },
		{ "GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n", SNIFF_NO_NAME, NULL },
		{ "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", SNIFF_BAD, NULL },
		{ "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", SNIFF_BAD, NULL },
		{ "GET / HTTP/1.1\r\nHost : a\r\n\r\n", SNIFF_BAD, NULL },
		{ "GET / HTTP/1.1\r\nX: y\r\n Host: a\r\n\r\n", SNIFF_BAD, NULL },
		{ "GET / HTTP/1.1\r\nno colon\r\n\r\n", SNIFF_BAD, NULL },
		{ "GET /\r\n\r\n", SNIFF_BAD, NULL },
		{ "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", SNIFF_FOREIGN, NULL },
		{ "SSH-2.0-OpenSSH_9.2\r\n\r\n", SNIFF_FOREIGN, NULL },
		{ "\x16\x03\x01", SNIFF_FOREIGN, NULL },
		{ " GET / HTTP/1.1\r\n\r\n", SNIFF_FOREIGN, NULL },
		{ "GET / HTTP/1.1\r\nHost: example.com\r\n", SNIFF_MORE, NULL },
		{ "", SNIFF_MORE, NULL },
		{ "GET / HTTP/1.1\r\n", SNIFF_MORE, NULL },
		{ "EHLO", SNIFF_MORE, NULL },
		{ "EHLO here\r\n", SNIFF_BAD, NULL },
		{ "PRI * HTTP/2.0\r\n", SNIFF_FOREIGN, NULL },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sniff sniff;
		char text[NAME_TEXT_SIZE];
		enum sniff_result result =
			sniff_http((const uint8_t *)rows[i].head, strlen(rows[i].head), &sniff);
		if (result != rows[i].result)
			print_message("%s", rows[i].head);
		assert_int_equal(result, rows[i].result);
		if (!rows[i].name)
			continue;
		name_text(&sniff.name, text);
		assert_string_equal(text, rows[i].name);
	}
}

static void a_head_without_end_is_given_up(void **state)
{
	CLEAN(free_ptr) uint8_t *head = malloc(SNIFF_HTTP_MAX);
	struct sniff sniff;
	(void)state;
	memset(head, 'a', SNIFF_HTTP_MAX);
	memcpy(head, "GET / HTTP/1.1\r\nX: ", 19);
	assert_int_equal(sniff_http(head, SNIFF_HTTP_MAX - 1, &sniff), SNIFF_MORE);
	assert_int_equal(sniff.wants, SNIFF_HTTP_MAX);
	assert_int_equal(sniff_http(head, SNIFF_HTTP_MAX, &sniff), SNIFF_BAD);
	memcpy(head, "GET / HTTP/1.1\r\nHost: a.example\r\nX: ", 36);
	assert_int_equal(sniff_http(head, SNIFF_HTTP_MAX - 1, &sniff), SNIFF_MORE);
	assert_int_equal(sniff_http(head, SNIFF_HTTP_MAX, &sniff), SNIFF_NAME);
	memset(head, 'a', 40);
	assert_int_equal(sniff_http(head, 40, &sniff), SNIFF_FOREIGN); // no method is so long
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_host_is_found),
		cmocka_unit_test(a_head_without_end_is_given_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
