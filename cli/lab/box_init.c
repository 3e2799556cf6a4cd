// The first process of a box: lays the mounts, then keeps one service running and reaps what is
// orphaned.
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/file.h"
#include "base/log.h"

#include "box.h"
#include "process.h"

enum { RESTART_AFTER_S = 1 };

struct init {
	int dir; // of the box's files, opened before /run was hidden
	char program_dir[PATH_MAX];
	pid_t service; // 0: none runs
};

// Lays a copy-on-write copy over `target`, with what changes kept in the box's directory.
static int mount_own(const char *box, const char *target, struct err *err)
{
	char upper[PATH_MAX];
	char work[PATH_MAX];
	char options[3 * PATH_MAX];
	(void)snprintf(upper, sizeof(upper), "%s%s", box, target);
	(void)snprintf(work, sizeof(work), "%s/work%s", box, target);
	int r = file_make_dirs(upper, 0755, err);
	if (!r)
		r = file_make_dirs(work, 0755, err);
	if (r)
		return r;
	(void)snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%s,workdir=%s", target,
		       upper, work);
	if (mount("weft-lab", target, "overlay", 0, options) < 0)
		return err_set(err, -errno, "cannot lay a copy over %s: %s", target,
			       strerror(errno));
	return 0;
}

static int mount_all(const char *box, struct err *err)
{
	static const struct {
		const char *type;
		const char *target;
		const char *options;
	} fresh[] = {
		{ "tmpfs", "/run", "mode=755" },
		{ "proc", "/proc", NULL },
		{ "sysfs", "/sys", NULL },
	};
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_set(err, -errno, "cannot make the mounts private: %s", strerror(errno));
	int r = mount_own(box, "/etc", err);
	if (!r)
		r = mount_own(box, "/var", err);
	for (size_t i = 0; i < ARRAY_LEN(fresh) && !r; i++) {
		if (mount("weft-lab", fresh[i].target, fresh[i].type, 0, fresh[i].options) < 0)
			r = err_set(err, -errno, "cannot mount %s: %s", fresh[i].target,
				    strerror(errno));
	}
	if (!r && mkdir("/run/wireguard", 0700) < 0)
		r = err_set(err, -errno, "cannot make /run/wireguard: %s", strerror(errno));
	return r;
}

// The service's argv, as DIR/service has it now; an empty list when there is none.
static json_t *read_service(const struct init *init)
{
	CLEAN(close_fd) int fd = openat(init->dir, "service", O_RDONLY | O_CLOEXEC);
	json_t *list = fd < 0 ? NULL : json_loadfd(fd, 0, NULL);
	return list ? list : json_array();
}

static void start_service(struct init *init)
{
	json_auto_t *list = read_service(init);
	char *argv[32] = { 0 };
	for (size_t i = 0; i < json_array_size(list) && i < ARRAY_LEN(argv) - 1; i++)
		argv[i] = (char *)json_string_value(json_array_get(list, i));
	if (!argv[0])
		return;
	pid_t pid = fork();
	if (pid == 0) {
		sigset_t none;
		(void)sigemptyset(&none);
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		char path[2 * PATH_MAX];
		(void)snprintf(path, sizeof(path), "%s:/usr/sbin:/usr/bin:/sbin:/bin",
			       init->program_dir);
		(void)setenv("PATH", path, 1);
		(void)execvp(argv[0], argv);
		log_error("cannot run %s: %s", argv[0], strerror(errno));
		_exit(127);
	}
	init->service = pid > 0 ? pid : 0;
}

static void reap_all(struct init *init)
{
	for (pid_t pid; (pid = waitpid(-1, NULL, WNOHANG)) > 0;) {
		if (pid != init->service)
			continue;
		init->service = 0;
		(void)alarm(RESTART_AFTER_S);
	}
}

// As the first of its PID namespace this process gets only the signals it waits for.
static void serve(struct init *init)
{
	sigset_t waited;
	(void)sigemptyset(&waited);
	(void)sigaddset(&waited, SIGHUP);
	(void)sigaddset(&waited, SIGCHLD);
	(void)sigaddset(&waited, SIGALRM);
	(void)sigprocmask(SIG_BLOCK, &waited, NULL);
	for (;;) {
		int signal_number = sigwaitinfo(&waited, NULL);
		if (signal_number == SIGCHLD)
			reap_all(init);
		else if (signal_number == SIGHUP && init->service)
			(void)kill(init->service, SIGTERM);
		else if ((signal_number == SIGALRM || signal_number == SIGHUP) && !init->service)
			start_service(init);
	}
}

int box_main(const char *dir, const char *name)
{
	char box[PATH_MAX];
	char comm[16];
	struct err err;
	struct init init = { 0 };
	(void)snprintf(box, sizeof(box), "%s/%s", dir, name);
	(void)snprintf(comm, sizeof(comm), "lab:%s", name);
	(void)prctl(PR_SET_NAME, comm);
	(void)umask(022);
	init.dir = open(box, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = init.dir < 0 ? err_set(&err, -errno, "cannot open %s: %s", box, strerror(errno))
			     : 0;
	if (!r)
		r = process_program_dir(init.program_dir, sizeof(init.program_dir), &err);
	if (!r && sethostname(name, strlen(name)) < 0)
		r = err_set(&err, -errno, "sethostname: %s", strerror(errno));
	if (!r)
		r = mount_all(box, &err);
	if (!r)
		r = process_ip(0, "link set lo up\n", &err);
	CLEAN(close_fd)
	int ready = r ? -1 : openat(init.dir, "ready", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (ready < 0) {
		log_error("box %s: %s", name, r ? err.text : strerror(errno));
		return 1;
	}
	serve(&init);
	return 0;
}
