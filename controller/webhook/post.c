#include "webhook/post.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>

#include "base/clean.h"
#include "base/text.h"

#define TIMEOUT_S 10L

CLEAN_FUNC(CURL, curl_easy_cleanup)
CLEAN_FUNC(struct curl_slist, curl_slist_free_all)

int webhook_post_init(struct err *err)
{
	CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
	return code == CURLE_OK ? 0 : err_set(err, -ENOMEM, "%s", curl_easy_strerror(code));
}

static size_t drop_body(const char *data, size_t size, size_t count, void *context)
{
	(void)data;
	(void)context;
	return size * count;
}

static int watch(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const atomic_bool *is_broken = context;
	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return atomic_load(is_broken) ? 1 : 0;
}

static bool add_header(struct curl_slist **list, char *line)
{
	CLEAN(free_ptr) char *own = line;
	struct curl_slist *longer = own ? curl_slist_append(*list, own) : NULL;
	if (longer)
		*list = longer;
	return longer != NULL;
}

static struct curl_slist *headers_of(const struct webhook_post *post)
{
	CLEAN(curl_slist_free_all_ptr) struct curl_slist *list = NULL;
	bool is_whole = add_header(&list, text_format("Content-Type: application/json")) &&
			add_header(&list, text_format("User-Agent: weft-controller")) &&
			add_header(&list, text_format("webhook-id: %s", post->message->id)) &&
			add_header(&list, text_format("webhook-timestamp: %lld",
						      (long long)post->timestamp_s)) &&
			(!post->signature ||
			 add_header(&list, text_format("webhook-signature: %s", post->signature)));
	return is_whole ? take_ptr(&list) : NULL;
}

static void set_options(CURL *curl, const struct webhook_post *post, struct curl_slist *headers)
{
	(void)curl_easy_setopt(curl, CURLOPT_URL, post->url);
	(void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, post->message->body);
	(void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	(void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop_body);
	(void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, TIMEOUT_S);
	(void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	(void)curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, watch);
	(void)curl_easy_setopt(curl, CURLOPT_XFERINFODATA, (void *)(uintptr_t)post->is_broken);
}

int webhook_post(const struct webhook_post *post, struct err *err)
{
	char why[CURL_ERROR_SIZE] = "";
	CLEAN(curl_slist_free_all_ptr) struct curl_slist *headers = headers_of(post);
	CLEAN(curl_easy_cleanup_ptr) CURL *curl = curl_easy_init();
	if (!headers || !curl)
		return err_set(err, -ENOMEM, "out of memory");
	set_options(curl, post, headers);
	(void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
	CURLcode code = curl_easy_perform(curl);
	if (code != CURLE_OK)
		return err_set(err, -EHOSTUNREACH, "%s", *why ? why : curl_easy_strerror(code));
	long status = 0;
	(void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200 || status > 299)
		return err_set(err, -EPROTO, "the address answered HTTP %ld", status);
	return 0;
}
