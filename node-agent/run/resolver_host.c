#include "run/resolver_host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/file.h"
#include "base/log.h"
#include "base/octets.h"

#include "decide/decide.h"
#include "kernel/kernel.h"
#include "run/resolver_host_text.h"
#include "service/place.h"

enum {
	FILE_MODE = 0600,
	TICK_MS = 2000,
	FILE_MAX = 65536,
	QUESTION_SIZE = 17,
	ANSWER_MAX = 4096,
	ID_SIZE = 2
};

// Who the host asks; systemd-resolved, where it runs, has the servers it asks itself in a file of
// its own.
static const char *const server_files[] = { "/etc/resolv.conf",
					    "/run/systemd/resolve/resolv.conf" };

// The socket that questions are put by.
struct asker {
	uv_poll_t poll;
	int fd;
	struct resolver_host *host; // NULL once it is closed
};

struct resolver_host {
	struct kernel *kernel;
	resolver_host_fn *changed;
	void *context;
	uv_timer_t timer;
	struct asker *asker; // NULL: not wanted, or it could not be opened
	uint8_t id[ID_SIZE]; // of the question under way
	bool is_asking, is_wanted;
	bool is_proven;  // the last question was answered
	bool is_written; // the table has `detour`
	char *note;      // path
	struct host_detour detour;
	char error[ERR_TEXT_SIZE];
};

static void set_state(struct resolver_host *host, bool is_proven, const char *why)
{
	const bool is_news = is_proven != host->is_proven || strcmp(why, host->error) != 0;
	host->is_proven = is_proven;
	(void)snprintf(host->error, sizeof host->error, "%s", why);
	if (is_news)
		host->changed(host->context);
}

// ---- the table ----

static int run(struct kernel *kernel, struct text *text, struct err *err)
{
	int r = text->failed ? err_set(err, -ENOMEM, "out of memory")
			     : kernel_guard_replace(kernel, text->data, err);
	text_free(text);
	return r;
}

int resolver_host_remove(struct kernel *kernel, struct err *err)
{
	struct text text = { 0 };
	host_detour_remove(&text);
	return run(kernel, &text, err);
}

static void read_servers(struct host_servers *ret)
{
	*ret = (struct host_servers){ 0 };
	for (size_t i = 0; i < ARRAY_LEN(server_files); i++) {
		CLEAN(free_ptr) char *text = NULL;
		size_t len;
		if (file_read(server_files[i], FILE_MAX, &text, &len, NULL) == 0)
			host_servers_read(text, ret);
	}
}

static bool servers_equal(const struct host_servers *a, const struct host_servers *b)
{
	bool are_equal = a->len == b->len;
	for (size_t i = 0; are_equal && i < a->len; i++)
		are_equal = address_equal(&a->items[i], &b->items[i]);
	return are_equal;
}

static void prove(struct resolver_host *host)
{
	struct host_servers servers;
	struct text text = { 0 };
	struct err err = { 0 };
	if (access(host->note, F_OK) < 0 && file_replace(host->note, "", 0, FILE_MODE, &err) < 0) {
		set_state(host, false, err.text);
		return;
	}
	read_servers(&servers);
	if (!servers_equal(&servers, &host->detour.servers)) {
		host->detour.servers = servers;
		host->is_written = false;
	}
	if (!host->is_written)
		host_detour_render(&text, &host->detour);
	host_detour_prove(&text);
	int r = run(host->kernel, &text, &err);
	// Somebody may have deleted it: the next time it is written anew.
	host->is_written = r == 0;
	set_state(host, r == 0, err.text);
}

static void fail(struct resolver_host *host, const char *why)
{
	if (host->is_proven)
		log_warn("weft-dns does not answer this host: %s", why);
	set_state(host, false, why);
}

// ---- the question ----

static void free_asker(uv_handle_t *handle)
{
	free(handle->data);
}

static void close_asker(struct resolver_host *host)
{
	struct asker *asker = take_ptr(&host->asker);
	host->is_asking = false;
	if (!asker)
		return;
	asker->host = NULL;
	(void)uv_poll_stop(&asker->poll);
	(void)close(asker->fd);
	uv_close((uv_handle_t *)&asker->poll, free_asker);
}

static void on_answer(uv_poll_t *poll, int status, int events)
{
	enum { FLAGS_AT = 2, QR = 0x8000, RCODE = 0x000f };
	struct asker *asker = poll->data;
	struct resolver_host *host = asker->host;
	uint8_t answer[ANSWER_MAX];
	(void)status;
	(void)events;
	ssize_t n = recv(asker->fd, answer, sizeof answer, MSG_DONTWAIT);
	const int error = n < 0 ? errno : 0;
	if (error == EAGAIN || error == EINTR || !host->is_asking)
		return;
	if (error == 0 && (n < QUESTION_SIZE || memcmp(answer, host->id, ID_SIZE) != 0))
		return;
	host->is_asking = false;
	if (error != 0)
		fail(host, strerror(error));
	else if (!(octets_get(answer + FLAGS_AT, 2) & QR) ||
		 (octets_get(answer + FLAGS_AT, 2) & RCODE) != 0)
		fail(host, "it cannot say which name servers the root has");
	else
		prove(host);
}

