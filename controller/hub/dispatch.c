// What each message from a node leads to.

#include <errno.h>

#include "base/clock.h"
#include "base/log.h"

#include "hub/inside.h"

static bool is_within_rate(struct session *s)
{
	const struct hub_config *c = &s->hub->config;
	int64_t now_ms = clock_mono_ms();
	int64_t most = (int64_t)c->messages_burst * 1000;

	// Messages a second are thousandths of a message a millisecond.
	s->allowance += (now_ms - s->allowance_at_ms) * (int64_t)c->messages_per_s;
	s->allowance = s->allowance > most ? most : s->allowance;
	s->allowance_at_ms = now_ms;
	if (s->allowance < 1000)
		return false;
	s->allowance -= 1000;
	return true;
}

static void send_welcome(struct session *s, const struct hub_target *target)
{
	struct msg welcome = { .type = MSG_WELCOME,
			       .welcome = { .version = s->hub->version,
					    .name = s->name,
					    .revision = target->revision,
					    .samples = s->is_watched,
					    .observe_reset = true,
					    .hubs = s->hub->urls,
					    .uptime_ms = clock_mono_ms() - s->hub->started_ms } };

	queue_message(s, &welcome);
}

static void take_place(struct session *s, const struct msg_hello *hello)
{
	struct hub *hub = s->hub;
	struct hub_target target = { 0 };
	struct hub_connection connection = { s->node_id, s->name, s->address, hello };
	struct session *older = session_of_node(hub, s->node_id);
	struct err err = { 0 };

	if (older)
		session_end(older, false, "a newer session of this node, from %s, took its place",
			    s->address);
	if (hub->ops.target(hub->ctx, s->node_id, &target, &err) < 0) {
		session_end(s, err.code != -ENOENT, "%s", err.text);
		return;
	}
	if (session_register(s) < 0) {
		session_end(s, true, "out of memory");
		return;
	}
	log_info("node %s: session from %s, version %s", s->name, s->address, hello->version);
	s->is_watched = watch_wanted(hub, s->node_id);
	send_welcome(s, &target);
	if (hub->ops.connected)
		hub->ops.connected(hub->ctx, &connection);
	if (s->state == SESSION_OPEN)
		desired_begin(s, hello, &target);
}

static void on_hello(struct session *s, const struct msg *msg)
{
	const struct msg_hello *hello = &msg->hello;
	struct hub_target none = { 0 };

	if (s->state != SESSION_GREETING) {
		session_drop(s, "said hello twice");
		return;
	}
	if (hello->protocol_major != WIRE_PROTOCOL_MAJOR) {
		session_end(s, false, "protocol %lld of version %s is not spoken here, %d is",
			    (long long)hello->protocol_major, hello->version, WIRE_PROTOCOL_MAJOR);
		return;
	}
	s->state = SESSION_OPEN;
	if (!s->is_renew_only) {
		take_place(s, hello);
		return;
	}
	log_info("node %s: session from %s may only renew its expired certificate", s->name,
		 s->address);
	send_welcome(s, &none);
}

static void on_applied(struct session *s, const struct msg *msg)
{
	desired_applied(s, &msg->applied);
	if (s->hub->ops.applied)
		s->hub->ops.applied(s->hub->ctx, s->node_id, &msg->applied);
}

static void on_keys(struct session *s, const struct msg *msg)
{
	desired_keys(s, &msg->keys);
}

static void on_observe(struct session *s, const struct msg *msg)
{
	struct msg again = { .type = MSG_REOBSERVE };
	struct err err = { 0 };

	if (!s->hub->ops.observed)
		return;
	// Changes of what we could not follow are of no use until it begins anew.
	if (s->is_reobserving && !msg->observe.reset)
		return;
	s->is_reobserving = false;
	int rc = s->hub->ops.observed(s->hub->ctx, s->node_id, &msg->observe, &err);
	if (rc >= 0) {
		s->mismatches = msg->observe.more ? s->mismatches : 0;
	} else if (rc != -EBADMSG || ++s->mismatches >= 3) {
		session_drop(s, "%s", err.text);
	} else {
		log_debug("node %s: %s; asking for the whole", s->name, err.text);
		s->is_reobserving = true;
		queue_message(s, &again);
	}
}

static void on_samples(struct session *s, const struct msg *msg)
{
	if (s->is_watched && s->hub->ops.samples)
		s->hub->ops.samples(s->hub->ctx, s->node_id, &msg->samples);
}

static void on_event(struct session *s, const struct msg *msg)
{
	if (s->hub->ops.event)
		s->hub->ops.event(s->hub->ctx, s->node_id, &msg->event);
}

static void on_renew(struct session *s, const struct msg *msg)
{
	if (s->hub->ops.renew)
		s->hub->ops.renew(s->hub->ctx, s->node_id, msg->renew.csr);
}

static void on_response(struct session *s, const struct msg *msg)
{
	request_response(s, &msg->response);
}

static void on_ask(struct session *s, const struct msg *msg)
{
	if (s->hub->ops.asked)
		s->hub->ops.asked(s->hub->ctx, s->node_id, &msg->ask);
	else
		hub_answer(s->hub, s->node_id, msg->ask.id, NULL, "this controller answers none");
}

static void on_lease(struct session *s, const struct msg *msg)
{
	if (s->hub->ops.lease)
		s->hub->ops.lease(s->hub->ctx, s->node_id, msg->lease.message);
}

static void (*const handlers[])(struct session *s, const struct msg *msg) = {
	[MSG_HELLO] = on_hello,     [MSG_APPLIED] = on_applied,   [MSG_KEYS] = on_keys,
	[MSG_OBSERVE] = on_observe, [MSG_SAMPLES] = on_samples,   [MSG_EVENT] = on_event,
	[MSG_RENEW] = on_renew,     [MSG_RESPONSE] = on_response, [MSG_ASK] = on_ask,
	[MSG_LEASE] = on_lease,
};

static bool is_heard(const struct session *s, enum msg_type type)
{
	return !s->is_renew_only || type == MSG_HELLO || type == MSG_RENEW;
}

void dispatch_message(struct session *s, const char *text, size_t len)
{
	struct err err = { 0 };
	struct msg msg;

	s->hub->counters.messages_in++;
	if (!is_within_rate(s)) {
		session_drop(s, "sends more than %u messages a second",
			     s->hub->config.messages_per_s);
		return;
	}
	int rc = msg_decode(MSG_UP, text, len, &msg, &err);
	if (rc == -ENOMSG) {
		log_debug("node %s: %s", s->name, err.text);
		return;
	}
	if (rc < 0) {
		session_drop(s, "%s", err.text);
		return;
	}
	if (s->state == SESSION_GREETING && msg.type != MSG_HELLO)
		session_drop(s, "sent %s before hello", msg_type_name(msg.type));
	else if (is_heard(s, msg.type))
		handlers[msg.type](s, &msg);
	msg_done(&msg);
}
