// Answers that are made here, and those of others made anew.
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

#include "dns/writer.h"

#define BYTES(literal) ((const uint8_t *)(literal)), sizeof(literal) - 1

#define QUESTION "\3wWw\7Example\3com\0\0\1\0\1"

static const uint8_t plain[] = "\x12\x34\x01\x10\0\1\0\0\0\0\0\0" QUESTION;
static const uint8_t with_edns[] =
	"\x12\x34\x01\x10\0\1\0\0\0\0\0\1" QUESTION "\0\0\x29\x04\xd0\0\0\x80\0\0\0";

static struct name name_of(const char *text)
{
	struct name name;
	assert_int_equal(name_parse(text, strlen(text), &name, NULL), 0);
	return name;
}

static void begin(struct dns_writer *writer, uint8_t *data, size_t cap, struct dns_query *query)
{
	assert_int_equal(dns_query_read(plain, sizeof(plain) - 1, query), 0);
	dns_write_reply(writer, data, cap, plain, query, DNS_RA);
}

static void names_are_pointed_to(void **state)
{
	static const uint8_t expected[] = "\x12\x34\x81\x90\0\1\0\2\0\0\0\0" QUESTION
					  "\xc0\x0c\0\5\0\1\0\0\0\x3c\0\6\3cdn\xc0\x10"
					  "\xc0\x2d\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1";
	uint8_t data[512];
	struct dns_query query;
	struct dns_writer writer;
	struct name cdn = name_of("cdn.example.com");
	(void)state;
	begin(&writer, data, sizeof(data), &query);
	struct dns_record record = {
		.name = query.question.name, .type = DNS_CNAME, .class = DNS_IN, .ttl = 60
	};
	dns_write_name_record(&writer, &record, &cdn);
	record = (struct dns_record){
		.name = cdn, .type = DNS_A, .class = DNS_IN, .ttl = 60, .data_len = 4
	};
	dns_write_record(&writer, &record, (const uint8_t *)"\xc0\0\2\1");
	assert_int_equal(dns_write_end(&writer, &query.edns, DNS_NOERROR), sizeof(expected) - 1);
	assert_memory_equal(data, expected, sizeof(expected) - 1);
}

// Bytes within a label that look like a name's are no name.
static void a_pointer_leads_to_a_label(void **state)
{
	static const uint8_t wire[] = "\0\1\1\0\0\1\0\0\0\0\0\0\5ab\2cd\2ef\0\0\1\0\1";
	static const uint8_t inner[] = "\2cd\2ef", apex[] = "\2EF";
	const size_t head = sizeof(wire) - 1;
	uint8_t data[512];
	struct dns_query query;
	struct dns_writer writer;
	struct name name;
	(void)state;
	assert_int_equal(dns_query_read(wire, head, &query), 0);
	dns_write_reply(&writer, data, sizeof(data), wire, &query, 0);
	assert_int_equal(name_read(inner, sizeof(inner), &name), sizeof(inner));
	dns_write_soa(&writer, DNS_AUTHORITY, &name, 60);
	assert_memory_equal(data + head, "\2cd\xc0\x12\0\6", 7);
	const size_t second = writer.len;
	assert_int_equal(name_read(apex, sizeof(apex), &name), sizeof(apex));
	dns_write_soa(&writer, DNS_AUTHORITY, &name, 60);
	assert_memory_equal(data + second, "\xc0\x12\0\6", 4);
}

