#include "uplink/uplink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#include "uplink/channel.h"
#include "uplink/credential.h"
#include "uplink/enrol_key.h"
#include "uplink/tls.h"
#include "uplink/walk.h"

enum {
	TICK_MS = 1000,
	CONNECT_MS = 10000, // from the first packet to the open websocket
	PING_EVERY_MS = 6000,
	SILENCE_MS = 20000,
	NUDGE_ANSWER_MS = 4000,
	PATIENCE_MS = 60000,
	LASTING_MS = 10000, // a session of this length was no accident
	SPREAD_MS = 2000,   // over which a fleet returns to a controller that restarted
	QUEUE_MAX = 8 * 1024 * 1024,
	QUEUE_DROP = 64 * 1024,
	DEFAULT_HUB_PORT = 8444,
};

enum uplink_state {
	UPLINK_IDLE,       // not started or stopped
	UPLINK_WAITING,    // for the next attempt
	UPLINK_RESOLVING,  // a name
	UPLINK_CONNECTING, // TCP, TLS, websocket
	UPLINK_OPEN,
};

struct uplink {
	uv_loop_t *loop;
	SSL_CTX *tls;
	struct channel *channel;
	struct uplink_events events;
	char *hubs[IDENTITY_LIST_MAX];
	size_t hub_count;
	char *clock_path;
	enum uplink_state state;
	struct walk walk;
	uv_timer_t timer; // one at a time: next attempt, connect time-out, or tick of a session
	uv_getaddrinfo_t resolve;
	bool resolving;
	int64_t deadline_ms; // of connecting
	int64_t verify_s;    // time the server's certificate is checked at
	int64_t verify_at_ms;
	int64_t opened_ms;
	bool is_good; // welcomed
	int64_t heard_ms;
	int64_t pinged_ms;
	int64_t answer_by_ms; // after a nudge, 0 when none is awaited
	char hub[300];
	char trouble[300];
	void (*on_stopped)(void *context);
	void *stop_context;
};

static void attempt(struct uplink *uplink);

static uint32_t random_u32(void)
{
	uint32_t value = 0;
	(void)RAND_bytes((unsigned char *)&value, sizeof value);
	return value;
}

static void on_wait_over(uv_timer_t *timer)
{
	attempt(timer->data);
}

static void wait_then_attempt(struct uplink *uplink, uint32_t wait_ms)
{
	uplink->state = UPLINK_WAITING;
	(void)uv_timer_start(&uplink->timer, on_wait_over, wait_ms, 0);
}

// A session that lasted begins the list and the waits anew; one that did not counts as a whole
// round that failed, so that a controller which drops everybody at once is not asked in a loop.
static uint32_t session_lost(struct uplink *uplink)
{
	if (uplink->is_good && clock_mono_ms() - uplink->opened_ms >= LASTING_MS)
		walk_reset(&uplink->walk);
	uplink->is_good = false;
	uplink->walk.at = uplink->hub_count - 1;
	return random_u32() % SPREAD_MS;
}

// Notes why and goes on to the next controller.
static void give_up(struct uplink *uplink, const char *why, uint32_t at_least_ms)
{
	uint32_t spread_ms = uplink->state == UPLINK_OPEN ? session_lost(uplink) : 0;
	at_least_ms = at_least_ms > spread_ms ? at_least_ms : spread_ms;
	if (strncmp(uplink->trouble, why, sizeof uplink->trouble - 1) != 0)
		log_warn("uplink %s: %s", uplink->hub, why);
	(void)snprintf(uplink->trouble, sizeof uplink->trouble, "%s", why);
	uint32_t wait_ms = walk_fail(&uplink->walk, uplink->hub_count, random_u32());
	wait_then_attempt(uplink, wait_ms > at_least_ms ? wait_ms : at_least_ms);
}

static void end_session(struct uplink *uplink, const char *why, uint32_t at_least_ms)
{
	bool was_open = uplink->state == UPLINK_OPEN;
	channel_close(uplink->channel);
	give_up(uplink, why, at_least_ms);
	if (was_open)
		uplink->events.on_close(uplink->events.context, why);
}

static void on_tick(uv_timer_t *timer)
{
	struct uplink *uplink = timer->data;
	int64_t now = clock_mono_ms();
	if (uplink->state == UPLINK_CONNECTING) {
		if (now >= uplink->deadline_ms)
			end_session(uplink, "no answer within 10 s", 0);
		return;
	}
	if (uplink->answer_by_ms && now >= uplink->answer_by_ms) {
		end_session(uplink, "no answer after the network changed", 0);
	} else if (now - uplink->heard_ms >= SILENCE_MS) {
		end_session(uplink, "silent for 20 s", 0);
	} else if (now - uplink->pinged_ms >= PING_EVERY_MS) {
		uplink->pinged_ms = now;
		channel_ping(uplink->channel);
	}
}

