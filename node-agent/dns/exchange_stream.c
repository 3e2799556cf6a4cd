// Questions over one TCP or TLS connection (RFC 7766, RFC 7858): as many at once as there are, told
// apart by their ids; kept open for the next while it is used.
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "base/octets.h"

#include "dns/exchange_ways.h"

enum { IDLE_MS = 10000, OPEN_MS = 5000, CHUNK_SIZE = 16384, LENGTH_SIZE = 2 };

struct exchange_stream {
	uv_tcp_t tcp;
	uv_connect_t connect;
	struct exchange_place *place;
	SSL *ssl; // NULL: plain TCP
	BIO *from_net, *to_net;
	bool is_open;           // questions can be sent
	bool has_served;        // an answer came: its end is no fault of the upstream
	struct exchange *first; // under way on it
	uint16_t id;
	uint64_t heard_ms; // when something came last; before, when it was begun
	size_t have;
	uint8_t frame[LENGTH_SIZE + DNS_MESSAGE_MAX];
};

struct sending {
	uv_write_t write;
	uint8_t bytes[];
};

static void free_stream(uv_handle_t *handle)
{
	struct exchange_stream *stream = handle->data;
	SSL_free(stream->ssl);
	free(stream);
}

// Ends the connection. What was under way on one that had served goes to a new one, once.
static void end(struct exchange_stream *stream, int status)
{
	struct exchange *exchange = stream->first, *next;
	if (uv_is_closing((uv_handle_t *)&stream->tcp))
		return;
	if (stream->place->stream == stream)
		stream->place->stream = NULL;
	stream->first = NULL;
	uv_close((uv_handle_t *)&stream->tcp, free_stream);
	for (struct exchange *at = exchange; at; at = at->next)
		at->stream = NULL;
	for (; exchange; exchange = next) {
		next = exchange->next;
		int r = status;
		if (stream->has_served && !exchange->was_resent && status != -ECANCELED) {
			exchange->was_resent = true;
			r = exchange_stream_start(exchange);
		}
		if (r < 0)
			exchange->done(exchange, r, NULL, 0);
	}
}

static void on_written(uv_write_t *write, int status)
{
	struct exchange_stream *stream = write->handle->data;
	free(write->data);
	if (status < 0 && status != UV_ECANCELED)
		end(stream, status);
}

static int send_bytes(struct exchange_stream *stream, const void *bytes, size_t len)
{
	struct sending *sending = malloc(sizeof(*sending) + len);
	if (!sending)
		return -ENOMEM;
	memcpy(sending->bytes, bytes, len);
	sending->write.data = sending;
	uv_buf_t buf = uv_buf_init((char *)sending->bytes, (unsigned)len);
	int r = uv_write(&sending->write, (uv_stream_t *)&stream->tcp, &buf, 1, on_written);
	if (r < 0)
		free(sending);
	return r;
}

// What TLS has for the network.
static int flush(struct exchange_stream *stream)
{
	char *bytes;
	long len = BIO_get_mem_data(stream->to_net, &bytes);
	if (len <= 0)
		return 0;
	int r = send_bytes(stream, bytes, (size_t)len);
	(void)BIO_reset(stream->to_net);
	return r;
}

static int send_question(struct exchange_stream *stream, const struct exchange *exchange)
{
	uint8_t frame[LENGTH_SIZE + EXCHANGE_WIRE_MAX];
	octets_put(frame, exchange->len, LENGTH_SIZE);
	memcpy(frame + LENGTH_SIZE, exchange->wire, exchange->len);
	size_t len = LENGTH_SIZE + exchange->len;
	if (!stream->ssl)
		return send_bytes(stream, frame, len);
	if (SSL_write(stream->ssl, frame, (int)len) <= 0) {
		ERR_clear_error();
		return -EPROTO;
	}
	return flush(stream);
}

static int open_up(struct exchange_stream *stream)
{
	int r = 0;
	stream->is_open = true;
	for (const struct exchange *at = stream->first; at && r == 0; at = at->next)
		r = send_question(stream, at);
	return r;
}

