#include "proxy/server.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"

#include "proxy/dial.h"
#include "service/sandbox.h"

enum { UDP_SOCKETS = 2 };

static const struct address loopbacks[] = {
	{ .family = 4, .bytes = { 127, 0, 0, 1 } },
	{ .family = 6, .bytes = { [15] = 1 } },
};

// ---- letters ----

static struct letter *copy_of(const struct letter *form)
{
	struct letter *letter = letter_new(form->kind);
	if (!letter)
		return NULL;
	letter->config = form->config ? proxy_config_keep(form->config) : NULL;
	letter->address = form->address;
	letter->list = form->list;
	return letter;
}

static void post(struct mailbox *box, const struct letter *form)
{
	struct letter *letter = copy_of(form);
	if (letter)
		mailbox_post(box, letter);
}

void proxy_server_post(struct proxy_server *server, const struct letter *form)
{
	for (size_t i = 0; i < server->n_workers; i++)
		post(proxy_worker_box(server->workers[i]), form);
}

static void count_gone(struct proxy_server *server)
{
	if (++server->n_gone < server->n_workers)
		return;
	log_info("the last connection has ended");
	uv_stop(server->loop);
}

static void read_letter(struct proxy_server *server, struct letter *letter)
{
	if (letter->kind == LETTER_ASK) {
		learned_ask(server->learned, server->config, letter);
	} else if (letter->kind == LETTER_SAW) {
		learned_tell(server->learned, server->config, letter);
	} else if (letter->kind == LETTER_ROWS) {
		proxy_control_rows(server, letter);
	} else {
		if (letter->kind == LETTER_GONE)
			count_gone(server);
		letter_free(letter);
	}
}

static void on_letters(uv_poll_t *poll, int status, int events)
{
	struct proxy_server *server = poll->data;
	(void)status;
	(void)events;
	for (struct letter *letter = mailbox_take(&server->desk), *next; letter; letter = next) {
		next = letter->next;
		read_letter(server, letter);
	}
}

// ---- leaving ----

static void on_drained(uv_timer_t *timer)
{
	log_info("the connections that are left have had their time");
	uv_stop(timer->loop);
}

static size_t sockets(void *context, int *ret)
{
	struct proxy_server *server = context;
	size_t count = 0;
	for (size_t i = 0; i < server->n_workers; i++) {
		size_t n_own;
		const int *own = proxy_worker_listeners(server->workers[i], &n_own);
		for (size_t k = 0; k < n_own && count < HANDOVER_MAX; k++)
			ret[count++] = own[k];
	}
	return count + proxy_quic_sockets(server->quic, ret + count, HANDOVER_MAX - count);
}

// Takes no more connections and ends with the last that it has, or when their time is over.
static void leave(void *context, struct service_talk *talk)
{
	struct proxy_server *server = context;
	const struct letter form = { .kind = LETTER_LEAVE };
	log_info("another process listens from now on");
	server->is_leaving = true;
	service_reread_close(&server->reread);
	proxy_server_post(server, &form);
	post(proxy_quic_box(server->quic), &form);
	(void)uv_timer_start(&server->drain, on_drained, server->config->settings.drain_ms, 0);
	service_say(talk, json_pack("{s:b}", "leaving", true));
}

// ---- reading it again: connections go on as they were decided ----

static void *read_config(const char *path, struct err *err)
{
	return proxy_config_read(path, err);
}

static void free_config(void *config)
{
	proxy_config_release(config);
}

static int put_in_force(void *context, void *read, struct err *err)
{
	struct proxy_server *server = context;
	struct proxy_config *config = read;
	const struct letter form = { .kind = LETTER_CONFIG, .config = config };
	(void)err;
	if (config->settings.port != server->config->settings.port ||
	    config->settings.workers != server->config->settings.workers)
		log_warn("configuration: port and workers stay as they are until a restart");
	proxy_server_post(server, &form);
	post(proxy_quic_box(server->quic), &form);
	proxy_config_release(server->config);
	server->config = config;
	return 0;
}

// ---- listening ----

// One of those that were handed over, or a new one. -1 without a sentence: this host has no such
// family.
static int listen_at(const struct proxy_config *config, const struct address *at, int type,
		     struct handover *handover, struct err *err)
{
	const struct place place = { *at, (uint16_t)config->settings.port };
	int fd = handover_take(handover, type, &place);
	if (fd < 0)
		fd = dial_listen(&place, type, &config->decide->marks, err);
	if (at->family == 6 && (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL))
		*err = (struct err){ 0 };
	return fd;
}

static void close_all(const int *files, size_t count)
{
	for (size_t i = 0; i < count; i++)
		(void)close(files[i]);
}

// The sockets of one thread, one of each family.
static int listen_all(const struct proxy_config *config, int type, struct handover *handover,
		      int files[ARRAY_LEN(loopbacks)], struct err *err)
{
	int count = 0;
	for (size_t i = 0; i < ARRAY_LEN(loopbacks); i++) {
		struct err trouble = { 0 };
		int fd = listen_at(config, &loopbacks[i], type, handover, &trouble);
		if (fd < 0 && trouble.code != 0) {
			close_all(files, (size_t)count);
			return err_set(err, trouble.code, "%s", trouble.text);
		}
		if (fd >= 0)
			files[count++] = fd;
	}
	return count;
}

