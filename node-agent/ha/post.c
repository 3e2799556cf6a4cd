#include "ha/post.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union place {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t place_of(const struct kernel_ip *ip, uint16_t port, union place *ret)
{
	*ret = (union place){ 0 };
	ret->any.sa_family = ip->family;
	if (ip->family == AF_INET) {
		memcpy(&ret->v4.sin_addr, ip->bytes, 4);
		ret->v4.sin_port = htons(port);
		return sizeof ret->v4;
	}
	memcpy(&ret->v6.sin6_addr, ip->bytes, 16);
	ret->v6.sin6_port = htons(port);
	return sizeof ret->v6;
}

bool post_is(const struct post *post, const struct ha_config *config)
{
	return strcmp(post->device, config->device) == 0 && post->port == config->port &&
	       kernel_ip_equal(&post->local, &config->local);
}

void post_close(struct post *post)
{
	if (post->fd >= 0)
		(void)close(post->fd);
	post->fd = -1;
}

static int refuse(struct post *post, int code, struct err *err)
{
	post_close(post);
	if (code == -EADDRINUSE)
		return err_set(err, code,
			       "UDP port %u is taken by another program: give the controller "
			       "another ha_port",
			       post->port);
	return err_set(err, code, "cannot talk to the other voters through %s: %s", post->device,
		       strerror(-code));
}

int post_open(struct post *post, struct err *err)
{
	const int on = 1;
	const unsigned index = if_nametoindex(post->device);
	union place place;

	if (post->fd >= 0 && index == post->index)
		return 0;
	post_close(post);
	if (index == 0)
		return err_set(err, -ENODEV, "device %s is not there", post->device);
	post->index = index;
	const socklen_t len = place_of(&post->local, post->port, &place);
	post->fd = socket(place.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (post->fd < 0)
		return refuse(post, -errno, err);
	// The address may come after the socket.
	const int freebind =
		place.any.sa_family == AF_INET
			? setsockopt(post->fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof on)
			: setsockopt(post->fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof on);
	if (freebind < 0 ||
	    setsockopt(post->fd, SOL_SOCKET, SO_BINDTODEVICE, post->device,
		       (socklen_t)strlen(post->device) + 1) < 0 ||
	    bind(post->fd, &place.any, len) < 0)
		return refuse(post, -errno, err);
	return 1;
}

void post_send(const struct post *post, const struct kernel_ip *to, const uint8_t *data, size_t len)
{
	union place place;
	const socklen_t place_len = place_of(to, post->port, &place);

	// What is lost is asked again.
	if (post->fd >= 0)
		(void)sendto(post->fd, data, len, MSG_DONTWAIT, &place.any, place_len);
}

size_t post_receive(const struct post *post, uint8_t *data, size_t size, struct kernel_ip *ret_from)
{
	for (;;) {
		union place from;
		socklen_t from_len = sizeof from;
		ssize_t n = recvfrom(post->fd, data, size, MSG_DONTWAIT, &from.any, &from_len);

		// An ICMP error about what was sent before is told here, too.
		if (n < 0 && (errno == EINTR || errno == ECONNREFUSED || errno == EHOSTUNREACH ||
			      errno == ENETUNREACH))
			continue;
		if (n <= 0)
			return 0;
		const bool is_v4 = from.any.sa_family == AF_INET;
		*ret_from = (struct kernel_ip){ .family = (uint8_t)from.any.sa_family };
		memcpy(ret_from->bytes, is_v4 ? (void *)&from.v4.sin_addr : &from.v6.sin6_addr,
		       is_v4 ? 4 : 16);
		if (ntohs(is_v4 ? from.v4.sin_port : from.v6.sin6_port) == post->port)
			return (size_t)n;
	}
}
