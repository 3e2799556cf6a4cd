#include "cli/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/clock.h"
#include "base/text.h"
#include "model/json.h"

#include "cli/pin.h"
#include "cli/problem.h"

enum {
	REPLY_MAX = 64 << 20, // bytes
	CONNECT_S = 10,
	ANSWER_S = 120,
	ASK_AFTER_MS = 30000, // a controller that restarts is back by then
	ASK_AFTER_STEP_MS = 250,
	KEY_BYTES = 16,
	KEY_SIZE = 2 * KEY_BYTES + 1,
};

struct client {
	CURL *curl;
	char *url;
	char *token;
	char *pin;
	char *ca_file;
	char *csrf;
	char *cookie; // "name=value" of the session, kept by hand: libcurl 7.88 leaks its cookie
		      // list at a reset
	char *problem;
	json_t *problem_json;
	char reason[CURL_ERROR_SIZE];
};

static void slist_free(struct curl_slist *const *l)
{
	curl_slist_free_all(*l);
}

static char *copy(const char *s)
{
	return s ? strdup(s) : NULL;
}

int client_new(const struct context *context, struct client **ret_client, struct err *err)
{
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
	struct client *c = calloc(1, sizeof(*c));
	if (c)
		c->curl = curl_easy_init();
	if (!c || !c->curl) {
		free(c);
		return err_set(err, -ENOMEM, "out of memory");
	}
	c->url = copy(context->url);
	c->token = copy(context->token);
	c->pin = copy(context->pin);
	c->ca_file = copy(context->ca_file);
	*ret_client = c;
	return 0;
}

void client_free(struct client *c)
{
	if (!c)
		return;
	curl_easy_cleanup(c->curl);
	if (c->token)
		explicit_bzero(c->token, strlen(c->token));
	free(c->url);
	free(c->token);
	free(c->pin);
	free(c->ca_file);
	free(c->csrf);
	free(c->cookie);
	client_problem_clear(c);
	free(c);
}

const char *client_problem(const struct client *c)
{
	return c ? c->problem : NULL;
}

const json_t *client_problem_json(const struct client *c)
{
	return c->problem_json;
}

void client_problem_clear(struct client *c)
{
	if (!c)
		return;
	free(take_ptr(&c->problem));
	json_decref(take_ptr(&c->problem_json));
}

void client_set_csrf(struct client *c, const char *token)
{
	free(c->csrf);
	c->csrf = copy(token);
}

const char *client_url(const struct client *c)
{
	return c->url;
}

char *client_encode(const char *segment)
{
	struct text t = { 0 };
	for (const unsigned char *s = (const unsigned char *)segment; *s; s++) {
		bool is_plain = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
				(*s >= '0' && *s <= '9') || strchr("-._~", *s);
		if (is_plain)
			text_add_bytes(&t, s, 1);
		else
			text_addf(&t, "%%%02X", *s);
	}
	return text_take(&t);
}

// libcurl checks the pin even when the certificate itself is not verified.
static void set_trust(CURL *curl, const char *pin, const char *ca_file)
{
	if (pin) {
		curl_easy_setopt(curl, CURLOPT_PINNEDPUBLICKEY, pin);
		curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
	} else if (ca_file) {
		curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file);
		curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	}
}

static void set_common(CURL *curl, const char *url)
{
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "weft");
}

static int add_header(struct curl_slist **list, const char *name, const char *value)
{
	CLEAN(free_ptr) char *line = text_format("%s: %s", name, value);
	struct curl_slist *longer = line ? curl_slist_append(*list, line) : NULL;
	if (!longer)
		return -ENOMEM;
	*list = longer;
	return 0;
}

