// What libwebsockets calls: admission, bytes in, room to write, the end.

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"

#include "hub/inside.h"

#define RECEIVE_SIZE 1024   // allocated for each session; a message comes in pieces of it
#define PIECE_COST   32     // bytes that each piece counts beside its own
#define SEND_BUFFER  262144 // in the kernel; libwebsockets would make it as small as RECEIVE_SIZE

static char *peer_address(struct lws *wsi)
{
	struct sockaddr_storage a = { 0 };
	socklen_t len = sizeof(a);
	char text[INET6_ADDRSTRLEN] = "?";

	if (getpeername(lws_get_socket_fd(wsi), (struct sockaddr *)&a, &len) < 0)
		return strdup("?");
	if (a.ss_family == AF_INET6) {
		const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&a;

		(void)inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof(text));
		return text_format("[%s]:%u", text, ntohs(six->sin6_port));
	}
	const struct sockaddr_in *four = (const struct sockaddr_in *)&a;
	(void)inet_ntop(AF_INET, &four->sin_addr, text, sizeof(text));
	return text_format("%s:%u", text, ntohs(four->sin_port));
}

static void admit(struct session *s, const struct hub_admission *admission)
{
	s->node_id = admission->node_id;
	s->is_renew_only = admission->verdict == HUB_RENEW_ONLY;
	s->name = strdup(admission->name);
	if (!s->name)
		session_end(s, true, "out of memory");
	if (admission->verdict == HUB_REFUSE) {
		s->hub->counters.refused_total++;
		session_end(s, false, "%s", admission->reason);
		return;
	}
	lobby_admit(lws_get_opaque_user_data(s->wsi));
}

// Nonzero closes the connection.
static int establish(struct hub *hub, struct lws *wsi, struct session **slot)
{
	struct hub_admission admission = { .verdict = HUB_REFUSE };
	unsigned char *der = NULL;
	int size = SEND_BUFFER;

	(void)setsockopt(lws_get_socket_fd(wsi), SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	struct session *s = hub->stopping_ms ? NULL : session_new(hub, wsi);
	if (!s)
		return -1;
	*slot = s;
	s->address = peer_address(wsi);
	struct hub_peer peer = { .address = s->address ? s->address : "?" };
	if (hub_tls_peer(wsi, &der, &peer.certificate_len, &peer.is_expired) < 0) {
		session_end(s, false, "no certificate was shown");
		return 0;
	}
	peer.certificate = der;
	hub->ops.authorise(hub->ctx, &peer, &admission);
	OPENSSL_free(der);
	admit(s, &admission);
	return 0;
}

static void forget_input(struct session *s)
{
	s->hub->assembly_bytes -= s->in.len;
	text_free(&s->in);
}

// Small pieces cost more than their bytes.
static bool is_within_bytes(struct session *s, size_t len)
{
	const struct hub_config *c = &s->hub->config;
	int64_t now_ms = clock_mono_ms();
	int64_t most = (int64_t)c->bytes_burst * 1000;

	s->bytes_allowance += (now_ms - s->bytes_at_ms) * (int64_t)c->bytes_per_s;
	s->bytes_allowance = s->bytes_allowance > most ? most : s->bytes_allowance;
	s->bytes_at_ms = now_ms;
	s->bytes_allowance -= (int64_t)(len + PIECE_COST) * 1000;
	return s->bytes_allowance >= 0;
}

static void receive(struct session *s, struct lws *wsi, const char *bytes, size_t len)
{
	struct hub *hub = s->hub;
	size_t rest = lws_remaining_packet_payload(wsi);
	bool is_over = rest == 0 && lws_is_final_fragment(wsi);

	if (s->state == SESSION_ENDING)
		return;
	hub->counters.bytes_in += len;
	if (!is_within_bytes(s, len)) {
		session_drop(s, "sends more than %u bytes a second", hub->config.bytes_per_s);
		return;
	}
	// The length is told before the bytes come: nothing is gathered in vain.
	if (len > WIRE_FRAME_MAX || rest > WIRE_FRAME_MAX - len ||
	    s->in.len > WIRE_FRAME_MAX - len - rest) {
		session_drop(s, "sent a message larger than %d bytes", WIRE_FRAME_MAX);
		return;
	}
	if (lws_frame_is_binary(wsi)) {
		session_drop(s, "sent a binary message");
		return;
	}
	if (is_over && s->in.len == 0) {
		dispatch_message(s, bytes, len);
		return;
	}
	if (hub->assembly_bytes + len > hub->config.assembly_bytes) {
		session_drop(s, "sent part of a message while too much is being received");
		return;
	}
	if (s->in.len == 0)
		s->in_since_ms = clock_mono_ms();
	hub->assembly_bytes += len;
	text_add_bytes(&s->in, bytes, len);
	if (s->in.failed) {
		session_end(s, true, "out of memory");
		return;
	}
	if (!is_over)
		return;
	struct text message = s->in;
	hub->assembly_bytes -= s->in.len;
	s->in = (struct text){ 0 };
	dispatch_message(s, message.data, message.len);
	text_free(&message);
}

static int on_session(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
		      size_t len)
{
	struct hub *hub = lws_context_user(lws_get_context(wsi));
	struct session **slot = user;

	switch ((int)reason) { // there are a hundred; these are ours
	case LWS_CALLBACK_ESTABLISHED:
		return establish(hub, wsi, slot);
	case LWS_CALLBACK_RECEIVE:
		if (*slot) {
			session_heard(*slot);
			receive(*slot, wsi, in, len);
		}
		return 0;
	case LWS_CALLBACK_RECEIVE_PONG:
		if (*slot)
			session_heard(*slot);
		return 0;
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return *slot ? queue_write(*slot) : -1;
	case LWS_CALLBACK_CLOSED:
		if (*slot) {
			session_end(*slot, true, "the connection was closed");
			forget_input(*slot);
			session_free(*slot);
			*slot = NULL;
		}
		return 0;
	default:
		return 0;
	}
}

static int on_connection(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
			 size_t len)
{
	struct hub *hub = lws_context_user(lws_get_context(wsi));

	switch ((int)reason) {
	case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
		hub_tls_configure(hub, user);
		return 0;
	case LWS_CALLBACK_OPENSSL_PERFORM_CLIENT_CERT_VERIFICATION:
		return hub_tls_accepts(user, len != 0) ? 0 : 1;
	case LWS_CALLBACK_WSI_CREATE:
		hub->connections++;
		return 0;
	case LWS_CALLBACK_WSI_DESTROY:
		hub->connections--;
		lobby_leave(lws_get_opaque_user_data(wsi));
		lws_set_opaque_user_data(wsi, NULL);
		return 0;
	case LWS_CALLBACK_HTTP: // not a websocket
		return content_serve(hub, wsi, in, user);
	case LWS_CALLBACK_HTTP_FILE_COMPLETION:
	case LWS_CALLBACK_CLOSED_HTTP:
		content_served(hub, user);
		return lws_callback_http_dummy(wsi, reason, user, in, len);
	case LWS_CALLBACK_ESTABLISHED: // not our subprotocol
		return -1;
	default:
		return lws_callback_http_dummy(wsi, reason, user, in, len);
	}
}

const struct lws_protocols *hub_protocols(void)
{
	static const struct lws_protocols protocols[] = {
		{ .name = "http",
		  .callback = on_connection,
		  .per_session_data_size = sizeof(bool) },
		{ .name = WIRE_PROTOCOL,
		  .callback = on_session,
		  .per_session_data_size = sizeof(struct session *),
		  .rx_buffer_size = RECEIVE_SIZE },
		{ 0 },
	};

	return protocols;
}
