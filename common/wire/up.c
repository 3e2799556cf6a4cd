// The messages from the agent to the controller.

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/severity.h"
#include "wire/json.h"
#include "wire/rows.h"

#define PUBLIC_KEY_LEN 44 // 32 bytes in base64
#define ID_MAX         64

// Reads the fields of an inner object by the same functions.
static struct reader inner(struct reader *r, const char *field)
{
	struct reader part = *r;

	part.object = read_object(r, field);
	part.part = field;
	part.rc = r->rc;
	return part;
}

// 32 bytes have one text only: the last letter carries four bits, and two that must be zero. So one
// key cannot pass for two.
static bool is_public_key(const char *s)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789+/";
	static const char last[] = "AEIMQUYcgkosw048";

	return strlen(s) == PUBLIC_KEY_LEN && strspn(s, letters) == PUBLIC_KEY_LEN - 1 &&
	       strchr(last, s[PUBLIC_KEY_LEN - 2]) && s[PUBLIC_KEY_LEN - 1] == '=';
}

// What else stands in the hello of another protocol is not ours to judge: it is refused by its
// number.
static void foreign_hello(const struct reader *r, struct msg_hello *m)
{
	const char *version = json_string_value(json_object_get(r->object, "version"));

	m->version = version ? version : "?";
	m->boot_id = "";
	m->public_key = "";
}

static void decode_hello(struct reader *r, struct msg *msg)
{
	struct msg_hello *m = &msg->hello;
	struct reader protocol = inner(r, "protocol");

	m->protocol_major = read_count(&protocol, "major");
	if (protocol.rc == 0 && m->protocol_major != WIRE_PROTOCOL_MAJOR) {
		foreign_hello(r, m);
		return;
	}
	m->protocol_minor = read_count_or(&protocol, "minor", 0);
	r->rc = protocol.rc;
	m->version = read_text(r, "version", ID_MAX);
	m->boot_id = read_text(r, "boot_id", ID_MAX);
	m->public_key = read_text(r, "public_key", PUBLIC_KEY_LEN);
	if (r->rc == 0 && !is_public_key(m->public_key))
		(void)read_fail(r, -EBADMSG, "public_key", "expected 32 bytes in base64");
	struct reader base = inner(r, "base");
	m->base_revision = read_count(&base, "revision");
	m->base_digest = read_digest(&base, "digest");
	r->rc = base.rc;
	m->observed_digest = read_digest_or_zero(r, "observed_digest");
}

static void encode_hello(struct writer *w, const struct msg *msg)
{
	const struct msg_hello *m = &msg->hello;
	char digest[DIGEST_TEXT_SIZE];

	digest_format(m->base_digest, digest);
	text_addf(w->out, ",\"protocol\":{\"major\":%lld,\"minor\":%lld}",
		  (long long)m->protocol_major, (long long)m->protocol_minor);
	write_text(w, "version", m->version, ID_MAX);
	write_text(w, "boot_id", m->boot_id, ID_MAX);
	write_text(w, "public_key", m->public_key, PUBLIC_KEY_LEN);
	text_addf(w->out, ",\"base\":{\"revision\":%lld,\"digest\":\"%s\"}",
		  (long long)m->base_revision, digest);
	write_digest(w, "observed_digest", m->observed_digest);
}

const struct message_row message_hello = { "hello", MSG_UP, decode_hello, encode_hello };

static void decode_entry_error(struct reader *r, const json_t *json, struct msg_entry_error *ret)
{
	struct reader item = *r;

	if (!json_is_object(json)) {
		(void)read_fail(r, -EBADMSG, "errors", "expected objects");
		return;
	}
	item.object = json;
	item.part = "errors";
	ret->entry = read_key_or_null(&item, "entry");
	ret->text = read_text(&item, "text", WIRE_TEXT_MAX);
	ret->blocked_by = read_key_or_null(&item, "blocked_by");
	if (!ret->entry)
		(void)read_fail(&item, -EBADMSG, "entry", "missing");
	r->rc = item.rc;
}

