// One session: its place among the others, its end, and what time does to it.

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#include "hub/inside.h"

struct node_text {
	char digits[24];
};

static struct node_text node_text(int64_t node_id)
{
	struct node_text t;

	(void)snprintf(t.digits, sizeof(t.digits), "%" PRId64, node_id);
	return t;
}

struct session *session_new(struct hub *hub, struct lws *wsi)
{
	struct session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->hub = hub;
	s->wsi = wsi;
	s->since_ms = s->heard_ms = s->allowance_at_ms = clock_mono_ms();
	s->allowance = (int64_t)hub->config.messages_burst * 1000;
	s->bytes_at_ms = s->since_ms;
	s->bytes_allowance = (int64_t)hub->config.bytes_burst * 1000;
	s->next = hub->sessions;
	if (s->next)
		s->next->previous = s;
	hub->sessions = s;
	hub->counters.sessions_total++;
	return s;
}

void session_free(struct session *s)
{
	if (s->previous)
		s->previous->next = s->next;
	else
		s->hub->sessions = s->next;
	if (s->next)
		s->next->previous = s->previous;
	queue_clear(s);
	text_free(&s->in);
	desired_forget(s);
	free(s->hashes);
	free(s->name);
	free(s->address);
	free(s);
}

struct session *session_of_node(const struct hub *hub, int64_t node_id)
{
	return map_get(hub->nodes, node_text(node_id).digits);
}

int session_register(struct session *s)
{
	return map_set(s->hub->nodes, node_text(s->node_id).digits, s);
}

static void leave_node(struct session *s, const char *reason)
{
	if (session_of_node(s->hub, s->node_id) != s)
		return;
	(void)map_drop(s->hub->nodes, node_text(s->node_id).digits);
	request_end_all(s, reason);
	if (s->hub->ops.disconnected)
		s->hub->ops.disconnected(s->hub->ctx, s->node_id, reason);
}

static void end(struct session *s, bool retry, const char *reason)
{
	log_info("node %s: session from %s ended: %s", s->name ? s->name : "?",
		 s->address ? s->address : "?", reason);
	queue_bye(s, reason, retry);
	s->state = SESSION_ENDING;
	s->since_ms = clock_mono_ms();
	s->hub->assembly_bytes -= s->in.len;
	text_free(&s->in);
	leave_node(s, reason);
}

void session_end(struct session *s, bool retry, const char *fmt, ...)
{
	char reason[HUB_REASON_SIZE];
	va_list args;

	if (s->state == SESSION_ENDING)
		return;
	va_start(args, fmt);
	(void)vsnprintf(reason, sizeof(reason), fmt, args);
	va_end(args);
	queue_clear(s);
	end(s, retry, reason);
}

void session_finish(struct session *s, const char *reason)
{
	if (s->state != SESSION_ENDING)
		end(s, true, reason);
}

void session_drop(struct session *s, const char *fmt, ...)
{
	char reason[HUB_REASON_SIZE];
	va_list args;

	if (s->state == SESSION_ENDING)
		return;
	va_start(args, fmt);
	(void)vsnprintf(reason, sizeof(reason), fmt, args);
	va_end(args);
	s->hub->counters.dropped_total++;
	queue_clear(s);
	end(s, true, reason);
}

void session_heard(struct session *s)
{
	s->heard_ms = clock_mono_ms();
	s->is_pinged = s->is_ping_due = false;
}

static void watch_silence(struct session *s, int64_t now_ms)
{
	const struct hub_config *c = &s->hub->config;
	int64_t silent_ms = now_ms - s->heard_ms;

	if (silent_ms > c->silence_s * INT64_C(1000)) {
		s->is_doomed = true; // nobody is there to read a bye
		session_drop(s, "silent for %u s", c->silence_s);
	} else if (silent_ms > c->ping_s * INT64_C(1000) && !s->is_pinged) {
		s->is_pinged = s->is_ping_due = true;
		lws_callback_on_writable(s->wsi);
	}
}

void session_tick(struct session *s, int64_t now_ms)
{
	if (s->is_doomed || (s->state == SESSION_ENDING && now_ms - s->since_ms > BYE_MS)) {
		hub_kill(s->wsi);
		return;
	}
	if (s->state == SESSION_ENDING)
		return;
	if (s->state == SESSION_GREETING && now_ms - s->since_ms > s->hub->config.handshake_ms)
		session_drop(s, "no hello came within %u ms", s->hub->config.handshake_ms);
	else if (s->out && now_ms - s->out_since_ms > STALL_MS)
		session_drop(s, "reads nothing for %d s", STALL_MS / 1000);
	else if (s->in.len && now_ms - s->in_since_ms > STALL_MS)
		session_drop(s, "a message took longer than %d s", STALL_MS / 1000);
	else if (s->state == SESSION_OPEN)
		watch_silence(s, now_ms);
}
