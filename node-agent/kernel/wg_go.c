#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/program.h"
#include "base/text.h"

#include "kernel/route_messages.h"
#include "kernel/wg_backend.h"
#include "kernel/wg_messages.h"

#define UAPI_DIR     "/var/run/wireguard"
#define ANSWER_LIMIT (8u << 20)
#define ANSWER_MS    2000
#define APPEAR_MS    5000
#define DISAPPEAR_MS 1000

static void socket_path(const char *device, char *ret, size_t size)
{
	(void)snprintf(ret, size, UAPI_DIR "/%s.sock", device);
}

// wireguard-go makes the device, so that the device cannot bear a mark from its first moment; this
// file does instead.
static void mark_path(const char *device, char *ret, size_t size)
{
	(void)snprintf(ret, size, UAPI_DIR "/%s.weft", device);
}

static int mark(const char *device, struct err *err)
{
	char path[108];

	mark_path(device, path, sizeof path);
	(void)mkdir(UAPI_DIR, 0755); // as wireguard-go does, which comes later
	CLEAN(close_fd) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(err, -errno, "cannot create %s: %s", path, strerror(errno));
	return 0;
}

static void unmark(const char *device)
{
	char path[108];

	mark_path(device, path, sizeof path);
	(void)unlink(path);
}

static bool is_unfinished(const char *device)
{
	char path[108];

	mark_path(device, path, sizeof path);
	return access(path, F_OK) == 0;
}

static int uapi_connect(const char *device, int *ret_fd, struct err *err)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const struct timeval wait = { .tv_sec = ANSWER_MS / 1000 };
	CLEAN(close_fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_set(err, -errno, "no socket: %s", strerror(errno));
	socket_path(device, to.sun_path, sizeof to.sun_path);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
	if (connect(fd, (const struct sockaddr *)&to, sizeof to) < 0)
		return err_set(err, -errno, "wireguard-go does not answer at %s: %s", to.sun_path,
			       strerror(errno));
	*ret_fd = take_fd(&fd);
	return 0;
}

static int uapi_send(int fd, const char *data, size_t len, struct err *err)
{
	while (len) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, -errno, "wireguard-go: %s", strerror(errno));
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

// An answer ends with an empty line; the connection stays open behind it.
static bool answer_is_whole(const struct text *t)
{
	return (t->len >= 2 && memcmp(t->data + t->len - 2, "\n\n", 2) == 0) ||
	       (t->len == 1 && t->data[0] == '\n');
}

static int uapi_receive(int fd, struct text *answer, struct err *err)
{
	char chunk[4096];

	while (!answer_is_whole(answer)) {
		ssize_t n = recv(fd, chunk, sizeof chunk, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, -errno, "wireguard-go: %s", strerror(errno));
		if (n == 0)
			return err_set(err, -EPIPE, "wireguard-go ended its answer early");
		text_add_bytes(answer, chunk, (size_t)n);
		explicit_bzero(chunk, (size_t)n);
		if (answer->failed || answer->len > ANSWER_LIMIT)
			return err_set(err, -EMSGSIZE, "wireguard-go's answer is too long");
	}
	return 0;
}

// Both directions may carry the private key.
static void text_wipe(struct text *t)
{
	if (t->data)
		explicit_bzero(t->data, t->len);
	text_free(t);
}

static int uapi_talk(const char *device, const struct text *request, struct text *answer,
		     struct err *err)
{
	CLEAN(close_fd) int fd = -1;

	if (request->failed)
		return err_set(err, -ENOMEM, "out of memory");
	int rc = uapi_connect(device, &fd, err);
	if (rc == 0)
		rc = uapi_send(fd, request->data, request->len, err);
	if (rc == 0)
		rc = uapi_receive(fd, answer, err);
	return rc;
}

static int read_device(struct wg_host *host, const char *device, struct kernel_wg *ret,
		       struct err *err)
{
	CLEAN(text_free) struct text request = { 0 };
	CLEAN(text_wipe) struct text answer = { 0 };
	struct kernel_wg wg = { 0 };

	(void)host;
	text_add(&request, "get=1\n\n");
	int rc = uapi_talk(device, &request, &answer, err);
	if (rc < 0)
		return rc;
	rc = uapi_get_parse(answer.data, &wg);
	if (rc < 0) {
		kernel_wg_done(&wg);
		return err_set(err, rc, "wireguard-go for %s: %s", device, strerror(-rc));
	}
	(void)snprintf(wg.device, sizeof wg.device, "%s", device);
	*ret = wg;
	return 0;
}

