#include "uplink/channel.h"

#include <errno.h>
#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "wire/limits.h"

#include "uplink/mark.h"

// A queued message; the payload follows behind LWS_PRE bytes that libwebsockets writes its header
// into.
struct outgoing {
	struct outgoing *next;
	size_t len;
	unsigned char bytes[];
};

struct channel {
	struct lws_context *context;
	struct lws *wsi;      // the connection in use, NULL when none
	uintptr_t generation; // a callback of an older connection is not ours any more
	uint32_t mark;        // of its sockets, 0: none
	bool is_open;
	bool ping_wanted;
	struct text incoming; // the message being put together
	struct outgoing *first;
	struct outgoing **last;
	size_t queued;
	struct channel_events events;
	const char *refusal; // why the server's certificate does not do; NULL: it does
};

static void clear_queue(struct channel *channel)
{
	while (channel->first) {
		struct outgoing *next = channel->first->next;
		free(channel->first);
		channel->first = next;
	}
	channel->last = &channel->first;
	channel->queued = 0;
}

static void forget_connection(struct channel *channel)
{
	channel->generation++;
	channel->wsi = NULL;
	channel->is_open = false;
	channel->ping_wanted = false;
	text_free(&channel->incoming);
	clear_queue(channel);
}

static void connection_closed(struct channel *channel, const char *why)
{
	char text[256];
	(void)snprintf(text, sizeof text, "%s", why);
	forget_connection(channel);
	channel->events.on_closed(channel->events.context, text);
}

// Returns non-zero to close.
static int receive(struct channel *channel, struct lws *wsi, const void *data, size_t len)
{
	channel->events.on_heard(channel->events.context);
	if (channel->incoming.len + len > WIRE_FRAME_MAX || lws_frame_is_binary(wsi))
		return -1;
	text_add_bytes(&channel->incoming, data, len);
	if (channel->incoming.failed)
		return -1;
	if (lws_remaining_packet_payload(wsi) > 0 || !lws_is_final_fragment(wsi))
		return 0;
	CLEAN(text_free) struct text message = channel->incoming;
	channel->incoming = (struct text){ 0 };
	uintptr_t generation = channel->generation;
	channel->events.on_message(channel->events.context, message.data ? message.data : "",
				   message.len);
	return generation == channel->generation ? 0 : -1;
}

static int write_one(struct channel *channel, struct lws *wsi)
{
	if (channel->ping_wanted) {
		unsigned char ping[LWS_PRE + 1] = { 0 };
		channel->ping_wanted = false;
		if (lws_write(wsi, ping + LWS_PRE, 0, LWS_WRITE_PING) < 0)
			return -1;
	} else if (channel->first) {
		struct outgoing *message = channel->first;
		channel->first = message->next;
		if (!channel->first)
			channel->last = &channel->first;
		channel->queued -= message->len;
		int n = lws_write(wsi, message->bytes + LWS_PRE, message->len, LWS_WRITE_TEXT);
		free(message);
		if (n < 0)
			return -1;
	}
	if (channel->first || channel->ping_wanted)
		(void)lws_callback_on_writable(wsi);
	return 0;
}

// What libwebsockets makes of a certificate that is refused says nothing to a person.
static void note_refusal(struct channel *channel, X509_STORE_CTX *chain, size_t is_good)
{
	if (!is_good && !channel->refusal)
		channel->refusal = X509_verify_cert_error_string(X509_STORE_CTX_get_error(chain));
}

static void connection_failed(struct channel *channel, const char *why)
{
	char text[256];
	if (channel->refusal) {
		(void)snprintf(text, sizeof text, "the controller's certificate is refused: %s",
			       channel->refusal);
		why = text;
	}
	connection_closed(channel, why);
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		    size_t len)
{
	struct channel *channel = wsi ? lws_context_user(lws_get_context(wsi)) : NULL;
	if (!channel || (uintptr_t)lws_get_opaque_user_data(wsi) != channel->generation)
		return channel && reason == LWS_CALLBACK_CLIENT_WRITEABLE ? -1 : 0;
	switch ((int)reason) {
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		channel->is_open = true;
		channel->wsi = wsi;
		channel->events.on_open(channel->events.context);
		return 0;
	case LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION:
		note_refusal(channel, user, len);
		return 0;
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		connection_failed(channel, in ? in : "no connection");
		return 0;
	case LWS_CALLBACK_CLIENT_CLOSED:
		connection_closed(channel, "the connection ended");
		return 0;
	case LWS_CALLBACK_CLIENT_RECEIVE:
		return receive(channel, wsi, in, len);
	case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
		channel->events.on_heard(channel->events.context);
		channel->events.on_pong(channel->events.context);
		return 0;
	case LWS_CALLBACK_CLIENT_WRITEABLE:
		return write_one(channel, wsi);
	default:
		return 0;
	}
}