static void the_zone_of_an_soa_stands_once(void **state)
{
#define NUMBERS "\0\0\0\1\0\0\x0e\x10\0\0\2\x58\0\1\x51\x80\0\0\0\x3c"
	static const struct {
		const char *zone;
		const uint8_t *record;
		size_t len;
	} rows[] = {
		{ "www.example.com", BYTES("\xc0\x0c\0\6\0\1\0\0\0\x3c\0\x23\xc0\x0c\12"
					   "hostmaster\xc0\x0c" NUMBERS) },
		{ "lan.example.com", BYTES("\3lan\xc0\x10\0\6\0\1\0\0\0\x3c\0\x23\xc0\x21\12"
					   "hostmaster\xc0\x21" NUMBERS) },
		{ ".", BYTES("\0\0\6\0\1\0\0\0\x3c\0\x21\0\12hostmaster\0" NUMBERS) },
	};
#undef NUMBERS
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct name root = { .len = 1 };
		const struct name zone = rows[i].zone[0] == '.' ? root : name_of(rows[i].zone);
		const size_t head = DNS_HEADER_SIZE + sizeof(QUESTION) - 1;
		uint8_t data[512];
		struct dns_query query;
		struct dns_writer writer;
		begin(&writer, data, sizeof(data), &query);
		dns_write_soa(&writer, DNS_AUTHORITY, &zone, 60);
		assert_int_equal(dns_write_end(&writer, &query.edns, DNS_NXDOMAIN),
				 head + rows[i].len);
		assert_memory_equal(data + head, rows[i].record, rows[i].len);
	}
}

static void edns_is_answered_and_a_high_rcode_fits(void **state)
{
	uint8_t data[512];
	struct dns_query query;
	struct dns_writer writer;
	(void)state;
	assert_int_equal(dns_query_read(with_edns, sizeof(with_edns) - 1, &query), 0);
	dns_write_reply(&writer, data, sizeof(data), with_edns, &query, 0);
	size_t len = dns_write_end(&writer, &query.edns, DNS_BADVERS);
	assert_int_equal(len, sizeof(with_edns) - 1);
	assert_memory_equal(data + len - 11, "\0\0\x29\x04\xd0\1\0\x80\0\0\0", 11);
	assert_int_equal(data[3] & 0x0f, 0);
	assert_int_equal(data[11], 1);
}

// A record that does not fit is left out whole and TC tells; the OPT record has its room.
static void what_does_not_fit_is_told(void **state)
{
	uint8_t data[512];
	static const uint8_t text[200] = { 199 };
	struct dns_query query;
	struct dns_writer writer;
	struct dns_reader reader;
	struct dns_record record;
	(void)state;
	assert_int_equal(dns_query_read(with_edns, sizeof(with_edns) - 1, &query), 0);
	dns_write_reply(&writer, data, sizeof(data), with_edns, &query, 0);
	for (int i = 0; i < 5; i++) {
		record = (struct dns_record){ .name = query.question.name,
					      .type = DNS_TXT,
					      .class = DNS_IN,
					      .data_len = sizeof(text) };
		dns_write_record(&writer, &record, text);
	}
	size_t len = dns_write_end(&writer, &query.edns, DNS_NOERROR);
	assert_true(len <= sizeof(data));
	assert_int_equal(data[2] & 0x02, 0x02);
	assert_int_equal(dns_reader_init(&reader, data, len), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(dns_reader_next(&reader, &record), 1);
	assert_int_equal(record.type, DNS_OPT);
	assert_int_equal(dns_reader_next(&reader, &record), 0);
}

// Rewrites `answer`; returns the length.
static int rewrite(const uint8_t *answer, size_t len, const struct dns_rewrite *how,
		   uint8_t data[4096], uint32_t *ret_ttl)
{
	struct dns_query query;
	struct dns_writer writer;
	struct dns_reader reader;
	begin(&writer, data, 4096, &query);
	if (dns_reader_init(&reader, answer, len) < 0)
		return -EBADMSG;
	int r = dns_rewrite(&reader, how, &writer, ret_ttl);
	return r < 0 ? r : (int)dns_write_end(&writer, &query.edns, DNS_NOERROR);
}

#define ANSWER(count) "\0\1\x81\x80\0\1\0" count "\0\0\0\0" QUESTION

static const struct dns_rewrite as_it_is = { .ttl_max = 86400 };

static void answers_are_made_anew(void **state)
{
	static const struct {
		const char *answer;
		size_t len;
		const char *records;
		size_t records_len;
	} rows[] = {
#define ROW(answer, records) { answer, sizeof(answer) - 1, records, sizeof(records) - 1 }
		ROW(ANSWER("\1") "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1",
		    "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1"),
		// A TTL without end is none; a longer one than may be is cut.
		ROW(ANSWER("\1") "\xc0\x0c\0\1\0\1\xff\0\0\0\0\4\xc0\0\2\1",
		    "\xc0\x0c\0\1\0\1\0\0\0\0\0\4\xc0\0\2\1"),
		ROW(ANSWER("\1") "\xc0\x0c\0\1\0\1\1\0\0\0\0\4\xc0\0\2\1",
		    "\xc0\x0c\0\1\0\1\0\1\x51\x80\0\4\xc0\0\2\1"),
		// Names in the data of MX and SOA are written in full.
		ROW(ANSWER("\1") "\xc0\x0c\0\x0f\0\1\0\0\0\1\0\4\0\5\xc0\x10",
		    "\xc0\x0c\0\x0f\0\1\0\0\0\1\0\x0f\0\5\7example\3com\0"),
		ROW(ANSWER("\1") "\xc0\x0c\0\6\0\1\0\0\0\1\0\x18\xc0\x18\xc0\x18"
				 "12345678901234567890",
		    "\xc0\x0c\0\6\0\1\0\0\0\1\0\x1e\3com\0\3com\0"
		    "12345678901234567890"),
		// An OPT record and one of another class are left out.
		ROW(ANSWER("\2") "\xc0\x0c\0\1\0\3\0\0\0\x3c\0\4\xc0\0\2\1"
				 "\0\0\x29\x10\0\0\0\0\0\0\0",
		    ""),
		// One that is not known is passed on as bytes.
		ROW(ANSWER("\1") "\xc0\x0c\xff\0\0\1\0\0\0\1\0\3\xc0\x0c!",
		    "\xc0\x0c\xff\0\0\1\0\0\0\1\0\3\xc0\x0c!"),
#undef ROW
	};
	size_t head = sizeof(ANSWER("\1")) - 1;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t data[4096];
		uint32_t ttl;
		int r = rewrite((const uint8_t *)rows[i].answer, rows[i].len, &as_it_is, data,
				&ttl);
		assert_int_equal(r, head + rows[i].records_len);
		assert_memory_equal(data + head, rows[i].records, rows[i].records_len);
	}
}

