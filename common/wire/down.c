// The messages from the controller to the agent.

#include <errno.h>

#include "wire/rows.h"

static const json_t *read_hubs(struct reader *r)
{
	const json_t *hubs = read_array(r, "hubs", false);
	size_t i;
	const json_t *item;

	if (json_array_size(hubs) > WIRE_HUBS_MAX)
		(void)read_fail(r, -E2BIG, "hubs", "more than %d addresses", WIRE_HUBS_MAX);
	json_array_foreach(hubs, i, item)
	{
		size_t len = json_string_length(item);

		if (len == 0 || len > WIRE_URL_MAX)
			(void)read_fail(r, -EINVAL, "hubs",
					"an address is a string of 1 to %d characters",
					WIRE_URL_MAX);
	}
	return hubs;
}

static void decode_welcome(struct reader *r, struct msg *msg)
{
	struct msg_welcome *m = &msg->welcome;
	const char *observe;

	m->version = read_text(r, "version", WIRE_NAME_MAX);
	m->name = read_text(r, "name", WIRE_NAME_MAX);
	m->revision = read_count(r, "revision");
	m->samples = read_flag_or(r, "samples", false);
	observe = read_text_or_null(r, "observe", WIRE_NAME_MAX);
	m->observe_reset = !observe || text_starts(observe, "reset", NULL);
	m->hubs = read_hubs(r);
	m->uptime_ms = read_count_or(r, "uptime_ms", -1);
}

static void encode_welcome(struct writer *w, const struct msg *msg)
{
	const struct msg_welcome *m = &msg->welcome;

	write_text(w, "version", m->version, WIRE_NAME_MAX);
	write_text(w, "name", m->name, WIRE_NAME_MAX);
	write_number(w, "revision", m->revision);
	write_flag(w, "samples", m->samples);
	write_text(w, "observe", m->observe_reset ? "reset" : "changes", WIRE_NAME_MAX);
	if (m->hubs)
		write_json(w, "hubs", m->hubs);
	if (m->uptime_ms >= 0)
		write_number(w, "uptime_ms", m->uptime_ms);
}

const struct message_row message_welcome = { "welcome", MSG_DOWN, decode_welcome, encode_welcome };

static void decode_desired(struct reader *r, struct msg *msg)
{
	struct msg_desired *m = &msg->desired;

	m->changes = msg->list = read_changes(r, true, &m->count);
	m->revision = read_count(r, "revision");
	m->base = read_digest(r, "base_digest");
	m->digest = read_digest(r, "digest");
	m->more = read_flag_or(r, "more", false);
}

static void encode_desired(struct writer *w, const struct msg *msg)
{
	const struct msg_desired *m = &msg->desired;

	write_number(w, "revision", m->revision);
	write_digest(w, "base_digest", m->base);
	write_changes(w, m->changes, m->count);
	write_digest(w, "digest", m->digest);
	write_flag(w, "more", m->more);
}

const struct message_row message_desired = { "desired", MSG_DOWN, decode_desired, encode_desired };

const struct message_row message_resync = { "resync", MSG_DOWN, NULL, NULL };

static void encode_reobserve(struct writer *w, const struct msg *msg)
{
	(void)msg;
	write_flag(w, "reset", true);
}

const struct message_row message_reobserve = { "observe", MSG_DOWN, NULL, encode_reobserve };

static void decode_watch(struct reader *r, struct msg *msg)
{
	msg->watch.on = read_flag(r, "on");
}

static void encode_watch(struct writer *w, const struct msg *msg)
{
	write_flag(w, "on", msg->watch.on);
}

const struct message_row message_watch = { "samples", MSG_DOWN, decode_watch, encode_watch };

static void decode_renewed(struct reader *r, struct msg *msg)
{
	msg->renewed.certificate = read_text(r, "certificate", WIRE_PEM_MAX);
}

static void encode_renewed(struct writer *w, const struct msg *msg)
{
	write_text(w, "certificate", msg->renewed.certificate, WIRE_PEM_MAX);
}

const struct message_row message_renewed = { "renewed", MSG_DOWN, decode_renewed, encode_renewed };

static void decode_bye(struct reader *r, struct msg *msg)
{
	msg->bye.reason = read_text(r, "reason", WIRE_TEXT_MAX);
	msg->bye.retry = read_flag_or(r, "retry", true);
}

static void encode_bye(struct writer *w, const struct msg *msg)
{
	write_sentence(w, "reason", msg->bye.reason ? msg->bye.reason : "");
	write_flag(w, "retry", msg->bye.retry);
}

const struct message_row message_bye = { "bye", MSG_DOWN, decode_bye, encode_bye };