static const struct lws_protocols protocols[] = {
	{ .name = WIRE_PROTOCOL, .callback = on_event, .rx_buffer_size = 16384 },
	{ 0 },
};

static void on_lws_log(int level, const char *line)
{
	(void)level;
	size_t len = strcspn(line, "\n");
	log_debug("libwebsockets: %.*s", (int)len, line);
}

struct channel *channel_new(uv_loop_t *loop, SSL_CTX *tls, const struct channel_events *events,
			    struct err *err)
{
	CLEAN(free_ptr) struct channel *channel = calloc(1, sizeof *channel);
	if (!channel) {
		(void)err_set(err, -ENOMEM, "out of memory");
		return NULL;
	}
	channel->events = *events;
	channel->last = &channel->first;
	channel->generation = 1;
	void *loops[] = { loop };
	const struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN,
		.protocols = protocols,
		.foreign_loops = loops,
		.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
		.provided_client_ssl_ctx = tls,
		.user = channel,
		.fd_limit_per_thread = 64,
		.gid = -1,
		.uid = -1,
	};
	lws_set_log_level(LLL_ERR | LLL_WARN, on_lws_log);
	channel->context = lws_create_context(&info);
	if (!channel->context) {
		(void)err_set(err, -EIO,
			      "cannot start libwebsockets: is libwebsockets-evlib-uv installed?");
		return NULL;
	}
	return take_ptr(&channel);
}

void channel_connect(struct channel *channel, const char *address, int port)
{
	forget_connection(channel);
	channel->refusal = NULL;
	const struct lws_client_connect_info info = {
		.context = channel->context,
		.address = address,
		.port = port,
		.ssl_connection = LCCSCF_USE_SSL,
		.path = WIRE_PATH,
		// Also the name the certificate is held against, and SNI.
		.host = "controller.weft",
		.origin = "controller.weft",
		.protocol = WIRE_PROTOCOL,
		.alpn = "http/1.1",
		.ietf_version_or_minus_one = -1,
		.opaque_user_data = (void *)channel->generation,
	};
	uintptr_t generation = channel->generation;
	mark_begin(channel->mark);
	struct lws *wsi = lws_client_connect_via_info(&info);
	mark_end();
	if (generation != channel->generation)
		return;
	channel->wsi = wsi;
	if (!wsi)
		connection_closed(channel, "no connection");
}

void channel_set_mark(struct channel *channel, uint32_t mark)
{
	channel->mark = mark;
}

int channel_send(struct channel *channel, const char *data, size_t len)
{
	if (!channel->is_open)
		return -ENOTCONN;
	struct outgoing *message = malloc(sizeof *message + LWS_PRE + len);
	if (!message)
		return -ENOMEM;
	message->next = NULL;
	message->len = len;
	memcpy(message->bytes + LWS_PRE, data, len);
	*channel->last = message;
	channel->last = &message->next;
	channel->queued += len;
	(void)lws_callback_on_writable(channel->wsi);
	return 0;
}

size_t channel_queued(const struct channel *channel)
{
	return channel->queued;
}

void channel_ping(struct channel *channel)
{
	if (!channel->is_open)
		return;
	channel->ping_wanted = true;
	(void)lws_callback_on_writable(channel->wsi);
}

void channel_close(struct channel *channel)
{
	struct lws *wsi = channel->wsi;
	forget_connection(channel);
	if (wsi)
		lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

void channel_shut(struct channel *channel)
{
	forget_connection(channel);
	lws_context_destroy(channel->context);
}

void channel_free(struct channel *channel)
{
	if (!channel)
		return;
	// The second call frees what the first could not while its handles were still on the loop.
	lws_context_destroy(channel->context);
	clear_queue(channel);
	text_free(&channel->incoming);
	free(channel);
}
