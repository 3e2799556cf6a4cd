// UDP both ways, tried together with other nodes, and what that tells of a NAT on the way.
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/hex.h"

#include "doctor/inside.h"
#include "doctor/reach.h"

enum { PORTS_MAX = 16, TARGETS_MAX = 32, ROUND_MS = 250 };

struct target {
	uint16_t port; // of this host
	struct kernel_endpoint to;
};

// One trial: packets go out and come in here while another thread waits for the controller.
struct trial {
	struct examination *x;
	struct reach *reach;
	char token[REACH_TOKEN_LEN + 1];
	uint16_t ports[PORTS_MAX];
	size_t ports_len;
	struct target targets[TARGETS_MAX];
	size_t targets_len;
	pthread_mutex_t lock;
	bool is_answered;
	json_t *answer;
	int64_t answered_ms; // by this host's clock
	struct err err;
};

static bool make_token(char token[REACH_TOKEN_LEN + 1])
{
	unsigned char bytes[REACH_TOKEN_LEN / 2];

	if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
		return false;
	hex_write(bytes, sizeof bytes, token);
	return true;
}

// "peer/home/bob" -> the port of wireguard/home; 0: there is none.
static uint16_t port_of_peer(const struct examination *x, const char *key)
{
	const char *network = key + strlen("peer/");
	char name[128];

	(void)snprintf(name, sizeof name, "wireguard/%.*s", (int)strcspn(network, "/"), network);
	return (uint16_t)number_in(json_object_get(x->desired, name), "port");
}

static void add_target(struct trial *t, uint16_t port, const char *endpoint)
{
	struct kernel_endpoint to;

	if (port && endpoint && t->targets_len < TARGETS_MAX &&
	    kernel_endpoint_parse(endpoint, &to, NULL) == 0)
		t->targets[t->targets_len++] = (struct target){ port, to };
}

// Where WireGuard sends to now; where it has not begun, what is written.
static void add_targets(struct trial *t)
{
	const json_t *body, *endpoint;
	const char *key;
	size_t i;

	for (void *at = NULL; entry_of(t->x->desired, "wireguard/", &at, &body);) {
		if (t->ports_len < PORTS_MAX)
			t->ports[t->ports_len++] = (uint16_t)number_in(body, "port");
	}
	for (void *at = NULL; (key = entry_of(t->x->desired, "peer/", &at, &body));) {
		const char *now = text_in(json_object_get(t->x->observed, key), "endpoint");
		const uint16_t port = port_of_peer(t->x, key);

		if (*now) {
			add_target(t, port, now);
			continue;
		}
		json_array_foreach(json_object_get(body, "endpoints"), i, endpoint)
			add_target(t, port, json_string_value(endpoint));
	}
}

static void *ask_controller(void *context)
{
	struct trial *t = context;
	json_t *answer = NULL;
	CLEAN(json_decref_ptr) json_t *args = json_pack("{s:s}", "token", t->token);
	const struct doctor_config *config = t->x->config;
	int r = config->reach(config->context, args, &answer, &t->err);

	(void)pthread_mutex_lock(&t->lock);
	t->answer = r < 0 ? NULL : answer;
	t->answered_ms = clock_wall_ms();
	t->is_answered = true;
	(void)pthread_mutex_unlock(&t->lock);
	return NULL;
}

static bool is_answered(struct trial *t)
{
	(void)pthread_mutex_lock(&t->lock);
	bool is = t->is_answered;
	(void)pthread_mutex_unlock(&t->lock);
	return is;
}

static int run(struct trial *t, struct err *err)
{
	const char *name = text_in(t->x->config->facts, "name");
	pthread_t thread;

	int r = pthread_create(&thread, NULL, ask_controller, t);
	if (r)
		return err_set(err, -r, "no thread: %s", strerror(r));
	while (!is_answered(t)) {
		for (size_t i = 0; i < t->targets_len; i++)
			(void)reach_send(t->reach, t->targets[i].port, &t->targets[i].to, name);
		reach_listen(t->reach, ROUND_MS);
	}
	(void)pthread_join(thread, NULL);
	if (!t->answer)
		return err_set(err, -EIO, "%s", t->err.text);
	const json_t *now = json_object_get(t->answer, "now_ms");
	if (json_is_integer(now))
		(void)json_object_set_new(t->answer, "offset_ms",
					  json_integer(json_integer_value(now) - t->answered_ms));
	t->x->reach = t->answer;
	return 0;
}

// The line of what came in from one helper.
static void say_in(struct examination *x, const struct trial *t, const json_t *helper)
{
	const char *node = text_in(helper, "node");
	const json_t *to = json_object_get(helper, "to");
	size_t heard_len;
	const struct reach_seen *heard = reach_heard(t->reach, &heard_len);
	const struct reach_seen *found = NULL;

	if (json_array_size(to) == 0)
		return;
	for (size_t i = 0; i < heard_len; i++) {
		if (strcmp(heard[i].from, node) == 0 && (!found || heard[i].is_admitted))
			found = &heard[i];
	}
	if (found && found->is_admitted)
		say(x, GRADE_OK, "", "UDP from %s reaches port %d here", node, found->port);
	else if (found)
		say(x, GRADE_BAD,
		    "open that port; the firewall lines name the rules and the command",
		    "UDP from %s to port %d arrives at this host, but its own firewall drops it",
		    node, found->port);
	else if (json_is_true(json_object_get(x->reach, "public")))
		say(x, GRADE_BAD,
		    "forward that UDP port to this host on its router, or open it in the "
		    "provider's "
		    "firewall",
		    "UDP from %s to %s does not arrive at this host", node,
		    json_string_value(json_array_get(to, 0)));
	else
		say(x, GRADE_OK, "",
		    "UDP from %s does not come in unasked (a NAT or firewall on the way): links "
		    "begin from here, which is enough towards public nodes",
		    node);
}

