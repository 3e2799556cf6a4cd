// weft-sets: changes the kernel's sets of addresses for weft-dns and weft-proxy, which read what
// strangers send and have no right to. It reads nothing but their records (sets/sets.h), and can do
// nothing but change tables.
#include <errno.h>
#include <linux/capability.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/log.h"
#include "loop/notify.h"

#include "kernel/policy_sets.h"
#include "service/about.h"
#include "service/sandbox.h"

static const char usage[] = "usage: weft-sets run SOCKET USER     serves the programs of USER\n"
			    "       weft-sets --help, --version\n";

enum { CLIENTS_MAX = 32, BACKLOG = 8, DUMP_MAX = 1 << 20 };

struct client {
	int fd; // -1: none
	// Of a dump that is being answered; it asks nothing more until then.
	struct sets_record *dump;
	size_t n_dump, sent;
	struct sets_answer answer;
};

struct server {
	int listener;
	struct policy_sets *sets;
	struct client clients[CLIENTS_MAX];
	bool has_failed; // told once, until it goes well again
	_Alignas(8) uint8_t message[SETS_MESSAGE_SIZE];
};

static volatile sig_atomic_t is_over;

static void on_signal(int number)
{
	(void)number;
	is_over = 1;
}

// ---- answers ----

static void end(struct client *client)
{
	(void)close(client->fd);
	free(client->dump);
	*client = (struct client){ .fd = -1 };
}

