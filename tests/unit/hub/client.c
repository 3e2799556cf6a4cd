// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/text.h"

#define PATIENCE_MS 5000

struct client {
	uv_loop_t *loop;
	int fd;
	SSL_CTX *ctx;
	SSL *ssl;
	bool is_silent;
	unsigned char *in;
	size_t in_len;
};

void turn(uv_loop_t *loop, unsigned ms)
{
	int64_t until = clock_mono_ms() + ms;

	do {
		(void)uv_run(loop, UV_RUN_NOWAIT);
		(void)poll(NULL, 0, 1);
	} while (clock_mono_ms() < until);
}

// Whether to try the same again.
static bool is_to_wait(struct client *c, int rc, int64_t until)
{
	int why = SSL_get_error(c->ssl, rc);

	if ((why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) || clock_mono_ms() > until)
		return false;
	turn(c->loop, 1);
	return true;
}

static int open_tcp(const struct client_options *o)
{
	int fd = socket(o->is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons((uint16_t)o->port) };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6,
				    .sin6_port = htons((uint16_t)o->port),
				    .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int rc;

	four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (o->receive_buffer)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &o->receive_buffer,
				 sizeof(o->receive_buffer));
	rc = o->is_v6 ? connect(fd, (struct sockaddr *)&six, sizeof(six))
		      : connect(fd, (struct sockaddr *)&four, sizeof(four));
	assert_int_equal(rc, 0);
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static void use_certificate(struct client *c, const struct client_options *o)
{
	char path[400];

	(void)snprintf(path, sizeof(path), "%s/%s.crt", o->dir, o->certificate);
	assert_int_equal(SSL_CTX_use_certificate_file(c->ctx, path, SSL_FILETYPE_PEM), 1);
	(void)snprintf(path, sizeof(path), "%s/%s.key", o->dir, o->certificate);
	assert_int_equal(SSL_CTX_use_PrivateKey_file(c->ctx, path, SSL_FILETYPE_PEM), 1);
}

static bool write_all(struct client *c, const void *bytes, size_t len)
{
	int64_t until = clock_mono_ms() + PATIENCE_MS;
	size_t at = 0;

	while (at < len) {
		int rc = SSL_write(c->ssl, (const char *)bytes + at, (int)(len - at));

		if (rc > 0)
			at += (size_t)rc;
		else if (!is_to_wait(c, rc, until))
			return false;
	}
	return true;
}

// Reads until `len` bytes are there.
static bool fill(struct client *c, size_t len, unsigned patience_ms)
{
	int64_t until = clock_mono_ms() + patience_ms;

	while (c->in_len < len) {
		c->in = realloc(c->in, len + 65536);
		int rc = SSL_read(c->ssl, c->in + c->in_len, (int)(len + 65536 - c->in_len));

		if (rc > 0)
			c->in_len += (size_t)rc;
		else if (!is_to_wait(c, rc, until))
			return false;
	}
	return true;
}

static void consume(struct client *c, size_t len)
{
	memmove(c->in, c->in + len, c->in_len - len);
	c->in_len -= len;
}

static bool upgrade(struct client *c, const struct client_options *o)
{
	char request[400];
	char *end = NULL;

	(void)snprintf(request, sizeof(request),
		       "GET /agent HTTP/1.1\r\nHost: controller.weft\r\nUpgrade: websocket\r\n"
		       "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
		       "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: %s\r\n\r\n",
		       o->subprotocol ? o->subprotocol : "weft.v1");
	if (!write_all(c, request, strlen(request)))
		return false;
	for (size_t need = 1; !end; need = c->in_len + 1) {
		if (!fill(c, need, PATIENCE_MS))
			return false;
		end = memmem(c->in, c->in_len, "\r\n\r\n", 4);
	}
	bool is_good = memmem(c->in, c->in_len, " 101 ", 5) != NULL;
	consume(c, (size_t)(end + 4 - (char *)c->in));
	return is_good;
}

struct client *client_open(const struct client_options *o)
{
	struct client *c = calloc(1, sizeof(*c));
	int64_t until = clock_mono_ms() + PATIENCE_MS;
	int rc;

