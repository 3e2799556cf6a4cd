// Flows of QUIC that wait: found by their five numbers, bounded in every direction; and what a
// refused one is told.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "base/octets.h"

#include "proxy/quic_table.h"
#include "proxy/unreachable.h"

CLEAN_FUNC(struct quic_table, quic_table_free)

static struct place at(const char *address, uint16_t port)
{
	struct place place = { .port = port };
	assert_int_equal(address_parse(address, &place.address, NULL), 0);
	return place;
}

static struct quic_entry *add(struct quic_table *table, uint16_t port, int64_t now_ms,
			      unsigned *lost)
{
	struct place client = at("10.1.0.9", port), to = at("203.0.113.1", 443);
	return quic_table_add(table, &client, &to, now_ms, lost);
}

static void a_flow_is_its_five_numbers(void **state)
{
	CLEAN(quic_table_free_ptr) struct quic_table *table = quic_table_new();
	struct place client = at("10.1.0.9", 4000), to = at("203.0.113.1", 443);
	struct place others[] = { at("10.1.0.9", 4001), at("10.1.0.8", 4000), at("fd00::9", 4000) };
	unsigned lost;
	(void)state;
	struct quic_entry *entry = quic_table_add(table, &client, &to, 1, &lost);
	assert_ptr_equal(quic_table_find(table, &client, &to), entry);
	assert_null(quic_table_find(table, &to, &client));
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		assert_null(quic_table_find(table, &others[i], &to));
	assert_ptr_equal(quic_table_of_serial(table, QUIC_HEARD, entry->serial), entry);
	assert_null(quic_table_of_serial(table, QUIC_ASKED, entry->serial));
	quic_table_wait(table, entry, QUIC_ASKED, 2);
	assert_ptr_equal(quic_table_of_serial(table, QUIC_ASKED, entry->serial), entry);
	assert_ptr_equal(quic_table_oldest(table, QUIC_ASKED), entry);
	assert_null(quic_table_oldest(table, QUIC_HEARD));
	quic_table_drop(table, entry);
	assert_null(quic_table_find(table, &client, &to));
	assert_int_equal(quic_table_size(table), 0);
}

static void datagrams_wait_in_their_order(void **state)
{
	CLEAN(quic_table_free_ptr) struct quic_table *table = quic_table_new();
	uint8_t bytes[1200] = { 0 };
	unsigned lost, held = 0;
	(void)state;
	struct quic_entry *entry = add(table, 1, 1, &lost);
	while (bytes[0] = (uint8_t)held, quic_table_hold(table, entry, bytes, sizeof(bytes)))
		held++;
	assert_int_equal(held, QUIC_HELD_MAX);
	for (unsigned i = 0; i < held; i++) {
		CLEAN(free_ptr) struct quic_held *one = quic_table_take(table, entry);
		assert_int_equal(one->bytes[0], i);
		assert_int_equal(one->len, sizeof(bytes));
	}
	assert_null(quic_table_take(table, entry));
	assert_true(quic_table_hold(table, entry, bytes, 1));
}

static void all_datagrams_together_are_bounded(void **state)
{
	CLEAN(quic_table_free_ptr) struct quic_table *table = quic_table_new();
	static const uint8_t bytes[65000];
	size_t held = 0;
	unsigned lost;
	(void)state;
	for (uint16_t port = 1; port < 100; port++) {
		struct quic_entry *entry = add(table, port, 1, &lost);
		while (quic_table_hold(table, entry, bytes, sizeof(bytes)))
			held += sizeof(bytes);
	}
	assert_true(held <= QUIC_HELD_BYTES);
	assert_true(held > QUIC_HELD_BYTES - sizeof(bytes));
}

// A flood of hellos that never end pushes out its like, not what is decided or asked.
static void the_oldest_hello_makes_room(void **state)
{
	CLEAN(quic_table_free_ptr) struct quic_table *table = quic_table_new();
	struct place to = at("203.0.113.1", 443), second = at("10.1.0.9", 2);
	unsigned lost, sum = 0;
	(void)state;
	struct quic_entry *asked = add(table, 1, 1, &lost);
	quic_table_wait(table, asked, QUIC_ASKED, 1);
	for (uint16_t port = 2; port < 2 + QUIC_HEARD_MAX + 10; port++) {
		assert_non_null(add(table, port, port, &lost));
		sum += lost;
	}
	assert_int_equal(sum, 10);
	assert_int_equal(quic_table_size(table), QUIC_HEARD_MAX + 1);
	assert_null(quic_table_find(table, &second, &to));
	assert_ptr_equal(quic_table_oldest(table, QUIC_ASKED), asked);
}

static void the_oldest_that_is_decided_makes_room(void **state)
{
	CLEAN(quic_table_free_ptr) struct quic_table *table = quic_table_new();
	struct place to = at("203.0.113.1", 443), first = at("10.1.0.9", 1),
		     second = at("10.1.0.9", 2);
	unsigned lost;
	(void)state;
	for (uint16_t port = 1; port <= QUIC_FLOWS_MAX + 1; port++) {
		quic_table_wait(table, add(table, port, port, &lost), QUIC_DECIDED, port);
		assert_int_equal(lost, 0);
	}
	assert_int_equal(quic_table_size(table), QUIC_FLOWS_MAX);
	assert_null(quic_table_find(table, &first, &to));
	assert_non_null(quic_table_find(table, &second, &to));
}

static void a_refused_flow_is_told_by_icmp(void **state)
{
	static const uint8_t expected[] = {
		3,    3, 0,   0,    0,   0, 0,    0, // checksum below
		0x45, 0, 4,   0xcc, 0,   0, 0,    0,    64,   17,   0, 0,    10, 1,
		0,    9, 203, 0,    113, 1, 0x0f, 0xa0, 0x01, 0xbb, 4, 0xb8, 0,  0,
	};
	struct place client = at("10.1.0.9", 4000), to = at("203.0.113.1", 443);
	uint8_t message[UNREACHABLE_SIZE], plain[UNREACHABLE_SIZE];
	uint32_t sum = 0;
	(void)state;
	assert_int_equal(unreachable_make(&client, &to, 1200, message), sizeof(expected));
	for (size_t i = 0; i < sizeof(expected); i += 2)
		sum += (uint32_t)octets_get(message + i, 2);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	assert_int_equal(sum, 0xffff); // RFC 1071: of a right one
	memcpy(plain, message, sizeof(plain));
	memset(plain + 2, 0, 2);
	memset(plain + 18, 0, 2);
	assert_memory_equal(plain, expected, sizeof(expected));
	client = at("fd00::9", 4000);
	to = at("2001:db8::1", 443);
	assert_int_equal(unreachable_make(&client, &to, 1200, message), UNREACHABLE_SIZE);
	assert_int_equal(message[0], 1);
	assert_int_equal(message[1], 4);
	assert_int_equal(message[8], 0x60);
	assert_memory_equal(message + 16, client.address.bytes, 16);
	assert_memory_equal(message + 32, to.address.bytes, 16);
	assert_int_equal(octets_get(message + 48, 2), 4000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flow_is_its_five_numbers),
		cmocka_unit_test(datagrams_wait_in_their_order),
		cmocka_unit_test(all_datagrams_together_are_bounded),
		cmocka_unit_test(the_oldest_hello_makes_room),
		cmocka_unit_test(the_oldest_that_is_decided_makes_room),
		cmocka_unit_test(a_refused_flow_is_told_by_icmp),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
