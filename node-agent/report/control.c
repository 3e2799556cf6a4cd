#include "report/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/text.h"

enum { REQUEST_MAX = 4096, ANSWER_MAX = 64 * 1024 * 1024, CLIENTS_MAX = 32, LISTEN_BACKLOG = 8 };

CLEAN_FUNC(json_t, json_decref)

struct control_client {
	struct control_client *next;
	struct control *control;
	uv_pipe_t pipe;
	uv_write_t write;
	uint64_t ticket;
	bool is_waiting; // for control_answer()
	bool is_answering;
	bool is_closing;
	size_t len;
	char request[REQUEST_MAX];
	char *answer;
};

struct control {
	uv_loop_t *loop;
	uv_pipe_t pipe;
	char *path;
	control_answer_fn answer;
	void *context;
	struct control_client *clients;
	size_t client_count;
	uint64_t last_ticket;
	bool is_closing;
	bool is_pipe_closed;
};

static void free_when_done(struct control *control)
{
	if (!control->is_pipe_closed || control->clients)
		return;
	free(control->path);
	free(control);
}

static void on_client_closed(uv_handle_t *handle)
{
	struct control_client *client = handle->data;
	struct control *control = client->control;
	struct control_client **at = &control->clients;
	while (*at != client)
		at = &(*at)->next;
	*at = client->next;
	control->client_count--;
	free(client->answer);
	free(client);
	if (control->is_closing)
		free_when_done(control);
}

static void client_close(struct control_client *client)
{
	if (client->is_closing)
		return;
	client->is_closing = true;
	uv_close((uv_handle_t *)&client->pipe, on_client_closed);
}

static void on_written(uv_write_t *write, int status)
{
	(void)status;
	struct control_client *client = write->data;
	client->is_answering = false;
	client_close(client);
}

// Without an answer the client sees the end of its connection.
static void send_answer(struct control_client *client, const json_t *answer)
{
	CLEAN(free_ptr) char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
	client->answer = text ? text_format("%s\n", text) : NULL;
	client->is_waiting = false;
	if (!client->answer) {
		client_close(client);
		return;
	}
	uv_buf_t buf = uv_buf_init(client->answer, (unsigned)strlen(client->answer));
	client->write.data = client;
	client->is_answering = true;
	if (uv_write(&client->write, (uv_stream_t *)&client->pipe, &buf, 1, on_written) < 0)
		client_close(client);
}

static void respond(struct control_client *client)
{
	struct control *control = client->control;
	CLEAN(json_decref_ptr)
	json_t *request = json_loadb(client->request, client->len, JSON_DISABLE_EOF_CHECK, NULL);
	(void)uv_read_stop((uv_stream_t *)&client->pipe);
	client->ticket = ++control->last_ticket;
	client->is_waiting = true;
	CLEAN(json_decref_ptr)
	json_t *answer = control->answer(control->context, request, client->ticket);
	if (!json_is_null(answer))
		send_answer(client, answer);
}

void control_answer(struct control *control, uint64_t ticket, const json_t *answer)
{
	for (struct control_client *client = control->clients; client; client = client->next) {
		if (client->ticket == ticket && client->is_waiting && !client->is_closing) {
			send_answer(client, answer);
			return;
		}
	}
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	(void)suggested;
	struct control_client *client = handle->data;
	*buf = uv_buf_init(client->request + client->len,
			   (unsigned)(sizeof client->request - client->len));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	(void)buf;
	struct control_client *client = stream->data;
	if (n < 0) {
		client_close(client);
		return;
	}
	client->len += (size_t)n;
	if (memchr(client->request, '\n', client->len))
		respond(client);
	else if (client->len == sizeof client->request)
		client_close(client);
}

static void on_connection(uv_stream_t *server, int status)
{
	struct control *control = server->data;
	if (status < 0 || control->client_count >= CLIENTS_MAX)
		return;
	struct control_client *client = calloc(1, sizeof *client);
	if (!client)
		return;
	client->control = control;
	client->next = control->clients;
	control->clients = client;
	control->client_count++;
	(void)uv_pipe_init(control->loop, &client->pipe, 0);
	client->pipe.data = client;
	if (uv_accept(server, (uv_stream_t *)&client->pipe) < 0 ||
	    uv_read_start((uv_stream_t *)&client->pipe, on_alloc, on_read) < 0)
		client_close(client);
}