// False: it cannot be sent now, or never (then the client is gone).
static bool send_answer(struct client *client, const struct sets_answer *answer,
			const struct sets_record *records)
{
	struct iovec parts[] = { { (void *)(uintptr_t)answer, sizeof(*answer) },
				 { (void *)(uintptr_t)records, answer->count * sizeof(*records) } };
	const struct msghdr message = { .msg_iov = parts, .msg_iovlen = ARRAY_LEN(parts) };
	if (sendmsg(client->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
		return true;
	// Who does not take its answers cannot be waited for.
	if (errno != EAGAIN || !client->dump)
		end(client);
	return false;
}

// Sends of a dump what the client takes.
static void send_dump(struct client *client)
{
	while (client->dump) {
		size_t left = client->n_dump - client->sent;
		struct sets_answer answer = client->answer;
		answer.is_more = left > SETS_RECORDS_MAX;
		answer.count = (uint16_t)(answer.is_more ? SETS_RECORDS_MAX : left);
		if (!send_answer(client, &answer, client->dump + client->sent))
			return;
		client->sent += answer.count;
		if (answer.is_more)
			continue;
		free(client->dump);
		client->dump = NULL;
	}
}

// ---- requests ----

struct gathering {
	struct client *client;
	size_t cap;
};

static int gather(void *context, const struct sets_record *record)
{
	struct gathering *gathering = context;
	struct client *client = gathering->client;
	if (client->n_dump == DUMP_MAX)
		return -EFBIG;
	if (client->n_dump == gathering->cap) {
		size_t cap = gathering->cap * 2;
		struct sets_record *grown = reallocarray(client->dump, cap, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		client->dump = grown;
		gathering->cap = cap;
	}
	client->dump[client->n_dump++] = *record;
	return 0;
}

static int read_all(struct server *server, struct client *client, struct err *err)
{
	struct gathering gathering = { .client = client, .cap = SETS_RECORDS_MAX };
	client->n_dump = client->sent = 0;
	client->dump = calloc(gathering.cap, sizeof(*client->dump));
	if (!client->dump)
		return err_set(err, -ENOMEM, "out of memory");
	int r = policy_sets_table(server->sets, &client->answer.table, err);
	if (r == 0)
		r = policy_sets_dump(server->sets, gather, &gathering, err);
	if (r < 0)
		client->n_dump = 0;
	return r;
}

static int act(struct server *server, struct client *client, const struct sets_head *head,
	       struct err *err)
{
	const struct sets_record *records = (const void *)(server->message + sizeof(*head));
	switch (head->what) {
	case SETS_CHANGE:
		return policy_sets_change(server->sets, records, head->count, err);
	case SETS_DUMP:
		return read_all(server, client, err);
	default:
		return policy_sets_table(server->sets, &client->answer.table, err);
	}
}

// One line when it begins to fail, one when it is over.
static void tell(struct server *server, int r, const struct err *err)
{
	bool has_failed = r < 0;
	if (has_failed == server->has_failed)
		return;
	server->has_failed = has_failed;
	if (has_failed)
		log_warn("sets: %s", err->text);
	else
		log_info("sets: they can be changed again");
}

static void serve(struct server *server, struct client *client)
{
	struct sets_head head;
	struct err err = { 0 };
	ssize_t n = recv(client->fd, server->message, sizeof(server->message),
			 MSG_DONTWAIT | MSG_TRUNC);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || !sets_message_is_good(server->message, (size_t)n)) {
		if (n > 0)
			log_warn("sets: a client was sent away: that was no message");
		end(client);
		return;
	}
	memcpy(&head, server->message, sizeof(head));
	client->answer = (struct sets_answer){ .number = head.number };
	client->answer.status = act(server, client, &head, &err);
	tell(server, client->answer.status, &err);
	if (client->dump)
		send_dump(client);
	else
		(void)send_answer(client, &client->answer, NULL);
}

// ---- the loop ----

// The socket's group may have other members.
static bool may_ask(int fd)
{
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(peer);
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

static void take_client(struct server *server)
{
	int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	for (size_t i = 0; i < CLIENTS_MAX && may_ask(fd); i++)
		if (server->clients[i].fd < 0) {
			server->clients[i].fd = fd;
			return;
		}
	(void)close(fd);
}

static void run(struct server *server)
{
	struct pollfd polled[CLIENTS_MAX + 1];
	while (!is_over) {
		for (size_t i = 0; i < CLIENTS_MAX; i++) {
			const struct client *client = &server->clients[i];
			short events = client->dump ? POLLOUT : POLLIN;
			polled[i] = (struct pollfd){ .fd = client->fd, .events = events };
		}
		polled[CLIENTS_MAX] = (struct pollfd){ .fd = server->listener, .events = POLLIN };
		if (poll(polled, ARRAY_LEN(polled), -1) < 0)
			continue; // a signal
		for (size_t i = 0; i < CLIENTS_MAX; i++) {
			struct client *client = &server->clients[i];
			if (polled[i].revents && client->dump)
				send_dump(client);
			else if (polled[i].revents)
				serve(server, client);
		}
		if (polled[CLIENTS_MAX].revents)
			take_client(server);
	}
}

// ---- beginning and end ----

// A socket that programs of the user can connect to, and nobody else but root.
static int listen_at(const char *path, const char *user, struct err *err)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const struct passwd *owner = getpwnam(user); // if there is none the sandbox says so
	if (strlen(path) >= sizeof(at.sun_path))
		return err_set(err, -ENAMETOOLONG, "%s is too long for a socket", path);
	memcpy(at.sun_path, path, strlen(path));
	bool is_shared = geteuid() == 0 && owner;
	CLEAN(close_fd)
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(err, -errno, "no socket: %s", strerror(errno));
	(void)unlink(path); // one that was killed leaves it
	mode_t mask = umask(0117);
	bool is_bound = bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0;
	(void)umask(mask);
	if (!is_bound || (is_shared && lchown(path, 0, owner->pw_gid) < 0) ||
	    listen(fd, BACKLOG) < 0)
		return err_set(err, -errno, "cannot listen at %s: %s", path, strerror(errno));
	return take_fd(&fd);
}

static int start(struct server *server, const char *path, const char *user, struct err *err)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		server->clients[i].fd = -1;
	server->listener = listen_at(path, user, err);
	int r = server->listener < 0 ? server->listener : 0;
	if (r == 0)
		r = sandbox_enter(user, 1u << CAP_NET_ADMIN, err);
	if (r == 0)
		r = policy_sets_open(&server->sets, err);
	return r;
}

static int serve_all(const char *path, const char *user)
{
	static struct server server;
	const struct sigaction stop = { .sa_handler = on_signal };
	struct err err = { 0 };
	(void)sigaction(SIGTERM, &stop, NULL);
	(void)sigaction(SIGINT, &stop, NULL);
	int r = start(&server, path, user, &err);
	if (r < 0) {
		log_error("weft-sets: %s", err.text);
	} else {
		log_info("weft-sets: it listens at %s", path);
		(void)notify_ready();
		run(&server);
		(void)notify_stopping();
	}
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (server.clients[i].fd >= 0)
			end(&server.clients[i]);
	policy_sets_close(server.sets);
	if (server.listener >= 0)
		(void)close(server.listener);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "run") == 0)
		return serve_all(argv[2], argv[3]);
	return service_about("weft-sets", usage, argc, argv);
}
