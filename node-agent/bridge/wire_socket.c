#include "bridge/wire_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clean.h"

enum { FRAMES_AT_ONCE = 64 };

struct wire_socket {
	uv_poll_t poll;
	int fd;
	int index;
	uint8_t mac[6];
	wire_socket_fn heard;
	void *context;
};

// Destination 01:80:c2:00:00:00; whatever else passes over the wire costs these three instructions.
static struct sock_filter only_bpdus[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x0180c200, 0, 3),
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 4),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x0000, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, 0xffff),
	BPF_STMT(BPF_RET | BPF_K, 0),
};

static void on_readable(uv_poll_t *poll, int status, int events);

// A device that goes down leaves an error in its sockets, upon which the loop gives up a handle;
// the socket hears again when the device is up.
static void go_on(struct wire_socket *s)
{
	int error = 0;
	socklen_t len = sizeof error;

	(void)getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	(void)uv_poll_start(&s->poll, UV_READABLE, on_readable);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct wire_socket *s = poll->data;
	uint8_t frame[2048];
	struct bpdu bpdu;

	(void)events;
	if (status < 0) {
		go_on(s);
		return;
	}
	for (int i = 0; i < FRAMES_AT_ONCE && !uv_is_closing((uv_handle_t *)poll); i++) {
		struct sockaddr_ll from = { 0 };
		socklen_t len = sizeof from;
		const ssize_t n = recvfrom(s->fd, frame, sizeof frame, MSG_DONTWAIT,
					   (struct sockaddr *)&from, &len);

		if (n < 0)
			return;
		if (from.sll_pkttype != PACKET_OUTGOING &&
		    bpdu_frame_decode(frame, (size_t)n, &bpdu, NULL) == 0)
			s->heard(s->context, &bpdu);
	}
}

// The filter stands before the device does, so that nothing else ever waits in the socket.
static int open_socket(int index, struct err *err)
{
	const struct sock_fprog filter = { ARRAY_LEN(only_bpdus), only_bpdus };
	const struct sockaddr_ll at = { .sll_family = AF_PACKET,
					.sll_protocol = htons(ETH_P_ALL),
					.sll_ifindex = index };
	CLEAN(close_fd) int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) < 0 ||
	    bind(fd, (const struct sockaddr *)&at, sizeof at) < 0)
		return err_set(err, -errno, "no packet socket for the spanning tree: %s",
			       strerror(errno));
	return take_fd(&fd);
}

int wire_socket_open(uv_loop_t *loop, int index, const uint8_t mac[6], wire_socket_fn heard,
		     void *context, struct wire_socket **ret, struct err *err)
{
	CLEAN(free_ptr) struct wire_socket *s = calloc(1, sizeof *s);

	if (!s)
		return err_set(err, -ENOMEM, "out of memory");
	s->fd = open_socket(index, err);
	if (s->fd < 0)
		return s->fd;
	s->index = index;
	s->heard = heard;
	s->context = context;
	memcpy(s->mac, mac, sizeof s->mac);
	(void)uv_poll_init(loop, &s->poll, s->fd);
	s->poll.data = s;
	(void)uv_poll_start(&s->poll, UV_READABLE, on_readable);
	*ret = take_ptr(&s);
	return 0;
}

void wire_socket_send(struct wire_socket *s, const struct bpdu *bpdu)
{
	uint8_t frame[BPDU_FRAME_MAX];
	const struct sockaddr_ll to = { .sll_family = AF_PACKET,
					.sll_ifindex = s->index,
					.sll_halen = 6 };
	const size_t size = bpdu_frame_encode(bpdu, s->mac, frame);

	(void)sendto(s->fd, frame, size, MSG_DONTWAIT, (const struct sockaddr *)&to, sizeof to);
}

static void on_closed(uv_handle_t *handle)
{
	struct wire_socket *s = handle->data;

	(void)close(s->fd);
	free(s);
}

void wire_socket_close(struct wire_socket *s)
{
	if (!s)
		return;
	(void)uv_poll_stop(&s->poll);
	uv_close((uv_handle_t *)&s->poll, on_closed);
}