static void decode_applied(struct reader *r, struct msg *msg)
{
	struct msg_applied *m = &msg->applied;
	const json_t *errors = read_array(r, "errors", true);
	size_t count = json_array_size(errors);
	struct msg_entry_error *list = count ? calloc(count, sizeof(*list)) : NULL;
	size_t i;
	json_t *item;

	msg->list = list;
	if (count && !list) {
		(void)read_fail(r, -ENOMEM, "errors", "out of memory");
		return;
	}
	json_array_foreach(errors, i, item) decode_entry_error(r, item, &list[i]);
	m->errors = list;
	m->errors_count = count;
	m->errors_total = read_count_or(r, "errors_total", (int64_t)count);
	m->revision = read_count(r, "revision");
	m->digest = read_digest(r, "digest");
	m->writes = read_count_or(r, "writes", 0);
	m->refused = read_count_or(r, "refused", 0);
	m->refused_text = read_text_or_null(r, "refused_text", WIRE_TEXT_MAX);
}

static void encode_entry_error(struct writer *w, const struct msg_entry_error *e)
{
	struct text item = { 0 };
	struct writer inside = { .out = &item, .what = "applied.errors", .err = w->err };

	write_text(&inside, "entry", e->entry, WIRE_KEY_MAX);
	write_sentence(&inside, "text", e->text ? e->text : "failed");
	write_text_or_null(&inside, "blocked_by", e->blocked_by, WIRE_KEY_MAX);
	if (w->rc == 0)
		w->rc = inside.rc;
	text_add(w->out, "{");
	if (item.data)
		text_add(w->out, item.data + 1); // without the first comma
	text_add(w->out, "}");
	text_free(&item);
}

// As many errors as fit; the total is told.
static void encode_applied(struct writer *w, const struct msg *msg)
{
	const struct msg_applied *m = &msg->applied;
	size_t room = WIRE_FRAME_MAX - 16384; // one more at its largest, and the rest

	write_number(w, "revision", m->revision);
	write_digest(w, "digest", m->digest);
	write_number(w, "writes", m->writes);
	write_number(w, "errors_total", (int64_t)m->errors_count);
	if (m->refused) {
		write_number(w, "refused", m->refused);
		write_sentence(w, "refused_text", m->refused_text);
	}
	text_add(w->out, ",\"errors\":[");
	for (size_t i = 0; i < m->errors_count && i < WIRE_ENTRIES_MAX && w->out->len < room; i++) {
		if (i)
			text_add(w->out, ",");
		encode_entry_error(w, &m->errors[i]);
	}
	text_add(w->out, "]");
}

const struct message_row message_applied = { "applied", MSG_UP, decode_applied, encode_applied };

static bool decode_hash(const json_t *pair, struct entry_hash *ret_hash)
{
	const char *key = json_string_value(json_array_get(pair, 0));
	const char *body = json_string_value(json_array_get(pair, 1));

	return json_array_size(pair) == 2 && key && body &&
	       digest_parse(key, &ret_hash->key) == 0 && digest_parse(body, &ret_hash->body) == 0;
}

static void decode_keys(struct reader *r, struct msg *msg)
{
	struct msg_keys *m = &msg->keys;
	const json_t *entries = read_array(r, "entries", true);
	size_t count = json_array_size(entries);
	struct entry_hash *list = count ? calloc(count, sizeof(*list)) : NULL;
	size_t i;
	json_t *pair;

	msg->list = list;
	if (count && !list) {
		(void)read_fail(r, -ENOMEM, "entries", "out of memory");
		return;
	}
	json_array_foreach(entries, i, pair)
	{
		if (!decode_hash(pair, &list[i])) {
			(void)read_fail(r, -EBADMSG, "entries",
					"expected pairs of 32 hex digits, item %zu is none", i);
			return;
		}
	}
	m->hashes = list;
	m->count = count;
	m->digest = read_digest(r, "digest");
	m->more = read_flag_or(r, "more", false);
}

static void encode_keys(struct writer *w, const struct msg *msg)
{
	const struct msg_keys *m = &msg->keys;
	char key[DIGEST_TEXT_SIZE];
	char body[DIGEST_TEXT_SIZE];

	text_add(w->out, ",\"entries\":[");
	for (size_t i = 0; i < m->count; i++) {
		digest_format(m->hashes[i].key, key);
		digest_format(m->hashes[i].body, body);
		text_addf(w->out, "%s[\"%s\",\"%s\"]", i ? "," : "", key, body);
	}
	text_add(w->out, "]");
	write_digest(w, "digest", m->digest);
	write_flag(w, "more", m->more);
}

