// What `systemctl reload` does. A process that takes another's place is started by a grandchild, so
// that it is systemd's own child from its first moment: systemd learns at once of its end, as of
// any main process's. It is announced (MAINPID=) while the one before still serves, and only then
// told to take over: whoever is killed meanwhile, systemd finds no main process or a serving one.
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/log.h"
#include "loop/notify.h"

#include "service/identity.h"
#include "service/program.h"
#include "service/service.h"

CLEAN_FUNC(json_t, json_decref)

enum {
	READY_MS = 60000, // lists of millions of names are read until then
	NOTED_MS = 5000,  // systemd takes to look at another process
	DONE_MS = 10000,
};

// ---- asking the one that serves ----

static void take_answer(void *context, const json_t *answer, const char *why)
{
	json_t **ret = context;
	(void)why;
	*ret = answer ? json_deep_copy(answer) : NULL;
}

// The answer to {"do": what}; NULL: nobody answers.
static json_t *ask(const struct service_at *at, const char *what)
{
	json_t *answer = NULL;
	uv_loop_t loop;
	if (uv_loop_init(&loop) < 0)
		return NULL;
	(void)service_ask(&loop, at, json_pack("{s:s}", "do", what), take_answer, &answer);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&loop);
	return answer;
}

// ---- starting another ----

static bool is_readable(int fd, int timeout_ms)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	return poll(&poller, 1, timeout_ms) == 1;
}

static void be_successor(const struct service_program *program, const char *path, int starter)
{
	CLEAN(close_fd) int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (nothing >= 0)
		(void)dup2(nothing, STDIN_FILENO);
	(void)setsid();
	exit(service_succeed(program, path, starter));
}

// Starts it and returns the end of a socket pair that it listens to.
static int start(const struct service_program *program, const char *path, struct err *err)
{
	int ends[2], status;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_set(err, -errno, "no socket pair: %s", strerror(errno));
	const pid_t middle = fork();
	if (middle == 0) {
		(void)close(ends[0]);
		if (fork() == 0)
			be_successor(program, path, ends[1]);
		_exit(EXIT_SUCCESS);
	}
	(void)close(ends[1]);
	if (middle < 0) {
		(void)close(ends[0]);
		return err_set(err, -EAGAIN, "no process can be started");
	}
	while (waitpid(middle, &status, 0) < 0 && errno == EINTR) {
	}
	return ends[0];
}

static int replace(const struct service_program *program, const char *path, struct err *err)
{
	CLEAN(close_fd) int successor = start(program, path, err);
	char rest;
	pid_t pid = 0;
	if (successor < 0)
		return successor;
	if (!is_readable(successor, READY_MS) ||
	    read(successor, &pid, sizeof(pid)) != (ssize_t)sizeof(pid))
		return err_set(err, -ECHILD,
			       "the new process does not come up: the old one goes on");
	(void)notify_main_pid(pid);
	(void)notify_barrier(NOTED_MS);
	if (write(successor, "", 1) != 1)
		return err_set(err, -ECHILD, "the new process has ended");
	if (!is_readable(successor, DONE_MS) || read(successor, &rest, 1) != 1)
		return err_set(err, -ECHILD, "the new process does not take over");
	log_info("%s: process %d has taken over", program->name, (int)pid);
	return 0;
}

// ---- deciding ----

// The path of the control socket, of a configuration that may be bad in every other respect.
static json_t *control_of(const char *path, struct err *err)
{
	json_error_t error;
	CLEAN(json_decref_ptr) json_t *file = json_load_file(path, 0, &error);
	json_t *control = json_object_get(file, "control");
	if (!file)
		(void)err_set(err, -EINVAL, "%s: line %d: %s", path, error.line, error.text);
	else if (!json_is_string(control))
		(void)err_set(err, -EINVAL, "%s: control: without it no process can be found",
			      path);
	return json_is_string(control) ? json_incref(control) : NULL;
}

static int reload(const struct service_program *program, const char *path, struct err *err)
{
	char own[IDENTITY_SIZE];
	CLEAN(json_decref_ptr) json_t *control = control_of(path, err);
	const struct service_at at = { .program = program->name,
				       .path = json_string_value(control) };
	if (!control)
		return -EINVAL;
	CLEAN(json_decref_ptr) json_t *status = ask(&at, "status");
	const char *other = json_string_value(json_object_get(status, "program"));
	if (!status)
		return err_set(err, -ESRCH, "none is running that could be reloaded");
	if (!other)
		return err_set(err, -EPROTO,
			       "the one that runs is too old to hand over: it has to be restarted");
	identity_of_self(own);
	if (strcmp(own, other) != 0)
		return replace(program, path, err);
	CLEAN(json_decref_ptr) json_t *answer = ask(&at, "reload");
	return answer ? 0 : err_set(err, -ESRCH, "it ends");
}

int service_reload(const struct service_program *program, const char *path)
{
	struct err err = { 0 };
	int r = reload(program, path, &err);
	if (r < 0)
		log_error("%s: %s", program->name, err.text);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
