// The messages that wait for a session's socket: bounded, written in pieces, one piece a round.

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#include "hub/inside.h"

static void release_first(struct session *s)
{
	struct frame *f = s->out;

	s->out = f->next;
	if (!s->out)
		s->out_last = NULL;
	s->out_at = 0;
	s->out_bytes -= f->len;
	s->out_frames--;
	s->hub->counters.queued_bytes -= f->len;
	free(f);
}

// What is partly written stays while the session may still say bye: the stream must remain whole.
void queue_clear(struct session *s)
{
	struct frame *begun = s->out_at && s->state != SESSION_ENDING ? s->out : NULL;

	if (!begun) {
		while (s->out)
			release_first(s);
		return;
	}
	size_t at = s->out_at;
	while (begun->next) {
		s->out = begun->next;
		begun->next = s->out->next;
		release_first(s);
	}
	s->out = s->out_last = begun;
	s->out_at = at;
}

static int append(struct session *s, const char *text, size_t len)
{
	struct frame *f = malloc(sizeof(*f) + LWS_PRE + len);

	if (!f)
		return -ENOMEM;
	f->next = NULL;
	f->len = len;
	memcpy(f->bytes + LWS_PRE, text, len);
	if (s->out) {
		s->out_last->next = f;
	} else {
		s->out = f;
		s->out_since_ms = clock_mono_ms();
	}
	s->out_last = f;
	s->out_bytes += len;
	s->out_frames++;
	s->hub->counters.queued_bytes += len;
	s->hub->counters.messages_out++;
	lws_callback_on_writable(s->wsi);
	return 0;
}

int queue_frame(void *session, const char *text, size_t len)
{
	struct session *s = session;
	const struct hub_config *c = &s->hub->config;

	if (s->state == SESSION_ENDING)
		return -ENOTCONN;
	if (s->out_bytes + len > c->queue_bytes || s->out_frames >= c->queue_frames) {
		s->is_doomed = true; // it would not read a bye either
		session_drop(s, "reads too slowly: %zu bytes in %zu messages wait for it",
			     s->out_bytes, s->out_frames);
		return -ENOBUFS;
	}
	if (append(s, text, len) < 0) {
		s->is_doomed = true;
		session_end(s, true, "out of memory");
		return -ENOMEM;
	}
	return 0;
}

void queue_bye(struct session *s, const char *reason, bool retry)
{
	struct msg bye = { .type = MSG_BYE, .bye = { .reason = reason, .retry = retry } };
	CLEAN(text_free) struct text out = { 0 };

	if (msg_encode(&bye, &out, NULL) < 0 || append(s, out.data, out.len) < 0)
		s->is_doomed = true;
}

void queue_message(struct session *s, const struct msg *msg)
{
	CLEAN(text_free) struct text out = { 0 };
	struct err err;

	if (msg_encode(msg, &out, &err) < 0)
		log_error("node %s: cannot send %s: %s", s->name ? s->name : "?",
			  msg_type_name(msg->type), err.text);
	else
		(void)queue_frame(s, out.data, out.len);
}

// With a byte in it: of a pong without any, which answers an empty ping, the library tells nothing.
static int write_ping(struct session *s)
{
	unsigned char ping[LWS_PRE + 1] = { 0 };

	s->is_ping_due = false;
	if (lws_write(s->wsi, ping + LWS_PRE, 1, LWS_WRITE_PING) < 0)
		return -1;
	if (s->out)
		lws_callback_on_writable(s->wsi);
	return 0;
}

// After the bye nothing is written: the other end closes when it has read it, or the timer does.
// Closing here would reset the connection while something of the other end is still on its way, and
// the bye would be lost.
int queue_write(struct session *s)
{
	// Between messages only: behind a message that is being written the peer has enough to
	// answer.
	if (s->is_ping_due && s->out_at == 0)
		return write_ping(s);
	if (!s->out)
		return 0;
	struct frame *f = s->out;
	size_t chunk = f->len - s->out_at < WRITE_CHUNK ? f->len - s->out_at : WRITE_CHUNK;
	bool is_last = s->out_at + chunk == f->len;
	int flags = lws_write_ws_flags(LWS_WRITE_TEXT, s->out_at == 0, is_last);

	// The bytes before the chunk are scratch for the library: they are room, or written
	// already.
	if (lws_write(s->wsi, f->bytes + LWS_PRE + s->out_at, chunk,
		      (enum lws_write_protocol)flags) < (int)chunk)
		return -1;
	s->hub->counters.bytes_out += chunk;
	s->out_since_ms = clock_mono_ms();
	s->out_at += chunk;
	if (is_last)
		release_first(s);
	if (s->out)
		lws_callback_on_writable(s->wsi);
	return 0;
}
