#include "probe/gate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "probe/icmp.h"
#include "probe/wire_frame.h"

// Room for a second of a thousand links' replies while this host is busy.
#define RECEIVE_BYTES (4 << 20)
#define AGE_MAX_NS    INT64_C(1000000000)

bool gate_address_set(union gate_address *address, const char *text, uint16_t port)
{
	*address = (union gate_address){ 0 };
	if (inet_pton(AF_INET, text, &address->v4.sin_addr) == 1) {
		address->v4.sin_family = AF_INET;
		address->v4.sin_port = htons(port);
		return true;
	}
	if (inet_pton(AF_INET6, text, &address->v6.sin6_addr) != 1)
		return false;
	address->v6.sin6_family = AF_INET6;
	address->v6.sin6_port = htons(port);
	return true;
}

int gate_address_order(const union gate_address *a, const union gate_address *b)
{
	if (a->any.sa_family != b->any.sa_family)
		return a->any.sa_family - b->any.sa_family;
	if (a->any.sa_family == AF_PACKET)
		return 0;
	if (a->any.sa_family == AF_INET)
		return memcmp(&a->v4.sin_addr, &b->v4.sin_addr, sizeof a->v4.sin_addr);
	return memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof a->v6.sin6_addr);
}

static uint16_t port_of(const union gate_address *address)
{
	if (address->any.sa_family == AF_PACKET)
		return 0;
	return ntohs(address->any.sa_family == AF_INET ? address->v4.sin_port
						       : address->v6.sin6_port);
}

bool gate_address_equal(const union gate_address *a, const union gate_address *b)
{
	return gate_address_order(a, b) == 0 && port_of(a) == port_of(b);
}

static socklen_t length_of(const union gate_address *address)
{
	return address->any.sa_family == AF_INET ? sizeof address->v4 : sizeof address->v6;
}

static int set_options(int fd, const struct gate *gate)
{
	const int on = 1, bytes = RECEIVE_BYTES;
	const bool is_v4 = gate->own.any.sa_family == AF_INET;
	// The forced size needs a privilege that a container may lack.
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, gate->device,
		       (socklen_t)strlen(gate->device) + 1) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) < 0)
		return -errno;
	// The address may come after the socket. A probe is small enough for any link: unfragmented
	// it needs no number among the fragments, which costs the kernel more than all else about
	// it.
	const int small = IP_PMTUDISC_PROBE;
	const int r =
		is_v4 ? setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof on) |
				setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &small, sizeof small)
		      : setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof on);
	return r < 0 ? -errno : 0;
}

static int own_socket(const struct gate *gate)
{
	const int family = gate->own.any.sa_family;
	if (gate->kind == GATE_ICMP)
		return icmp_socket(family);
	const int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

static int open_one(const struct gate *gate, uint16_t port, int *ret_fd)
{
	union gate_address own = gate->own;
	int fd = own_socket(gate);
	if (fd < 0)
		return fd;
	if (own.any.sa_family == AF_INET)
		own.v4.sin_port = htons(port);
	else
		own.v6.sin6_port = htons(port);
	int r = set_options(fd, gate);
	if (r == 0 && bind(fd, &own.any, length_of(&own)) < 0)
		r = -errno;
	if (r < 0) {
		(void)close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

static int find_mac(struct gate *gate, int fd)
{
	struct ifreq request = { 0 };
	memcpy(request.ifr_name, gate->device, sizeof gate->device);
	if (ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		return -errno;
	memcpy(gate->mac, request.ifr_hwaddr.sa_data, sizeof gate->mac);
	return 0;
}

// Bound to its type of frames, it costs nothing that else passes over the wire.
static int open_wire(struct gate *gate)
{
	const int on = 1;
	const struct sockaddr_ll at = { .sll_family = AF_PACKET,
					.sll_protocol = htons(WIRE_FRAME_TYPE),
					.sll_ifindex = (int)gate->index };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	int r = find_mac(gate, fd);
	if (r == 0 && (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) < 0 ||
		       bind(fd, (const struct sockaddr *)&at, sizeof at) < 0))
		r = -errno;
	if (r < 0) {
		(void)close(fd);
		return r;
	}
	gate->ask_fd = fd;
	return 0;
}

static int open_ports(struct gate *gate, uint16_t port)
{
	const int r = gate->kind == GATE_STAMP ? open_one(gate, port, &gate->answer_fd) : 0;
	return r < 0 ? r : open_one(gate, 0, &gate->ask_fd);
}

int gate_open(struct gate *gate, struct err *err)
{
	const uint16_t port = port_of(&gate->own);
	gate_close(gate);
	gate->index = if_nametoindex(gate->device);
	if (gate->index == 0)
		return err_set(err, -ENODEV, "device %s is not there", gate->device);
	const int r = gate->kind == GATE_WIRE ? open_wire(gate) : open_ports(gate, port);
	if (r < 0)
		gate_close(gate);
	if (r == -EADDRINUSE)
		return err_set(err, r,
			       "UDP port %u is taken by another program: give the controller "
			       "another probe_port",
			       port);
	return r < 0 ? err_set(err, r, "cannot probe through %s: %s", gate->device, strerror(-r))
		     : 0;
}

void gate_close(struct gate *gate)
{
	if (gate->ask_fd >= 0)
		(void)close(gate->ask_fd);
	if (gate->answer_fd >= 0)
		(void)close(gate->answer_fd);
	gate->ask_fd = -1;
	gate->answer_fd = -1;
	gate->index = 0;
}

bool gate_is_whole(const struct gate *gate)
{
	return gate->index != 0 && if_nametoindex(gate->device) == gate->index;
}

bool gate_has_carrier(const struct gate *gate)
{
	struct ifreq request = { 0 };
	memcpy(request.ifr_name, gate->device, sizeof gate->device);
	return ioctl(gate->ask_fd, SIOCGIFFLAGS, &request) == 0 &&
	       (request.ifr_flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING);
}

// Room for one timestamp.
union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(struct timespec))];
};