const struct message_row message_keys = { "keys", MSG_UP, decode_keys, encode_keys };

static void decode_observe(struct reader *r, struct msg *msg)
{
	struct msg_observe *m = &msg->observe;

	m->changes = msg->list = read_changes(r, false, &m->count);
	m->reset = read_flag_or(r, "reset", false);
	m->more = read_flag_or(r, "more", false);
	m->digest = read_digest(r, "digest");
}

static void encode_observe(struct writer *w, const struct msg *msg)
{
	const struct msg_observe *m = &msg->observe;

	write_flag(w, "reset", m->reset);
	write_changes(w, m->changes, m->count);
	write_digest(w, "digest", m->digest);
	write_flag(w, "more", m->more);
}

const struct message_row message_observe = { "observe", MSG_UP, decode_observe, encode_observe };

static bool is_sample_name(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");

	return len > 0 && len <= ID_MAX && name[len] == '\0';
}

static void check_values(struct reader *r, const char *key, json_t *values)
{
	struct err why = { 0 };
	const char *name;
	json_t *value;

	if (entry_key_check(key, &why) < 0) {
		(void)read_fail(r, -EBADMSG, "values", "%s", why.text);
		return;
	}
	if (!json_is_object(values))
		(void)read_fail(r, -EBADMSG, "values", "%s: expected an object of numbers", key);
	json_object_foreach(values, name, value)
	{
		if (!is_sample_name(name) || !json_is_number(value))
			(void)read_fail(r, -EBADMSG, "values",
					"%s: expected words of a-z 0-9 _ with numbers", key);
	}
}

static void decode_samples(struct reader *r, struct msg *msg)
{
	const json_t *values = read_object(r, "values");
	const char *key;
	json_t *value;

	if (json_object_size(values) > WIRE_ENTRIES_MAX)
		(void)read_fail(r, -E2BIG, "values", "more than %d entries", WIRE_ENTRIES_MAX);
	json_object_foreach((json_t *)(uintptr_t)values, key, value) check_values(r, key, value);
	msg->samples.values = values;
	msg->samples.at_ms = read_count(r, "at");
}

static void encode_samples(struct writer *w, const struct msg *msg)
{
	write_number(w, "at", msg->samples.at_ms);
	write_json(w, "values", msg->samples.values);
}

const struct message_row message_samples = { "samples", MSG_UP, decode_samples, encode_samples };

// A later version may know a word that is unknown here: somebody should look, that much is sure.
static const char *read_severity(struct reader *r)
{
	int rank = severity_rank(read_text(r, "severity", ID_MAX));

	return severity_names[rank < 0 ? SEVERITY_WARNING : rank];
}

static void decode_event(struct reader *r, struct msg *msg)
{
	struct msg_event *m = &msg->event;

	m->at_ms = read_count(r, "at");
	m->severity = read_severity(r);
	m->kind = read_text(r, "kind", ID_MAX);
	if (r->rc == 0 && !is_sample_name(m->kind))
		(void)read_fail(r, -EBADMSG, "kind", "expected a word of a-z 0-9 _");
	m->entry = read_key_or_null(r, "entry");
	m->text = read_text(r, "text", WIRE_TEXT_MAX);
}

static void encode_event(struct writer *w, const struct msg *msg)
{
	const struct msg_event *m = &msg->event;

	write_number(w, "at", m->at_ms);
	write_text(w, "severity", m->severity, ID_MAX);
	write_text(w, "kind", m->kind, ID_MAX);
	write_text_or_null(w, "entry", m->entry, WIRE_KEY_MAX);
	write_sentence(w, "text", m->text ? m->text : "");
}

const struct message_row message_event = { "event", MSG_UP, decode_event, encode_event };

static void decode_renew(struct reader *r, struct msg *msg)
{
	msg->renew.csr = read_text(r, "csr", WIRE_PEM_MAX);
}

static void encode_renew(struct writer *w, const struct msg *msg)
{
	write_text(w, "csr", msg->renew.csr, WIRE_PEM_MAX);
}

const struct message_row message_renew = { "renew", MSG_UP, decode_renew, encode_renew };