static int change(struct wg_host *host, const char *device, const struct kernel_wg_change *c,
		  struct err *err)
{
	CLEAN(text_wipe) struct text request = { 0 };
	CLEAN(text_free) struct text answer = { 0 };

	(void)host;
	unmark(device); // it has its alias by now
	uapi_set_format(&request, c);
	int rc = uapi_talk(device, &request, &answer, err);
	if (rc < 0)
		return rc;
	rc = uapi_set_parse(answer.data);
	return rc < 0 ? err_set(err, rc, "wireguard-go for %s: %s", device, strerror(-rc)) : 0;
}

// Runs a program in a session of its own, its output thrown away, and waits for it. wireguard-go
// goes on in the background by itself and returns once its device and socket stand.
static int run_program(const char *program, const char *first, const char *second, struct err *err)
{
	char *const argv[] = { (char *)program, (char *)first, (char *)second, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int status = 0;
	pid_t pid;

	(void)posix_spawn_file_actions_init(&files);
	(void)posix_spawnattr_init(&attr);
	for (int fd = 0; fd < 3; fd++)
		(void)posix_spawn_file_actions_addopen(&files, fd, "/dev/null", O_RDWR, 0);
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID);
	int rc = posix_spawnp(&pid, argv[0], &files, &attr, argv, environ);
	(void)posix_spawn_file_actions_destroy(&files);
	(void)posix_spawnattr_destroy(&attr);
	if (rc)
		return err_set(err, -rc, "cannot start %s: %s", argv[0], strerror(rc));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR) // ECHILD: somebody else collects the children; the socket tells
			return 0;
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return err_set(err, -EIO, "%s failed with status %d", argv[0],
			       WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	return 0;
}

static void unit_name(const char *device, char *ret, size_t size)
{
	(void)snprintf(ret, size, "weft-wireguard@%s.service", device);
}

// The process sets the device's MTU to its default as it starts; once it answers, it leaves the
// device alone.
static bool answers(const char *device)
{
	struct kernel_wg wg;

	if (!if_nametoindex(device) || read_device(NULL, device, &wg, NULL) < 0)
		return false;
	kernel_wg_done(&wg);
	return true;
}

static int create(struct wg_host *host, const char *device, struct err *err)
{
	char unit[64], path[108];
	const int64_t deadline = clock_mono_ms() + APPEAR_MS;

	unit_name(device, unit, sizeof unit);
	socket_path(device, path, sizeof path);
	(void)unlink(path); // left by a process that was killed; a living one would have a device
	int rc = mark(device, err);
	if (rc < 0)
		return rc;
	if (program_is_service())
		rc = run_program("systemctl", "restart", unit, err);
	else
		rc = run_program(host->program, device, NULL, err);
	if (rc < 0) {
		unmark(device);
		return rc;
	}
	while (!answers(device)) {
		if (clock_mono_ms() > deadline)
			return err_set(err, -ETIMEDOUT, "wireguard-go made no device %s in %d s",
				       device, APPEAR_MS / 1000);
		(void)poll(NULL, 0, 10);
	}
	return 0;
}

// A wireguard-go whose device is gone ends by itself and takes its socket along.
static int destroy(struct wg_host *host, const char *device, struct err *err)
{
	_Alignas(8) char buf[NETLINK_REQUEST_SIZE];
	const unsigned index = if_nametoindex(device);
	const int64_t deadline = clock_mono_ms() + DISAPPEAR_MS;
	char path[108], unit[64];
	int rc = 0;

	if (index)
		rc = netlink_talk(host->route, link_delete_build(buf, (int)index), NULL, NULL, err);
	if (rc < 0)
		return rc;
	socket_path(device, path, sizeof path);
	while (access(path, F_OK) == 0 && clock_mono_ms() < deadline)
		(void)poll(NULL, 0, 10);
	(void)unlink(path);
	unmark(device);
	unit_name(device, unit, sizeof unit);
	if (program_is_service())
		(void)run_program("systemctl", "stop", unit, NULL);
	return 0;
}

const struct wg_backend wg_backend_go = {
	.name = "wireguard-go",
	.kind = "tun",
	.create = create,
	.destroy = destroy,
	.read = read_device,
	.change = change,
	.is_unfinished = is_unfinished,
};
