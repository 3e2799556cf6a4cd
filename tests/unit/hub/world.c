#include "world.h"

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <openssl/x509.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#include "certificates.h"

static void authorise(void *ctx, const struct hub_peer *peer, struct hub_admission *ret)
{
	const unsigned char *der = peer->certificate;
	X509 *x = d2i_X509(NULL, &der, (long)peer->certificate_len);
	char name[64] = "";

	(void)ctx;
	assert_non_null(x);
	(void)X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, name,
					sizeof(name));
	X509_free(x);
	ret->verdict = peer->is_expired ? HUB_RENEW_ONLY : HUB_ADMIT;
	ret->node_id = name[5] - 'a' + 1;
	(void)snprintf(ret->name, sizeof(ret->name), "%s", name + 5);
	if (strcmp(name, "node:revoked") == 0) {
		ret->verdict = HUB_REFUSE;
		(void)snprintf(ret->reason, sizeof(ret->reason), "the certificate is revoked");
	}
}

static int target(void *ctx, int64_t node_id, struct hub_target *ret, struct err *err)
{
	struct world *w = ctx;

	if (node_id == 'z' - 'a' + 1)
		return err_set(err, -ENOENT, "the node was deleted");
	ret->revision = w->revision;
	ret->digest = entry_set_digest(w->target);
	return 0;
}

static int entries(void *ctx, int64_t node_id, hub_entry_fn visit, void *visitor, struct err *err)
{
	struct world *w = ctx;
	struct entry_change e;

	(void)node_id;
	for (size_t at = 0; entry_set_next(w->target, &at, &e);) {
		if (visit(visitor, e.key, e.body, e.body_len) < 0)
			return err_set(err, -EIO, "stopped");
	}
	return 0;
}

static void connected(void *ctx, const struct hub_connection *connection)
{
	struct world *w = ctx;

	assert_int_equal(strlen(connection->hello->public_key), strlen(KEY_B64));
	w->connected++;
}

static void disconnected(void *ctx, int64_t node_id, const char *reason)
{
	struct world *w = ctx;

	(void)node_id;
	w->disconnected++;
	(void)snprintf(w->last_reason, sizeof(w->last_reason), "%s", reason);
}

static void applied(void *ctx, int64_t node_id, const struct msg_applied *a)
{
	(void)node_id;
	(void)a;
	((struct world *)ctx)->applied++;
}

static int observed(void *ctx, int64_t node_id, const struct msg_observe *o, struct err *err)
{
	struct world *w = ctx;

	(void)node_id;
	if (o->reset)
		entry_set_clear(w->observed);
	assert_int_equal(entry_set_change(w->observed, o->changes, o->count, err), 0);
	if (!o->more && !digest_equal(entry_set_digest(w->observed), o->digest))
		return err_set(err, -EBADMSG, "the observed state does not match its digest");
	return 0;
}

static void samples(void *ctx, int64_t node_id, const struct msg_samples *s)
{
	(void)node_id;
	(void)s;
	((struct world *)ctx)->samples++;
}

static void event(void *ctx, int64_t node_id, const struct msg_event *e)
{
	(void)node_id;
	(void)e;
	((struct world *)ctx)->events++;
}

static void renew(void *ctx, int64_t node_id, const char *csr)
{
	struct world *w = ctx;

	assert_true(*csr);
	w->renewals++;
	assert_int_equal(hub_renewed(w->hub, node_id, "CERT", NULL), 0);
}

static void answer(void *ctx, const json_t *result, const char *error)
{
	struct world *w = ctx;
	char *dump = result ? json_dumps(result, JSON_COMPACT) : NULL;

	w->answers++;
	(void)snprintf(w->answer, sizeof(w->answer), "%s", result ? dump : error);
	free(dump);
}

static void make_certificates(const char *dir)
{
	struct authority *ca = authority_new(dir, "ca");
	struct authority *other = authority_new(dir, "other");

	authority_issue(ca, "server", "controller.weft", -60, 3600);
	authority_issue(ca, "next", "controller.weft", -60, 3600);
	authority_issue(ca, "a", "node:a", -60, 3600);
	authority_issue(ca, "b", "node:b", -60, 3600);
	authority_issue(ca, "z", "node:z", -60, 3600);
	authority_issue(ca, "revoked", "node:revoked", -60, 3600);
	authority_issue(ca, "expired", "node:expired", -3600, -60);
	authority_issue(ca, "early", "node:early", 3600, 7200);
	authority_issue(other, "stranger", "node:a", -60, 3600);
	authority_issue(other, "late-stranger", "node:a", -3600, -60);
	authority_free(ca);
	authority_free(other);
}

void world_start_hub(struct world *w)
{
	static const char *const listen[] = { "127.0.0.1:0", "[::1]:0", NULL };
	char ca[128];
	char certificate[128];
	char key[128];
	const struct hub_ops ops = { authorise, target,   entries, connected, disconnected,
				     applied,   observed, samples, event,     renew,
				     NULL,      NULL,     NULL };
	const struct hub_config config = { .loop = &w->loop,
					   .listen = listen,
					   .certificate_file = certificate,
					   .key_file = key,
					   .ca_file = ca,
					   .version = "0.1.0",
					   .queue_bytes = 600000,
					   .messages_per_s = 50,
					   .messages_burst = 60,
					   .handshake_ms = 1000,
					   .ping_s = 1,
					   .silence_s = 3 };
	struct err err = { 0 };

	(void)snprintf(ca, sizeof(ca), "%s/ca.crt", w->dir);
	(void)snprintf(certificate, sizeof(certificate), "%s/server.crt", w->dir);
	(void)snprintf(key, sizeof(key), "%s/server.key", w->dir);
	if (hub_new(&config, &ops, w, &w->hub, &err) < 0)
		fail_msg("%s", err.text);
}

