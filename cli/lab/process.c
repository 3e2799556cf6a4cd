#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/file.h"
#include "base/text.h"

static int enter_net(pid_t pid)
{
	char path[64];
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	CLEAN(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 || setns(fd, CLONE_NEWNET) < 0 ? -errno : 0;
}

// In the child: never returns.
static _Noreturn void child(const char *const *argv, const struct process_options *o,
			    const int fds[3])
{
	if (o->net_of && enter_net(o->net_of) < 0) {
		(void)dprintf(fds[2], "cannot enter the network of process %d\n", (int)o->net_of);
		_exit(125);
	}
	for (int i = 0; i < 3; i++) {
		if (dup2(fds[i], i) < 0)
			_exit(125);
	}
	for (const char *const *e = o->environment; e && *e; e++) {
		if (putenv((char *)*e) != 0)
			_exit(125);
	}
	(void)execvp(argv[0], (char *const *)argv);
	(void)dprintf(STDERR_FILENO, "cannot run %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

// A temporary file without a name, for what goes in and out of a program: no pipe can fill up.
static int scratch(const char *content)
{
	FILE *f = tmpfile();
	if (!f)
		return -errno;
	if (content)
		(void)fputs(content, f);
	int fd = fflush(f) == 0 ? fcntl(fileno(f), F_DUPFD_CLOEXEC, 3) : -1;
	(void)fclose(f);
	if (fd >= 0)
		(void)lseek(fd, 0, SEEK_SET);
	return fd;
}

static char *slurp(int fd)
{
	struct text t = { 0 };
	char chunk[4096];
	ssize_t n = 0;
	(void)lseek(fd, 0, SEEK_SET);
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		text_add_bytes(&t, chunk, (size_t)n);
	return text_take(&t);
}

// The lines of `text` as one: `weft apply` says first which field it is, and last that nothing was
// changed.
static const char *one_line(char *text)
{
	size_t len = strlen(text);
	while (len > 0 && text[len - 1] == '\n')
		text[--len] = '\0';
	for (char *feed = text; (feed = strchr(feed, '\n'));)
		*feed = ';';
	return text;
}

static int wait_for(pid_t pid, const char *program, int errors, int *ret_status, struct err *err)
{
	int status = 0;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return err_set(err, -errno, "cannot wait for %s: %s", program,
				       strerror(errno));
	}
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	if (ret_status)
		*ret_status = code;
	if (code == 0)
		return 0;
	CLEAN(free_ptr) char *said = slurp(errors);
	return err_set(err, -ECHILD, "%s: %s", program,
		       said && *said ? one_line(said) : "failed without a word");
}

int process_run(const char *const *argv, const struct process_options *options, int *ret_status,
		struct err *err)
{
	static const struct process_options none = { 0 };
	const struct process_options *o = options ? options : &none;
	CLEAN(close_fd) int in = scratch(o->input);
	CLEAN(close_fd) int out = scratch(NULL);
	CLEAN(close_fd) int errors = scratch(NULL);
	if (in < 0 || out < 0 || errors < 0)
		return err_set(err, -EIO, "cannot make a temporary file: %s", strerror(errno));
	(void)fflush(NULL);
	pid_t pid = fork();
	if (pid < 0)
		return err_set(err, -errno, "cannot start %s: %s", argv[0], strerror(errno));
	if (pid == 0)
		child(argv, o, (const int[]){ in, out, errors });
	int r = wait_for(pid, argv[0], errors, ret_status, err);
	if (r == 0 && o->ret_output) {
		*o->ret_output = slurp(out);
		if (!*o->ret_output)
			r = err_set(err, -ENOMEM, "out of memory");
	}
	return r;
}

int process_ip(pid_t net_of, const char *script, struct err *err)
{
	const char *argv[] = { "ip", "-batch", "-", NULL };
	struct process_options o = { .net_of = net_of, .input = script };
	int r = process_run(argv, &o, NULL, err);
	return r ? err_prefix(err, "setting up the lab's network") : 0;
}

int process_nft(pid_t net_of, const char *script, struct err *err)
{
	const char *argv[] = { "nft", "-f", "-", NULL };
	struct process_options o = { .net_of = net_of, .input = script };
	return process_run(argv, &o, NULL, err);
}

unsigned long long process_start_time(pid_t pid)
{
	char path[64];
	CLEAN(free_ptr) char *stat = NULL;
	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (file_read(path, 8192, &stat, NULL, NULL) < 0)
		return 0;
	// The name in field 2 is in brackets and may hold anything; field 3 begins behind the last
	// one.
	const char *at = strrchr(stat, ')');
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at + 1, NULL, 10) : 0;
}

int process_program_dir(char *buf, size_t size, struct err *err)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	if (n < 0)
		return err_set(err, -errno, "cannot tell where this program lies: %s",
			       strerror(errno));
	path[n] = '\0';
	*strrchr(path, '/') = '\0';
	if ((size_t)snprintf(buf, size, "%s", path) >= size)
		return err_set(err, -ENAMETOOLONG, "the path %s is too long", path);
	return 0;
}
