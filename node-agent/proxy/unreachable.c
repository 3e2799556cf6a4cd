#include "proxy/unreachable.h"

#include <errno.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/octets.h"

enum {
	HEAD = 8,
	IPV4_HEAD = 20,
	IPV6_HEAD = 40,
	UDP_HEAD = 8,
	UDP = 17,
	HOPS = 64,
	ICMP_UNREACHABLE = 3,
	ICMP_PORT = 3,
	ICMP6_UNREACHABLE = 1,
	ICMP6_PORT = 4,
};

// RFC 1071, of an even number of bytes.
static uint16_t checksum(const uint8_t *data, size_t len)
{
	uint32_t sum = 0;
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)octets_get(data + i, 2);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void put_udp(uint8_t *at, const struct place *client, const struct place *to, size_t len)
{
	octets_put(at, client->port, 2);
	octets_put(at + 2, to->port, 2);
	octets_put(at + 4, UDP_HEAD + len, 2);
}

static size_t make_six(const struct place *client, const struct place *to, size_t len, uint8_t *ret)
{
	uint8_t *inner = ret + HEAD;
	ret[0] = ICMP6_UNREACHABLE;
	ret[1] = ICMP6_PORT;
	inner[0] = 0x60;
	octets_put(inner + 4, UDP_HEAD + len, 2);
	inner[6] = UDP;
	inner[7] = HOPS;
	memcpy(inner + 8, client->address.bytes, 16);
	memcpy(inner + 24, to->address.bytes, 16);
	put_udp(inner + IPV6_HEAD, client, to, len);
	return HEAD + IPV6_HEAD + UDP_HEAD;
}

size_t unreachable_make(const struct place *client, const struct place *to, size_t len,
			uint8_t ret[UNREACHABLE_SIZE])
{
	uint8_t *inner = ret + HEAD;
	memset(ret, 0, UNREACHABLE_SIZE);
	if (client->address.family == 6)
		return make_six(client, to, len, ret);
	const size_t size = HEAD + IPV4_HEAD + UDP_HEAD;
	ret[0] = ICMP_UNREACHABLE;
	ret[1] = ICMP_PORT;
	inner[0] = 0x45;
	octets_put(inner + 2, IPV4_HEAD + UDP_HEAD + len, 2);
	inner[8] = HOPS;
	inner[9] = UDP;
	memcpy(inner + 12, client->address.bytes, 4);
	memcpy(inner + 16, to->address.bytes, 4);
	octets_put(inner + 10, checksum(inner, IPV4_HEAD), 2);
	put_udp(inner + IPV4_HEAD, client, to, len);
	octets_put(ret + 2, checksum(ret, size), 2);
	return size;
}

// It only sends: what comes for such a socket would lie there.
static int hear_nothing(int fd, uint8_t family)
{
	const struct icmp_filter four = { .data = UINT32_MAX };
	struct icmp6_filter six;
	ICMP6_FILTER_SETBLOCKALL(&six);
	return family == 6 ? setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &six, sizeof(six))
			   : setsockopt(fd, SOL_RAW, ICMP_FILTER, &four, sizeof(four));
}

int unreachable_open(uint8_t family, uint32_t mark)
{
	const int value = (int)mark;
	CLEAN(close_fd)
	int fd = family == 6
			 ? socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMPV6)
			 : socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMP);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_MARK, &value, sizeof(value)) < 0 ||
	    hear_nothing(fd, family) < 0)
		return -errno;
	return take_fd(&fd);
}

void unreachable_send(int fd, const struct place *client, const uint8_t *message, size_t size)
{
	struct sockaddr_storage to;
	const struct place host = { client->address, 0 };
	const socklen_t len = place_sockaddr(&host, &to);
	// One that is lost is sent again with the client's next datagram.
	(void)sendto(fd, message, size, MSG_NOSIGNAL, (const struct sockaddr *)&to, len);
}