	assert_non_null(c);
	c->loop = o->loop;
	c->fd = open_tcp(o);
	c->ctx = SSL_CTX_new(TLS_client_method());
	if (o->certificate)
		use_certificate(c, o);
	c->ssl = SSL_new(c->ctx);
	(void)SSL_set_fd(c->ssl, c->fd);
	(void)SSL_set_tlsext_host_name(c->ssl, "controller.weft");
	do {
		rc = SSL_connect(c->ssl);
	} while (rc != 1 && is_to_wait(c, rc, until));
	if (rc == 1 && upgrade(c, o))
		return c;
	client_close(c);
	return NULL;
}

void client_close(struct client *c)
{
	if (!c)
		return;
	SSL_free(c->ssl);
	SSL_CTX_free(c->ctx);
	(void)close(c->fd);
	free(c->in);
	free(c);
}

bool client_send_frame(struct client *c, unsigned char first, const char *bytes, size_t len,
		       size_t told)
{
	unsigned char header[14] = { first };
	size_t at = 2;

	if (told < 126) {
		header[1] = (unsigned char)(0x80 | told);
	} else {
		header[1] = 0x80 | 127;
		for (int shift = 56; shift >= 0; shift -= 8)
			header[at++] = (unsigned char)((uint64_t)told >> shift);
	}
	at += 4; // a mask of zeros leaves the bytes as they are
	return write_all(c, header, at) && (len == 0 || write_all(c, bytes, len));
}

bool client_send(struct client *c, const char *text)
{
	return client_send_frame(c, 0x81, text, strlen(text), strlen(text));
}

void client_set_silent(struct client *c, bool is_silent)
{
	c->is_silent = is_silent;
}

// One frame; its first byte, or -1.
static int read_frame(struct client *c, struct text *payload, unsigned patience_ms)
{
	size_t at = 2;

	if (!fill(c, 2, patience_ms))
		return -1;
	size_t len = c->in[1] & 0x7f;
	size_t extra = len == 126 ? 2 : len == 127 ? 8 : 0;
	if (!fill(c, at + extra, patience_ms))
		return -1;
	if (extra)
		len = 0;
	while (extra-- > 0)
		len = len << 8 | c->in[at++];
	if (!fill(c, at + len, patience_ms))
		return -1;
	int first = c->in[0];
	text_add_bytes(payload, c->in + at, len);
	consume(c, at + len);
	return first;
}

json_t *client_receive(struct client *c)
{
	CLEAN(text_free) struct text message = { 0 };

	for (;;) {
		CLEAN(text_free) struct text part = { 0 };
		int first = read_frame(c, &part, PATIENCE_MS);

		if (first < 0 || (first & 0x0f) == 8)
			return NULL;
		if ((first & 0x0f) == 9) {
			if (!c->is_silent)
				(void)client_send_frame(c, 0x8a, part.data, part.len, part.len);
			continue;
		}
		text_add_bytes(&message, part.data, part.len);
		if (first & 0x80)
			return json_loadb(message.data, message.len, 0, NULL);
	}
}

void client_answer_pings(struct client *c, unsigned ms)
{
	for (int64_t until = clock_mono_ms() + ms; clock_mono_ms() < until;) {
		CLEAN(text_free) struct text part = { 0 };
		int first = read_frame(c, &part, 50);

		if (first >= 0 && (first & 0x0f) == 9)
			(void)client_send_frame(c, 0x8a, part.data, part.len, part.len);
	}
}

json_t *client_expect(struct client *c, const char *type)
{
	json_t *json = client_receive(c);

	if (!json)
		fail_msg("expected %s, the connection ended", type);
	assert_string_equal(json_string_value(json_object_get(json, "type")), type);
	return json;
}

bool client_is_closed_within(struct client *c, unsigned ms)
{
	int64_t until = clock_mono_ms() + ms;
	char bytes[4096];

	for (;;) {
		int rc = SSL_read(c->ssl, bytes, sizeof(bytes));

		if (rc > 0 && clock_mono_ms() < until)
			continue;
		int why = SSL_get_error(c->ssl, rc);
		if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
			return rc <= 0;
		if (clock_mono_ms() > until)
			return false;
		turn(c->loop, 1);
	}
}

long client_server_serial(const struct client *c)
{
	X509 *certificate = SSL_get1_peer_certificate(c->ssl);
	long serial = certificate ? ASN1_INTEGER_get(X509_get0_serialNumber(certificate)) : -1;

	X509_free(certificate);
	return serial;
}