// From the address that it is put to: that is how the others' will come.
static int open_socket(const struct address *to, unsigned port)
{
	struct sockaddr_storage from, at;
	const socklen_t len = place_sockaddr(&(struct place){ *to, 0 }, &from);
	CLEAN(close_fd)
	int fd = socket(from.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	(void)place_sockaddr(&(struct place){ *to, (uint16_t)port }, &at);
	if (fd < 0 || bind(fd, (struct sockaddr *)&from, len) < 0 ||
	    connect(fd, (struct sockaddr *)&at, len) < 0)
		return -errno;
	return take_fd(&fd);
}

static int open_asker(struct resolver_host *host)
{
	const struct address *to = &host->detour.to[host->detour.to[0].family ? 0 : 1];
	struct asker *asker = calloc(1, sizeof *asker);
	int fd = asker ? open_socket(to, host->detour.port) : -ENOMEM;
	int r = fd < 0 ? fd : uv_poll_init(host->timer.loop, &asker->poll, fd);
	if (r < 0) {
		if (fd >= 0)
			(void)close(fd);
		free(asker);
		return r;
	}
	asker->poll.data = asker;
	asker->fd = fd;
	asker->host = host;
	host->asker = asker;
	return uv_poll_start(&asker->poll, UV_READABLE, on_answer);
}

// For the name servers of the root: something that only its upstreams can tell.
static int ask(struct resolver_host *host)
{
	uint8_t question[QUESTION_SIZE] = { 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1 };
	int r = host->asker ? 0 : open_asker(host);
	if (r < 0)
		return r;
	if (getrandom(host->id, ID_SIZE, GRND_NONBLOCK) != ID_SIZE)
		return -EAGAIN;
	memcpy(question, host->id, ID_SIZE);
	host->is_asking = true;
	return send(host->asker->fd, question, sizeof question, 0) < 0 ? -errno : 0;
}

static void on_tick(uv_timer_t *timer)
{
	struct resolver_host *host = timer->data;
	if (host->is_asking)
		fail(host, "no answer within 2 s");
	int r = host->is_wanted ? ask(host) : 0;
	if (r < 0) {
		close_asker(host);
		fail(host, strerror(-r));
	}
}

// ---- what is wanted ----

static void forget(struct resolver_host *host)
{
	struct err err = { 0 };
	close_asker(host);
	if (access(host->note, F_OK) == 0 && resolver_host_remove(host->kernel, &err) < 0)
		log_warn("the host's own questions: %s", err.text);
	else
		(void)unlink(host->note);
	host->is_wanted = host->is_proven = host->is_written = false;
	host->detour = (struct host_detour){ 0 };
	host->error[0] = '\0';
}

static struct host_detour detour_of(const json_t *body)
{
	struct host_detour detour = { .port = (unsigned)json_integer_value(
					      json_object_get(body, "port")),
				      .mask = decide_mask_of(body) };
	const json_t *item;
	size_t i;
	json_array_foreach(json_object_get(body, "listen"), i, item)
	{
		struct address address;
		if (address_parse(json_string_value(item), &address, NULL) == 0 &&
		    !detour.to[address.family == 6].family)
			detour.to[address.family == 6] = address;
	}
	return detour;
}

void resolver_host_want(struct resolver_host *host, const json_t *body)
{
	struct host_detour detour = detour_of(body);
	if (!json_is_true(json_object_get(body, "host")) ||
	    (!detour.to[0].family && !detour.to[1].family)) {
		forget(host);
		return;
	}
	// Until weft-dns knows its other mark, what it asks is not told from what others ask.
	if (host->is_wanted && detour.mask != host->detour.mask)
		forget(host);
	detour.servers = host->detour.servers;
	if (host->is_wanted && detour.port == host->detour.port &&
	    address_equal(&detour.to[0], &host->detour.to[0]) &&
	    address_equal(&detour.to[1], &host->detour.to[1]))
		return;
	close_asker(host);
	host->is_wanted = true;
	host->is_written = false;
	host->detour = detour;
}

json_t *resolver_host_state(const struct resolver_host *host)
{
	if (!host->is_wanted)
		return NULL;
	json_t *state = json_pack("{s:s}", "state", host->is_proven ? "redirected" : "own");
	if (state && host->error[0])
		(void)json_object_set_new(state, "error", json_string(host->error));
	return state;
}

// ---- beginning and end ----

struct resolver_host *resolver_host_new(uv_loop_t *loop, struct kernel *kernel, const char *note,
					resolver_host_fn *changed, void *context)
{
	struct resolver_host *host = calloc(1, sizeof *host);
	if (host)
		host->note = strdup(note);
	if (!host || !host->note) {
		free(host);
		return NULL;
	}
	host->kernel = kernel;
	host->changed = changed;
	host->context = context;
	host->timer.data = host;
	(void)uv_timer_init(loop, &host->timer);
	(void)uv_timer_start(&host->timer, on_tick, TICK_MS, TICK_MS);
	return host;
}

static void free_host(uv_handle_t *handle)
{
	struct resolver_host *host = handle->data;
	free(host->note);
	free(host);
}

void resolver_host_close(struct resolver_host *host)
{
	if (!host)
		return;
	forget(host);
	uv_close((uv_handle_t *)&host->timer, free_host);
}