static void on_open(void *context)
{
	struct uplink *uplink = context;
	uplink->state = UPLINK_OPEN;
	uplink->opened_ms = uplink->heard_ms = uplink->pinged_ms = clock_mono_ms();
	uplink->is_good = false;
	uplink->answer_by_ms = 0;
	uplink->trouble[0] = '\0';
	uplink->events.on_open(uplink->events.context);
}

static void on_message(void *context, const char *data, size_t len)
{
	struct uplink *uplink = context;
	uplink->events.on_frame(uplink->events.context, data, len);
}

static void on_pong(void *context)
{
	struct uplink *uplink = context;
	uplink->answer_by_ms = 0;
	uplink->events.on_answer(uplink->events.context);
}

static void on_heard(void *context)
{
	struct uplink *uplink = context;
	uplink->heard_ms = clock_mono_ms();
}

static void on_closed(void *context, const char *why)
{
	struct uplink *uplink = context;
	bool was_open = uplink->state == UPLINK_OPEN;
	if (uplink->state == UPLINK_IDLE)
		return;
	give_up(uplink, why, 0);
	if (was_open)
		uplink->events.on_close(uplink->events.context, why);
}

static void connect_to(struct uplink *uplink, const char *address, int port)
{
	uplink->state = UPLINK_CONNECTING;
	uplink->deadline_ms = clock_mono_ms() + CONNECT_MS;
	uplink->verify_s = credential_verify_time(uplink->clock_path);
	uplink->verify_at_ms = clock_mono_ms();
	tls_client_set_time(uplink->tls, uplink->verify_s);
	(void)uv_timer_start(&uplink->timer, on_tick, TICK_MS, TICK_MS);
	channel_connect(uplink->channel, address, port);
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
	struct uplink *uplink = request->data;
	char address[INET6_ADDRSTRLEN] = "";
	char host[256];
	int port = DEFAULT_HUB_PORT;
	uplink->resolving = false;
	if (status == 0 && list)
		(void)getnameinfo(list->ai_addr, list->ai_addrlen, address, sizeof address, NULL, 0,
				  NI_NUMERICHOST);
	uv_freeaddrinfo(list);
	if (uplink->state != UPLINK_RESOLVING)
		return;
	(void)enrol_key_host_port(uplink->hub, DEFAULT_HUB_PORT, host, sizeof host, &port);
	if (*address) {
		connect_to(uplink, address, port);
		return;
	}
	char why[300];
	(void)snprintf(why, sizeof why, "the name %.200s cannot be resolved: %s", host,
		       uv_strerror(status));
	give_up(uplink, why, 0);
}

static bool is_address(const char *host)
{
	struct in6_addr any;
	return inet_pton(AF_INET, host, &any) == 1 || inet_pton(AF_INET6, host, &any) == 1;
}

static void attempt(struct uplink *uplink)
{
	char host[256];
	int port;
	(void)snprintf(uplink->hub, sizeof uplink->hub, "%s",
		       uplink->hubs[uplink->walk.at % uplink->hub_count]);
	if (enrol_key_host_port(uplink->hub, DEFAULT_HUB_PORT, host, sizeof host, &port) < 0) {
		give_up(uplink, "this is no address of a controller", 0);
		return;
	}
	if (is_address(host)) {
		connect_to(uplink, host, port);
		return;
	}
	if (uplink->resolving) {
		// The answer to an earlier question may still come; one at a time.
		wait_then_attempt(uplink, WALK_FIRST_MS);
		return;
	}
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
	uplink->resolve.data = uplink;
	int r = uv_getaddrinfo(uplink->loop, &uplink->resolve, on_resolved, host, NULL, &hints);
	if (r < 0) {
		give_up(uplink, uv_strerror(r), 0);
		return;
	}
	uplink->resolving = true;
	uplink->state = UPLINK_RESOLVING;
}

static void free_hubs(struct uplink *uplink)
{
	for (size_t i = 0; i < uplink->hub_count; i++)
		free(uplink->hubs[i]);
	uplink->hub_count = 0;
}

int uplink_set_hubs(struct uplink *uplink, char *const *hubs, size_t count, struct err *err)
{
	if (count == 0 || count > IDENTITY_LIST_MAX)
		return err_set(err, -EINVAL, "a list of controllers has 1 to %d addresses",
			       IDENTITY_LIST_MAX);
	free_hubs(uplink);
	for (size_t i = 0; i < count; i++) {
		uplink->hubs[i] = strdup(hubs[i]);
		if (!uplink->hubs[i])
			return err_set(err, -ENOMEM, "out of memory");
		uplink->hub_count = i + 1;
	}
	walk_reset(&uplink->walk);
	// A standing session goes on with the one it has.
	if (uplink->state != UPLINK_OPEN)
		(void)snprintf(uplink->hub, sizeof uplink->hub, "%s", uplink->hubs[0]);
	return 0;
}

