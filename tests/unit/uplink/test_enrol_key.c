// An enrolment key is read in full or refused with one sentence.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#include "uplink/enrol_key.h"

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

// "weft1." and the text in base64url.
static char *make_key(const char *json)
{
	size_t len = strlen(json);
	char *base64 = calloc(1, len * 2 + 8);
	assert_non_null(base64);
	(void)EVP_EncodeBlock((unsigned char *)base64, (const unsigned char *)json, (int)len);
	base64[strcspn(base64, "=")] = '\0';
	for (char *p = base64; *p; p++)
		*p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
	char *key = text_format("weft1.%s", base64);
	free(base64);
	return key;
}

static void a_good_key_is_read(void **state)
{
	(void)state;
	CLEAN(free_ptr)
	char *text = make_key("{\"u\":[\"https://a.example:8443\",\"https://[2001:db8::1]:443\"],"
			      "\"h\":\"" HASH "\",\"i\":\"k1\",\"s\":\"s\\u00e9cret???~~~\"}");
	CLEAN(enrol_key_done) struct enrol_key key = { 0 };
	assert_int_equal(enrol_key_parse(text, &key, NULL), 0);
	assert_int_equal(key.url_count, 2);
	assert_string_equal(key.urls[1], "https://[2001:db8::1]:443");
	assert_string_equal(key.id, "k1");
	assert_int_equal(key.ca_sha256[1], 0x11);
	assert_int_equal(key.ca_sha256[31], 0xff);
}

static void bad_keys_are_refused_with_a_sentence(void **state)
{
	(void)state;
	static const struct {
		const char *json;
		const char *part;
	} rows[] = {
		{ "[]", "damaged" },
		{ "{", "damaged" },
		{ "{\"u\":[\"https://a\"],\"i\":\"k\",\"s\":\"x\"}", "hash" },
		{ "{\"u\":[\"https://a\"],\"h\":\"zz\",\"i\":\"k\",\"s\":\"x\"}", "hash" },
		{ "{\"u\":[\"https://a\"],\"h\":\"" HASH "\",\"s\":\"x\"}", "name or secret" },
		{ "{\"u\":[],\"h\":\"" HASH "\",\"i\":\"k\",\"s\":\"x\"}", "no controller" },
		{ "{\"u\":[\"http://a\"],\"h\":\"" HASH "\",\"i\":\"k\",\"s\":\"x\"}", "https://" },
		{ "{\"u\":[7],\"h\":\"" HASH "\",\"i\":\"k\",\"s\":\"x\"}", "https://" },
		{ "{\"u\":[\"https://a:99999\"],\"h\":\"" HASH "\",\"i\":\"k\",\"s\":\"x\"}",
		  "https://" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = { 0 };
		struct enrol_key key = { 0 };
		CLEAN(free_ptr) char *text = make_key(rows[i].json);
		assert_true(enrol_key_parse(text, &key, &err) < 0);
		assert_non_null(strstr(err.text, rows[i].part));
		assert_null(key.id);
	}
}

static void what_is_no_key_at_all_is_refused(void **state)
{
	(void)state;
	static const char *const texts[] = { "",           "weft",    "weft1.",      "weft2.abcd",
					     "weft1.!!!!", "weft1.a", "weft1.ab cd", "weft1.abc=" };
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct err err = { 0 };
		struct enrol_key key = { 0 };
		assert_true(enrol_key_parse(texts[i], &key, &err) < 0);
		assert_string_not_equal(err.text, "");
	}
	struct enrol_key key = { 0 };
	CLEAN(free_ptr) char *lengthy = malloc(100000);
	memset(lengthy, 'a', 99999);
	memcpy(lengthy, "weft1.", 6);
	lengthy[99999] = '\0';
	assert_true(enrol_key_parse(lengthy, &key, NULL) < 0);
}

static void hosts_and_ports_are_split(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int r;
		const char *host;
		int port;
	} rows[] = {
		{ "a:1", 0, "a", 1 },
		{ "a", 0, "a", 99 },
		{ "https://a.b:8443/x", 0, "a.b", 8443 },
		{ "https://a/", 0, "a", 99 },
		{ "wss://[2001:db8::1]:8444/agent", 0, "2001:db8::1", 8444 },
		{ "[2001:db8::1]:5", 0, "2001:db8::1", 5 },
		{ "[2001:db8::1]", 0, "2001:db8::1", 99 },
		{ "2001:db8::1", 0, "2001:db8::1", 99 },
		{ "192.0.2.1:65535", 0, "192.0.2.1", 65535 },
		{ "a:0", -1, NULL, 0 },
		{ "a:65536", -1, NULL, 0 },
		{ "a:", -1, NULL, 0 },
		{ "a:+5", -1, NULL, 0 },
		{ "a:5x", -1, NULL, 0 },
		{ ":5", -1, NULL, 0 },
		{ "", -1, NULL, 0 },
		{ "[::1", -1, NULL, 0 },
		{ "[::1]5", -1, NULL, 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char host[64] = "";
		int port = 0;
		int r = enrol_key_host_port(rows[i].text, 99, host, sizeof host, &port);
		assert_int_equal(r < 0, rows[i].r < 0);
		if (r == 0) {
			assert_string_equal(host, rows[i].host);
			assert_int_equal(port, rows[i].port);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_key_is_read),
		cmocka_unit_test(bad_keys_are_refused_with_a_sentence),
		cmocka_unit_test(what_is_no_key_at_all_is_refused),
		cmocka_unit_test(hosts_and_ports_are_split),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
