// DNS messages of clients and of servers. What is written of a server's answer can be read again,
// and writing that again changes nothing.
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"

#include "dns/writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t asked[] =
	"\x12\x34\x01\x00\0\1\0\0\0\0\0\1\3www\7example\3com\0\0\1\0\1\0\0\x29\x10\0\0\0\0\0\0\0";
static uint8_t first[DNS_MESSAGE_MAX], second[DNS_MESSAGE_MAX];

// The answer rewritten into `ret`; 0 when it is broken.
static size_t rewrite(const uint8_t *answer, size_t len, uint8_t *ret)
{
	static const struct dns_rewrite how = { .drops_ech = true, .ttl_min = 1, .ttl_max = 86400 };
	struct dns_query query;
	struct dns_writer writer;
	struct dns_reader reader;
	uint32_t ttl;
	if (dns_query_read(asked, sizeof(asked) - 1, &query) != 0)
		abort();
	if (dns_reader_init(&reader, answer, len) < 0)
		return 0;
	dns_write_reply(&writer, ret, DNS_MESSAGE_MAX, asked, &query, DNS_RA);
	if (dns_rewrite(&reader, &how, &writer, &ttl) < 0)
		return 0;
	if (ttl != UINT32_MAX && (ttl < how.ttl_min || ttl > how.ttl_max))
		abort();
	return dns_write_end(&writer, &query.edns, DNS_NOERROR);
}

static void try_query(const uint8_t *data, size_t size)
{
	struct dns_query query;
	struct dns_writer writer;
	uint8_t reply[DNS_UDP_MIN];
	int rcode = dns_query_read(data, size, &query);
	if (rcode < 0)
		return;
	dns_write_reply(&writer, reply, sizeof(reply), data, &query, 0);
	size_t len = dns_write_end(&writer, &query.edns, (enum dns_rcode)rcode);
	if (len > sizeof(reply) || memcmp(reply, data, 2) != 0 || !(reply[2] & 0x80))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEAN(free_ptr) uint8_t *copy = malloc(size + 1);
	if (!copy)
		abort();
	memcpy(copy, data, size);
	try_query(copy, size);
	size_t len = rewrite(copy, size, first);
	// A message that was full is one with less in it.
	if (len > 0 && !(first[2] & 0x02) &&
	    (rewrite(first, len, second) != len || memcmp(first, second, len) != 0))
		abort();
	return 0;
}
