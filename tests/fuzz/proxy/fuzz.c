// What weft-proxy reads: a configuration, the first words of connections, and datagrams of many
// flows at once. The first byte says which.
#include <stdlib.h>
#include <string.h>

#include "base/octets.h"

#include "decide/marks.h"
#include "proxy/config.h"
#include "proxy/quic_table.h"
#include "proxy/verdict.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TCP = 6 };

// Two rules: one that takes what names nobody, one that drops everything else.
static const char fixed[] =
	"{\"policies\":[{\"name\":\"x\",\"id\":1,\"from\":[\"10.0.0.0/8\"],\"rules\":["
	"{\"number\":1,\"to\":[],\"lists\":[{\"id\":5,\"name\":\"tv\"}],\"unknown\":true,"
	"\"verdict\":\"mark\",\"mark\":65536},"
	"{\"number\":2,\"to\":[],\"verdict\":\"block\",\"block\":\"drop\"}]}]}";

static struct proxy_config *config_of(const char *text, size_t size)
{
	struct err err = { 0 };
	struct proxy_config *config = proxy_config_parse(text, size, &err);
	if (!config && (err.code == 0 || err.text[0] == '\0'))
		abort();
	return config;
}

static uint32_t verdict_for(const struct proxy_config *config,
			    const struct verdict_sniffed *sniffed)
{
	const struct verdict_flow flow = { .protocol = TCP,
					   .port = 443,
					   .client = { .family = 4, .bytes = { 10, 1, 0, 9 } },
					   .to = { .family = 4, .bytes = { 203, 0, 113, 1 } } };
	const struct verdict_learned learned = { 0 };
	return verdict_of(config->decide, &flow, sniffed,
			  verdict_needs_address(config->decide, sniffed) ? &learned : NULL);
}

static void try_config(const uint8_t *data, size_t size)
{
	static const uint8_t head[] = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";
	CLEAN(proxy_config_release_ptr)
	struct proxy_config *config = config_of((const char *)data, size);
	size_t wants;
	const struct verdict_sniffed sniffed = verdict_sniff(head, sizeof(head) - 1, &wants);
	if (config && (verdict_for(config, &sniffed) & config->decide->marks.mask) == 0)
		abort();
}

// A name that is in no list is dropped; what names nobody is the first rule's.
static void try_words(const uint8_t *data, size_t size)
{
	CLEAN(proxy_config_release_ptr)
	struct proxy_config *config = config_of(fixed, sizeof(fixed) - 1);
	size_t wants = 0;
	const struct verdict_sniffed sniffed = verdict_sniff(data, size, &wants);
	const uint32_t mark = verdict_for(config, &sniffed) & config->decide->marks.mask;
	if (sniffed.result == SNIFF_MORE && wants <= size)
		abort();
	if (sniffed.result != SNIFF_NAME && mark != 0x10000)
		abort();
	if (sniffed.result == SNIFF_NAME && !sniffed.has_ech && mark != config->decide->marks.drop)
		abort();
}

// One datagram as the thread for QUIC takes it.
static void take(struct quic_table *table, const struct place *client, const uint8_t *data,
		 size_t len, int64_t now_ms)
{
	const struct place to = { { .family = 4, .bytes = { 203, 0, 113, 1 } }, 443 };
	struct quic_entry *entry = quic_table_find(table, client, &to);
	struct sniff sniff;
	unsigned lost;
	if (!entry)
		entry = quic_table_add(table, client, &to, now_ms, &lost);
	if (!entry)
		abort();
	if (!quic_table_hold(table, entry, data, len) || entry->wait != QUIC_HEARD ||
	    quic_flow_take(entry->flow, data, len, &sniff) == SNIFF_MORE)
		return;
	struct quic_held *held;
	while ((held = quic_table_take(table, entry)))
		free(held);
	quic_table_wait(table, entry, QUIC_DECIDED, now_ms);
}

// Pieces: a port, a length, bytes.
static void try_datagrams(const uint8_t *data, size_t size)
{
	struct quic_table *table = quic_table_new();
	struct place client = { { .family = 4, .bytes = { 10, 1, 0, 9 } }, 0 };
	if (!table)
		abort();
	for (int64_t now_ms = 0; size >= 4; now_ms++) {
		client.port = (uint16_t)octets_get(data, 2);
		size_t len = (size_t)octets_get(data + 2, 2);
		if (len > size - 4)
			len = size - 4;
		take(table, &client, data + 4, len, now_ms);
		data += 4 + len;
		size -= 4 + len;
	}
	if (quic_table_size(table) > QUIC_FLOWS_MAX)
		abort();
	quic_table_free(table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] % 3 == 0)
		try_config(data + 1, size - 1);
	else if (data[0] % 3 == 1)
		try_words(data + 1, size - 1);
	else
		try_datagrams(data + 1, size - 1);
	return 0;
}
