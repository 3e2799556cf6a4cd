#include "box.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/clock.h"
#include "base/file.h"

#include "process.h"

enum {
	BOX_NAMESPACES = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWUTS,
	BOX_READY_MS = 10000
};

// In the child, first process of the new namespaces: becomes `weft lab box DIR NAME`.
static _Noreturn void become_box(const char *dir, const char *name)
{
	char log[PATH_MAX];
	(void)snprintf(log, sizeof(log), "%s/%s/log", dir, name);
	int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
	int in = open("/dev/null", O_RDONLY);
	(void)setsid();
	if (in < 0 || out < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(1);
	(void)close_range(3, ~0U, 0);
	(void)execl("/proc/self/exe", "weft", "lab", "box", dir, name, (char *)NULL);
	_exit(1);
}

static bool is_there(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0;
}

static void nap_ms(long ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
	(void)nanosleep(&t, NULL);
}

static int await_ready(const char *dir, const char *name, pid_t pid, struct err *err)
{
	char ready[PATH_MAX];
	(void)snprintf(ready, sizeof(ready), "%s/%s/ready", dir, name);
	for (int64_t end = clock_mono_ms() + BOX_READY_MS; clock_mono_ms() < end; nap_ms(10)) {
		if (is_there(ready))
			return 0;
		if (waitpid(pid, NULL, WNOHANG) == pid)
			break;
	}
	return err_set(err, -ECHILD, "the box %s did not come up; %s/%s/log says why", name, dir,
		       name);
}

int box_start(const char *dir, const char *name, pid_t *ret_pid, struct err *err)
{
	char path[PATH_MAX];
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	int r = file_make_dirs(path, 0755, err);
	if (r)
		return r;
	(void)fflush(NULL);
	// The raw call: fork() with new namespaces. Nothing but async-signal-safe calls happen
	// before the exec.
	pid_t pid = (pid_t)syscall(SYS_clone, (unsigned long)BOX_NAMESPACES | SIGCHLD, NULL, NULL,
				   NULL, 0UL);
	if (pid < 0)
		return err_set(err, -errno, "cannot make namespaces for %s: %s", name,
			       strerror(errno));
	if (pid == 0)
		become_box(dir, name);
	r = await_ready(dir, name, pid, err);
	if (r)
		(void)kill(pid, SIGKILL);
	else
		*ret_pid = pid;
	return r;
}

int box_serve(const char *dir, const char *name, pid_t pid, const char *const *argv,
	      struct err *err)
{
	json_auto_t *list = json_array();
	for (; argv && *argv; argv++)
		(void)json_array_append_new(list, json_string(*argv));
	CLEAN(free_ptr) char *text = json_dumps(list, JSON_COMPACT);
	char path[PATH_MAX];
	(void)snprintf(path, sizeof(path), "%s/%s/service", dir, name);
	if (!text)
		return err_set(err, -ENOMEM, "out of memory");
	int r = file_replace(path, text, strlen(text), 0644, err);
	if (r == 0 && kill(pid, SIGHUP) < 0)
		r = err_set(err, -errno, "the box %s is gone", name);
	return r;
}

// Joins every namespace of the box. The PID namespace holds for children only.
static int enter(pid_t pid)
{
	static const struct {
		const char *name;
		int flag;
	} spaces[] = { { "uts", CLONE_NEWUTS },
		       { "net", CLONE_NEWNET },
		       { "pid", CLONE_NEWPID },
		       { "mnt", CLONE_NEWNS } };
	int fds[ARRAY_LEN(spaces)];
	for (size_t i = 0; i < ARRAY_LEN(spaces); i++) {
		char path[64];
		(void)snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, spaces[i].name);
		fds[i] = open(path, O_RDONLY | O_CLOEXEC);
		if (fds[i] < 0)
			return -errno;
	}
	for (size_t i = 0; i < ARRAY_LEN(spaces); i++) {
		if (setns(fds[i], spaces[i].flag) < 0)
			return -errno;
		(void)close(fds[i]);
	}
	return 0;
}

static _Noreturn void exec_inside(pid_t pid, char *const *argv)
{
	char dir[PATH_MAX];
	char path[2 * PATH_MAX];
	const char *old = getenv("PATH");
	if (process_program_dir(dir, sizeof(dir), NULL) == 0 &&
	    (size_t)snprintf(path, sizeof(path), "%s:%s", dir,
			     old ? old : "/usr/sbin:/usr/bin:/sbin:/bin") < sizeof(path))
		(void)setenv("PATH", path, 1);
	int r = enter(pid);
	if (r < 0) {
		(void)dprintf(STDERR_FILENO, "cannot enter the box: %s\n", strerror(-r));
		_exit(125);
	}
	// A second fork: only a child is inside the PID namespace.
	pid_t inner = fork();
	if (inner == 0) {
		if (chdir("/") == 0)
			(void)execvp(argv[0], argv);
		(void)dprintf(STDERR_FILENO, "cannot run %s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	int status = 0;
	while (inner > 0 && waitpid(inner, &status, 0) < 0 && errno == EINTR) {
	}
	_exit(inner < 0 ? 125 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static int reap(pid_t child)
{
	int status = 0;
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int box_exec(pid_t pid, char *const *argv, struct err *err)
{
	(void)fflush(NULL);
	pid_t child = fork();
	if (child < 0)
		return err_set(err, -errno, "cannot start a process: %s", strerror(errno));
	if (child == 0)
		exec_inside(pid, argv);
	// Interrupts are for the program inside.
	(void)signal(SIGINT, SIG_IGN);
	int status = reap(child);
	(void)signal(SIGINT, SIG_DFL);
	return status;
}

int box_run(pid_t pid, const char *const *argv, char **ret_output, struct err *err)
{
	char program[PATH_MAX];
	char number[16];
	int r = process_program_dir(program, sizeof(program) - 8, err);
	if (r)
		return r;
	(void)strcat(program, "/weft");
	(void)snprintf(number, sizeof(number), "%d", (int)pid);
	const char *all[32] = { program, "lab", "enter", number };
	size_t n = 4;
	for (; *argv && n < ARRAY_LEN(all) - 1; argv++)
		all[n++] = *argv;
	struct process_options o = { .ret_output = ret_output };
	return process_run(all, &o, NULL, err);
}

void box_stop(pid_t pid, unsigned long long start_time)
{
	// The pid may be somebody else's by now.
	if (pid <= 1 || start_time == 0 || process_start_time(pid) != start_time)
		return;
	(void)kill(pid, SIGKILL);
	for (int64_t end = clock_mono_ms() + 5000; clock_mono_ms() < end; nap_ms(5)) {
		(void)waitpid(pid, NULL, WNOHANG);
		if (process_start_time(pid) != start_time)
			return;
	}
}