// The line of what reached one helper.
static void say_out(struct examination *x, const json_t *helper)
{
	const char *node = text_in(helper, "node");
	const json_t *one, *found = NULL;
	size_t i;

	json_array_foreach(json_object_get(helper, "seen"), i, one)
	{
		if (!found || json_is_true(json_object_get(one, "admitted")))
			found = one;
	}
	if (!found)
		say(x, GRADE_BAD,
		    "let this host's UDP out, and see on that node whether its port is forwarded "
		    "to it",
		    "UDP from here does not arrive at %s", node);
	else if (!json_is_true(json_object_get(found, "admitted")))
		say(x, GRADE_BAD, "run weft doctor on that node",
		    "UDP from here arrives at %s, but its firewall drops it", node);
	else
		say(x, GRADE_OK, "", "UDP from here reaches %s, as from %s", node,
		    text_in(found, "source"));
}

static bool is_local(const struct examination *x, const struct kernel_ip *ip)
{
	for (size_t i = 0; i < x->seen.addresses_len; i++) {
		if (kernel_ip_equal(&x->seen.addresses[i].prefix.ip, ip))
			return true;
	}
	return false;
}

// Where helpers saw the packets of one network come from.
struct mapping {
	struct kernel_endpoint first;
	const char *network;
	int helpers;
	bool is_same_port, is_same_ip;
};

static void see_source(struct mapping *m, const json_t *helper)
{
	struct kernel_endpoint source;
	const json_t *seen = json_array_get(json_object_get(helper, "seen"), 0);

	if (kernel_endpoint_parse(text_in(seen, "source"), &source, NULL) < 0)
		return;
	if (m->helpers && (source.ip.family != m->first.ip.family ||
			   strcmp(m->network, text_in(helper, "network")) != 0))
		return;
	if (!m->helpers) {
		*m = (struct mapping){ source, text_in(helper, "network"), 0, true, true };
	}
	m->helpers++;
	m->is_same_port = m->is_same_port && source.port == m->first.port;
	m->is_same_ip = m->is_same_ip && kernel_ip_equal(&source.ip, &m->first.ip);
}

static void say_nat(struct examination *x)
{
	struct mapping m = { 0 };
	const json_t *helper;
	char seen[KERNEL_ADDR_TEXT_SIZE];
	size_t i;

	json_array_foreach(json_object_get(x->reach, "helpers"), i, helper) see_source(&m, helper);
	if (!m.helpers)
		return;
	kernel_endpoint_format(&m.first, seen);
	if (is_local(x, &m.first.ip))
		say(x, GRADE_OK, "", "there is no NAT between this host and the others");
	else if (m.helpers == 1)
		say(x, GRADE_OK, "",
		    "behind a NAT, seen as %s; its kind shows only to two public nodes", seen);
	else if (m.is_same_port && m.is_same_ip)
		say(x, GRADE_OK, "",
		    "behind a NAT that shows one address to all (%s): others can link to it "
		    "directly",
		    seen);
	else
		say(x, GRADE_WARN,
		    "forward a UDP port to this host and write it as the node's address, or link "
		    "it "
		    "by way of public nodes",
		    "behind a NAT that shows another %s to each (%s to one of them): nodes behind "
		    "other NATs cannot link to it directly",
		    m.is_same_ip ? "port" : "address", seen);
}

static void say_all(struct examination *x, const struct trial *t)
{
	const json_t *helpers = json_object_get(x->reach, "helpers"), *helper;
	size_t i, tried = 0;

	json_array_foreach(helpers, i, helper)
	{
		const char *error = text_in(helper, "error");

		if (*error) {
			say(x, GRADE_WARN, "", "%s could not try: %s", text_in(helper, "node"),
			    error);
			continue;
		}
		tried++;
		say_in(x, t, helper);
		say_out(x, helper);
	}
	if (tried)
		say_nat(x);
	else if (json_array_size(helpers) == 0)
		say(x, GRADE_WARN, "",
		    "nobody could try from outside: no peer with an address is connected");
}

void check_reach(struct examination *x)
{
	struct trial t = { .x = x, .lock = PTHREAD_MUTEX_INITIALIZER };
	struct err err = { 0 };

	add_targets(&t);
	if (t.ports_len == 0) {
		say(x, GRADE_OK, "", "this node is in no network");
		return;
	}
	int r = x->config->reach ? 0 : err_set(&err, -ENOTCONN, "the agent does not run");
	if (r == 0 && !make_token(t.token))
		r = err_set(&err, -EIO, "there are no random numbers");
	if (r == 0)
		r = reach_open(t.token, t.ports, t.ports_len, &t.reach, &err);
	if (r == 0)
		r = run(&t, &err);
	if (r < 0)
		say(x, GRADE_WARN, "", "nobody could try from outside: %s", err.text);
	else
		say_all(x, &t);
	reach_close(t.reach);
}