static int64_t age_of(struct msghdr *header, int64_t wall_ns)
{
	struct timespec at;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&at, CMSG_DATA(c), sizeof at);
		const int64_t age = wall_ns - (at.tv_sec * INT64_C(1000000000) + at.tv_nsec);
		// Outside of this the clock was set in between.
		return age > 0 && age < AGE_MAX_NS ? age : 0;
	}
	return 0;
}

int gate_receive(int fd, struct gate_packet packets[GATE_BATCH], int64_t wall_ns)
{
	struct mmsghdr headers[GATE_BATCH];
	struct iovec parts[GATE_BATCH];
	union control controls[GATE_BATCH];
	memset(headers, 0, sizeof headers);
	for (size_t i = 0; i < GATE_BATCH; i++) {
		parts[i] = (struct iovec){ packets[i].data, sizeof packets[i].data };
		headers[i].msg_hdr = (struct msghdr){ .msg_name = &packets[i].peer,
						      .msg_namelen = sizeof packets[i].peer,
						      .msg_iov = &parts[i],
						      .msg_iovlen = 1,
						      .msg_control = &controls[i],
						      .msg_controllen = sizeof controls[i] };
	}
	int count = recvmmsg(fd, headers, GATE_BATCH, MSG_DONTWAIT, NULL);
	// An ICMP error about what was sent before is told here, too; it says nothing of the
	// socket.
	if (count < 0)
		return errno == ENODEV || errno == EBADF || errno == ENOTSOCK ? -errno : 0;
	for (int i = 0; i < count; i++) {
		packets[i].len = headers[i].msg_len;
		if (headers[i].msg_hdr.msg_flags & MSG_TRUNC)
			packets[i].len = 0;
		packets[i].age_ns = age_of(&headers[i].msg_hdr, wall_ns);
	}
	return count;
}

void gate_send(int fd, struct gate_packet *packets, size_t count)
{
	struct mmsghdr headers[GATE_BATCH];
	struct iovec parts[GATE_BATCH];
	memset(headers, 0, sizeof headers);
	for (size_t i = 0; i < count; i++) {
		parts[i] = (struct iovec){ packets[i].data, packets[i].len };
		headers[i].msg_hdr = (struct msghdr){ .msg_iov = &parts[i], .msg_iovlen = 1 };
		// A wire's socket knows where to.
		if (packets[i].peer.any.sa_family != AF_PACKET) {
			headers[i].msg_hdr.msg_name = &packets[i].peer;
			headers[i].msg_hdr.msg_namelen = length_of(&packets[i].peer);
		}
		packets[i].error = 0;
	}
	// The call stops at the first that fails.
	for (size_t at = 0; at < count;) {
		const int sent = sendmmsg(fd, headers + at, (unsigned)(count - at), MSG_DONTWAIT);
		if (sent > 0) {
			at += (size_t)sent;
			continue;
		}
		packets[at++].error = -errno;
	}
}
