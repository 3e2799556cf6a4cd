// The names of controllers and peers: whether they resolve, and how long it takes.
#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>

#include "base/clock.h"

#include "doctor/inside.h"
#include "uplink/enrol_key.h"

enum { NAMES_MAX = 32, BUDGET_MS = 10000, SLOW_MS = 1000 };

struct names {
	char host[NAMES_MAX][256];
	size_t count;
	size_t left_out;
};

static bool is_address(const char *host)
{
	struct in6_addr any;

	return inet_pton(AF_INET, host, &any) == 1 || inet_pton(AF_INET6, host, &any) == 1;
}

static void add(struct names *names, const char *host_port)
{
	char host[256];
	int port;

	if (enrol_key_host_port(host_port, 1, host, sizeof host, &port) < 0 || is_address(host))
		return;
	for (size_t i = 0; i < names->count; i++) {
		if (strcmp(names->host[i], host) == 0)
			return;
	}
	if (names->count == NAMES_MAX)
		names->left_out++;
	else
		(void)snprintf(names->host[names->count++], sizeof names->host[0], "%s", host);
}

static void add_all(const struct examination *x, struct names *names)
{
	const struct identity *identity = x->config->identity;
	const json_t *body, *endpoint;
	size_t i;

	for (i = 0; identity && i < identity->hub_count; i++)
		add(names, identity->hubs[i]);
	for (void *at = NULL; entry_of(x->desired, "peer/", &at, &body);) {
		json_array_foreach(json_object_get(body, "endpoints"), i, endpoint)
			add(names, json_string_value(endpoint));
	}
}

// True when it resolves.
static bool ask(struct examination *x, const char *host)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM, .ai_flags = AI_ADDRCONFIG };
	const int64_t start = clock_mono_ms();
	struct addrinfo *list = NULL;
	int r = getaddrinfo(host, NULL, &hints, &list);
	const int64_t took = clock_mono_ms() - start;

	if (r == 0)
		freeaddrinfo(list);
	if (r != 0)
		say(x, GRADE_BAD,
		    "see /etc/resolv.conf and the name's own records; the last known addresses "
		    "stay in use",
		    "the name %s does not resolve: %s", host, gai_strerror(r));
	else if (took > SLOW_MS)
		say(x, GRADE_WARN, "see whether the first name server in /etc/resolv.conf answers",
		    "the name %s took %.1f s to resolve", host, (double)took / 1000);
	return r == 0;
}

void check_names(struct examination *x)
{
	CLEAN(free_ptr) struct names *names = calloc(1, sizeof *names);
	const int64_t end = clock_mono_ms() + BUDGET_MS;
	size_t good = 0, asked = 0;

	if (!names)
		return;
	add_all(x, names);
	for (; asked < names->count && clock_mono_ms() < end; asked++)
		good += ask(x, names->host[asked]);
	const size_t unasked = names->count - asked + names->left_out;
	if (unasked)
		say(x, GRADE_WARN, "", "%zu more names were not asked for", unasked);
	if (good == asked && asked)
		say(x, GRADE_OK, "", "the %zu names of controllers and peers resolve", asked);
	else if (!asked)
		say(x, GRADE_OK, "",
		    "controllers and peers are known by address, no name is needed");
}
