// DNS messages of clients and servers, whole and broken.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"

#include "dns/message.h"

#define BYTES(literal) ((const uint8_t *)(literal)), sizeof(literal) - 1

#define QUERY    "\x12\x34\x01\x00\0\1\0\0\0\0\0\0"
#define QUESTION "\3wWw\7Example\3com\0\0\1\0\1"

static void a_question_is_read(void **state)
{
	struct dns_query query;
	char text[NAME_TEXT_SIZE];
	(void)state;
	assert_int_equal(dns_query_read(BYTES(QUERY QUESTION), &query), 0);
	assert_int_equal(query.header.id, 0x1234);
	name_text(&query.question.name, text);
	assert_string_equal(text, "www.example.com");
	assert_int_equal(query.question.type, DNS_A);
	assert_int_equal(query.question.class, DNS_IN);
	assert_int_equal(query.question.len, sizeof(QUESTION) - 1);
	assert_false(query.edns.is_there);
	assert_int_equal(query.edns.udp_size, 512);
}

static void edns_is_read(void **state)
{
	static const struct {
		const char *opt;
		size_t len;
		int result;
		uint16_t udp_size;
	} rows[] = {
		{ "\0\0\x29\x04\xd0\0\0\x80\0\0\0", 11, 0, 1232 },
		{ "\0\0\x29\0\1\0\0\0\0\0\0", 11, 0, 512 },
		// A client-subnet and an option nobody knows.
		{ "\0\0\x29\x10\0\0\0\0\0\0\x10\0\x08\0\4\0\1\0\0\xff\xfe\0\4abcd", 27, 0, 4096 },
		{ "\0\0\x29\x10\0\0\1\0\0\0\0", 11, DNS_BADVERS, 4096 },
		{ "\1a\0\0\x29\x10\0\0\0\0\0\0\0", 13, DNS_FORMERR, 512 },
		{ "\0\0\x29\x10\0\0\0\0\0\0\1", 11, DNS_FORMERR, 512 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t message[200] = QUERY QUESTION;
		struct dns_query query;
		size_t len = sizeof(QUERY QUESTION) - 1;
		message[11] = 1;
		memcpy(message + len, rows[i].opt, rows[i].len);
		assert_int_equal(dns_query_read(message, len + rows[i].len, &query),
				 rows[i].result);
		assert_int_equal(query.edns.udp_size, rows[i].udp_size);
	}
	// Two of them.
	struct dns_query query;
	assert_int_equal(dns_query_read(BYTES("\0\1\0\0\0\1\0\0\0\0\0\2" QUESTION
					      "\0\0\x29\x04\xd0\0\0\0\0\0\0"
					      "\0\0\x29\x04\xd0\0\0\0\0\0\0"),
					&query),
			 DNS_FORMERR);
}

static void what_is_no_question_is_answered_as_it_must_be(void **state)
{
	struct dns_query query;
	(void)state;
	assert_int_equal(dns_query_read(BYTES("\x12\x34\x01\x00\0\1\0\0\0\0\0"), &query), -EBADMSG);
	assert_int_equal(dns_query_read(BYTES("\x12\x34\x81\x00\0\1\0\0\0\0\0\0" QUESTION), &query),
			 -EBADMSG); // an answer: two servers must not talk for ever
	assert_int_equal(dns_query_read(BYTES("\x12\x34\x29\x00\0\1\0\0\0\0\0\0" QUESTION), &query),
			 DNS_NOTIMP);
	assert_int_equal(dns_query_read(BYTES("\x12\x34\x01\x00\0\0\0\0\0\0\0\0"), &query),
			 DNS_FORMERR);
	assert_int_equal(
		dns_query_read(BYTES("\x12\x34\x01\x00\0\2\0\0\0\0\0\0" QUESTION QUESTION), &query),
		DNS_FORMERR);
	assert_int_equal(dns_query_read(BYTES(QUERY "\3www"), &query), DNS_FORMERR);
	assert_int_equal(dns_query_read(BYTES(QUERY "\3www\0\0\1\0"), &query), DNS_FORMERR);
	assert_int_equal(query.header.id, 0x1234);
	assert_int_equal(query.question.len, 0);
}

static void pointers_only_go_back(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		size_t at;
		int result;
		size_t behind;
	} rows[] = {
		{ "............\1a\0\1b\xc0\x0c", 19, 15, 0, 19 },
		{ "............\1a\xc0\x0e", 16, 12, -EBADMSG, 0 },            // to itself
		{ "............\1a\xc0\x10\1b\0", 19, 12, -EBADMSG, 0 },       // forward
		{ "............\xc0\x0e\xc0\x0c", 16, 14, -EBADMSG, 0 },       // in a circle
		{ "............\1a\xc0\x0c\1b\xc0\x0c", 20, 16, -EBADMSG, 0 }, // round and round
		{ "............\xc0\x00", 14, 12, -EBADMSG, 0 },               // into the header
		{ "............\1a\xc0", 15, 12, -EBADMSG, 0 },
		{ "............\x80"
		  "a\0",
		  15, 12, -EBADMSG, 0 }, // a label of no known kind
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct name name;
		size_t at = rows[i].at;
		assert_int_equal(
			dns_read_name((const uint8_t *)rows[i].bytes, rows[i].len, &at, &name),
			rows[i].result);
		assert_int_equal(at, rows[i].result == 0 ? rows[i].behind : rows[i].at);
	}
}

static void records_are_walked_section_by_section(void **state)
{
	static const char answer[] =
		"\0\1\x81\x80\0\1\0\1\0\1\0\1" QUESTION "\xc0\x0c\0\1\0\1\0\0\1\0\0\4\xc0\0\2\1"
		"\xc0\x10\0\2\0\1\0\0\0\1\0\2\xc0\x0c"
		"\0\0\x29\x10\0\0\0\0\0\0\0";
	static const enum dns_section sections[] = { DNS_ANSWER, DNS_AUTHORITY, DNS_ADDITIONAL };
	static const unsigned types[] = { DNS_A, DNS_NS, DNS_OPT };
	struct dns_reader reader;
	struct dns_record record;
	(void)state;
	assert_int_equal(dns_reader_init(&reader, BYTES(answer)), 0);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(dns_reader_next(&reader, &record), 1);
		assert_int_equal(record.section, sections[i]);
		assert_int_equal(record.type, types[i]);
	}
	assert_int_equal(dns_reader_next(&reader, &record), 0);
	// Cut anywhere, it is noticed.
	for (size_t len = 0; len < sizeof(answer) - 1; len++) {
		CLEAN(free_ptr) uint8_t *part = malloc(len + 1);
		memcpy(part, answer, len);
		int r = dns_reader_init(&reader, part, len);
		while (r >= 0 && (r = dns_reader_next(&reader, &record)) > 0)
			;
		assert_int_equal(r, -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_question_is_read),
		cmocka_unit_test(edns_is_read),
		cmocka_unit_test(what_is_no_question_is_answered_as_it_must_be),
		cmocka_unit_test(pointers_only_go_back),
		cmocka_unit_test(records_are_walked_section_by_section),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