// Those of the process before that were more than this one has workers for: what waits in them
// would be lost.
static size_t take_more(const struct proxy_config *config, struct handover *handover, int *files,
			size_t max)
{
	size_t count = 0;
	for (size_t i = 0; i < ARRAY_LEN(loopbacks); i++) {
		const struct place place = { loopbacks[i], (uint16_t)config->settings.port };
		int fd;
		while (count < max && (fd = handover_take(handover, SOCK_STREAM, &place)) >= 0)
			files[count++] = fd;
	}
	return count;
}

static int add_worker(struct proxy_server *server, struct handover *handover, size_t n_workers,
		      struct err *err)
{
	int files[HANDOVER_MAX / 2];
	int r = listen_all(server->config, SOCK_STREAM, handover, files, err);
	if (r < 0)
		return r;
	size_t count = (size_t)r;
	if (server->n_workers + 1 == n_workers)
		count += take_more(server->config, handover, files + count,
				   ARRAY_LEN(files) - count);
	const struct proxy_worker_form form = { server->config, &server->desk, files, count,
						n_workers };
	struct proxy_worker *worker = proxy_worker_new(&form, err);
	if (!worker) {
		close_all(files, count);
		return -ENOMEM;
	}
	server->workers[server->n_workers++] = worker;
	return 0;
}

static int add_quic(struct proxy_server *server, struct handover *handover, struct err *err)
{
	int files[UDP_SOCKETS];
	int count = listen_all(server->config, SOCK_DGRAM, handover, files, err);
	if (count < 0)
		return count;
	server->quic = proxy_quic_new(server->config, &server->desk, files, (size_t)count, err);
	if (server->quic)
		return 0;
	close_all(files, (size_t)count);
	return -ENOMEM;
}

static size_t workers_wanted(const struct proxy_config *config)
{
	size_t wanted = config->settings.workers;
	if (wanted == 0)
		wanted = uv_available_parallelism();
	return wanted < PROXY_WORKERS_MAX ? wanted : PROXY_WORKERS_MAX;
}

static int listen_for_all(struct proxy_server *server, struct handover *before, struct err *err)
{
	const size_t n_workers = workers_wanted(server->config);
	int r = 0;
	while (r == 0 && server->n_workers < n_workers)
		r = add_worker(server, before, n_workers, err);
	return r < 0 ? r : add_quic(server, before, err);
}

// ---- beginning and end ----

static int start_threads(struct proxy_server *server, struct err *err)
{
	int r = proxy_quic_start(server->quic, err);
	for (size_t i = 0; r == 0 && i < server->n_workers; i++)
		r = proxy_worker_start(server->workers[i], err);
	return r;
}

static int open_control(struct proxy_server *server, struct handover *before, struct err *err)
{
	const struct service_owner owner = { .on_request = proxy_control_answer,
					     .context = server,
					     .sockets = sockets,
					     .leave = leave };
	const char *path = server->config->settings.control;
	return path ? service_open(server->loop, path, &owner, before, &server->control, err) : 0;
}

static int open_all(struct proxy_server *server, struct handover *before, struct err *err)
{
	server->config = proxy_config_read(server->reread.path, err);
	if (!server->config)
		return -EINVAL;
	if (server->config->settings.control)
		handover_ask(server->config->settings.control, before);
	server->learned = learned_new(server->loop);
	if (!server->learned)
		return err_set(err, -ENOMEM, "out of memory");
	int r = uv_poll_init(server->loop, &server->desk_poll, server->desk.event);
	if (r < 0)
		return err_set(err, r, "no events: %s", uv_strerror(r));
	server->is_polled = true;
	server->desk_poll.data = server;
	(void)uv_poll_start(&server->desk_poll, UV_READABLE, on_letters);
	r = listen_for_all(server, before, err);
	if (r == 0)
		r = open_control(server, before, err);
	// Threads get what it keeps, so they start behind it.
	if (r == 0)
		r = sandbox_enter(server->config->settings.user, 1u << CAP_NET_RAW, err);
	return r < 0 ? r : start_threads(server, err);
}

int proxy_server_init(struct proxy_server *server, uv_loop_t *loop, const char *path,
		      struct handover *before, struct err *err)
{
	const struct service_reader reader = { read_config, free_config, put_in_force, server };
	*server = (struct proxy_server){ .loop = loop, .since_ms = clock_wall_ms() };
	service_reread_init(&server->reread, loop, path, &reader);
	int r = mailbox_init(&server->desk);
	if (r < 0)
		return err_set(err, r, "no events: %s", strerror(-r));
	(void)uv_timer_init(loop, &server->drain);
	r = open_all(server, before, err);
	if (r < 0)
		proxy_server_done(server);
	return r;
}

void proxy_server_done(struct proxy_server *server)
{
	service_reread_close(&server->reread);
	service_close(take_ptr(&server->control));
	for (size_t i = 0; i < server->n_workers; i++)
		proxy_worker_free(server->workers[i]);
	server->n_workers = 0;
	proxy_quic_free(take_ptr(&server->quic));
	learned_free(take_ptr(&server->learned));
	proxy_control_done(server);
	if (server->is_polled)
		uv_close((uv_handle_t *)&server->desk_poll, NULL);
	uv_close((uv_handle_t *)&server->drain, NULL);
	mailbox_done(&server->desk);
	proxy_config_release(take_ptr(&server->config));
}