// Takes an exchange off its connection, which ends with the last one when it is for nothing new.
static void unlink_exchange(struct exchange *exchange)
{
	struct exchange_stream *stream = exchange->stream;
	struct exchange **at = &stream->first;
	while (*at && *at != exchange)
		at = &(*at)->next;
	if (*at)
		*at = exchange->next;
	exchange->stream = NULL;
	if (!stream->first && stream->place->stream != stream)
		end(stream, -ECANCELED);
}

static void take_answer(struct exchange_stream *stream, const uint8_t *message, size_t len)
{
	struct exchange *exchange = stream->first;
	while (exchange && (len < DNS_HEADER_SIZE || memcmp(exchange->wire, message, 2) != 0 ||
			    !exchange_is_answer(exchange, message, len)))
		exchange = exchange->next;
	if (!exchange)
		return;
	unlink_exchange(exchange);
	stream->has_served = true;
	exchange->done(exchange, 0, message, len);
}

// Takes bytes of the upstream, message by message.
static void take_bytes(struct exchange_stream *stream, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		size_t want = LENGTH_SIZE;
		if (stream->have >= LENGTH_SIZE)
			want += (size_t)octets_get(stream->frame, LENGTH_SIZE);
		size_t take = want - stream->have < len ? want - stream->have : len;
		memcpy(stream->frame + stream->have, bytes, take);
		stream->have += take;
		bytes += take;
		len -= take;
		if (stream->have < LENGTH_SIZE ||
		    stream->have < LENGTH_SIZE + octets_get(stream->frame, LENGTH_SIZE))
			continue;
		size_t size = stream->have - LENGTH_SIZE;
		stream->have = 0;
		take_answer(stream, stream->frame + LENGTH_SIZE, size);
	}
}

static int take_tls(struct exchange_stream *stream, const uint8_t *bytes, size_t len)
{
	uint8_t plain[CHUNK_SIZE];
	int n, r = 0;
	if (BIO_write(stream->from_net, bytes, (int)len) != (int)len)
		return -ENOMEM;
	bool was_open = stream->is_open;
	if (!was_open && SSL_do_handshake(stream->ssl) == 1)
		r = open_up(stream);
	while (r == 0 && stream->is_open && (n = SSL_read(stream->ssl, plain, sizeof(plain))) > 0)
		take_bytes(stream, plain, (size_t)n);
	if (r == 0)
		r = flush(stream);
	bool is_broken = ERR_peek_error() != 0;
	ERR_clear_error();
	return r == 0 && is_broken ? -EPROTO : r;
}

static void give_chunk(uv_handle_t *handle, size_t wanted, uv_buf_t *ret)
{
	static char chunk[CHUNK_SIZE];
	(void)handle;
	(void)wanted;
	*ret = uv_buf_init(chunk, sizeof(chunk));
}

static void on_read(uv_stream_t *tcp, ssize_t n, const uv_buf_t *buf)
{
	struct exchange_stream *stream = tcp->data;
	int r = n < 0 ? (int)n : 0;
	stream->heard_ms = uv_now(tcp->loop);
	if (n > 0 && stream->ssl)
		r = take_tls(stream, (const uint8_t *)buf->base, (size_t)n);
	else if (n > 0)
		take_bytes(stream, (const uint8_t *)buf->base, (size_t)n);
	if (r < 0)
		end(stream, r == UV_EOF ? -ECONNRESET : r);
}

static void on_connected(uv_connect_t *connect, int status)
{
	struct exchange_stream *stream = connect->handle->data;
	if (status == UV_ECANCELED)
		return;
	int r = status;
	if (r == 0)
		r = uv_read_start((uv_stream_t *)&stream->tcp, give_chunk, on_read);
	if (r == 0 && stream->ssl) {
		(void)SSL_do_handshake(stream->ssl);
		ERR_clear_error();
		r = flush(stream);
	} else if (r == 0) {
		r = open_up(stream);
	}
	if (r < 0)
		end(stream, r);
}