static int transport_error(const struct client *c, CURLcode code, struct err *err)
{
	if (code == CURLE_PEER_FAILED_VERIFICATION)
		return err_set(
			err, -EKEYREJECTED,
			"%s is not trusted: %s (`weft login` with --fingerprint or --ca-file "
			"trusts it)",
			c->url, c->reason[0] ? c->reason : curl_easy_strerror(code));
	if (code == CURLE_SSL_PINNEDPUBKEYNOTMATCH)
		return err_set(
			err, -EKEYREJECTED,
			"%s has another key than the one trusted at login: somebody may be in "
			"between; log in again only if you know why it changed",
			c->url);
	if (code == CURLE_SSL_CACERT_BADFILE)
		return err_set(err, -ENOENT, "%s: no usable CA file", c->ca_file);
	return err_set(err, code == CURLE_OPERATION_TIMEDOUT ? -ETIMEDOUT : -ECONNREFUSED,
		       "%s cannot be reached: %s", c->url,
		       c->reason[0] ? c->reason : curl_easy_strerror(code));
}

static size_t keep_body(char *bytes, size_t one, size_t len, void *data)
{
	(void)one;
	struct text *t = data;
	if (t->len + len > REPLY_MAX)
		return 0;
	text_add_bytes(t, bytes, len);
	return t->failed ? 0 : len;
}

struct header_sink {
	struct client *client;
	char *etag; // 64 bytes
};

static size_t keep_header(char *bytes, size_t one, size_t len, void *data)
{
	(void)one;
	struct header_sink *sink = data;
	CLEAN(free_ptr) char *line = strndup(bytes, len);
	if (!line)
		return 0;
	line[strcspn(line, "\r\n")] = '\0';
	char *value = strchr(line, ':');
	if (!value)
		return len;
	*value++ = '\0';
	value += strspn(value, " ");
	if (strcasecmp(line, "ETag") == 0)
		(void)snprintf(sink->etag, 64, "%s", value);
	if (strcasecmp(line, "Set-Cookie") == 0) {
		free(sink->client->cookie);
		sink->client->cookie = strndup(value, strcspn(value, ";"));
	}
	return len;
}

static int set_headers(const struct client *c, const struct client_request *request,
		       const char *key, struct curl_slist **list)
{
	int r = add_header(list, "Accept", "application/json, application/problem+json");
	CLEAN(free_ptr) char *bearer = c->token ? text_format("Bearer %s", c->token) : NULL;
	if (!r && bearer)
		r = add_header(list, "Authorization", bearer);
	if (!r && c->csrf)
		r = add_header(list, "X-CSRF-Token", c->csrf);
	if (!r && c->cookie)
		r = add_header(list, "Cookie", c->cookie);
	if (!r && request->if_match)
		r = add_header(list, "If-Match", request->if_match);
	if (!r && *key)
		r = add_header(list, "Idempotency-Key", key);
	if (!r && request->body)
		r = add_header(list, "Content-Type", "application/json");
	if (!r && request->text)
		r = add_header(list, "Content-Type", "text/plain");
	// No waiting for "100 Continue" before a large body.
	return r ? r : add_header(list, "Expect", "");
}

// Everything about a request but where its answer goes. Strings are copied by libcurl; `payload` is
// not. `key` is "" for one that has none.
static int prepare(struct client *c, const struct client_request *request, const char *key,
		   const char *payload, struct curl_slist **headers, struct err *err)
{
	CLEAN(free_ptr) char *url = text_format("%s%s", c->url, request->path);
	if (!url || set_headers(c, request, key, headers))
		return err_set(err, -ENOMEM, "out of memory");
	curl_easy_reset(c->curl);
	set_common(c->curl, url);
	set_trust(c->curl, c->pin, c->ca_file);
	c->reason[0] = '\0';
	curl_easy_setopt(c->curl, CURLOPT_ERRORBUFFER, c->reason);
	curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, *headers);
	curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, request->method);
	if (payload) {
		curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(payload));
		curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, payload);
	} else if (strcmp(request->method, "POST") == 0) {
		curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE, 0L);
		curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, "");
	}
	return 0;
}

static int refusal(struct client *c, const struct client_reply *reply, struct err *err)
{
	struct text lines = { 0 };
	problem_lines(&lines, reply->status, reply->json);
	if (reply->status == 401 && c->token)
		text_add(&lines, "`weft login` gets a new token.\n");
	c->problem_json = json_incref(reply->json);
	c->problem = text_take(&lines);
	int code = reply->status == 404   ? -ENOENT
		   : reply->status == 409 ? -EEXIST
		   : reply->status == 412 ? -ESTALE
					  : -EREMOTEIO;
	const char *line = c->problem ? c->problem : "refused";
	return err_set(err, code, "%.*s", (int)strcspn(line, "\n"), line);
}

