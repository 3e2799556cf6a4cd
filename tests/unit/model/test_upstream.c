// How resolvers to ask are written: each form, and what is wrong with the others.

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
#include "model/upstream.h"

static void test_forms(void **state)
{
	static const struct {
		const char *text;
		enum upstream_kind kind;
		const char *address;
		unsigned port;
		const char *host, *path;
	} good[] = {
		{ "9.9.9.9", UPSTREAM_PLAIN, "9.9.9.9", 53, "", "" },
		{ "9.9.9.9:5353", UPSTREAM_PLAIN, "9.9.9.9", 5353, "", "" },
		{ "2620:fe::fe", UPSTREAM_PLAIN, "2620:fe::fe", 53, "", "" },
		{ "[2620:fe::fe]:54", UPSTREAM_PLAIN, "2620:fe::fe", 54, "", "" },
		{ "127.0.0.1:5300", UPSTREAM_PLAIN, "127.0.0.1", 5300, "", "" },
		{ "tls://1.1.1.1", UPSTREAM_TLS, "1.1.1.1", 853, "", "" },
		{ "tls://1.1.1.1#cloudflare-dns.com", UPSTREAM_TLS, "1.1.1.1", 853,
		  "cloudflare-dns.com", "" },
		{ "tls://[2606:4700::1]:8853#one.example", UPSTREAM_TLS, "2606:4700::1", 8853,
		  "one.example", "" },
		{ "https://dns.quad9.net/dns-query@9.9.9.9", UPSTREAM_HTTPS, "9.9.9.9", 443,
		  "dns.quad9.net", "/dns-query" },
		{ "https://dns.example:8443/q@2001:db8::1", UPSTREAM_HTTPS, "2001:db8::1", 8443,
		  "dns.example", "/q" },
		{ "https://9.9.9.9/dns-query", UPSTREAM_HTTPS, "9.9.9.9", 443, "", "/dns-query" },
		{ "https://[2620:fe::fe]/dns-query", UPSTREAM_HTTPS, "2620:fe::fe", 443, "",
		  "/dns-query" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct upstream up;
		struct err err = { 0 };
		char address[ADDRESS_TEXT_SIZE];
		if (upstream_parse(good[i].text, &up, &err) < 0)
			fail_msg("%s: %s", good[i].text, err.text);
		assert_int_equal(up.kind, good[i].kind);
		assert_string_equal(address_format(&up.address, address), good[i].address);
		assert_int_equal(up.port, good[i].port);
		assert_string_equal(up.host, good[i].host);
		assert_string_equal(up.path, good[i].path);
	}
}

static void test_refusals(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ "dns.example", "is no address" },
		{ "", "is no host name" },
		{ "9.9.9.9:0", "port of 1..65535" },
		{ "9.9.9.9:65536", "port of 1..65535" },
		{ "224.0.0.1", "no address of one host" },
		{ "0.0.0.0", "no address of one host" },
		{ "quic://9.9.9.9", "neither an address nor tls:// nor https://" },
		{ "tls://dns.example", "is no address" },
		{ "tls://1.1.1.1#", "is no host name" },
		{ "tls://1.1.1.1#a b", "is no host name" },
		{ "https://dns.example", "has no path" },
		{ "https://dns.example@9.9.9.9", "has no path" },
		{ "https://dns.example/dns-query", "@ADDRESS is missing" },
		{ "https://dns.example/dns-query@", "is no host name" },
		{ "https://dns.example/dns-query@other.example", "is no address" },
		{ "https://dns.example/a b@9.9.9.9", "is no path" },
		{ "https://dns.example/a?x=1@9.9.9.9", "is no path" },
		{ "https:///dns-query@9.9.9.9", "is no host name" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct upstream up = { .port = 7 };
		struct err err = { 0 };
		assert_int_equal(upstream_parse(bad[i].text, &up, &err), -EINVAL);
		if (!strstr(err.text, bad[i].says))
			fail_msg("%s: %s", bad[i].text, err.text);
		assert_int_equal(up.port, 7);
	}
}

static void test_too_long(void **state)
{
	char text[700] = "https://9.9.9.9/";
	struct upstream up;
	struct err err = { 0 };
	(void)state;
	memset(text + strlen(text), 'a', UPSTREAM_PATH_SIZE);
	assert_int_equal(upstream_parse(text, &up, &err), -EINVAL);
	assert_non_null(strstr(err.text, "longer than a path"));
	memset(text, 'a', sizeof(text) - 1);
	memcpy(text, "tls://", 6);
	assert_int_equal(upstream_parse(text, &up, &err), -EINVAL);
	memcpy(text, "https://", 8);
	text[600] = '/';
	assert_int_equal(upstream_parse(text, &up, &err), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_too_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
