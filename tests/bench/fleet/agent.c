#include "agent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "wire/message.h"

#include "desired/desired.h"
#include "line.h"
#include "report/report.h"
#include "uplink/tls.h"
#include "uplink/walk.h"

#define SPREAD_MS 2000 // of those that a controller's restart sent away, as in the real uplink

struct agent {
	struct agent_site *site;
	char *name;
	char *public_key;
	SSL_CTX *tls;
	uv_timer_t retry;
	struct line *line;
	struct walk walk;
	struct desired *desired;
	struct entry_set *observed;
	struct report *report;
	bool is_welcome;
	uint64_t welcome_ns;
	int64_t acked_revision;
	uint64_t acked_ns;
};

static void send_message(struct agent *agent, const struct msg *msg)
{
	CLEAN(text_free) struct text frame = { 0 };

	if (msg_encode(msg, &frame, NULL) == 0)
		line_send(agent->line, frame.data, frame.len);
}

static int emit(void *ctx, const char *frame, size_t len)
{
	struct agent *agent = ctx;

	line_send(agent->line, frame, len);
	return 0;
}

static void tell_applied(struct agent *agent)
{
	const struct msg msg = {
		.type = MSG_APPLIED,
		.applied = { .revision = desired_revision(agent->desired),
			     .digest = entry_set_digest(desired_entries(agent->desired)) },
	};

	send_message(agent, &msg);
	agent->acked_revision = msg.applied.revision;
	agent->acked_ns = uv_hrtime();
}

// ---- what a kernel would show ----

static int see(struct entry_set *seen, const char *key, json_t *body)
{
	CLEAN(free_ptr) char *text = json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS);

	json_decref(body);
	return text ? entry_set_put(seen, key, text, strlen(text), NULL) : -ENOMEM;
}

static json_t *peer_seen(void)
{
	return json_pack("{s:s, s:s, s:s, s:i}", "endpoint", "192.0.2.1:51820", "fragments", "ok",
			 "state", "up", "path_mtu", 1500);
}

static json_t *port_seen(void)
{
	return json_pack("{s:s, s:s, s:i}", "state", "forwarding", "role", "designated", "cost",
			 100);
}

static json_t *self_seen(const struct agent *agent)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:[s], s:s}", "version", "0.1.0", "kernel",
			 "6.1.0", "hostname", agent->name, "boot_id",
			 "00000000-0000-0000-0000-000000000000", "wireguard", "kernel", "addresses",
			 "198.51.100.7/24", "csum_offload", "on");
}

static void observe(struct agent *agent)
{
	CLEAN(entry_set_free_ptr) struct entry_set *seen = entry_set_new();
	const struct entry_set *desired = desired_entries(agent->desired);
	struct entry_change e;

	if (!seen || see(seen, "node/self", self_seen(agent)) < 0)
		return;
	for (size_t at = 0; entry_set_next(desired, &at, &e);) {
		if (text_starts(e.key, "peer/", NULL))
			(void)see(seen, e.key, peer_seen());
		else if (text_starts(e.key, "port/", NULL))
			(void)see(seen, e.key, port_seen());
		else
			(void)see(seen, e.key, json_pack("{s:b}", "ok", 1));
	}
	entry_set_free(agent->observed);
	agent->observed = take_ptr(&seen);
	(void)report_observed(agent->report, agent->observed, emit, agent, NULL);
}

// ---- the session ----

static void on_open(void *ctx)
{
	struct agent *agent = ctx;
	const struct msg msg = {
		.type = MSG_HELLO,
		.hello = { .protocol_major = WIRE_PROTOCOL_MAJOR,
			   .protocol_minor = WIRE_PROTOCOL_MINOR,
			   .version = "0.1.0",
			   .boot_id = "00000000-0000-0000-0000-000000000000",
			   .public_key = agent->public_key,
			   .base_revision = desired_revision(agent->desired),
			   .base_digest = entry_set_digest(desired_entries(agent->desired)),
			   .observed_digest = entry_set_digest(agent->observed) },
	};

	desired_forget_parts(agent->desired);
	send_message(agent, &msg);
}