static void broken_data_is_refused(void **state)
{
	static const struct {
		const char *answer;
		size_t len;
	} rows[] = {
#define ROW(record) { ANSWER("\1") record, sizeof(ANSWER("\1") record) - 1 }
		ROW("\xc0\x0c\0\1\0\1\0\0\0\x3c\0\5\xc0\0\2\1\1"),    // an A of five bytes
		ROW("\xc0\x0c\0\x1c\0\1\0\0\0\x3c\0\4\xc0\0\2\1"),    // an AAAA of four
		ROW("\xc0\x0c\0\5\0\1\0\0\0\x3c\0\4\1a\0!"),          // more behind the name
		ROW("\xc0\x0c\0\5\0\1\0\0\0\x3c\0\2\1a"),             // a name without end
		ROW("\xc0\x0c\0\x0f\0\1\0\0\0\1\0\2\0\5"),            // an MX without a name
		ROW("\xc0\x0c\0\6\0\1\0\0\0\1\0\5\xc0\x18\xc0\x18!"), // half an SOA
		ROW("\xc0\x0c\0\x41\0\1\0\0\0\1\0\6\0\1\0\0\1\0"),    // half a parameter
		ROW("\xc0\x0c\0\x41\0\1\0\0\0\1\0\7\0\1\0\0\1\0\1"),  // one without its value
#undef ROW
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint8_t data[4096];
		uint32_t ttl;
		assert_int_equal(rewrite((const uint8_t *)rows[i].answer, rows[i].len, &as_it_is,
					 data, &ttl),
				 -EBADMSG);
	}
}

