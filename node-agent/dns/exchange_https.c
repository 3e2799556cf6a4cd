// DNS over HTTPS (RFC 8484): POST requests, over one HTTP/2 connection where the resolver has it.
// The one home of libcurl here; it gets its events from the loop.
#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "base/octets.h"

#include "dns/exchange_ways.h"

enum { URL_SIZE = HOST_MAX_LEN + UPSTREAM_PATH_SIZE + 32, CONNECT_MS = 2000, STATUS_OK = 200 };

// The connections for one upstream.
struct exchange_https {
	uint32_t mark;
	CURLM *multi;
	uv_timer_t timer;
	struct exchange_host *host;
	bool is_closing;
	bool is_left;   // for nothing new: it ends with its last request
	bool is_acting; // curl is at work
	size_t n_requests;
	uint64_t heard_ms; // when something came last
	struct curl_slist *headers;
};

struct exchange_request {
	CURL *easy;
	struct curl_slist *place; // where the name is
	struct exchange_https *https;
	struct exchange *exchange;
	size_t len;
	bool is_too_long;
	uint8_t answer[DNS_MESSAGE_MAX];
};

// A socket of curl's.
struct watch {
	uv_poll_t poll;
	curl_socket_t fd;
	struct exchange_https *https;
};

static void free_request(struct exchange_request *request)
{
	if (request->easy) {
		(void)curl_multi_remove_handle(request->https->multi, request->easy);
		curl_easy_cleanup(request->easy);
	}
	curl_slist_free_all(request->place);
	request->https->n_requests--;
	free(request);
}

static void free_https(uv_handle_t *handle)
{
	free(handle->data);
}

// Frees it when nothing needs it any more.
static void let_go(struct exchange_https *https)
{
	if (!https->is_left || https->is_acting || https->n_requests > 0 || https->is_closing)
		return;
	https->is_closing = true;
	(void)curl_multi_cleanup(https->multi);
	curl_slist_free_all(https->headers);
	curl_global_cleanup();
	(void)uv_timer_stop(&https->timer);
	uv_close((uv_handle_t *)&https->timer, free_https);
}

