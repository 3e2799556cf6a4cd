#include "doctor/reach.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clean.h"
#include "base/clock.h"

#define MARK      "weft"
#define MARK_WORD 0x77656674u // the same, as the filter compares it

enum { PORTS_MAX = 16, PACKET_SIZE = 512, MARK_LEN = 4, UDP_SIZE = 8, V6_SIZE = 40 };
enum { FIRST_PORT = 32768, PORTS = 16384 };

// A packet: MARK, the token, the sender's name.
struct reach {
	char token[REACH_TOKEN_LEN + 1];
	uint16_t ports[PORTS_MAX];
	size_t ports_len;
	// Raw sockets get what the firewall let in, packet sockets what arrived at the host; -1:
	// this host has no such.
	int raw[2];
	int packet[2];
	struct reach_seen seen[REACH_SEEN_MAX];
	size_t seen_len;
};

// Only UDP whose payload begins with MARK wakes this process: a busy tunnel's packets do not.
// `udp` is where the UDP header begins; 0: behind an IPv4 header.
static int filter(int fd, uint32_t udp)
{
	const struct sock_filter behind_v4[] = {
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_IND, UDP_SIZE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MARK_WORD, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, PACKET_SIZE),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_filter fixed[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, udp + UDP_SIZE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MARK_WORD, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, PACKET_SIZE),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const bool is_v4 = udp == UINT32_MAX;
	const struct sock_fprog program = {
		.len = is_v4 ? ARRAY_LEN(behind_v4) : ARRAY_LEN(fixed),
		.filter = (struct sock_filter *)(uintptr_t)(is_v4 ? behind_v4 : fixed),
	};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

static int open_one(int domain, int type, int protocol, uint32_t udp)
{
	const int fd = socket(domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);

	if (fd >= 0 && filter(fd, udp) < 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

int reach_open(const char *token, const uint16_t *ports, size_t ports_len, struct reach **ret,
	       struct err *err)
{
	struct reach *reach = calloc(1, sizeof *reach);
	const int at = offsetof(struct udphdr, check);

	if (!reach)
		return err_set(err, -ENOMEM, "out of memory");
	(void)snprintf(reach->token, sizeof reach->token, "%s", token);
	reach->ports_len = ports_len < PORTS_MAX ? ports_len : PORTS_MAX;
	memcpy(reach->ports, ports, reach->ports_len * sizeof *ports);
	reach->raw[0] = open_one(AF_INET, SOCK_RAW, IPPROTO_UDP, UINT32_MAX);
	const int why = errno;
	reach->raw[1] = open_one(AF_INET6, SOCK_RAW, IPPROTO_UDP, 0);
	reach->packet[0] = open_one(AF_PACKET, SOCK_DGRAM, htons(ETH_P_IP), UINT32_MAX);
	reach->packet[1] = open_one(AF_PACKET, SOCK_DGRAM, htons(ETH_P_IPV6), V6_SIZE);
	if (reach->raw[0] < 0 && reach->raw[1] < 0) {
		reach_close(reach);
		return err_set(err, -why, "no raw socket: %s", strerror(why));
	}
	if (reach->raw[1] >= 0)
		(void)setsockopt(reach->raw[1], IPPROTO_IPV6, IPV6_CHECKSUM, &at, sizeof at);
	*ret = reach;
	return 0;
}

void reach_close(struct reach *reach)
{
	if (!reach)
		return;
	for (int i = 0; i < 2; i++) {
		close_fd(&reach->raw[i]);
		close_fd(&reach->packet[i]);
	}
	free(reach);
}

static socklen_t address_of(const struct kernel_endpoint *e, struct sockaddr_storage *ret)
{
	*ret = (struct sockaddr_storage){ .ss_family = e->ip.family };
	if (e->ip.family == AF_INET) {
		memcpy(&((struct sockaddr_in *)ret)->sin_addr, e->ip.bytes, 4);
		return sizeof(struct sockaddr_in);
	}
	memcpy(&((struct sockaddr_in6 *)ret)->sin6_addr, e->ip.bytes, 16);
	return sizeof(struct sockaddr_in6);
}

int reach_send(struct reach *reach, uint16_t port, const struct kernel_endpoint *to,
	       const char *name)
{
	const int fd = reach->raw[to->ip.family == AF_INET6];
	char packet[PACKET_SIZE];
	struct sockaddr_storage address;
	const socklen_t address_len = address_of(to, &address);

	const size_t len = UDP_SIZE + (size_t)snprintf(packet + UDP_SIZE, sizeof packet - UDP_SIZE,
						       MARK "%s%.60s", reach->token, name);
	// Over IPv4 no checksum need be; over IPv6 the kernel puts it in.
	const uint16_t any = (uint16_t)(FIRST_PORT + getpid() % PORTS);
	const struct udphdr header = { .source = htons(port ? port : any),
				       .dest = htons(to->port),
				       .len = htons((uint16_t)len) };
	memcpy(packet, &header, sizeof header);
	if (fd < 0)
		return -EAFNOSUPPORT;
	return sendto(fd, packet, len, 0, (const struct sockaddr *)&address, address_len) < 0
		       ? -errno
		       : 0;
}

static void note(struct reach *reach, const struct reach_seen *one)
{
	for (size_t i = 0; i < reach->seen_len; i++) {
		struct reach_seen *known = &reach->seen[i];

		if (strcmp(known->from, one->from) != 0 || known->port != one->port ||
		    !kernel_endpoint_equal(&known->source, &one->source))
			continue;
		known->is_admitted |= one->is_admitted;
		return;
	}
	if (reach->seen_len < REACH_SEEN_MAX)
		reach->seen[reach->seen_len++] = *one;
}

// `udp` begins with the UDP header.
static void take(struct reach *reach, const char *udp, size_t len, struct reach_seen *one)
{
	const size_t fixed = UDP_SIZE + MARK_LEN + REACH_TOKEN_LEN;
	struct udphdr header;

	if (len < fixed || memcmp(udp + UDP_SIZE, MARK, MARK_LEN) != 0 ||
	    memcmp(udp + UDP_SIZE + MARK_LEN, reach->token, REACH_TOKEN_LEN) != 0)
		return;
	memcpy(&header, udp, sizeof header);
	one->source.port = ntohs(header.source);
	one->port = ntohs(header.dest);
	(void)snprintf(one->from, sizeof one->from, "%.*s", (int)(len - fixed), udp + fixed);
	for (size_t i = 0; i < reach->ports_len; i++) {
		if (reach->ports[i] == one->port) {
			note(reach, one);
			return;
		}
	}
}

static void take_v4(struct reach *reach, const char *ip, size_t len, bool is_admitted)
{
	struct reach_seen one = { .is_admitted = is_admitted };
	const size_t header = len ? 4u * ((unsigned char)ip[0] & 15u) : 0;

	if (header < 20 || len < header)
		return;
	one.source.ip.family = AF_INET;
	memcpy(one.source.ip.bytes, ip + 12, 4);
	take(reach, ip + header, len - header, &one);
}

static void drain(struct reach *reach, int fd, int family, bool is_admitted)
{
	char packet[PACKET_SIZE];
	struct sockaddr_in6 from = { 0 };
	socklen_t from_len = sizeof from;
	ssize_t n;

	while (from_len = sizeof from, (n = recvfrom(fd, packet, sizeof packet, 0,
						     is_admitted ? (struct sockaddr *)&from : NULL,
						     is_admitted ? &from_len : NULL)) > 0) {
		struct reach_seen one = { .is_admitted = is_admitted,
					  .source.ip.family = AF_INET6 };

		if (family == AF_INET) {
			take_v4(reach, packet, (size_t)n, is_admitted);
		} else if (is_admitted) {
			memcpy(one.source.ip.bytes, &from.sin6_addr, 16);
			take(reach, packet, (size_t)n, &one);
		} else if (n > V6_SIZE) {
			memcpy(one.source.ip.bytes, packet + 8, 16);
			take(reach, packet + V6_SIZE, (size_t)n - V6_SIZE, &one);
		}
	}
}

void reach_listen(struct reach *reach, int ms)
{
	const int64_t end = clock_mono_ms() + ms;

	for (int64_t left = ms; left > 0; left = end - clock_mono_ms()) {
		// A negative descriptor is passed over.
		struct pollfd pollers[] = { { .fd = reach->raw[0], .events = POLLIN },
					    { .fd = reach->raw[1], .events = POLLIN },
					    { .fd = reach->packet[0], .events = POLLIN },
					    { .fd = reach->packet[1], .events = POLLIN } };

		if (poll(pollers, ARRAY_LEN(pollers), (int)left) <= 0)
			continue;
		for (size_t i = 0; i < ARRAY_LEN(pollers); i++) {
			if (pollers[i].revents)
				drain(reach, pollers[i].fd, i % 2 ? AF_INET6 : AF_INET, i < 2);
		}
	}
}

const struct reach_seen *reach_heard(const struct reach *reach, size_t *ret_len)
{
	*ret_len = reach->seen_len;
	return reach->seen;
}