// One try. *ret_is_lost: the request was sent, but its answer did not come.
static int call_once(struct client *c, const struct client_request *request, const char *key,
		     struct client_reply *ret, bool *ret_is_lost, struct err *err)
{
	client_problem_clear(c);
	CLEAN(free_ptr)
	char *dumped = request->body ? json_dumps(request->body, JSON_COMPACT) : NULL;
	CLEAN(slist_free) struct curl_slist *headers = NULL;
	const char *payload = request->body ? dumped : request->text;
	int r = prepare(c, request, key, payload, &headers, err);
	if (r)
		return r;
	CLEAN(text_free) struct text body = { 0 };
	CLEAN(client_reply_done) struct client_reply reply = { 0 };
	curl_easy_setopt(c->curl, CURLOPT_TIMEOUT, (long)ANSWER_S);
	curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, keep_body);
	curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, &body);
	struct header_sink sink = { .client = c, .etag = reply.etag };
	curl_easy_setopt(c->curl, CURLOPT_HEADERFUNCTION, keep_header);
	curl_easy_setopt(c->curl, CURLOPT_HEADERDATA, &sink);
	CURLcode code = curl_easy_perform(c->curl);
	curl_off_t sent_us = 0; // after connecting and shaking hands
	curl_easy_getinfo(c->curl, CURLINFO_PRETRANSFER_TIME_T, &sent_us);
	*ret_is_lost = code != CURLE_OK && sent_us > 0;
	if (code != CURLE_OK)
		return transport_error(c, code, err);
	curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &reply.status);
	reply.len = body.len;
	reply.body = text_take(&body);
	if (!reply.body)
		return err_set(err, -ENOMEM, "out of memory");
	reply.json = json_loadb(reply.body, reply.len, JSON_DECODE_ANY, NULL);
	if (reply.status < 200 || reply.status > 299)
		r = refusal(c, &reply, err);
	if (ret) {
		*ret = reply;
		reply = (struct client_reply){ 0 };
	}
	return r;
}

enum fate { FATE_ABSENT, FATE_DONE, FATE_UNKNOWN };

// What became of a write whose answer was lost. Asked until somebody says: the controller may be
// restarting, or still at it.
static enum fate ask_after(struct client *c, const char *key)
{
	char path[sizeof("/api/v1/operations/") + KEY_SIZE];
	(void)snprintf(path, sizeof(path), "/api/v1/operations/%s", key);
	const struct client_request ask = { .method = "GET", .path = path };
	const int64_t until = clock_mono_ms() + ASK_AFTER_MS;
	do {
		CLEAN(client_reply_done) struct client_reply reply = { 0 };
		struct err why = { 0 };
		bool is_lost;
		(void)call_once(c, &ask, "", &reply, &is_lost, &why);
		const char *state = json_string_value(json_object_get(reply.json, "state"));
		if (state && strcmp(state, "done") == 0)
			return FATE_DONE;
		if (state && strcmp(state, "absent") == 0)
			return FATE_ABSENT;
		if (reply.status >= 400 && reply.status < 500)
			return FATE_UNKNOWN; // an older controller, or nobody who may ask
		(void)usleep(ASK_AFTER_STEP_MS * 1000);
	} while (clock_mono_ms() < until);
	return FATE_UNKNOWN;
}

