// Local zones: what is known, what is known not to be, and reverse names by themselves.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/octets.h"

#include "dns/zones.h"

#define ZONE "lan.example"

static struct name name_of(const char *text)
{
	struct name name;
	assert_int_equal(name_parse(text, strlen(text), &name, NULL), 0);
	return name;
}

static void add(struct dns_zones *zones, const char *name, const char *type, const char *data)
{
	const struct dns_zone_record record = { name, type, data, 300 };
	struct err err = { 0 };
	if (dns_zones_add_record(zones, ZONE, &record, &err) < 0)
		fail_msg("%s %s %s: %s", name, type, data, err.text);
}

static struct dns_zones *made(void)
{
	struct dns_zones *zones = dns_zones_new();
	assert_non_null(zones);
	assert_int_equal(dns_zones_add(zones, ZONE, 60, NULL), 0);
	add(zones, "@", "TXT", "hello");
	add(zones, "printer", "A", "10.1.0.9");
	add(zones, "printer", "A", "10.1.0.8");
	add(zones, "v6", "aaaa", "fd00::9");
	add(zones, "www", "CNAME", "printer.lan.example");
	add(zones, "loop", "CNAME", "loop.lan.example");
	add(zones, "out", "CNAME", "elsewhere.example");
	add(zones, "*.apps", "A", "10.1.0.10");
	add(zones, "deep.below.apps", "A", "10.1.0.11");
	return zones;
}

// An answer as it goes out, its records as "name type ttl data;" in their order.
struct answer {
	enum dns_zone_answer said;
	uint8_t message[4096];
	size_t len;
	char text[2048];
};

static void add_record_text(struct answer *answer, const struct dns_record *record)
{
	char name[NAME_TEXT_SIZE], data[NAME_TEXT_SIZE] = "";
	const uint8_t *at = answer->message + record->data_at;
	struct name target;
	size_t target_at = record->data_at, used = strlen(answer->text);
	name_text(&record->name, name);
	if (record->type == DNS_A)
		(void)snprintf(data, sizeof(data), "%u.%u.%u.%u", at[0], at[1], at[2], at[3]);
	else if (record->type == DNS_TXT)
		(void)snprintf(data, sizeof(data), "%.*s", at[0], (const char *)at + 1);
	else if (dns_read_name(answer->message, answer->len, &target_at, &target) == 0)
		name_text(&target, data);
	(void)snprintf(answer->text + used, sizeof(answer->text) - used, "%s%s %u %u %s;",
		       record->section == DNS_AUTHORITY ? "-" : "", name, record->type, record->ttl,
		       data);
}

static struct answer ask(const struct dns_zones *zones, const char *text, uint16_t type)
{
	static struct answer answer;
	struct dns_query query = { .question.name = name_of(text) };
	struct dns_writer writer;
	struct dns_reader reader;
	struct dns_record record;
	uint8_t wire[DNS_HEADER_SIZE + NAME_WIRE_MAX + 4] = { 0 };
	memset(&answer, 0, sizeof(answer));
	memcpy(wire + DNS_HEADER_SIZE, query.question.name.wire, query.question.name.len);
	octets_put(wire + DNS_HEADER_SIZE + query.question.name.len, type, 2);
	octets_put(wire + DNS_HEADER_SIZE + query.question.name.len + 2, DNS_IN, 2);
	query.question.len = query.question.name.len + 4u;
	dns_write_reply(&writer, answer.message, sizeof(answer.message), wire, &query, 0);
	answer.said = dns_zones_answer(zones, &query.question.name, type, &writer, NULL);
	answer.len = dns_write_end(&writer, &query.edns, DNS_NOERROR);
	assert_int_equal(dns_reader_init(&reader, answer.message, answer.len), 0);
	while (dns_reader_next(&reader, &record) > 0)
		add_record_text(&answer, &record);
	return answer;
}

