#include "relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clean.h"

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr = { htonl(INADDR_LOOPBACK) } };
}

static _Noreturn void become_relay(int listener, pid_t box, uint16_t target)
{
	char words[3][16];
	int null = open("/dev/null", O_RDWR);
	(void)setsid();
	if (null < 0 || dup2(listener, 3) < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 ||
	    dup2(null, 2) < 0)
		_exit(1);
	(void)close_range(4, ~0U, 0);
	// Where it was 3 already, dup2 has left it to be closed by the exec.
	(void)fcntl(3, F_SETFD, 0);
	(void)snprintf(words[0], sizeof(words[0]), "%d", 3);
	(void)snprintf(words[1], sizeof(words[1]), "%d", (int)box);
	(void)snprintf(words[2], sizeof(words[2]), "%u", target);
	(void)execl("/proc/self/exe", "weft", "lab", "relay", words[0], words[1], words[2],
		    (char *)NULL);
	_exit(1);
}

int relay_start(uint16_t port, pid_t box, uint16_t target, pid_t *ret_pid, uint16_t *ret_port,
		struct err *err)
{
	struct sockaddr_in at = loopback(port);
	socklen_t len = sizeof(at);
	CLEAN(close_fd) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&at, len) < 0 || listen(fd, 128) < 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &len) < 0)
		return err_set(err, -errno,
			       "cannot listen on 127.0.0.1:%u: %s; choose another with --port",
			       port, strerror(errno));
	(void)fflush(NULL);
	pid_t pid = fork();
	if (pid < 0)
		return err_set(err, -errno, "cannot start the relay: %s", strerror(errno));
	if (pid == 0)
		become_relay(fd, box, target);
	*ret_pid = pid;
	*ret_port = ntohs(at.sin_port);
	return 0;
}

struct leg {
	int client;
	uint16_t target;
};

static bool pump(int from, int to)
{
	char chunk[16384];
	ssize_t n = read(from, chunk, sizeof(chunk));
	if (n <= 0) {
		(void)shutdown(to, SHUT_WR);
		return false;
	}
	for (ssize_t sent = 0; sent < n;) {
		ssize_t m = send(to, chunk + sent, (size_t)(n - sent), MSG_NOSIGNAL);
		if (m <= 0)
			return false;
		sent += m;
	}
	return true;
}

static void *carry(void *arg)
{
	CLEAN(free_ptr) struct leg *leg = arg;
	CLEAN(close_fd) int client = leg->client;
	CLEAN(close_fd) int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in at = loopback(leg->target);
	if (server < 0 || connect(server, (struct sockaddr *)&at, sizeof(at)) < 0)
		return NULL;
	struct pollfd both[2] = { { .fd = client, .events = POLLIN },
				  { .fd = server, .events = POLLIN } };
	while (both[0].fd >= 0 || both[1].fd >= 0) {
		if (poll(both, 2, -1) < 0 && errno != EINTR)
			break;
		if (both[0].fd >= 0 && both[0].revents && !pump(client, server))
			both[0].fd = -1;
		// Once the server has ended, there is nothing left to wait for.
		if (both[1].fd >= 0 && both[1].revents && !pump(server, client))
			break;
	}
	return NULL;
}

int relay_main(int listener, pid_t box, uint16_t target)
{
	char path[64];
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)box);
	CLEAN(close_fd) int net = open(path, O_RDONLY | O_CLOEXEC);
	// The listening socket stays where it was made; sockets made from here on are the box's.
	if (net < 0 || setns(net, CLONE_NEWNET) < 0)
		return 1;
	for (;;) {
		int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (client < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (client < 0)
			return 1;
		struct leg *leg = malloc(sizeof(*leg));
		pthread_t thread;
		if (!leg) {
			(void)close(client);
			continue;
		}
		*leg = (struct leg){ client, target };
		if (pthread_create(&thread, NULL, carry, leg) != 0) {
			(void)close(client);
			free(leg);
			continue;
		}
		(void)pthread_detach(thread);
	}
}