static void finish(CURL *easy, CURLcode code)
{
	struct exchange_request *request;
	long status = 0;
	(void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&request);
	(void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	struct exchange *exchange = request->exchange;
	exchange->request = NULL;
	bool is_good = code == CURLE_OK && status == STATUS_OK && !request->is_too_long &&
		       exchange_is_answer(exchange, request->answer, request->len);
	exchange->done(exchange, is_good ? 0 : -EPROTO, request->answer, request->len);
	free_request(request);
}

static void collect(struct exchange_https *https)
{
	CURLMsg *message;
	int left;
	while ((message = curl_multi_info_read(https->multi, &left)))
		if (message->msg == CURLMSG_DONE)
			finish(message->easy_handle, message->data.result);
}

static void act(struct exchange_https *https, curl_socket_t fd, int events)
{
	int running;
	https->is_acting = true;
	(void)curl_multi_socket_action(https->multi, fd, events, &running);
	collect(https);
	https->is_acting = false;
	let_go(https);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
	const struct watch *watch = poll->data;
	if (events & UV_READABLE)
		watch->https->heard_ms = uv_now(poll->loop);
	int what = status < 0 ? CURL_CSELECT_ERR : 0;
	if (events & UV_READABLE)
		what |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		what |= CURL_CSELECT_OUT;
	act(watch->https, watch->fd, what);
}

static void on_timer(uv_timer_t *timer)
{
	act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static int set_timer(CURLM *multi, long timeout_ms, void *data)
{
	struct exchange_https *https = data;
	(void)multi;
	if (https->is_closing || timeout_ms < 0)
		return uv_timer_stop(&https->timer);
	return uv_timer_start(&https->timer, on_timer, (uint64_t)timeout_ms, 0);
}

static void free_watch(uv_handle_t *handle)
{
	free(handle->data);
}

static struct watch *watch_new(struct exchange_https *https, curl_socket_t fd)
{
	struct watch *watch = calloc(1, sizeof(*watch));
	if (!watch)
		return NULL;
	if (uv_poll_init_socket(https->host->loop, &watch->poll, fd) < 0) {
		free(watch);
		return NULL;
	}
	watch->poll.data = watch;
	watch->fd = fd;
	watch->https = https;
	return watch;
}

static int set_watch(CURL *easy, curl_socket_t fd, int what, void *data, void *known)
{
	struct exchange_https *https = data;
	struct watch *watch = known;
	int events =
		(what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (watch) {
			(void)uv_poll_stop(&watch->poll);
			uv_close((uv_handle_t *)&watch->poll, free_watch);
		}
		return 0;
	}
	if (!watch) {
		watch = watch_new(https, fd);
		if (!watch)
			return -1;
		(void)curl_multi_assign(https->multi, fd, watch);
	}
	return uv_poll_start(&watch->poll, events, on_ready) < 0 ? -1 : 0;
}

static struct exchange_https *https_new(struct exchange_host *host, uint32_t mark)
{
	// Counted by libcurl, and undone by let_go().
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return NULL;
	struct exchange_https *https = calloc(1, sizeof(*https));
	if (!https) {
		curl_global_cleanup();
		return NULL;
	}
	https->host = host;
	https->mark = mark;
	https->multi = curl_multi_init();
	https->headers = curl_slist_append(NULL, "Content-Type: application/dns-message");
	if (!https->multi || !https->headers || uv_timer_init(host->loop, &https->timer) < 0) {
		curl_slist_free_all(https->headers);
		(void)curl_multi_cleanup(https->multi);
		free(https);
		curl_global_cleanup();
		return NULL;
	}
	https->timer.data = https;
	(void)curl_multi_setopt(https->multi, CURLMOPT_SOCKETFUNCTION, set_watch);
	(void)curl_multi_setopt(https->multi, CURLMOPT_SOCKETDATA, https);
	(void)curl_multi_setopt(https->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	(void)curl_multi_setopt(https->multi, CURLMOPT_TIMERDATA, https);
	(void)curl_multi_setopt(https->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
	return https;
}

static size_t take(char *bytes, size_t size, size_t n, void *data)
{
	struct exchange_request *request = data;
	size_t len = size * n;
	request->is_too_long = len > sizeof(request->answer) - request->len;
	if (request->is_too_long)
		return 0;
	memcpy(request->answer + request->len, bytes, len);
	request->len += len;
	return len;
}

// Its name in the URL, and the address that the name is to be found at, so that none is asked for.
static CURLcode set_place(struct exchange_request *request, const struct upstream *at)
{
	char address[ADDRESS_TEXT_SIZE], url[URL_SIZE], resolve[URL_SIZE];
	bool is_six = at->address.family == 6;
	(void)address_format(&at->address, address);
	const char *open = is_six ? "[" : "", *close = is_six ? "]" : "";
	if (at->host[0])
		(void)snprintf(url, sizeof(url), "https://%s:%u%s", at->host, at->port, at->path);
	else
		(void)snprintf(url, sizeof(url), "https://%s%s%s:%u%s", open, address, close,
			       at->port, at->path);
	(void)snprintf(resolve, sizeof(resolve), "%s:%u:%s%s%s", at->host, at->port, open, address,
		       close);
	if (at->host[0])
		request->place = curl_slist_append(NULL, resolve);
	if (at->host[0] && !request->place)
		return CURLE_OUT_OF_MEMORY;
	(void)curl_easy_setopt(request->easy, CURLOPT_RESOLVE, request->place);
	return curl_easy_setopt(request->easy, CURLOPT_URL, url);
}

static int mark_socket(void *data, curl_socket_t fd, curlsocktype purpose)
{
	const struct exchange_https *https = data;
	(void)purpose;
	return exchange_mark(fd, https->mark) < 0 ? CURL_SOCKOPT_ERROR : CURL_SOCKOPT_OK;
}

static CURLcode prepare(struct exchange_request *request)
{
	struct exchange_https *https = request->https;
	const struct exchange *exchange = request->exchange;
	CURL *easy = request->easy;
	(void)curl_easy_setopt(easy, CURLOPT_PRIVATE, request);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
	(void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, https->headers);
	(void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)exchange->len);
	(void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, exchange->wire);
	(void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	(void)curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	(void)curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, mark_socket);
	(void)curl_easy_setopt(easy, CURLOPT_SOCKOPTDATA, https);
	(void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
	if (https->host->tls_ca)
		(void)curl_easy_setopt(easy, CURLOPT_CAINFO, https->host->tls_ca);
	return set_place(request, &exchange->place->at);
}

int exchange_https_start(struct exchange *exchange)
{
	struct exchange_place *place = exchange->place;
	if (!place->https)
		place->https = https_new(place->host, place->mark);
	struct exchange_request *request = place->https ? malloc(sizeof(*request)) : NULL;
	if (!request)
		return -ENOMEM;
	request->https = place->https;
	request->https->n_requests++;
	request->easy = curl_easy_init();
	request->place = NULL;
	request->exchange = exchange;
	request->len = 0;
	request->is_too_long = false;
	// RFC 8484 §4.1: without an id, equal questions are equal requests.
	octets_put(exchange->wire, 0, 2);
	if (!request->easy || prepare(request) != CURLE_OK ||
	    curl_multi_add_handle(request->https->multi, request->easy) != CURLM_OK) {
		free_request(request);
		return -ENOMEM;
	}
	exchange->request = request;
	exchange->started_ms = uv_now(place->host->loop);
	return 0;
}

void exchange_https_stop(struct exchange *exchange)
{
	struct exchange_request *request = exchange->request;
	struct exchange_https *https = request->https;
	exchange->request = NULL;
	free_request(request);
	let_go(https);
}

void exchange_https_time_out(struct exchange *exchange)
{
	struct exchange_https *https = exchange->request->https;
	if (https->heard_ms <= exchange->started_ms && exchange->place->https == https)
		exchange_https_leave(exchange->place);
	exchange_https_stop(exchange);
}

void exchange_https_leave(struct exchange_place *place)
{
	struct exchange_https *https = take_ptr(&place->https);
	https->is_left = true;
	let_go(https);
}