int world_set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	(void)uv_loop_init(&w->loop);
	(void)snprintf(w->dir, sizeof(w->dir), "/tmp/weft-hub-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	make_certificates(w->dir);
	w->target = entry_set_new();
	w->observed = entry_set_new();
	w->revision = 7;
	world_start_hub(w);
	*state = w;
	return 0;
}

void world_on_stopped(void *ctx)
{
	((struct world *)ctx)->is_stopped = true;
}

int world_tear_down(void **state)
{
	struct world *w = *state;
	char command[128];

	hub_stop(w->hub, world_on_stopped, w);
	for (int64_t until = clock_mono_ms() + 5000; !w->is_stopped && clock_mono_ms() < until;)
		turn(&w->loop, 10);
	assert_true(w->is_stopped);
	turn(&w->loop, 20);
	assert_int_equal(uv_loop_close(&w->loop), 0);
	entry_set_free(w->target);
	entry_set_free(w->observed);
	(void)snprintf(command, sizeof(command), "rm -r %s", w->dir);
	assert_int_equal(system(command), 0);
	free(w);
	return 0;
}

struct client *dial(struct world *w, const char *certificate)
{
	const struct client_options o = { .loop = &w->loop,
					  .port = hub_port(w->hub, 0),
					  .dir = w->dir,
					  .certificate = certificate };

	return client_open(&o);
}

void say_hello(struct client *c, const char *digest)
{
	char text[600];

	(void)snprintf(text, sizeof(text),
		       "{\"type\":\"hello\",\"protocol\":{\"major\":1,\"minor\":0},\"version\":"
		       "\"0.1.0\",\"boot_id\":\"b\",\"public_key\":\"" KEY_B64
		       "\",\"base\":{\"revision\":7,\"digest\":\"%s\"}}",
		       digest);
	assert_true(client_send(c, text));
}

struct client *join(struct world *w, const char *certificate)
{
	struct client *c = dial(w, certificate);
	char digest[DIGEST_TEXT_SIZE];

	assert_non_null(c);
	digest_format(entry_set_digest(w->target), digest);
	say_hello(c, digest);
	json_decref(client_expect(c, "welcome"));
	return c;
}

const char *text_in(const json_t *json, const char *field)
{
	return json_string_value(json_object_get(json, field));
}

void expect_bye(struct client *c, const char *says)
{
	json_t *bye = client_expect(c, "bye");

	if (!strstr(text_in(bye, "reason"), says))
		fail_msg("\"%s\" does not say \"%s\"", text_in(bye, "reason"), says);
	json_decref(bye);
}

int ask(struct world *w, int64_t node_id, unsigned timeout_ms, uint64_t *ret_id)
{
	const struct hub_question question = { "ping", NULL, timeout_ms, answer, w };

	return hub_request(w->hub, node_id, &question, ret_id, NULL);
}

void assert_alive(struct world *w, struct client *c, int64_t node_id)
{
	uint64_t id = 0;
	int before = w->answers;
	char text[128];

	assert_int_equal(ask(w, node_id, 2000, &id), 0);
	json_t *request = client_expect(c, "request");
	assert_string_equal(text_in(request, "verb"), "ping");
	(void)snprintf(text, sizeof(text),
		       "{\"type\":\"response\",\"id\":%lld,\"ok\":true,"
		       "\"result\":{\"rtt\":1}}",
		       json_integer_value(json_object_get(request, "id")));
	json_decref(request);
	assert_true(client_send(c, text));
	for (int i = 0; i < 200 && w->answers == before; i++)
		turn(&w->loop, 5);
	assert_int_equal(w->answers, before + 1);
	assert_string_equal(w->answer, "{\"rtt\":1}");
}

void follow(struct client *c, struct entry_set *mine)
{
	struct digest base = entry_set_digest(mine);
	bool is_more = true;

	while (is_more) {
		json_t *json = client_expect(c, "desired");
		char *text = json_dumps(json, 0);
		struct msg msg;
		struct err err = { 0 };

		if (msg_decode(MSG_DOWN, text, strlen(text), &msg, &err) < 0)
			fail_msg("%s", err.text);
		assert_true(digest_equal(msg.desired.base, base));
		assert_int_equal(
			entry_set_change(mine, msg.desired.changes, msg.desired.count, &err), 0);
		is_more = msg.desired.more;
		if (!is_more)
			assert_true(digest_equal(msg.desired.digest, entry_set_digest(mine)));
		msg_done(&msg);
		free(text);
		json_decref(json);
	}
}

int send_frame(void *ctx, const char *frame, size_t len)
{
	return client_send_frame(ctx, 0x81, frame, len, len) ? 0 : -EIO;
}

void fill_set(struct entry_set *set, int count, const char *body)
{
	for (int i = 0; i < count; i++) {
		char key[32];

		(void)snprintf(key, sizeof(key), "peer/home/n%d", i);
		assert_true(entry_set_put(set, key, body, strlen(body), NULL) >= 0);
	}
}

void push(struct world *w, const char *key, const char *body)
{
	CLEAN(entry_delta_done) struct entry_delta delta = { .base = entry_set_digest(w->target) };

	if (body)
		(void)entry_set_put(w->target, key, body, strlen(body), NULL);
	else
		(void)entry_set_drop(w->target, key);
	assert_int_equal(entry_delta_add(&delta, key, body, body ? strlen(body) : 0), 0);
	delta.digest = entry_set_digest(w->target);
	w->revision++;
	hub_push(w->hub, 1, w->revision, &delta);
}

void world_prepare(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	if (getenv("WEFT_TEST_LOG"))
		log_set_level(LOG_LEVEL_DEBUG);
}