static void the_shortest_ttl_is_told(void **state)
{
	static const uint8_t answer[] = ANSWER("\2") "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1"
						     "\xc0\x0c\0\1\0\1\0\0\0\x1e\0\4\xc0\0\2\2";
	static const struct dns_rewrite longer = { .ttl_min = 40, .ttl_max = 50 };
	uint8_t data[4096];
	uint32_t ttl;
	(void)state;
	assert_true(rewrite(BYTES(answer), &as_it_is, data, &ttl) > 0);
	assert_int_equal(ttl, 30);
	assert_true(rewrite(BYTES(answer), &longer, data, &ttl) > 0);
	assert_int_equal(ttl, 40);
	assert_true(rewrite(BYTES(ANSWER("\0")), &as_it_is, data, &ttl) > 0);
	assert_int_equal(ttl, UINT32_MAX);
}

static void encrypted_hellos_are_taken_out_where_asked(void **state)
{
	// mandatory=alpn,ech alpn=h2 ipv4hint=192.0.2.1 ech=(3 bytes) ipv6hint=(16)
	static const uint8_t answer[] = ANSWER("\1") "\xc0\x0c\0\x41\0\1\0\0\0\x3c\0\x39\0\1\0"
						     "\0\0\0\4\0\1\0\5"
						     "\0\1\0\3\2h2"
						     "\0\4\0\4\xc0\0\2\1"
						     "\0\5\0\3ech"
						     "\0\6\0\x10"
						     "0123456789abcdef"
						     "\0\7\0\0";
	static const uint8_t expected[] = "\xc0\x0c\0\x41\0\1\0\0\0\x3c\0\x30\0\1\0"
					  "\0\0\0\2\0\1"
					  "\0\1\0\3\2h2"
					  "\0\4\0\4\xc0\0\2\1"
					  "\0\6\0\x10"
					  "0123456789abcdef"
					  "\0\7\0\0";
	static const struct dns_rewrite dropping = { .drops_ech = true, .ttl_max = 86400 };
	size_t head = sizeof(ANSWER("\1")) - 1;
	uint8_t data[4096];
	uint32_t ttl;
	(void)state;
	assert_int_equal(rewrite(BYTES(answer), &as_it_is, data, &ttl), sizeof(answer) - 1);
	assert_memory_equal(data + head, answer + head, sizeof(answer) - 1 - head);
	assert_int_equal(rewrite(BYTES(answer), &dropping, data, &ttl),
			 head + sizeof(expected) - 1);
	assert_memory_equal(data + head, expected, sizeof(expected) - 1);
}

static void services_of_other_names_are_left_out_where_asked(void **state)
{
	// 1 other.x; 0 other.x, an alias; 1 `.`
	static const uint8_t answer[] =
		ANSWER("\3") "\xc0\x0c\0\x41\0\1\0\0\0\x3c\0\x0b\0\1\5other\1x\0"
			     "\xc0\x0c\0\x41\0\1\0\0\0\x3c\0\x0b\0\0\5other\1x\0"
			     "\xc0\x0c\0\x41\0\1\0\0\0\x3c\0\3\0\1\0";
	static const struct dns_rewrite dropping = { .drops_ech = true, .ttl_max = 86400 };
	size_t head = sizeof(ANSWER("\1")) - 1;
	uint8_t data[4096];
	uint32_t ttl;
	(void)state;
	assert_int_equal(rewrite(answer, sizeof(answer) - 1, &dropping, data, &ttl), head + 15);
	assert_int_equal(data[7], 1);
	assert_memory_equal(data + head, answer + sizeof(answer) - 1 - 15, 15);
	assert_true(rewrite(answer, sizeof(answer) - 1, &as_it_is, data, &ttl) > (int)head + 45);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_pointed_to),
		cmocka_unit_test(a_pointer_leads_to_a_label),
		cmocka_unit_test(the_zone_of_an_soa_stands_once),
		cmocka_unit_test(edns_is_answered_and_a_high_rcode_fits),
		cmocka_unit_test(what_does_not_fit_is_told),
		cmocka_unit_test(answers_are_made_anew),
		cmocka_unit_test(broken_data_is_refused),
		cmocka_unit_test(the_shortest_ttl_is_told),
		cmocka_unit_test(encrypted_hellos_are_taken_out_where_asked),
		cmocka_unit_test(services_of_other_names_are_left_out_where_asked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
