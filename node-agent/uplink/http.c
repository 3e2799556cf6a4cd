#include "uplink/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/clean.h"
#include "base/text.h"

CLEAN_FUNC(X509, X509_free)
CLEAN_FUNC(BIO, BIO_free_all)
CLEAN_FUNC(CURL, curl_easy_cleanup)
CLEAN_FUNC(struct curl_slist, curl_slist_free_all)

enum { CONNECT_TIMEOUT_S = 10, TOTAL_TIMEOUT_S = 30 };

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
	struct text *body = context;
	if (body->len + size * count > HTTP_BODY_MAX)
		return 0;
	text_add_bytes(body, data, size * count);
	return body->failed ? 0 : size * count;
}

// Takes what there is room for.
struct filling {
	FILE *file;
	int64_t left;
};

static size_t on_file_body(char *data, size_t size, size_t count, void *context)
{
	struct filling *filling = context;
	if ((uint64_t)filling->left < size * count)
		return 0;
	filling->left -= (int64_t)(size * count);
	return fwrite(data, size, count, filling->file) * size;
}

static void show_certificate(CURL *curl, const struct http_request *request)
{
	struct curl_blob blob = { .flags = CURL_BLOB_COPY };
	if (!request->certificate_pem || !request->key_pem)
		return;
	blob.data = (void *)(uintptr_t)request->certificate_pem;
	blob.len = strlen(request->certificate_pem);
	(void)curl_easy_setopt(curl, CURLOPT_SSLCERT_BLOB, &blob);
	blob.data = (void *)(uintptr_t)request->key_pem;
	blob.len = strlen(request->key_pem);
	(void)curl_easy_setopt(curl, CURLOPT_SSLKEY_BLOB, &blob);
}

// Replaces whatever authorities libcurl loaded by the pinned one, and sets the time to verify at.
static CURLcode on_tls_context(CURL *curl, void *tls, void *context)
{
	(void)curl;
	const struct http_request *request = context;
	SSL_CTX *ctx = tls;
	CLEAN(BIO_free_all_ptr) BIO *bio = BIO_new_mem_buf(request->ca_pem, -1);
	CLEAN(X509_free_ptr) X509 *ca = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	X509_STORE *store = X509_STORE_new();
	if (!ca || !store || !X509_STORE_add_cert(store, ca)) {
		X509_STORE_free(store);
		return CURLE_SSL_CACERT_BADFILE;
	}
	SSL_CTX_set_cert_store(ctx, store);
	X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(ctx), (time_t)request->verify_time_s);
	return CURLE_OK;
}

static int explain(CURL *curl, CURLcode code, const struct http_request *request, const char *why,
		   struct err *err)
{
	long verify = X509_V_OK;
	(void)curl_easy_getinfo(curl, CURLINFO_SSL_VERIFYRESULT, &verify);
	if (verify == X509_V_ERR_CERT_NOT_YET_VALID || verify == X509_V_ERR_CERT_HAS_EXPIRED) {
		char now[32];
		struct tm tm;
		time_t at = (time_t)request->verify_time_s;
		(void)strftime(now, sizeof now, "%Y-%m-%d %H:%M UTC", gmtime_r(&at, &tm));
		return err_set(err, -EKEYREJECTED,
			       "the certificate of controller %s is not valid at this host's time "
			       "(%s): check the clock",
			       request->host, now);
	}
	if (code == CURLE_PEER_FAILED_VERIFICATION)
		return err_set(err, -EKEYREJECTED, "controller %s is not the one the key names: %s",
			       request->host, why);
	return err_set(err, -EHOSTUNREACH, "controller %s port %d cannot be reached: %s",
		       request->host, request->port, *why ? why : curl_easy_strerror(code));
}

static void set_target(CURL *curl, const struct http_request *request, const char *url,
		       struct curl_slist *connect_to)
{
	(void)curl_easy_setopt(curl, CURLOPT_URL, url);
	(void)curl_easy_setopt(curl, CURLOPT_CONNECT_TO, connect_to);
	(void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
	(void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	(void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
	(void)curl_easy_setopt(curl, CURLOPT_TIMEOUT,
			       (long)(request->timeout_s ? request->timeout_s : TOTAL_TIMEOUT_S));
	(void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(curl, CURLOPT_CAINFO, NULL);
	(void)curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	if (request->ca_pem) {
		(void)curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, on_tls_context);
		(void)curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA, (void *)(uintptr_t)request);
	} else {
		(void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
		(void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
	}
}

static struct curl_slist *connect_to_list(const struct http_request *request)
{
	bool v6 = strchr(request->host, ':') != NULL;
	CLEAN(free_ptr)
	char *line = text_format("::%s%s%s:%d", v6 ? "[" : "", request->host, v6 ? "]" : "",
				 request->port);
	return line ? curl_slist_append(NULL, line) : NULL;
}

static size_t on_header(char *data, size_t size, size_t count, void *context)
{
	int64_t *date_s = context;
	CLEAN(free_ptr) char *line = text_format("%.*s", (int)(size * count), data);
	if (line && strncasecmp(line, "Date:", 5) == 0)
		*date_s = (int64_t)curl_getdate(line + 5, NULL);
	return size * count;
}

static int perform(CURL *curl, const struct http_request *request, struct text *body,
		   struct err *err)
{
	char why[CURL_ERROR_SIZE] = "";
	CLEAN(curl_slist_free_all_ptr)
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	if (request->body) {
		(void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
		(void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	}
	struct filling filling = { request->file, request->file_max };
	show_certificate(curl, request);
	if (request->file) {
		(void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_file_body);
		(void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, &filling);
	} else {
		(void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
		(void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
	}
	(void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
	CURLcode code = curl_easy_perform(curl);
	if (code != CURLE_OK)
		return explain(curl, code, request, why, err);
	long status = 0;
	(void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	return (int)status;
}

int http_request_dated(const struct http_request *request, char **ret_body, int64_t *ret_date_s,
		       struct err *err)
{
	CLEAN(text_free) struct text body = { 0 };
	CLEAN(free_ptr)
	char *url = text_format("https://controller.weft:%d%s", request->port, request->path);
	CLEAN(curl_slist_free_all_ptr) struct curl_slist *connect_to = connect_to_list(request);
	CLEAN(curl_easy_cleanup_ptr) CURL *curl = curl_easy_init();
	int64_t date_s = 0;
	if (!url || !connect_to || !curl)
		return err_set(err, -ENOMEM, "out of memory");
	set_target(curl, request, url, connect_to);
	(void)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	(void)curl_easy_setopt(curl, CURLOPT_HEADERDATA, &date_s);
	int status = perform(curl, request, &body, err);
	if (status < 0)
		return status;
	char *text = text_take(&body);
	if (!text)
		return err_set(err, -ENOMEM, "out of memory");
	*ret_body = text;
	*ret_date_s = date_s;
	return status;
}

int http_request(const struct http_request *request, char **ret_body, struct err *err)
{
	int64_t date_s;
	return http_request_dated(request, ret_body, &date_s, err);
}
