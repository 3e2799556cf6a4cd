// The configuration of weft-dns: whatever stands in it, it is taken or refused with a sentence, and
// what is taken answers.
#include <stdlib.h>
#include <string.h>

#include "dns/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const struct dns_config *config, const char *text)
{
	static const uint8_t wire[DNS_HEADER_SIZE + 6] = { 0 };
	struct dns_query query = { .question.len = 5, .edns.udp_size = DNS_UDP_MIN };
	struct dns_writer writer;
	uint8_t answer[DNS_UDP_MIN];
	struct name name, target;
	struct address client = { .family = 4, .bytes = { 10, 1, 5, 1 } };
	struct dns_blocked blocked;
	if (name_parse(text, strlen(text), &name, NULL) < 0)
		abort();
	dns_write_reply(&writer, answer, sizeof(answer), wire, &query, 0);
	(void)dns_zones_answer(config->zones, &name, DNS_ANY, &writer, &target);
	if (dns_write_end(&writer, &query.edns, DNS_NOERROR) > sizeof(answer))
		abort();
	(void)dns_rules_blocked(&config->rules, &client, &name, &blocked);
	const struct dns_decided decided = dns_rules_decide(&config->rules, &client, &name);
	const struct dns_way way = dns_rules_way(&config->rules, &client, &name, decided.mark);
	if (!way.group || (decided.rule && !decided.policy))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "lan.example", "x.apps.lan.example", "www.lan.example",
					     "9.0.1.10.in-addr.arpa", "a.int.example" };
	struct err err = { 0 };
	CLEAN(dns_config_free_ptr)
	struct dns_config *config = dns_config_parse((const char *)data, size, &err);
	if (!config && (err.code == 0 || err.text[0] == '\0'))
		abort();
	for (size_t i = 0; config && i < ARRAY_LEN(names); i++)
		ask(config, names[i]);
	return 0;
}
