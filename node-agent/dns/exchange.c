#include "dns/exchange.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "base/clean.h"
#include "base/octets.h"

#include "dns/exchange_ways.h"
#include "service/place.h"

enum { OWN_UDP_SIZE = 1232, EDNS_DO = 0x8000 };

void exchange_random(void *ret, size_t size)
{
	static uint8_t pool[512];
	static size_t used = sizeof(pool);
	uint8_t *at = ret;
	for (size_t i = 0; i < size; i++) {
		if (used == sizeof(pool)) {
			// Without flags and for so few bytes it neither fails nor is cut short
			// (random(7)); a host without it must not guess instead.
			if (getrandom(pool, 256, 0) != 256 || getrandom(pool + 256, 256, 0) != 256)
				abort();
			used = 0;
		}
		at[i] = pool[used];
		pool[used++] = 0;
	}
}

// ---- the host ----

int exchange_host_init(struct exchange_host *host, uv_loop_t *loop, struct err *err)
{
	*host = (struct exchange_host){ .loop = loop };
	return exchange_host_trust(host, NULL, err);
}

int exchange_host_trust(struct exchange_host *host, const char *path, struct err *err)
{
	CLEAN(free_ptr) char *copy = path ? strdup(path) : NULL;
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
	if (!tls || (path && !copy)) {
		SSL_CTX_free(tls);
		return err_set(err, -ENOMEM, "out of memory");
	}
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
	(void)SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
	int good = path ? SSL_CTX_load_verify_locations(tls, path, NULL)
			: SSL_CTX_set_default_verify_paths(tls);
	ERR_clear_error();
	if (!good && path) {
		SSL_CTX_free(tls);
		return err_set(err, -EINVAL, "tls_ca: %s has no certificates that can be read",
			       path);
	}
	SSL_CTX_free(host->tls);
	host->tls = tls;
	free(host->tls_ca);
	host->tls_ca = take_ptr(&copy);
	return 0;
}

void exchange_host_done(struct exchange_host *host)
{
	SSL_CTX_free(host->tls);
	free(host->tls_ca);
	*host = (struct exchange_host){ 0 };
}

socklen_t exchange_sockaddr(const struct exchange_place *place, struct sockaddr_storage *ret)
{
	return place_sockaddr(&(struct place){ place->at.address, place->at.port }, ret);
}

int exchange_mark(int fd, uint32_t mark)
{
	if (mark != 0 && setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0)
		return -errno;
	return 0;
}

// ---- one exchange ----

// What is small stays small in half of the cases: a guess more for who would forge an answer.
static void vary_case(uint8_t *wire, size_t len)
{
	uint8_t bits[NAME_WIRE_MAX / 8 + 1];
	exchange_random(bits, len / 8 + 1);
	for (size_t at = 0; at < len && wire[at] != 0; at += 1u + wire[at])
		for (size_t i = at + 1; i <= at + wire[at]; i++)
			if (wire[i] >= 'a' && wire[i] <= 'z' && (bits[i / 8] >> i % 8 & 1))
				wire[i] = (uint8_t)(wire[i] - 'a' + 'A');
}

void exchange_ask(struct exchange *exchange, const struct name *name, uint16_t type,
		  bool wants_dnssec)
{
	uint8_t *wire = exchange->wire, *at = wire + DNS_HEADER_SIZE;
	memset(wire, 0, sizeof(exchange->wire));
	exchange_random(wire, 2);
	octets_put(wire + 2, DNS_RD, 2);
	octets_put(wire + 4, 1, 2);
	octets_put(wire + 10, 1, 2);
	memcpy(at, name->wire, name->len);
	vary_case(at, name->len);
	octets_put(at + name->len, type, 2);
	octets_put(at + name->len + 2, DNS_IN, 2);
	exchange->question_len = name->len + 4u;
	at += exchange->question_len;
	octets_put(at + 1, DNS_OPT, 2);
	octets_put(at + 3, OWN_UDP_SIZE, 2);
	octets_put(at + 5, wants_dnssec ? EDNS_DO : 0, 4);
	exchange->len = DNS_HEADER_SIZE + exchange->question_len + DNS_OPT_SIZE;
	exchange->was_resent = false;
}

bool exchange_is_answer(const struct exchange *exchange, const uint8_t *message, size_t len)
{
	struct dns_reader ours, theirs;
	return dns_reader_init(&theirs, message, len) == 0 && (theirs.header.flags & DNS_QR) &&
	       dns_reader_init(&ours, exchange->wire, exchange->len) == 0 &&
	       ours.question.type == theirs.question.type &&
	       ours.question.class == theirs.question.class &&
	       ours.question.name.len == theirs.question.name.len &&
	       memcmp(ours.question.name.wire, theirs.question.name.wire, ours.question.name.len) ==
		       0;
}

int exchange_start(struct exchange *exchange)
{
	switch (exchange->place->at.kind) {
	case UPSTREAM_PLAIN:
		return exchange_udp_start(exchange);
	case UPSTREAM_TLS:
		return exchange_stream_start(exchange);
	case UPSTREAM_HTTPS:
		return exchange_https_start(exchange);
	}
	return -EINVAL;
}

void exchange_stop(struct exchange *exchange)
{
	if (exchange->datagram)
		exchange_udp_stop(exchange);
	if (exchange->stream)
		exchange_stream_stop(exchange);
	if (exchange->request)
		exchange_https_stop(exchange);
}

void exchange_time_out(struct exchange *exchange)
{
	if (exchange->datagram)
		exchange_udp_stop(exchange);
	if (exchange->stream)
		exchange_stream_time_out(exchange);
	if (exchange->request)
		exchange_https_time_out(exchange);
}

void exchange_place_tidy(struct exchange_place *place, bool now)
{
	if (place->stream)
		exchange_stream_tidy(place, now);
	if (now && place->https)
		exchange_https_leave(place);
}

bool exchange_is_under_way(const struct exchange *exchange)
{
	return exchange->datagram || exchange->stream || exchange->request;
}
