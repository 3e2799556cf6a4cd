// By which rules the host's own plain DNS goes to its weft-dns, and whom the host asks else.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

#include "run/resolver_host_text.h"

static struct address address_of(const char *text)
{
	struct address address;
	assert_int_equal(address_parse(text, &address, NULL), 0);
	return address;
}

static void name_servers_are_read(void **state)
{
	static const char text[] = "# nameserver 192.0.2.1\n"
				   "search example\n"
				   "nameserver 9.9.9.9\n"
				   "  nameserver\t2620:fe::fe \n"
				   "nameserver fe80::1%eth0\n"
				   "nameserver 9.9.9.9\n"
				   "nameserver nowhere\n"
				   "options nameserver 192.0.2.2\n"
				   "nameserver 127.0.0.53";
	static const char *const servers[] = { "9.9.9.9", "2620:fe::fe", "127.0.0.53" };
	struct host_servers read = { 0 };
	(void)state;
	host_servers_read(text, &read);
	host_servers_read("", &read);
	assert_int_equal(read.len, 3);
	for (size_t i = 0; i < 3; i++) {
		struct address address = address_of(servers[i]);
		assert_true(address_equal(&read.items[i], &address));
	}
}

static void at_most_so_many(void **state)
{
	struct host_servers read = { 0 };
	(void)state;
	for (unsigned i = 0; i < 2 * HOST_SERVERS_MAX; i++) {
		char line[64];
		(void)snprintf(line, sizeof line, "nameserver 10.0.0.%u\n", i);
		host_servers_read(line, &read);
	}
	assert_int_equal(read.len, HOST_SERVERS_MAX);
}

static void has(const struct text *text, const char *line)
{
	if (!strstr(text->data, line))
		fail_msg("no %s in\n%s", line, text->data);
}

static void each_family_has_its_rules(void **state)
{
	struct host_detour detour = { .mask = 0x0fff0000,
				      .to = { address_of("10.1.0.1"), address_of("fd00:1::1") },
				      .port = 53 };
	CLEAN(text_free) struct text text = { 0 };
	(void)state;
	host_servers_read("nameserver 127.0.0.53\nnameserver 10.1.0.1\nnameserver fd00::9\n",
			  &detour.servers);
	host_detour_render(&text, &detour);
	assert_false(text.failed);
	has(&text, "add table inet weft_resolver\ndelete table inet weft_resolver\ntable inet");
	has(&text, "\t\tip daddr { 127.0.0.53 } meta l4proto { tcp, udp } th dport @proof dnat ip "
		   "to 10.1.0.1:53\n");
	has(&text, "\t\tip6 daddr { fd00::9 } meta l4proto { tcp, udp } th dport @proof dnat ip6 "
		   "to [fd00:1::1]:53\n");
	has(&text, "\t\toifname \"lo\" ct status dnat ip daddr 10.1.0.1 meta l4proto { tcp, udp } "
		   "th dport 53 snat ip to 10.1.0.1\n");
	has(&text, "\t\tmeta mark & 0x0fff0000 != 0 accept\n");
}

static void without_a_family_nothing_of_it_is_led(void **state)
{
	struct host_detour detour = { .to = { address_of("10.1.0.1") }, .port = 53 };
	CLEAN(text_free) struct text text = { 0 };
	(void)state;
	host_servers_read("nameserver 2620:fe::fe\nnameserver 10.1.0.1\n", &detour.servers);
	host_detour_render(&text, &detour);
	assert_null(strstr(text.data, "dnat"));
	assert_null(strstr(text.data, "snat"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(name_servers_are_read),
		cmocka_unit_test(at_most_so_many),
		cmocka_unit_test(each_family_has_its_rules),
		cmocka_unit_test(without_a_family_nothing_of_it_is_led),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
