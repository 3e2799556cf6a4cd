#include <errno.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clean.h"

#include "service/service.h"

enum {
	BACKLOG = 128,
	REQUEST_MAX = 16384,
	TALKS_MAX = 64,
	PATIENCE_MS = 5000,
	FILES_MAX = HANDOVER_MAX + 1
};

struct service_talk {
	struct service_talk *next;
	struct service_control *control;
	uint64_t id;
	uv_pipe_t pipe;
	uv_timer_t timer;
	uv_write_t write;
	char *answer;
	unsigned handles;
	bool is_closing, is_asked;
	bool has_sockets; // copies of them: it may ask to leave
	bool goes_on;     // another request may come by it
	size_t have;
	char request[REQUEST_MAX];
};

struct service_control {
	uv_pipe_t pipe;
	struct service_owner owner;
	bool is_retired; // another process has the socket
	bool is_closed;  // the pipe
	bool is_over;    // the owner's
	bool keeps_path; // the socket is not this process's alone
	uid_t opened_by;
	struct service_talk *first;
	unsigned n_talks;
	uint64_t last_id;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
};

static void release(struct service_control *control)
{
	if (control->is_closed && control->is_over && control->n_talks == 0)
		free(control);
}

static void on_closed(uv_handle_t *handle)
{
	struct service_control *control = handle->data;
	control->is_closed = true;
	release(control);
}

static void on_talk_closed(uv_handle_t *handle)
{
	struct service_talk *talk = handle->data;
	if (--talk->handles > 0)
		return;
	struct service_control *control = talk->control;
	control->n_talks--;
	free(talk->answer);
	free(talk);
	release(control);
}

static void end(struct service_talk *talk)
{
	struct service_talk **at = &talk->control->first;
	if (talk->is_closing)
		return;
	talk->is_closing = true;
	while (*at != talk)
		at = &(*at)->next;
	*at = talk->next;
	uv_close((uv_handle_t *)&talk->pipe, on_talk_closed);
	uv_close((uv_handle_t *)&talk->timer, on_talk_closed);
}

// ---- answers ----

static void hear(struct service_talk *talk);

static void on_written(uv_write_t *write, int status)
{
	struct service_talk *talk = write->handle->data;
	if (status < 0 || !talk->goes_on)
		end(talk);
	else
		hear(talk);
}

void service_say(struct service_talk *talk, json_t *answer)
{
	talk->answer = answer ? json_dumps(answer, JSON_COMPACT) : NULL;
	json_decref(answer);
	if (!talk->answer) {
		end(talk);
		return;
	}
	uv_buf_t bufs[] = { uv_buf_init(talk->answer, (unsigned)strlen(talk->answer)),
			    uv_buf_init((char *)"\n", 1) };
	if (uv_write(&talk->write, (uv_stream_t *)&talk->pipe, bufs, 2, on_written) < 0)
		end(talk);
}

// Sends the line's first byte and the files. The socket's buffer is empty: nothing was said so far.
static int send_files(struct service_talk *talk, char first, const int *files, size_t n_files)
{
	union {
		char bytes[CMSG_SPACE(FILES_MAX * sizeof(int))];
		struct cmsghdr header;
	} room = { 0 };
	struct iovec byte = { &first, 1 };
	struct msghdr message = { .msg_iov = &byte,
				  .msg_iovlen = 1,
				  .msg_control = room.bytes,
				  .msg_controllen = CMSG_SPACE(n_files * sizeof(int)) };
	uv_os_fd_t fd;
	if (n_files > FILES_MAX || uv_fileno((uv_handle_t *)&talk->pipe, &fd) < 0)
		return -EINVAL;
	room.header = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
					.cmsg_type = SCM_RIGHTS,
					.cmsg_len = CMSG_LEN(n_files * sizeof(int)) };
	memcpy(CMSG_DATA(&room.header), files, n_files * sizeof(int));
	return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == 1 ? 0 : -EPIPE;
}

