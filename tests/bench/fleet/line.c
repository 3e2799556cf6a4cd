#include "line.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "wire/limits.h"

#define PING_EVERY_MS 6000 // as weft-agent does
#define READ_SIZE     16384

enum {
	OPCODE_TEXT = 1,
	OPCODE_CLOSE = 8,
	OPCODE_PING = 9,
	OPCODE_PONG = 10,
	FINAL = 0x80,
};

enum line_state {
	LINE_CONNECTING, // TCP
	LINE_SHAKING,    // TLS
	LINE_UPGRADING,  // the request for a websocket is out
	LINE_OPEN,
	LINE_FAILED, // is_closed is still to be told
};

struct line {
	struct line_events events;
	enum line_state state;
	int fd;
	SSL *ssl;
	uv_poll_t poll;
	uv_timer_t ping;
	int handles; // still open on the loop
	bool is_closing;
	struct text in;      // bytes of frames not yet whole
	struct text message; // fragments of one
	struct text out;
};

static void on_handle_closed(uv_handle_t *handle)
{
	struct line *line = handle->data;

	if (--line->handles > 0)
		return;
	SSL_free(line->ssl);
	(void)close(line->fd);
	text_free(&line->in);
	text_free(&line->message);
	text_free(&line->out);
	free(line);
}

void line_close(struct line *line)
{
	if (line->is_closing)
		return;
	line->is_closing = true;
	uv_close((uv_handle_t *)&line->poll, on_handle_closed);
	uv_close((uv_handle_t *)&line->ping, on_handle_closed);
}

static void fail(struct line *line, const char *why)
{
	if (line->state == LINE_FAILED || line->is_closing)
		return;
	line->state = LINE_FAILED;
	line_close(line);
	line->events.on_closed(line->events.ctx, why);
}

// ---- writing ----

static void frame_add(struct line *line, int opcode, const char *bytes, size_t len)
{
	unsigned char header[14] = { (unsigned char)(FINAL | opcode) };
	size_t at = 2;

	if (len < 126) {
		header[1] = (unsigned char)(0x80 | len);
	} else {
		header[1] = 0x80 | 127;
		for (int shift = 56; shift >= 0; shift -= 8)
			header[at++] = (unsigned char)((uint64_t)len >> shift);
	}
	at += 4; // a mask of zeros leaves the bytes as they are
	text_add_bytes(&line->out, header, at);
	text_add_bytes(&line->out, bytes, len);
}

static void flush(struct line *line)
{
	size_t at = 0;

	while (at < line->out.len) {
		int n = SSL_write(line->ssl, line->out.data + at, (int)(line->out.len - at));

		if (n <= 0)
			break;
		at += (size_t)n;
	}
	if (at == line->out.len) {
		text_free(&line->out);
	} else {
		memmove(line->out.data, line->out.data + at, line->out.len - at);
		line->out.len -= at;
	}
}

// ---- frames in ----

static void on_frame(struct line *line, int first, const char *bytes, size_t len)
{
	int opcode = first & 0x0f;

	if (opcode == OPCODE_PING) {
		frame_add(line, OPCODE_PONG, bytes, len);
	} else if (opcode == OPCODE_CLOSE) {
		fail(line, "closed by the hub");
	} else if (opcode != OPCODE_PONG) {
		if (line->message.len == 0 && (first & FINAL)) {
			line->events.on_message(line->events.ctx, bytes, len);
			return;
		}
		text_add_bytes(&line->message, bytes, len);
		if (!(first & FINAL))
			return;
		struct text whole = line->message;
		line->message = (struct text){ 0 };
		line->events.on_message(line->events.ctx, whole.data, whole.len);
		text_free(&whole);
	}
}

// Takes one frame from the front of `bytes`; 0 when it is not whole yet.
static size_t take_frame(struct line *line, const char *bytes, size_t have)
{
	const unsigned char *b = (const unsigned char *)bytes;
	size_t at = 2;

	if (have < 2)
		return 0;
	size_t len = b[1] & 0x7f;
	size_t extra = len == 126 ? 2 : len == 127 ? 8 : 0;
	if (have < at + extra)
		return 0;
	if (extra)
		len = 0;
	for (; extra > 0; extra--)
		len = len << 8 | b[at++];
	if (len > WIRE_FRAME_MAX) {
		fail(line, "the hub sent a frame that is too long");
		return 0;
	}
	if (have < at + len)
		return 0;
	on_frame(line, b[0], bytes + at, len);
	return at + len;
}