// Whom the certificate must be for: the name that was written, else the address.
static int set_peer(SSL *ssl, const struct upstream *at)
{
	char address[ADDRESS_TEXT_SIZE];
	if (at->host[0])
		return SSL_set1_host(ssl, at->host) && SSL_set_tlsext_host_name(ssl, at->host);
	return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl),
					     address_format(&at->address, address));
}

static int prepare_tls(struct exchange_stream *stream)
{
	stream->ssl = SSL_new(stream->place->host->tls);
	stream->from_net = BIO_new(BIO_s_mem());
	stream->to_net = BIO_new(BIO_s_mem());
	if (!stream->ssl || !stream->from_net || !stream->to_net) {
		BIO_free(stream->from_net);
		BIO_free(stream->to_net);
		return -ENOMEM;
	}
	SSL_set_bio(stream->ssl, stream->from_net, stream->to_net);
	SSL_set_connect_state(stream->ssl);
	return set_peer(stream->ssl, &stream->place->at) ? 0 : -EINVAL;
}

static int mark_stream(struct exchange_stream *stream)
{
	int fd;
	int r = uv_fileno((uv_handle_t *)&stream->tcp, &fd);
	return r < 0 ? r : exchange_mark(fd, stream->place->mark);
}

static int open_stream(struct exchange_place *place)
{
	struct sockaddr_storage to;
	struct exchange_stream *stream = calloc(1, sizeof(*stream));
	if (!stream)
		return -ENOMEM;
	(void)exchange_sockaddr(place, &to);
	int r = uv_tcp_init_ex(place->host->loop, &stream->tcp, to.ss_family);
	if (r < 0) {
		free(stream);
		return r;
	}
	stream->tcp.data = stream;
	stream->place = place;
	stream->heard_ms = uv_now(place->host->loop);
	exchange_random(&stream->id, sizeof(stream->id));
	if (place->at.kind == UPSTREAM_TLS)
		r = prepare_tls(stream);
	if (r == 0)
		r = mark_stream(stream);
	if (r == 0)
		r = uv_tcp_connect(&stream->connect, &stream->tcp, (struct sockaddr *)&to,
				   on_connected);
	if (r < 0) {
		uv_close((uv_handle_t *)&stream->tcp, free_stream);
		return r;
	}
	(void)uv_tcp_nodelay(&stream->tcp, 1);
	place->stream = stream;
	return 0;
}

int exchange_stream_start(struct exchange *exchange)
{
	struct exchange_place *place = exchange->place;
	int r = place->stream ? 0 : open_stream(place);
	if (r < 0)
		return r;
	struct exchange_stream *stream = place->stream;
	octets_put(exchange->wire, stream->id++, 2);
	exchange->stream = stream;
	exchange->next = stream->first;
	stream->first = exchange;
	exchange->started_ms = uv_now(place->host->loop);
	if (stream->is_open)
		r = send_question(stream, exchange);
	if (r < 0)
		exchange_stream_stop(exchange);
	return r;
}

void exchange_stream_stop(struct exchange *exchange)
{
	unlink_exchange(exchange);
}

void exchange_stream_time_out(struct exchange *exchange)
{
	struct exchange_stream *stream = exchange->stream;
	// One that is only being opened may need longer than a question has. Whatever else waits on
	// this one has its own time, and may yet be answered.
	if (stream->is_open && stream->heard_ms <= exchange->started_ms &&
	    stream->place->stream == stream)
		stream->place->stream = NULL;
	unlink_exchange(exchange);
}

void exchange_stream_tidy(struct exchange_place *place, bool now)
{
	struct exchange_stream *stream = place->stream;
	uint64_t silent_ms = uv_now(place->host->loop) - stream->heard_ms;
	if (now || (stream->is_open && !stream->first && silent_ms > IDLE_MS))
		end(stream, -ECANCELED);
	else if (!stream->is_open && silent_ms > OPEN_MS)
		end(stream, -ETIMEDOUT);
}