static void on_welcome(struct agent *agent)
{
	agent->is_welcome = true;
	agent->welcome_ns = uv_hrtime();
	walk_reset(&agent->walk);
	report_reset(agent->report);
	tell_applied(agent);
	observe(agent);
}

static void send_keys(struct agent *agent)
{
	agent->site->totals.resyncs++;
	desired_forget_parts(agent->desired);
	(void)msg_keys_frames(desired_entries(agent->desired), emit, agent, NULL);
}

static void on_desired(struct agent *agent, const struct msg_desired *part)
{
	enum desired_step step = DESIRED_MORE;

	agent->site->totals.entries += part->count;
	if (desired_take(agent->desired, part, &step, NULL) < 0 || step == DESIRED_MORE)
		return;
	if (step == DESIRED_RESYNC) {
		send_keys(agent);
		return;
	}
	tell_applied(agent);
	if (step == DESIRED_NEW)
		observe(agent);
}

static void on_message(void *ctx, const char *text, size_t len)
{
	struct agent *agent = ctx;
	struct msg msg;

	agent->site->totals.messages++;
	agent->site->totals.bytes += len;
	if (msg_decode(MSG_DOWN, text, len, &msg, NULL) < 0)
		return;
	if (msg.type == MSG_WELCOME) {
		on_welcome(agent);
	} else if (msg.type == MSG_DESIRED) {
		on_desired(agent, &msg.desired);
	} else if (msg.type == MSG_RESYNC) {
		send_keys(agent);
	} else if (msg.type == MSG_REOBSERVE) {
		report_reset(agent->report);
		observe(agent);
	}
	msg_done(&msg);
}

static void on_closed(void *ctx, const char *why)
{
	struct agent *agent = ctx;
	uint32_t random = (uint32_t)arc4random();
	uint32_t wait_ms = walk_fail(&agent->walk, 1, random);

	(void)why;
	agent->line = NULL;
	if (agent->is_welcome) {
		agent->site->totals.disconnects++;
		wait_ms = wait_ms > random % SPREAD_MS ? wait_ms : random % SPREAD_MS;
	} else {
		agent->site->totals.failures++;
	}
	agent->is_welcome = false;
	agent_start(agent, wait_ms);
}

static void on_retry(uv_timer_t *timer)
{
	struct agent *agent = timer->data;
	const struct line_events events = { on_open, on_message, on_closed, agent };

	agent->line = line_new(agent->site->loop, agent->tls, &agent->site->hub, &events);
	if (!agent->line)
		on_closed(agent, "no socket");
}

void agent_start(struct agent *agent, uint32_t delay_ms)
{
	(void)uv_timer_start(&agent->retry, on_retry, delay_ms, 0);
}

static const char *member(const json_t *identity, const char *name)
{
	const char *text = json_string_value(json_object_get(identity, name));

	return text ? text : "";
}

struct agent *agent_new(struct agent_site *site, const json_t *identity, struct err *err)
{
	struct agent *agent = calloc(1, sizeof(*agent));

	if (!agent) {
		(void)err_set(err, -ENOMEM, "out of memory");
		return NULL;
	}
	agent->site = site;
	agent->name = strdup(member(identity, "name"));
	agent->public_key = strdup(member(identity, "public_key"));
	agent->desired = desired_new();
	agent->observed = entry_set_new();
	agent->report = report_new();
	walk_reset(&agent->walk);
	(void)uv_timer_init(site->loop, &agent->retry);
	agent->retry.data = agent;
	if (tls_client_new(site->ca_pem, member(identity, "certificate"), member(identity, "key"),
			   &agent->tls, err) < 0)
		return NULL; // the program ends: nothing to tidy
	return agent;
}

void agent_state(const struct agent *agent, struct agent_state *ret_state)
{
	*ret_state = (struct agent_state){
		.is_welcome = agent->is_welcome,
		.welcome_ns = agent->welcome_ns,
		.acked_revision = agent->acked_revision,
		.acked_ns = agent->acked_ns,
		.entries = entry_set_count(desired_entries(agent->desired)),
	};
}
