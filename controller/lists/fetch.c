#include "lists/fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/text.h"

#define CONNECT_S     10L
#define SLOW_BYTES_S  1000L // slower than this for SLOW_S, and it is given up
#define SLOW_S        30L
#define TOTAL_S       600L
#define REDIRECTS_MAX 5L

CLEAN_FUNC(CURL, curl_easy_cleanup)
CLEAN_FUNC(struct curl_slist, curl_slist_free_all)

int fetch_init(struct err *err)
{
	CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
	return code == CURLE_OK ? 0 : err_set(err, -ENOMEM, "%s", curl_easy_strerror(code));
}

struct receiving {
	struct fetch *fetch;
	FILE *file;
	size_t bytes;
	bool is_too_large;
	struct fetch_tags tags;
};

static size_t take_body(const char *data, size_t size, size_t count, void *context)
{
	struct receiving *r = context;
	size_t bytes = size * count;
	if (bytes > CONTENT_BYTES_MAX - r->bytes) {
		r->is_too_large = true;
		return 0;
	}
	r->bytes += bytes;
	return fwrite(data, 1, bytes, r->file);
}

// "ETag: ...\r\n" into `to`; one that is too long is as good as none.
static void take_tag(const char *line, size_t len, const char *name, char to[FETCH_TAG_SIZE])
{
	size_t skip = strlen(name);
	if (len <= skip || strncasecmp(line, name, skip) != 0)
		return;
	line += skip;
	len -= skip;
	while (len > 0 && (*line == ' ' || *line == '\t'))
		line++, len--;
	while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == '\n'))
		len--;
	to[0] = '\0';
	if (len < FETCH_TAG_SIZE)
		(void)snprintf(to, FETCH_TAG_SIZE, "%.*s", (int)len, line);
}

static size_t take_header(const char *line, size_t size, size_t count, void *context)
{
	struct receiving *r = context;
	// A redirection has headers of its own.
	if (size * count > 5 && strncasecmp(line, "HTTP/", 5) == 0)
		r->tags = (struct fetch_tags){ 0 };
	take_tag(line, size * count, "ETag:", r->tags.etag);
	take_tag(line, size * count, "Last-Modified:", r->tags.modified);
	return size * count;
}

static int watch(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct receiving *r = context;
	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return atomic_load(r->fetch->is_broken) ? 1 : 0;
}

static bool add_condition(struct curl_slist **list, const char *name, const char *value)
{
	CLEAN(free_ptr) char *line = *value ? text_format("%s: %s", name, value) : NULL;
	struct curl_slist *longer = line ? curl_slist_append(*list, line) : NULL;
	if (longer)
		*list = longer;
	return !*value || longer;
}

static void set_options(CURL *curl, struct receiving *r, struct curl_slist *headers)
{
	(void)curl_easy_setopt(curl, CURLOPT_URL, r->fetch->url);
	(void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
	(void)curl_easy_setopt(curl, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
	(void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	(void)curl_easy_setopt(curl, CURLOPT_USERAGENT, "weft-controller");
	(void)curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "");
	(void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	(void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, r);
	(void)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
	(void)curl_easy_setopt(curl, CURLOPT_HEADERDATA, r);
	(void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
	(void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, TOTAL_S);
	(void)curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, SLOW_BYTES_S);
	(void)curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, SLOW_S);
	(void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	(void)curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, watch);
	(void)curl_easy_setopt(curl, CURLOPT_XFERINFODATA, r);
}

// The status of the answer whose body is in the file; 304: what is known has not changed.
static int receive(struct receiving *r, long *ret_status, struct err *err)
{
	char why[CURL_ERROR_SIZE] = "";
	const struct fetch_tags *known = &r->fetch->tags;
	CLEAN(curl_slist_free_all_ptr) struct curl_slist *headers = NULL;
	CLEAN(curl_easy_cleanup_ptr) CURL *curl = curl_easy_init();
	if (!curl || !add_condition(&headers, "If-None-Match", known->etag) ||
	    !add_condition(&headers, "If-Modified-Since", known->modified))
		return err_set(err, -ENOMEM, "out of memory");
	set_options(curl, r, headers);
	(void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
	CURLcode code = curl_easy_perform(curl);
	if (r->is_too_large)
		return err_set(err, -EFBIG, "the list has more than %d MB",
			       CONTENT_BYTES_MAX >> 20);
	if (code != CURLE_OK)
		return err_set(err, -EHOSTUNREACH, "%s", *why ? why : curl_easy_strerror(code));
	(void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, ret_status);
	if (*ret_status != 200 && (*ret_status != 304 || !headers))
		return err_set(err, -EPROTO, "the address answered HTTP %ld", *ret_status);
	return fflush(r->file) == 0 ? 0 : err_set(err, -errno, "%s", strerror(errno));
}

static int fetch_url(struct fetch *f, struct err *err)
{
	struct receiving r = { .fetch = f };
	CLEAN(free_ptr) char *path = text_format("%s/" CONTENT_UNNAMED "XXXXXX", f->dir);
	int fd = path ? mkostemp(path, O_CLOEXEC) : -1;
	CLEAN(close_file) FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
	long status = 0;
	if (!file) {
		if (fd >= 0)
			(void)close(fd);
		return err_set(err, -EIO, "%s: no file can be made there", f->dir);
	}
	r.file = file;
	int rc = receive(&r, &status, err);
	f->is_same = rc == 0 && status == 304;
	if (rc == 0 && !f->is_same)
		rc = content_take(f->dir, path, &f->content, err);
	if (rc == 0 && !f->is_same)
		f->tags = r.tags;
	else
		(void)unlink(path);
	return rc;
}

static void run(void *arg)
{
	struct fetch *f = arg;
	f->result = f->url ? fetch_url(f, &f->err)
			   : content_copy(f->dir, f->path, &f->content, &f->err);
	atomic_store(&f->is_done, true);
	(void)uv_async_send(f->done);
}

int fetch_start(struct fetch *f, struct err *err)
{
	int r = uv_thread_create(&f->thread, run, f);
	return r < 0 ? err_set(err, -EAGAIN, "no thread: %s", uv_strerror(r)) : 0;
}

void fetch_free(struct fetch *f)
{
	if (!f)
		return;
	(void)uv_thread_join(&f->thread);
	free(f->dir);
	free(f->url);
	free(f->path);
	free(f);
}