static size_t take_upgrade(struct line *line, const char *bytes, size_t have)
{
	const char *end = memmem(bytes, have, "\r\n\r\n", 4);

	if (!end)
		return 0;
	if (!memmem(bytes, (size_t)(end - bytes), " 101 ", 5)) {
		fail(line, "the hub refuses the websocket");
		return 0;
	}
	line->state = LINE_OPEN;
	line->events.on_open(line->events.ctx);
	return (size_t)(end + 4 - bytes);
}

static void consume(struct line *line)
{
	size_t at = 0, n = 1;

	while (n > 0 && !line->is_closing) {
		n = line->state == LINE_OPEN
			    ? take_frame(line, line->in.data + at, line->in.len - at)
			    : take_upgrade(line, line->in.data + at, line->in.len - at);
		at += n;
	}
	if (at == line->in.len) {
		text_free(&line->in);
	} else {
		memmove(line->in.data, line->in.data + at, line->in.len - at);
		line->in.len -= at;
	}
}

// False when the connection is over.
static bool read_all(struct line *line)
{
	char bytes[READ_SIZE];
	int n;

	ERR_clear_error();
	while ((n = SSL_read(line->ssl, bytes, sizeof(bytes))) > 0)
		text_add_bytes(&line->in, bytes, (size_t)n);
	int why = SSL_get_error(line->ssl, n);
	if (line->in.len)
		consume(line);
	return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
}

// ---- opening ----

static bool is_in_progress(struct line *line, int rc)
{
	int why = SSL_get_error(line->ssl, rc);

	return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
}

static void shake(struct line *line)
{
	static const char request[] =
		"GET " WIRE_PATH " HTTP/1.1\r\nHost: controller.weft\r\nUpgrade: websocket\r\n"
		"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: " WIRE_PROTOCOL "\r\n\r\n";

	ERR_clear_error();
	int rc = SSL_connect(line->ssl);
	if (rc != 1) {
		if (!is_in_progress(line, rc))
			fail(line, "the TLS handshake failed");
		return;
	}
	line->state = LINE_UPGRADING;
	text_add(&line->out, request);
}

static void on_ready(uv_poll_t *poll, int status, int events);

static void watch(struct line *line)
{
	bool wants_write = line->out.len || line->state == LINE_CONNECTING ||
			   (line->state == LINE_SHAKING && SSL_want_write(line->ssl));

	if (!line->is_closing)
		(void)uv_poll_start(&line->poll, UV_READABLE | (wants_write ? UV_WRITABLE : 0),
				    on_ready);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
	struct line *line = poll->data;
	int error = 0;
	socklen_t len = sizeof(error);

	(void)events;
	if (line->state == LINE_CONNECTING) {
		(void)getsockopt(line->fd, SOL_SOCKET, SO_ERROR, &error, &len);
		line->state = LINE_SHAKING;
	}
	if (status < 0 || error) {
		fail(line, error ? strerror(error) : "the connection broke");
		return;
	}
	if (line->state == LINE_SHAKING)
		shake(line);
	if (!line->is_closing && line->state != LINE_SHAKING && !read_all(line))
		fail(line, "the connection ended");
	if (line->is_closing)
		return;
	if (line->out.len && line->state != LINE_SHAKING)
		flush(line);
	watch(line);
}

static void on_ping(uv_timer_t *timer)
{
	struct line *line = timer->data;

	if (line->state != LINE_OPEN)
		return;
	frame_add(line, OPCODE_PING, "", 0);
	flush(line);
	watch(line);
}

void line_send(struct line *line, const char *text, size_t len)
{
	if (line->is_closing)
		return;
	frame_add(line, OPCODE_TEXT, text, len);
	flush(line);
	watch(line);
}

static int open_socket(const struct sockaddr_in *hub)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, (const struct sockaddr *)hub, sizeof(*hub)) < 0 && errno != EINPROGRESS) {
		(void)close(fd);
		return -errno;
	}
	return fd;
}

struct line *line_new(uv_loop_t *loop, SSL_CTX *tls, const struct sockaddr_in *hub,
		      const struct line_events *events)
{
	struct line *line = calloc(1, sizeof(*line));
	SSL *ssl = SSL_new(tls);
	int fd = line && ssl ? open_socket(hub) : -ENOMEM;

	if (fd < 0) {
		SSL_free(ssl);
		free(line);
		return NULL;
	}
	line->events = *events;
	line->fd = fd;
	line->ssl = ssl;
	(void)SSL_set_fd(ssl, fd);
	(void)SSL_set_tlsext_host_name(ssl, "controller.weft");
	(void)SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS |
					SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	(void)uv_poll_init(loop, &line->poll, fd);
	(void)uv_timer_init(loop, &line->ping);
	line->poll.data = line->ping.data = line;
	line->handles = 2;
	(void)uv_timer_start(&line->ping, on_ping, PING_EVERY_MS, PING_EVERY_MS);
	watch(line);
	return line;
}
