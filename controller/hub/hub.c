#include "hub/hub.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#include "hub/inside.h"

#define TIMERS   2
#define GRACE_MS 1000 // an honest handshake is over by then, in a storm of them too

static void on_library_log(int level, const char *line)
{
	// A failed handshake is a stranger's doing: nobody must act on it.
	(void)level;
	log_debug("hub: libwebsockets: %.*s", (int)strcspn(line, "\n"), line);
}

static void set_defaults(struct hub_config *c)
{
	c->max_sessions = c->max_sessions ? c->max_sessions : HUB_SESSIONS_DEFAULT;
	c->handshakes = c->handshakes ? c->handshakes : HUB_HANDSHAKES_DEFAULT;
	c->handshakes_per_address =
		c->handshakes_per_address ? c->handshakes_per_address : c->handshakes;
	c->queue_bytes = c->queue_bytes ? c->queue_bytes : (size_t)4 << 20;
	c->queue_frames = c->queue_frames ? c->queue_frames : 1024;
	c->assembly_bytes = c->assembly_bytes ? c->assembly_bytes : (size_t)64 << 20;
	c->messages_per_s = c->messages_per_s ? c->messages_per_s : 100;
	c->messages_burst = c->messages_burst ? c->messages_burst : 1000;
	c->bytes_per_s = c->bytes_per_s ? c->bytes_per_s : 1u << 20;
	c->bytes_burst = c->bytes_burst ? c->bytes_burst : 32u << 20;
	c->handshake_ms = c->handshake_ms ? c->handshake_ms : 10000;
	c->ping_s = c->ping_s ? c->ping_s : 10;
	c->silence_s = c->silence_s ? c->silence_s : 25;
}

// The library's own watch over silence is off: it keeps its timers in one sorted list, walked at
// every message, which took a quarter of the time with 2,500 sessions. session_tick does it.
static const lws_retry_bo_t no_idle_policy;

static int make_context(struct hub *hub, struct err *err)
{
	void *loops[1] = { hub->config.loop };
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN_SERVER,
		.protocols = hub_protocols(),
		.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
			   LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
			   LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME |
			   LWS_SERVER_OPTION_NO_LWS_SYSTEM_STATES |
			   LWS_SERVER_OPTION_UV_NO_SIGSEGV_SIGFPE_SPIN,
		.foreign_loops = loops,
		.user = hub,
		.timeout_secs = (hub->config.handshake_ms + 999) / 1000,
		.max_http_header_data = 2048,
		.pt_serv_buf_size = 4096,
		.uid = -1,
		.gid = -1,
	};

	lws_set_log_level(LLL_ERR | LLL_WARN | LLL_NOTICE, on_library_log);
	hub->lws = lws_create_context(&info);
	if (!hub->lws)
		return err_set(
			err, -EIO,
			"libwebsockets did not start (is libwebsockets-evlib-uv installed?)");
	return 0;
}

static int make_vhost(struct hub *hub, struct err *err)
{
	const struct hub_config *c = &hub->config;
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN_SERVER,
		.vhost_name = "controller.weft",
		.protocols = hub_protocols(),
		.options = LWS_SERVER_OPTION_REQUIRE_VALID_OPENSSL_CLIENT_CERT |
			   LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS,
		.ssl_cert_filepath = c->certificate_file,
		.ssl_private_key_filepath = c->key_file,
		.ssl_ca_filepath = c->ca_file,
		.alpn = "http/1.1", // websockets over HTTP/2 would be another protocol
		.retry_and_idle_policy = &no_idle_policy,
		.user = hub,
		.uid = -1,
		.gid = -1,
	};

	hub->vhost = lws_create_vhost(hub->lws, &info);
	if (!hub->vhost)
		return err_set(err, -EINVAL,
			       "the certificate %s, its key or the CA %s is not usable",
			       c->certificate_file, c->ca_file);
	return 0;
}

static void hub_release(struct hub *hub)
{
	map_free(hub->nodes);
	map_free(hub->wants);
	lobby_free(hub->lobby);
	X509_STORE_free(hub->ca);
	free(hub->version);
	json_decref(hub->urls);
	free(hub);
}

static void on_closed(uv_handle_t *handle)
{
	struct hub *hub = handle->data;
	if (++hub->closed_timers < TIMERS)
		return;
	void (*stopped)(void *) = hub->stopped;
	void *ctx = hub->stopped_ctx;

	hub_release(hub);
	if (stopped)
		stopped(ctx);
}

static void close_timers(struct hub *hub)
{
	uv_close((uv_handle_t *)&hub->owing, on_closed);
	uv_close((uv_handle_t *)&hub->timer, on_closed);
}

void hub_kill(struct lws *wsi)
{
	lws_set_timeout(wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_SYNC);
}

// libwebsockets closes its handles on the loop: the context's end is asked for twice, some rounds
// apart.
static void stop_further(struct hub *hub, int64_t now_ms)
{
	if (hub->stop_step == 0) {
		if (hub->sessions && now_ms - hub->stopping_ms < BYE_MS)
			return;
		lws_context_destroy(hub->lws);
		hub->stop_step = 1;
		(void)uv_timer_set_repeat(&hub->timer, 20);
		return;
	}
	if (hub->stop_step++ < 4)
		return;
	lws_context_destroy(hub->lws);
	close_timers(hub);
}