static int uplink_init(struct uplink *uplink, const struct identity *identity,
		       const char *clock_path, struct err *err)
{
	const struct channel_events events = { .on_open = on_open,
					       .on_message = on_message,
					       .on_pong = on_pong,
					       .on_heard = on_heard,
					       .on_closed = on_closed,
					       .context = uplink };
	uplink->clock_path = strdup(clock_path);
	if (!uplink->clock_path)
		return err_set(err, -ENOMEM, "out of memory");
	int r = uplink_set_hubs(uplink, identity->hubs, identity->hub_count, err);
	if (r == 0)
		r = tls_client_new(identity->ca_pem, identity->certificate_pem, identity->key_pem,
				   &uplink->tls, err);
	if (r < 0)
		return r;
	uplink->channel = channel_new(uplink->loop, uplink->tls, &events, err);
	return uplink->channel ? 0 : -EIO;
}

struct uplink *uplink_new(uv_loop_t *loop, const struct identity *identity, const char *clock_path,
			  const struct uplink_events *events, struct err *err)
{
	CLEAN(uplink_free_ptr) struct uplink *uplink = calloc(1, sizeof *uplink);
	if (!uplink) {
		(void)err_set(err, -ENOMEM, "out of memory");
		return NULL;
	}
	uplink->loop = loop;
	uplink->events = *events;
	if (uplink_init(uplink, identity, clock_path, err) < 0)
		return NULL;
	// Last, because from here on the handle must be closed by the loop.
	(void)uv_timer_init(loop, &uplink->timer);
	uplink->timer.data = uplink;
	return take_ptr(&uplink);
}

void uplink_set_mark(struct uplink *uplink, uint32_t mark)
{
	channel_set_mark(uplink->channel, mark);
}

void uplink_start(struct uplink *uplink)
{
	if (!uplink)
		return;
	// A hair's breadth of chance keeps a fleet that boots together from arriving in one
	// instant.
	wait_then_attempt(uplink, random_u32() % 200);
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct uplink *uplink = handle->data;
	uplink->on_stopped(uplink->stop_context);
}

void uplink_stop(struct uplink *uplink, void (*on_stopped)(void *context), void *context)
{
	uplink->on_stopped = on_stopped;
	uplink->stop_context = context;
	uplink->state = UPLINK_IDLE;
	if (uplink->resolving)
		(void)uv_cancel((uv_req_t *)&uplink->resolve);
	channel_shut(uplink->channel);
	uv_close((uv_handle_t *)&uplink->timer, on_timer_closed);
}

void uplink_free(struct uplink *uplink)
{
	if (!uplink)
		return;
	channel_free(uplink->channel);
	SSL_CTX_free(uplink->tls);
	free_hubs(uplink);
	free(uplink->clock_path);
	free(uplink);
}

int uplink_send(struct uplink *uplink, const char *data, size_t len, bool may_drop)
{
	if (!uplink_is_open(uplink))
		return -ENOTCONN;
	size_t queued = channel_queued(uplink->channel);
	if (may_drop && queued > QUEUE_DROP)
		return -EAGAIN;
	if (queued + len > QUEUE_MAX) {
		end_session(uplink, "the controller does not take in what it is sent", 0);
		return -ENOTCONN;
	}
	return channel_send(uplink->channel, data, len);
}

void uplink_nudge(struct uplink *uplink)
{
	if (!uplink)
		return;
	if (uplink->state == UPLINK_WAITING && uv_timer_get_due_in(&uplink->timer) > 200) {
		walk_reset(&uplink->walk);
		wait_then_attempt(uplink, 100);
	} else if (uplink->state == UPLINK_OPEN && !uplink->answer_by_ms) {
		uplink->answer_by_ms = clock_mono_ms() + NUDGE_ANSWER_MS;
		channel_ping(uplink->channel);
	}
}

void uplink_ping(struct uplink *uplink)
{
	if (uplink_is_open(uplink))
		channel_ping(uplink->channel);
}

void uplink_drop(struct uplink *uplink, const char *why, bool patient)
{
	if (uplink && (uplink->state == UPLINK_OPEN || uplink->state == UPLINK_CONNECTING))
		end_session(uplink, why, patient ? PATIENCE_MS + random_u32() % PATIENCE_MS : 0);
}

void uplink_is_good(struct uplink *uplink)
{
	uplink->is_good = true;
}

int uplink_set_certificate(struct uplink *uplink, const char *certificate_pem, struct err *err)
{
	return tls_client_set_certificate(uplink->tls, certificate_pem, err);
}

bool uplink_is_open(const struct uplink *uplink)
{
	return uplink && uplink->state == UPLINK_OPEN;
}

int64_t uplink_time(const struct uplink *uplink)
{
	if (!uplink_is_open(uplink))
		return 0;
	return uplink->verify_s + (clock_mono_ms() - uplink->verify_at_ms) / 1000;
}

const char *uplink_hub(const struct uplink *uplink)
{
	return uplink ? uplink->hub : "";
}

const char *uplink_trouble(const struct uplink *uplink)
{
	return uplink ? uplink->trouble : "";
}