// The talk goes on afterwards, for as long as the other side likes.
static void say_files(struct service_talk *talk, json_t *answer, const int *files, size_t n_files)
{
	CLEAN(free_ptr) char *line = json_dumps(answer, JSON_COMPACT);
	json_decref(answer);
	if (!line || send_files(talk, line[0], files, n_files) < 0) {
		end(talk);
		return;
	}
	talk->has_sockets = talk->goes_on = true;
	talk->answer = take_ptr(&line);
	uv_buf_t bufs[] = { uv_buf_init(talk->answer + 1, (unsigned)strlen(talk->answer) - 1),
			    uv_buf_init((char *)"\n", 1) };
	if (uv_write(&talk->write, (uv_stream_t *)&talk->pipe, bufs, 2, on_written) < 0)
		end(talk);
}

bool service_is_owner(const struct service_talk *talk)
{
	struct ucred who;
	socklen_t len = sizeof(who);
	int fd;
	return uv_fileno((const uv_handle_t *)&talk->pipe, &fd) == 0 &&
	       getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 &&
	       (who.uid == 0 || who.uid == talk->control->opened_by);
}

uint64_t service_talk_id(const struct service_talk *talk)
{
	return talk->id;
}

struct service_talk *service_find(struct service_control *control, uint64_t id)
{
	struct service_talk *talk = control->first;
	while (talk && talk->id != id)
		talk = talk->next;
	return talk;
}

json_t *service_refusal(const struct err *err)
{
	json_t *sentence = json_string(err->text);
	if (!sentence) { // what it quotes was cut in the midst of a character
		struct err plain = *err;
		for (char *at = plain.text; *at; at++)
			if ((unsigned char)*at >= 0x80)
				*at = '?';
		sentence = json_string(plain.text);
	}
	return json_pack("{s:o}", "error", sentence);
}

// ---- handing over ----

static void refuse(struct service_talk *talk, const char *why)
{
	service_say(talk, json_pack("{s:s}", "error", why));
}

static void give_sockets(struct service_talk *talk)
{
	struct service_control *control = talk->control;
	int files[FILES_MAX];
	const int own = uv_fileno((uv_handle_t *)&control->pipe, &files[0]) == 0;
	const size_t count = control->owner.sockets(control->owner.context, files + own);
	say_files(talk, json_pack("{s:i}", "sockets", (int)count), files, count + (size_t)own);
}

// The socket at `path` is another process's, which has it open.
static void retire(struct service_control *control)
{
	if (control->is_retired)
		return;
	control->is_retired = true;
	uv_close((uv_handle_t *)&control->pipe, on_closed);
}

static void leave(struct service_talk *talk)
{
	const struct service_owner *owner = &talk->control->owner;
	talk->goes_on = false;
	retire(talk->control);
	owner->leave(owner->context, talk);
}

// Whether it was about that.
static bool is_handover(struct service_talk *talk, const json_t *request)
{
	const char *wanted = json_string_value(json_object_get(request, "do"));
	const bool leaves = wanted && strcmp(wanted, "leave") == 0;
	if (!talk->control->owner.sockets || !wanted ||
	    (!leaves && strcmp(wanted, "hand_over") != 0))
		return false;
	if (!service_is_owner(talk))
		refuse(talk, "handing over is not for this user");
	else if (talk->control->is_retired)
		refuse(talk, "another process has taken over already");
	else if (!leaves)
		give_sockets(talk);
	else if (talk->has_sockets)
		leave(talk);
	else
		refuse(talk, "who is to leave hands its sockets over first");
	return true;
}

// ---- questions ----

static void ask(struct service_talk *talk, size_t len)
{
	json_t *request = json_loadb(talk->request, len, JSON_REJECT_DUPLICATES, NULL);
	talk->is_asked = true;
	if (!is_handover(talk, request))
		talk->control->owner.on_request(talk->control->owner.context, talk, request);
	json_decref(request);
}

static void give_room(uv_handle_t *handle, size_t wanted, uv_buf_t *ret)
{
	struct service_talk *talk = handle->data;
	(void)wanted;
	*ret = uv_buf_init(talk->request + talk->have, (unsigned)(REQUEST_MAX - talk->have));
}