static void on_tick(uv_timer_t *timer)
{
	struct hub *hub = timer->data;
	int64_t now_ms = clock_mono_ms();

	if (hub->stop_step == 0) {
		request_tick(hub, now_ms);
		lobby_tick(hub->lobby, now_ms);
		for (struct session *s = hub->sessions, *next; s; s = next) {
			next = s->next;
			session_tick(s, now_ms);
		}
		hub_listen_again(hub);
		// Lets libwebsockets look at its own time-outs, which it sets on the loop only when
		// woken.
		if (hub->connections)
			lws_cancel_service(hub->lws);
	}
	if (hub->stopping_ms)
		stop_further(hub, now_ms);
}

static int hub_start(struct hub *hub, struct err *err)
{
	int rc = hub_tls_read_ca(hub->config.ca_file, &hub->ca, err);

	if (rc < 0)
		return rc;
	rc = make_context(hub, err);
	if (rc < 0)
		return rc;
	rc = make_vhost(hub, err);
	for (size_t i = 0; rc == 0 && hub->config.listen[i]; i++)
		rc = hub_listen(hub, hub->config.listen[i], err);
	return rc;
}

int hub_new(const struct hub_config *config, const struct hub_ops *ops, void *ctx,
	    struct hub **ret_hub, struct err *err)
{
	struct hub *hub = calloc(1, sizeof(*hub));

	if (!hub)
		return err_set(err, -ENOMEM, "out of memory");
	hub->started_ms = clock_mono_ms();
	hub->config = *config;
	set_defaults(&hub->config);
	hub->ops = *ops;
	hub->ctx = ctx;
	hub->version = strdup(config->version);
	hub->urls = json_array();
	for (size_t i = 0; config->urls && config->urls[i] && i < WIRE_HUBS_MAX; i++)
		(void)json_array_append_new(hub->urls, json_string(config->urls[i]));
	hub->nodes = map_new(NULL);
	hub->wants = map_new(NULL);
	const struct lobby_config lobby = { hub->config.handshakes,
					    hub->config.handshakes_per_address,
					    hub->config.handshake_ms, GRACE_MS };
	hub->lobby = lobby_new(&lobby);
	if (!hub->version || !hub->urls || !hub->nodes || !hub->wants || !hub->lobby) {
		hub_release(hub);
		return err_set(err, -ENOMEM, "out of memory");
	}
	(void)uv_timer_init(config->loop, &hub->timer);
	(void)uv_timer_init(config->loop, &hub->owing);
	hub->timer.data = hub->owing.data = hub;
	int rc = hub_start(hub, err);
	if (rc < 0) {
		if (hub->lws) {
			hub_stop(hub, NULL, NULL);
		} else {
			close_timers(hub);
		}
		return rc;
	}
	(void)uv_timer_start(&hub->timer, on_tick, TICK_MS, TICK_MS);
	*ret_hub = hub;
	return 0;
}

void hub_stop(struct hub *hub, void (*done)(void *ctx), void *ctx)
{
	hub->stopped = done;
	hub->stopped_ctx = ctx;
	hub->stopping_ms = clock_mono_ms();
	hub_listen_stop(hub);
	for (struct session *s = hub->sessions, *next; s; s = next) {
		next = s->next;
		session_end(s, true, "the controller is stopping");
	}
	(void)uv_timer_start(&hub->timer, on_tick, 0, TICK_MS / 5);
}

size_t hub_count(const struct hub *hub)
{
	return map_size(hub->nodes);
}

bool hub_is_connected(const struct hub *hub, int64_t node_id)
{
	return session_of_node(hub, node_id) != NULL;
}

void hub_disconnect(struct hub *hub, int64_t node_id, const char *reason, bool retry)
{
	for (struct session *s = hub->sessions, *next; s; s = next) {
		next = s->next;
		if (s->node_id == node_id)
			session_end(s, retry, "%s", reason);
	}
}

void hub_push(struct hub *hub, int64_t node_id, int64_t revision, const struct entry_delta *delta)
{
	struct session *s = session_of_node(hub, node_id);

	if (s)
		desired_push(s, revision, delta);
}

void hub_resync(struct hub *hub, int64_t node_id)
{
	struct session *s = session_of_node(hub, node_id);

	if (s)
		desired_resync(s);
}

int hub_renewed(struct hub *hub, int64_t node_id, const char *certificate_pem, struct err *err)
{
	struct msg msg = { .type = MSG_RENEWED, .renewed = { .certificate = certificate_pem } };
	int rc = err_set(err, -ENOTCONN, "the node is not connected");

	for (struct session *s = hub->sessions, *next; s; s = next) {
		next = s->next;
		if (s->node_id != node_id || s->state != SESSION_OPEN)
			continue;
		queue_message(s, &msg);
		if (s->is_renew_only)
			session_finish(s, "it has its new certificate now");
		rc = 0;
	}
	return rc;
}

void hub_counters_read(const struct hub *hub, struct hub_counters *ret_counters)
{
	*ret_counters = hub->counters;
	ret_counters->refused_total += lobby_ended(hub->lobby);
}