// Fresh for each write of somebody who is known to the controller; "" for all else.
static int make_key(const struct client *c, const struct client_request *request,
		    char ret_key[KEY_SIZE])
{
	unsigned char bytes[KEY_BYTES];
	ret_key[0] = '\0';
	if (strcmp(request->method, "GET") == 0 || (!c->token && !c->cookie))
		return 0;
	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return -errno;
	for (size_t i = 0; i < sizeof(bytes); i++)
		(void)snprintf(ret_key + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

int client_call(struct client *c, const struct client_request *request, struct client_reply *ret,
		struct err *err)
{
	char key[KEY_SIZE];
	bool is_lost = false;
	if (make_key(c, request, key))
		return err_set(err, -EAGAIN, "no random numbers for a key of the request");
	int r = call_once(c, request, key, ret, &is_lost, err);
	if (!is_lost || !key[0])
		return r;
	enum fate fate = ask_after(c, key);
	if (fate == FATE_ABSENT) {
		r = call_once(c, request, key, ret, &is_lost, err);
		// A conflict may be with the first one, which came late: it is done at most once.
		if (is_lost || r == -EEXIST)
			fate = ask_after(c, key);
		if (fate == FATE_ABSENT)
			return r;
	}
	client_problem_clear(c);
	if (fate == FATE_DONE)
		return err_set(err, -ECONNRESET,
			       "it is done, but the connection to %s broke before the answer came: "
			       "`weft history` shows it",
			       c->url);
	return err_set(err, -ECONNRESET,
		       "the connection to %s broke before the answer came, and nobody can say "
		       "whether it is done: `weft history` shows it",
		       c->url);
}

void client_reply_done(struct client_reply *r)
{
	free(r->body);
	json_decref(r->json);
	*r = (struct client_reply){ 0 };
}

int client_get(struct client *c, json_t **ret_json, struct err *err, const char *path, ...)
{
	CLEAN(text_free) struct text t = { 0 };
	va_list args;
	va_start(args, path);
	text_vaddf(&t, path, args);
	va_end(args);
	if (t.failed)
		return err_set(err, -ENOMEM, "out of memory");
	CLEAN(client_reply_done) struct client_reply reply = { 0 };
	int r = client_call(c, &(struct client_request){ .method = "GET", .path = t.data }, &reply,
			    err);
	if (r)
		return r;
	if (!reply.json)
		return err_set(err, -EBADMSG, "%s answered %s with something that is not JSON",
			       c->url, t.data);
	*ret_json = take_ptr(&reply.json);
	return 0;
}

// `next` of a page as a query value; false at the end. Caller frees *ret.
static bool next_page(const json_t *page, char **ret)
{
	const json_t *next = json_object_get(page, "next");
	free(*ret);
	*ret = json_is_integer(next)  ? text_format("%lld", (long long)json_integer_value(next))
	       : json_is_string(next) ? client_encode(json_string_value(next))
				      : NULL;
	return *ret != NULL;
}

int client_list(struct client *c, const char *path, const char *query, size_t most,
		json_t **ret_items, struct err *err)
{
	json_auto_t *all = json_array();
	CLEAN(free_ptr) char *after = NULL;
	do {
		json_auto_t *page = NULL;
		size_t limit = most && most - json_array_size(all) < 1000
				       ? most - json_array_size(all)
				       : 1000;
		int r = client_get(c, &page, err, "%s?limit=%zu%s%s%s%s", path, limit,
				   query ? "&" : "", query ? query : "", after ? "&after=" : "",
				   after ? after : "");
		if (r)
			return r;
		const json_t *items = json_object_get(page, "items");
		if (!json_is_array(items) || json_array_extend(all, json_object_get(page, "items")))
			return err_set(err, -EBADMSG, "%s: the list of %s has no items", c->url,
				       path);
		if (json_array_size(items) == 0 || !next_page(page, &after))
			break;
	} while (!most || json_array_size(all) < most);
	// A page may be longer than asked for: a revision's changes are not torn apart.
	while (most && json_array_size(all) > most)
		(void)json_array_remove(all, json_array_size(all) - 1);
	*ret_items = take_ptr(&all);
	return 0;
}

struct stream {
	client_take_fn take;
	void *data;
	CURL *curl;
	struct text refused; // body of an answer that is no stream
	bool is_stopped;
};

static size_t stream_bytes(char *bytes, size_t one, size_t len, void *data)
{
	(void)one;
	struct stream *s = data;
	long status = 0;
	curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200)
		return keep_body(bytes, 1, len, &s->refused);
	if (s->take(bytes, len, s->data) == 0)
		return len;
	s->is_stopped = true;
	return 0;
}

int client_stream(struct client *c, const char *path, const char *last_event_id,
		  client_take_fn take, void *data, struct err *err)
{
	client_problem_clear(c);
	CLEAN(slist_free) struct curl_slist *headers = NULL;
	struct client_request request = { .method = "GET", .path = path };
	int r = prepare(c, &request, "", NULL, &headers, err);
	if (!r && (add_header(&headers, "Accept", "text/event-stream") ||
		   (last_event_id && add_header(&headers, "Last-Event-ID", last_event_id))))
		r = err_set(err, -ENOMEM, "out of memory");
	if (r)
		return r;
	struct stream stream = { .take = take, .data = data, .curl = c->curl };
	curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c->curl, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, stream_bytes);
	curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, &stream);
	CURLcode code = curl_easy_perform(c->curl);
	CLEAN(client_reply_done) struct client_reply reply = { 0 };
	curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &reply.status);
	reply.len = stream.refused.len;
	reply.body = text_take(&stream.refused);
	if (stream.is_stopped)
		return 0;
	if (reply.status == 0 && code != CURLE_OK)
		return transport_error(c, code, err);
	if (reply.status == 200)
		return err_set(err, -ECONNRESET, "%s ended the stream", c->url);
	reply.json = reply.body ? json_loadb(reply.body, reply.len, 0, NULL) : NULL;
	return refusal(c, &reply, err);
}

