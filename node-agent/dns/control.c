// The control socket: one line of JSON is asked, one is answered, and the connection ends.
//
//   {"do":"status"}  {"do":"log","client":…,"since":…,"limit":…}  {"do":"flush","name":…,"below":…}
//   {"do":"lookup","client":…,"name":…,"type":…}  {"do":"reload"}
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "dns/control_answer.h"
#include "dns/server.h"

enum { BACKLOG = 8, REQUEST_MAX = 16384, TALKS_MAX = 16, PATIENCE_MS = 5000 };

struct talk {
	struct talk *next;
	struct dns_control *control;
	uv_pipe_t pipe;
	uv_timer_t timer;
	uv_write_t write;
	char *answer;
	unsigned handles;
	bool is_closing, is_answered;
	size_t have;
	char request[REQUEST_MAX];
};

struct dns_control {
	struct dns_server *server; // NULL: it is over
	uv_pipe_t pipe;
	bool is_closed;
	struct talk *first;
	unsigned n_talks;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
};

static void release(struct dns_control *control)
{
	if (control->is_closed && control->n_talks == 0)
		free(control);
}

static void on_talk_closed(uv_handle_t *handle)
{
	struct talk *talk = handle->data;
	if (--talk->handles > 0)
		return;
	struct dns_control *control = talk->control;
	control->n_talks--;
	free(talk->answer);
	free(talk);
	release(control);
}

static void end(struct talk *talk)
{
	struct talk **at = &talk->control->first;
	if (talk->is_closing)
		return;
	talk->is_closing = true;
	while (*at != talk)
		at = &(*at)->next;
	*at = talk->next;
	uv_close((uv_handle_t *)&talk->pipe, on_talk_closed);
	uv_close((uv_handle_t *)&talk->timer, on_talk_closed);
}

static void on_written(uv_write_t *write, int status)
{
	(void)status;
	end(write->handle->data);
}

static void answer(struct talk *talk, size_t len)
{
	json_auto_t *request = json_loadb(talk->request, len, JSON_REJECT_DUPLICATES, NULL);
	json_auto_t *said = dns_control_answer(talk->control->server, request);
	talk->is_answered = true;
	talk->answer = said ? json_dumps(said, JSON_COMPACT) : NULL;
	if (!talk->answer) {
		end(talk);
		return;
	}
	uv_buf_t bufs[] = { uv_buf_init(talk->answer, (unsigned)strlen(talk->answer)),
			    uv_buf_init((char *)"\n", 1) };
	if (uv_write(&talk->write, (uv_stream_t *)&talk->pipe, bufs, 2, on_written) < 0)
		end(talk);
}

static void give_room(uv_handle_t *handle, size_t wanted, uv_buf_t *ret)
{
	struct talk *talk = handle->data;
	(void)wanted;
	*ret = uv_buf_init(talk->request + talk->have, (unsigned)(REQUEST_MAX - talk->have));
}

static void on_read(uv_stream_t *pipe, ssize_t n, const uv_buf_t *buf)
{
	struct talk *talk = pipe->data;
	(void)buf;
	if (n < 0) {
		if (!talk->is_answered)
			end(talk);
		return;
	}
	talk->have += (size_t)n;
	const char *line = memchr(talk->request, '\n', talk->have);
	if (!line && talk->have < REQUEST_MAX)
		return;
	(void)uv_read_stop(pipe);
	if (line)
		answer(talk, (size_t)(line - talk->request));
	else
		end(talk);
}

static void on_timeout(uv_timer_t *timer)
{
	end(timer->data);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct dns_control *control = listener->data;
	struct talk *talk = status < 0 ? NULL : calloc(1, sizeof(*talk));
	if (!talk)
		return;
	talk->control = control;
	talk->handles = 2;
	talk->next = control->first;
	control->first = talk;
	control->n_talks++;
	(void)uv_pipe_init(listener->loop, &talk->pipe, 0);
	(void)uv_timer_init(listener->loop, &talk->timer);
	talk->pipe.data = talk->timer.data = talk;
	if (uv_accept(listener, (uv_stream_t *)&talk->pipe) < 0 || control->n_talks > TALKS_MAX ||
	    uv_timer_start(&talk->timer, on_timeout, PATIENCE_MS, 0) < 0 ||
	    uv_read_start((uv_stream_t *)&talk->pipe, give_room, on_read) < 0)
		end(talk);
}

static void on_closed(uv_handle_t *handle)
{
	struct dns_control *control = handle->data;
	control->is_closed = true;
	release(control);
}

int dns_control_open(struct dns_server *server, const char *path, struct err *err)
{
	struct dns_control *control = calloc(1, sizeof(*control));
	if (!control)
		return err_set(err, -ENOMEM, "out of memory");
	if (strlen(path) >= sizeof(control->path)) {
		free(control);
		return err_set(err, -ENAMETOOLONG, "control: %s is too long for a socket", path);
	}
	(void)snprintf(control->path, sizeof(control->path), "%s", path);
	control->server = server;
	(void)uv_pipe_init(server->loop, &control->pipe, 0);
	control->pipe.data = control;
	(void)unlink(path); // one that was killed leaves it
	mode_t mask = umask(0177);
	int r = uv_pipe_bind(&control->pipe, path);
	(void)umask(mask);
	if (r == 0)
		r = uv_listen((uv_stream_t *)&control->pipe, BACKLOG, on_connection);
	if (r < 0) {
		uv_close((uv_handle_t *)&control->pipe, on_closed);
		return err_set(err, r, "control: cannot listen at %s: %s", path, uv_strerror(r));
	}
	server->control = control;
	return 0;
}

void dns_control_close(struct dns_server *server)
{
	struct dns_control *control = take_ptr(&server->control);
	if (!control)
		return;
	(void)unlink(control->path); // fails once it is another user; who started it cleans up
	uv_close((uv_handle_t *)&control->pipe, on_closed);
	while (control->first)
		end(control->first);
}
