// The largest packets that pass: to the controller by echoes sent now, to peers as their probes
// found.
#include "probe/mtu.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>

#include "doctor/inside.h"
#include "probe/icmp.h"
#include "uplink/enrol_key.h"

enum { ECHO_MS = 700, HUB_PORT = 8444, ETHERNET = 1500, IPV6_LEAST = 1280 };

struct trial {
	struct icmp *icmp;
	struct mtu_search search;
	char to[INET6_ADDRSTRLEN];
};

static void try_next(struct trial *trial);

static void on_answer(void *context, int status, int64_t rtt_us)
{
	struct trial *trial = context;

	(void)rtt_us;
	mtu_answer(&trial->search, status == 0);
	try_next(trial);
}

static void try_next(struct trial *trial)
{
	const struct icmp_question question = {
		.to = trial->to, .size = mtu_next(&trial->search), .df = true, .timeout_ms = ECHO_MS
	};

	if (question.size == 0 || icmp_ask(trial->icmp, &question, on_answer, trial, NULL) < 0)
		icmp_close(take_ptr(&trial->icmp));
}

// False when nothing came back.
static bool measure(const char *address, uint32_t *ret_mtu, struct err *err)
{
	struct trial trial = { 0 };
	uv_loop_t loop;
	bool is_whole;

	if (uv_loop_init(&loop) < 0)
		return false;
	(void)snprintf(trial.to, sizeof trial.to, "%s", address);
	mtu_start(&trial.search, ETHERNET);
	trial.icmp = icmp_new(&loop, err);
	if (trial.icmp)
		try_next(&trial);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&loop);
	return mtu_result(&trial.search, ret_mtu, &is_whole);
}

static bool resolve(const char *hub, char *ret, size_t size)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
	struct addrinfo *list = NULL;
	char host[256];
	int port;

	if (enrol_key_host_port(hub, HUB_PORT, host, sizeof host, &port) < 0 ||
	    getaddrinfo(host, NULL, &hints, &list) != 0)
		return false;
	int r = getnameinfo(list->ai_addr, list->ai_addrlen, ret, (socklen_t)size, NULL, 0,
			    NI_NUMERICHOST);
	freeaddrinfo(list);
	return r == 0;
}

static void check_controller(struct examination *x)
{
	const char *hub = text_in(x->config->facts, "controller");
	char address[INET6_ADDRSTRLEN];
	struct err err = { 0 };
	uint32_t mtu = 0;

	if (!*hub && x->config->identity && x->config->identity->hub_count)
		hub = x->config->identity->hubs[0];
	if (!*hub || !resolve(hub, address, sizeof address))
		return; // the names' check says so
	if (!measure(address, &mtu, &err))
		say(x, *err.text ? GRADE_WARN : GRADE_OK, "",
		    "the way to the controller could not be measured: %s",
		    *err.text ? err.text : "it does not answer pings");
	else if (mtu < IPV6_LEAST)
		say(x, GRADE_WARN,
		    "find the link with the small MTU on the way, or what drops large packets",
		    "only packets of up to %u bytes reach the controller", mtu);
	else
		say(x, GRADE_OK, "", "packets of up to %u bytes reach the controller", mtu);
}

void check_mtu(struct examination *x)
{
	const json_t *body;
	const char *key;
	int lost = 0, known = 0;

	check_controller(x);
	for (void *at = NULL; (key = entry_of(x->observed, "peer/", &at, &body));) {
		const int mtu = number_in(body, "path_mtu");

		known += mtu > 0;
		if (strcmp(text_in(body, "fragments"), "lost") != 0)
			continue;
		lost++;
		say(x, GRADE_WARN,
		    "find what drops fragments on the way; until then the controller keeps packets "
		    "to it small",
		    "%s: fragments are lost, packets of up to %d bytes pass", key, mtu);
	}
	if (known && !lost)
		say(x, GRADE_OK, "",
		    "packets of full size reach %d of %d peers and none loses them", known, known);
}