// ---- the first contact ----

// NOLINTNEXTLINE(readability-non-const-parameter): curl's type
static size_t drop_body(char *bytes, size_t one, size_t len, void *data)
{
	(void)bytes;
	(void)one;
	(void)data;
	return len;
}

static CURLcode probe_once(struct client *c, bool is_strict, char **ret_pin)
{
	CLEAN(free_ptr) char *url = text_format("%s/healthz", c->url);
	if (!url)
		return CURLE_OUT_OF_MEMORY;
	curl_easy_reset(c->curl);
	set_common(c->curl, url);
	if (is_strict) {
		set_trust(c->curl, NULL, c->ca_file);
	} else {
		curl_easy_setopt(c->curl, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(c->curl, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	c->reason[0] = '\0';
	curl_easy_setopt(c->curl, CURLOPT_ERRORBUFFER, c->reason);
	curl_easy_setopt(c->curl, CURLOPT_TIMEOUT, (long)CONNECT_S);
	curl_easy_setopt(c->curl, CURLOPT_CERTINFO, 1L);
	curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, drop_body);
	CURLcode code = curl_easy_perform(c->curl);
	struct curl_certinfo *info = NULL;
	if (code != CURLE_OK || curl_easy_getinfo(c->curl, CURLINFO_CERTINFO, &info) || !info ||
	    info->num_of_certs < 1)
		return code;
	for (struct curl_slist *l = info->certinfo[0]; l && !*ret_pin; l = l->next) {
		const char *pem = NULL;
		if (text_starts(l->data, "Cert:", &pem))
			*ret_pin = pin_of_certificate(pem);
	}
	return code;
}

int client_probe(const char *url, const char *ca_file, bool *ret_trusted, char **ret_pin,
		 struct err *err)
{
	struct client *c = NULL;
	struct context context = { .url = (char *)url, .ca_file = (char *)ca_file };
	int r = client_new(&context, &c, err);
	if (r)
		return r;
	CLEAN(free_ptr) char *pin = NULL;
	CURLcode code = probe_once(c, true, &pin);
	bool is_trusted = code == CURLE_OK;
	if (code == CURLE_PEER_FAILED_VERIFICATION)
		code = probe_once(c, false, &pin);
	if (code != CURLE_OK)
		r = transport_error(c, code, err);
	else if (!pin)
		r = err_set(err, -EBADMSG, "%s shows no readable certificate", url);
	client_free(c);
	if (r)
		return r;
	*ret_trusted = is_trusted;
	*ret_pin = take_ptr(&pin);
	return 0;
}