static void on_read(uv_stream_t *pipe, ssize_t n, const uv_buf_t *buf)
{
	struct service_talk *talk = pipe->data;
	(void)buf;
	if (n < 0) {
		if (!talk->is_asked)
			end(talk);
		return;
	}
	talk->have += (size_t)n;
	const char *line = memchr(talk->request, '\n', talk->have);
	if (!line && talk->have < REQUEST_MAX)
		return;
	(void)uv_read_stop(pipe);
	if (line)
		ask(talk, (size_t)(line - talk->request));
	else
		end(talk);
}

// The next request by the same connection.
static void hear(struct service_talk *talk)
{
	free(take_ptr(&talk->answer));
	talk->have = 0;
	talk->is_asked = false;
	(void)uv_timer_stop(&talk->timer);
	if (uv_read_start((uv_stream_t *)&talk->pipe, give_room, on_read) < 0)
		end(talk);
}

static void on_timeout(uv_timer_t *timer)
{
	end(timer->data);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct service_control *control = listener->data;
	struct service_talk *talk = status < 0 ? NULL : calloc(1, sizeof(*talk));
	if (!talk)
		return;
	talk->control = control;
	talk->id = ++control->last_id;
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

// ---- beginning and end ----

// Not by uv_pipe_bind(): libuv deletes the path of such a pipe whenever it is closed.
static int listen_at(const char *path, const char *user, struct err *err)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(at.sun_path))
		return err_set(err, -ENAMETOOLONG, "control: %s is too long for a socket", path);
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	CLEAN(close_fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(err, -errno, "control: no socket: %s", strerror(errno));
	(void)unlink(path); // one that was killed leaves it
	// Only root gives it to another's group.
	const struct passwd *other = user && geteuid() == 0 ? getpwnam(user) : NULL;
	mode_t mask = umask(other ? 0117 : 0177);
	int r = bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0 ? -errno : 0;
	(void)umask(mask);
	if (r == 0 && other && lchown(path, 0, other->pw_gid) < 0)
		r = -errno;
	if (r == 0 && listen(fd, BACKLOG) < 0)
		r = -errno;
	if (r < 0)
		return err_set(err, r, "control: cannot listen at %s: %s", path, strerror(-r));
	return take_fd(&fd);
}

int service_open(uv_loop_t *loop, const char *path, const struct service_owner *owner,
		 struct handover *before, struct service_control **ret, struct err *err)
{
	CLEAN(close_fd) int fd = take_fd(&before->control);
	if (fd < 0)
		fd = listen_at(path, owner->user, err);
	if (fd < 0)
		return fd;
	struct service_control *control = calloc(1, sizeof(*control));
	if (!control)
		return err_set(err, -ENOMEM, "out of memory");
	(void)snprintf(control->path, sizeof(control->path), "%s", path);
	control->owner = *owner;
	control->opened_by = geteuid();
	// Until service_begin() it may still be the one before's.
	control->keeps_path = before->talk >= 0;
	(void)uv_pipe_init(loop, &control->pipe, 0);
	control->pipe.data = control;
	int r = uv_pipe_open(&control->pipe, fd);
	if (r < 0) {
		service_close(control);
		return err_set(err, r, "control: cannot listen at %s: %s", path, uv_strerror(r));
	}
	(void)take_fd(&fd);
	*ret = control;
	return 0;
}

int service_begin(struct service_control *control, struct err *err)
{
	int r = control ? uv_listen((uv_stream_t *)&control->pipe, BACKLOG, on_connection) : 0;
	if (r < 0)
		return err_set(err, r, "control: cannot listen at %s: %s", control->path,
			       uv_strerror(r));
	if (control)
		control->keeps_path = false;
	return 0;
}

void service_close(struct service_control *control)
{
	if (!control)
		return;
	if (!control->is_retired && !control->keeps_path)
		(void)unlink(
			control->path); // fails once it is another user; who started it cleans up
	retire(control);
	control->is_over = true;
	while (control->first)
		end(control->first);
	release(control);
}