static void records_are_found(void **state)
{
	CLEAN(dns_zones_free_ptr) struct dns_zones *zones = made();
	static const struct {
		const char *name;
		uint16_t type;
		enum dns_zone_answer said;
		const char *text;
	} rows[] = {
		{ "lan.example", DNS_TXT, DNS_ZONE_DONE, "lan.example 16 300 hello;" },
		{ "PRINTER.lan.example", DNS_A, DNS_ZONE_DONE,
		  "printer.lan.example 1 300 10.1.0.9;printer.lan.example 1 300 10.1.0.8;" },
		{ "printer.lan.example", DNS_AAAA, DNS_ZONE_DONE,
		  "-lan.example 6 60 lan.example;" },
		{ "nope.lan.example", DNS_A, DNS_ZONE_NO_NAME, "-lan.example 6 60 lan.example;" },
		{ "lan.example", DNS_SOA, DNS_ZONE_DONE, "lan.example 6 60 lan.example;" },
		{ "www.lan.example", DNS_A, DNS_ZONE_DONE,
		  "www.lan.example 5 300 printer.lan.example;printer.lan.example 1 300 10.1.0.9;"
		  "printer.lan.example 1 300 10.1.0.8;" },
		{ "www.lan.example", DNS_CNAME, DNS_ZONE_DONE,
		  "www.lan.example 5 300 printer.lan.example;" },
		{ "out.lan.example", DNS_A, DNS_ZONE_ELSEWHERE,
		  "out.lan.example 5 300 elsewhere.example;" },
		{ "other.example", DNS_A, DNS_ZONE_NONE, "" },
		{ "example", DNS_A, DNS_ZONE_NONE, "" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct answer answer = ask(zones, rows[i].name, rows[i].type);
		assert_string_equal(answer.text, rows[i].text);
		assert_int_equal(answer.said, rows[i].said);
	}
}

// RFC 4592: a wildcard stands for what does not exist, and not for what has names below it.
static void wildcards_stand_for_the_rest(void **state)
{
	CLEAN(dns_zones_free_ptr) struct dns_zones *zones = made();
	(void)state;
	assert_string_equal(ask(zones, "x.apps.lan.example", DNS_A).text,
			    "x.apps.lan.example 1 300 10.1.0.10;");
	assert_string_equal(ask(zones, "y.x.apps.lan.example", DNS_A).text,
			    "y.x.apps.lan.example 1 300 10.1.0.10;");
	assert_int_equal(ask(zones, "below.apps.lan.example", DNS_A).said, DNS_ZONE_DONE);
	assert_string_equal(ask(zones, "below.apps.lan.example", DNS_A).text,
			    "-lan.example 6 60 lan.example;");
	assert_int_equal(ask(zones, "z.below.apps.lan.example", DNS_A).said, DNS_ZONE_NO_NAME);
	assert_int_equal(ask(zones, "apps.lan.example", DNS_A).said, DNS_ZONE_DONE);
}

static void addresses_have_reverse_names(void **state)
{
	CLEAN(dns_zones_free_ptr) struct dns_zones *zones = made();
	static const char six[] = "9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
				  "0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa";
	char text[200];
	(void)state;
	assert_string_equal(ask(zones, "9.0.1.10.in-addr.arpa", DNS_PTR).text,
			    "9.0.1.10.in-addr.arpa 12 300 printer.lan.example;");
	(void)snprintf(text, sizeof(text), "%s 12 300 v6.lan.example;", six);
	assert_string_equal(ask(zones, six, DNS_PTR).text, text);
	// A wildcard's address is nobody's name; other reverse names are asked for elsewhere.
	assert_int_equal(ask(zones, "10.0.1.10.in-addr.arpa", DNS_PTR).said, DNS_ZONE_NONE);
	// The same address once more keeps its first name; one that is written takes its place.
	add(zones, "second", "A", "10.1.0.9");
	assert_string_equal(ask(zones, "9.0.1.10.in-addr.arpa", DNS_PTR).text,
			    "9.0.1.10.in-addr.arpa 12 300 printer.lan.example;");
	const struct dns_zone_record written = { "9", "PTR", "mine.example", 300 };
	assert_int_equal(dns_zones_add(zones, "0.1.10.in-addr.arpa", 60, NULL), 0);
	assert_int_equal(dns_zones_add_record(zones, "0.1.10.in-addr.arpa", &written, NULL), 0);
	assert_string_equal(ask(zones, "9.0.1.10.in-addr.arpa", DNS_PTR).text,
			    "9.0.1.10.in-addr.arpa 12 300 mine.example;");
}

static void circles_end(void **state)
{
	CLEAN(dns_zones_free_ptr) struct dns_zones *zones = made();
	(void)state;
	assert_int_equal(ask(zones, "loop.lan.example", DNS_A).said, DNS_ZONE_DONE);
}

static void long_text_is_cut_in_pieces(void **state)
{
	CLEAN(dns_zones_free_ptr) struct dns_zones *zones = dns_zones_new();
	char text[601];
	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(dns_zones_add(zones, ZONE, 60, NULL), 0);
	add(zones, "long", "TXT", text);
	struct answer answer = ask(zones, "long.lan.example", DNS_TXT);
	struct dns_reader reader;
	struct dns_record record;
	assert_int_equal(dns_reader_init(&reader, answer.message, answer.len), 0);
	assert_int_equal(dns_reader_next(&reader, &record), 1);
	assert_int_equal(record.data_len, 603);
	const uint8_t *data = answer.message + record.data_at;
	assert_int_equal(data[0], 255);
	assert_int_equal(data[256], 255);
	assert_int_equal(data[512], 90);
}

static void what_is_wrong_is_said(void **state)
{
	static const struct {
		struct dns_zone_record record;
		const char *why;
	} rows[] = {
		{ { "a", "A", "fd00::1", 1 }, "fd00::1 is no address of type A" },
		{ { "a", "MX", "x", 1 }, "MX is no type of a record: A, AAAA, CNAME, TXT or PTR" },
		{ { "printer", "CNAME", "x.example", 1 },
		  "printer: an alias stands alone under its name" },
		{ { "www", "A", "10.0.0.1", 1 }, "www: an alias stands alone under its name" },
	};
	CLEAN(dns_zones_free_ptr) struct dns_zones *zones = made();
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err err = { 0 };
		assert_int_equal(dns_zones_add_record(zones, ZONE, &rows[i].record, &err), -EINVAL);
		assert_string_equal(err.text, rows[i].why);
	}
}

// The table grows; everything is still found.
static void thousands_of_names(void **state)
{
	CLEAN(dns_zones_free_ptr) struct dns_zones *zones = made();
	char name[32], whole[64];
	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		(void)snprintf(name, sizeof(name), "h%u", i);
		add(zones, name, "TXT", name);
	}
	for (unsigned i = 0; i < 5000; i += 97) {
		(void)snprintf(whole, sizeof(whole), "h%u.lan.example", i);
		assert_int_equal(ask(zones, whole, DNS_TXT).said, DNS_ZONE_DONE);
	}
	assert_int_equal(ask(zones, "h5000.lan.example", DNS_TXT).said, DNS_ZONE_NO_NAME);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_found),
		cmocka_unit_test(wildcards_stand_for_the_rest),
		cmocka_unit_test(addresses_have_reverse_names),
		cmocka_unit_test(circles_end),
		cmocka_unit_test(long_text_is_cut_in_pieces),
		cmocka_unit_test(what_is_wrong_is_said),
		cmocka_unit_test(thousands_of_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
