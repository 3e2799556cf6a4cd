#include "wire/message.h"

#include <errno.h>
#include <string.h>

#include "wire/json.h"
#include "wire/rows.h"

static const struct message_row *const rows[] = {
	[MSG_HELLO] = &message_hello,     [MSG_APPLIED] = &message_applied,
	[MSG_KEYS] = &message_keys,       [MSG_OBSERVE] = &message_observe,
	[MSG_SAMPLES] = &message_samples, [MSG_EVENT] = &message_event,
	[MSG_RENEW] = &message_renew,     [MSG_RESPONSE] = &message_response,
	[MSG_ASK] = &message_ask,         [MSG_LEASE] = &message_lease,
	[MSG_WELCOME] = &message_welcome, [MSG_DESIRED] = &message_desired,
	[MSG_RESYNC] = &message_resync,   [MSG_REOBSERVE] = &message_reobserve,
	[MSG_WATCH] = &message_watch,     [MSG_RENEWED] = &message_renewed,
	[MSG_REQUEST] = &message_request, [MSG_ANSWER] = &message_answer,
	[MSG_VOTE] = &message_vote,       [MSG_BYE] = &message_bye,
};

const char *msg_type_name(enum msg_type type)
{
	return rows[type]->name;
}

enum msg_direction msg_type_direction(enum msg_type type)
{
	return rows[type]->direction;
}

static int find_row(enum msg_direction from, const char *name, enum msg_type *ret_type)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i]->direction == from && strcmp(rows[i]->name, name) == 0) {
			*ret_type = (enum msg_type)i;
			return 0;
		}
	}
	return -ENOMSG;
}

int msg_decode(enum msg_direction from, const char *text, size_t len, struct msg *ret_msg,
	       struct err *err)
{
	struct msg msg = { 0 };

	if (len > WIRE_FRAME_MAX)
		return err_set(err, -E2BIG, "a message of %zu bytes is larger than %d", len,
			       WIRE_FRAME_MAX);
	int rc = wire_json_parse(text, len, &msg.json, err);
	if (rc < 0)
		return rc;
	struct reader r = { .object = msg.json, .what = "message", .err = err };
	const char *type = read_text(&r, "type", WIRE_NAME_MAX);
	if (r.rc == 0 && find_row(from, type, &msg.type) < 0)
		(void)read_fail(&r, -ENOMSG, "type", "unknown to this version");
	if (r.rc == 0) {
		r.what = rows[msg.type]->name;
		if (rows[msg.type]->decode)
			rows[msg.type]->decode(&r, &msg);
	}
	if (r.rc < 0) {
		msg_done(&msg);
		return r.rc;
	}
	*ret_msg = msg;
	return 0;
}

void msg_done(struct msg *msg)
{
	json_decref(msg->json);
	free(msg->list);
	*msg = (struct msg){ 0 };
}

int msg_encode(const struct msg *msg, struct text *out, struct err *err)
{
	const struct message_row *row = rows[msg->type];
	struct writer w = { .out = out, .what = row->name, .err = err };

	text_addf(out, "{\"type\":\"%s\"", row->name);
	if (row->encode)
		row->encode(&w, msg);
	text_add(out, "}");
	if (w.rc < 0)
		return w.rc;
	if (out->failed)
		return err_set(err, -ENOMEM, "%s: out of memory", row->name);
	if (out->len > WIRE_FRAME_MAX)
		return err_set(err, -E2BIG, "%s: a message of %zu bytes is larger than %d",
			       row->name, out->len, WIRE_FRAME_MAX);
	return 0;
}
