// The other half of another node's examination: sends to it and tells what came from it.
//   weft-agent reach TOKEN NAME PORT TO...
#include "doctor/reach.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#include "command/command.h"
#include "uplink/enrol_key.h"

CLEAN_FUNC(json_t, json_decref)

enum { ROUNDS = 10, ROUND_MS = 250, TARGETS_MAX = 8 };

static bool resolve(const char *host_port, struct kernel_endpoint *ret)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM };
	struct addrinfo *list = NULL;
	char host[256];
	int port = 0;
	if (kernel_endpoint_parse(host_port, ret, NULL) == 0)
		return true;
	if (enrol_key_host_port(host_port, 0, host, sizeof host, &port) < 0 || port == 0 ||
	    getaddrinfo(host, NULL, &hints, &list) != 0)
		return false;
	*ret = (struct kernel_endpoint){ .ip.family = (uint8_t)list->ai_family,
					 .port = (uint16_t)port };
	if (list->ai_family == AF_INET)
		memcpy(ret->ip.bytes, &((struct sockaddr_in *)(void *)list->ai_addr)->sin_addr, 4);
	else
		memcpy(ret->ip.bytes, &((struct sockaddr_in6 *)(void *)list->ai_addr)->sin6_addr,
		       16);
	freeaddrinfo(list);
	return true;
}

static json_t *seen_json(const struct reach *reach)
{
	json_t *list = json_array();
	size_t len;
	const struct reach_seen *seen = reach_heard(reach, &len);
	for (size_t i = 0; i < len; i++) {
		char source[KERNEL_ADDR_TEXT_SIZE];
		kernel_endpoint_format(&seen[i].source, source);
		(void)json_array_append_new(list, json_pack("{s:s, s:s, s:b}", "from", seen[i].from,
							    "source", source, "admitted",
							    seen[i].is_admitted));
	}
	return list;
}

int command_reach(const struct agent_settings *settings, int argc, char **argv)
{
	struct kernel_endpoint to[TARGETS_MAX];
	struct reach *reach = NULL;
	struct err err = { 0 };
	size_t count = 0;
	(void)settings;
	if (argc < 4 || strlen(argv[1]) != REACH_TOKEN_LEN)
		return EXIT_USAGE;
	const uint16_t port = (uint16_t)atoi(argv[3]);
	json_t *targets = json_array();
	for (int i = 4; i < argc && count < TARGETS_MAX; i++) {
		char text[KERNEL_ADDR_TEXT_SIZE];
		if (!resolve(argv[i], &to[count]))
			continue;
		kernel_endpoint_format(&to[count++], text);
		(void)json_array_append_new(targets, json_string(text));
	}
	if (reach_open(argv[1], &port, 1, &reach, &err) < 0) {
		json_decref(targets);
		return command_fail(EXIT_FAILED, "%s", err.text);
	}
	for (int round = 0; round < ROUNDS; round++) {
		// From no port of WireGuard's: unasked, as a stranger would.
		for (size_t i = 0; i < count; i++)
			(void)reach_send(reach, 0, &to[i], argv[2]);
		reach_listen(reach, ROUND_MS);
	}
	CLEAN(json_decref_ptr)
	json_t *result = json_pack("{s:o, s:o}", "to", targets, "seen", seen_json(reach));
	reach_close(reach);
	return result && json_dumpf(result, stdout, JSON_COMPACT) == 0 ? EXIT_DONE : EXIT_FAILED;
}
