// Questions and their answers, of either end: `request` and `response`, `ask` and `answer`.

#include "wire/rows.h"

static void read_question(struct reader *r, struct msg_request *m)
{
	m->id = read_count(r, "id");
	m->verb = read_text(r, "verb", WIRE_NAME_MAX);
	m->args = read_object(r, "args");
}

static void write_question(struct writer *w, const struct msg_request *m)
{
	write_number(w, "id", m->id);
	write_text(w, "verb", m->verb, WIRE_NAME_MAX);
	if (m->args)
		write_json(w, "args", m->args);
	else
		text_add(w->out, ",\"args\":{}");
}

static void read_reply(struct reader *r, struct msg_response *m)
{
	m->id = read_count(r, "id");
	m->ok = read_flag(r, "ok");
	m->result = json_object_get(r->object, "result");
	m->error = read_text_or_null(r, "error", WIRE_TEXT_MAX);
	if (!m->ok && !m->error)
		m->error = "no reason was told";
}

static void write_reply(struct writer *w, const struct msg_response *m)
{
	write_number(w, "id", m->id);
	write_flag(w, "ok", m->ok);
	write_json(w, "result", m->result);
	write_sentence(w, "error", m->ok || m->error ? m->error : "failed");
}

static void decode_request(struct reader *r, struct msg *msg)
{
	read_question(r, &msg->request);
}

static void encode_request(struct writer *w, const struct msg *msg)
{
	write_question(w, &msg->request);
}

const struct message_row message_request = { "request", MSG_DOWN, decode_request, encode_request };

static void decode_response(struct reader *r, struct msg *msg)
{
	read_reply(r, &msg->response);
}

static void encode_response(struct writer *w, const struct msg *msg)
{
	write_reply(w, &msg->response);
}

const struct message_row message_response = { "response", MSG_UP, decode_response,
					      encode_response };

static void decode_ask(struct reader *r, struct msg *msg)
{
	read_question(r, &msg->ask);
}

static void encode_ask(struct writer *w, const struct msg *msg)
{
	write_question(w, &msg->ask);
}

const struct message_row message_ask = { "ask", MSG_UP, decode_ask, encode_ask };

static void decode_answer(struct reader *r, struct msg *msg)
{
	read_reply(r, &msg->answer);
}

static void encode_answer(struct writer *w, const struct msg *msg)
{
	write_reply(w, &msg->answer);
}

const struct message_row message_answer = { "answer", MSG_DOWN, decode_answer, encode_answer };

// ---- HA groups ----

static void decode_lease(struct reader *r, struct msg *msg)
{
	msg->lease.message = read_text(r, "message", WIRE_LEASE_MAX);
}

static void encode_lease(struct writer *w, const struct msg *msg)
{
	write_text(w, "message", msg->lease.message, WIRE_LEASE_MAX);
}

const struct message_row message_lease = { "lease", MSG_UP, decode_lease, encode_lease };

static void decode_vote(struct reader *r, struct msg *msg)
{
	msg->vote.message = read_text(r, "message", WIRE_LEASE_MAX);
}

static void encode_vote(struct writer *w, const struct msg *msg)
{
	write_text(w, "message", msg->vote.message, WIRE_LEASE_MAX);
}

const struct message_row message_vote = { "lease", MSG_DOWN, decode_vote, encode_vote };