static void on_pipe_closed(uv_handle_t *handle)
{
	struct control *control = handle->data;
	control->is_pipe_closed = true;
	free_when_done(control);
}

static int connect_to(const char *path, int timeout_s, struct err *err)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const struct timeval limit = { .tv_sec = timeout_s };
	if (strlen(path) >= sizeof at.sun_path)
		return err_set(err, -ENAMETOOLONG, "the path %s is too long for a socket", path);
	(void)strcpy(at.sun_path, path);
	CLEAN(close_fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at) < 0)
		return err_set(err, -errno, "cannot reach the agent at %s: %s", path,
			       strerror(errno));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	return take_fd(&fd);
}

static int listen_at(struct control *control, struct err *err)
{
	CLEAN(close_fd) int other = connect_to(control->path, 1, NULL);
	if (other >= 0)
		return err_set(err, -EADDRINUSE,
			       "another weft-agent is running already (it answers at %s)",
			       control->path);
	(void)unlink(control->path);
	mode_t old = umask(0177);
	int r = uv_pipe_bind(&control->pipe, control->path);
	(void)umask(old);
	if (r == 0)
		r = uv_listen((uv_stream_t *)&control->pipe, LISTEN_BACKLOG, on_connection);
	if (r < 0)
		return err_set(err, r, "cannot listen at %s: %s", control->path, uv_strerror(r));
	return 0;
}

int control_open(uv_loop_t *loop, const char *path, control_answer_fn answer, void *context,
		 struct control **ret_control, struct err *err)
{
	struct control *control = calloc(1, sizeof *control);
	char *copy = strdup(path);
	if (!control || !copy) {
		free(control);
		free(copy);
		return err_set(err, -ENOMEM, "out of memory");
	}
	control->loop = loop;
	control->path = copy;
	control->answer = answer;
	control->context = context;
	(void)uv_pipe_init(loop, &control->pipe, 0);
	control->pipe.data = control;
	int r = listen_at(control, err);
	if (r < 0) {
		control->is_closing = true;
		uv_close((uv_handle_t *)&control->pipe, on_pipe_closed);
		return r;
	}
	*ret_control = control;
	return 0;
}

bool control_is_busy(const struct control *control)
{
	for (const struct control_client *client = control->clients; client;
	     client = client->next) {
		if (client->is_answering)
			return true;
	}
	return false;
}

void control_close(struct control *control)
{
	if (!control)
		return;
	control->is_closing = true;
	for (struct control_client *client = control->clients; client; client = client->next)
		client_close(client);
	// libuv deletes the socket's name when it closes a pipe that it bound.
	uv_close((uv_handle_t *)&control->pipe, on_pipe_closed);
}

static int send_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int receive_all(int fd, struct text *answer)
{
	char chunk[8192];
	for (;;) {
		ssize_t n = recv(fd, chunk, sizeof chunk, 0);
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		text_add_bytes(answer, chunk, (size_t)n);
		if (answer->failed || answer->len > ANSWER_MAX)
			return -ENOMEM;
	}
}

int control_ask(const char *path, const json_t *request, int timeout_s, json_t **ret_answer,
		struct err *err)
{
	CLEAN(free_ptr) char *text = json_dumps(request, JSON_COMPACT);
	CLEAN(free_ptr) char *line = text ? text_format("%s\n", text) : NULL;
	CLEAN(text_free) struct text answer = { 0 };
	if (!line)
		return err_set(err, -ENOMEM, "out of memory");
	CLEAN(close_fd) int fd = connect_to(path, timeout_s, err);
	if (fd < 0)
		return fd;
	int r = send_all(fd, line, strlen(line));
	if (r == 0)
		r = receive_all(fd, &answer);
	if (r < 0)
		return err_set(err, r, "the agent does not answer: %s", strerror(-r));
	json_t *json = answer.data ? json_loadb(answer.data, answer.len, 0, NULL) : NULL;
	if (!json)
		return err_set(err, -EPROTO, "the agent gave no answer");
	*ret_answer = json;
	return 0;
}
