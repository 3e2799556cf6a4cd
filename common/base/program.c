#include "base/program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/clock.h"
#include "base/text.h"

static int start(const char *const *argv, int out, pid_t *ret_pid)
{
	posix_spawn_file_actions_t files;
	(void)posix_spawn_file_actions_init(&files);
	(void)posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	(void)posix_spawn_file_actions_adddup2(&files, out, 1);
	(void)posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
	int r = posix_spawnp(ret_pid, argv[0], &files, NULL, (char *const *)argv, environ);
	(void)posix_spawn_file_actions_destroy(&files);
	return -r;
}

// 0 at the end of the output, -ETIMEDOUT.
static int read_all(int fd, int64_t end_ms, size_t limit, struct text *output)
{
	char chunk[8192];
	for (;;) {
		int64_t left = end_ms - clock_mono_ms();
		struct pollfd poller = { .fd = fd, .events = POLLIN };
		if (left <= 0 || poll(&poller, 1, (int)left) == 0)
			return -ETIMEDOUT;
		ssize_t n = read(fd, chunk, sizeof chunk);
		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		size_t room = limit - output->len;
		if (n > 0)
			text_add_bytes(output, chunk, (size_t)n < room ? (size_t)n : room);
	}
}

int program_output(const char *const *argv, int timeout_ms, size_t limit, char **ret_output,
		   struct err *err)
{
	CLEAN(text_free) struct text output = { 0 };
	int fds[2];
	int status = 0;
	pid_t pid;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_set(err, -errno, "cannot make a pipe: %s", strerror(errno));
	CLEAN(close_fd) int in = fds[0];
	int r = start(argv, fds[1], &pid);
	(void)close(fds[1]);
	if (r < 0)
		return err_set(err, r, "cannot run %s: %s", argv[0], strerror(-r));
	r = read_all(in, clock_mono_ms() + timeout_ms, limit, &output);
	if (r < 0)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
	}
	if (r < 0)
		return err_set(err, r, "%s: %s", argv[0], strerror(-r));
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return err_set(err, -ECHILD, "%s failed", argv[0]);
	char *text = text_take(&output);
	if (!text)
		return err_set(err, -ENOMEM, "out of memory");
	*ret_output = text;
	return 0;
}

bool program_is_service(void)
{
	const char *pid = getenv("SYSTEMD_EXEC_PID");
	return pid && atoi(pid) == getpid() && access("/run/systemd/system", F_OK) == 0;
}

void program_beside(const char *name, char *ret, size_t size)
{
	char own[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", own, sizeof own - 1);
	char *slash;
	own[len > 0 ? len : 0] = '\0';
	slash = strrchr(own, '/');
	if (slash)
		slash[1] = '\0';
	(void)snprintf(ret, size, "%s%s", own, name);
}
