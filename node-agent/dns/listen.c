#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "dns/server.h"
#include "service/place.h"

static void set_option(int fd, int level, int option)
{
	// Without it the bind below fails, or answers leave from another address: that is told.
	(void)setsockopt(fd, level, option, &(int){ 1 }, sizeof(int));
}

bool dns_listen_is_any(const struct endpoint *endpoint)
{
	static const struct address none = { 0 };
	return memcmp(endpoint->address.bytes, none.bytes, sizeof(none.bytes)) == 0;
}

static int listen_anew(const struct endpoint *endpoint, int type, struct err *err)
{
	struct sockaddr_storage at;
	char text[ENDPOINT_TEXT_SIZE];
	socklen_t len = place_sockaddr(&(struct place){ endpoint->address, endpoint->port }, &at);
	bool is_six = at.ss_family == AF_INET6;
	CLEAN(close_fd) int fd = socket(at.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(err, -errno, "no socket: %s", strerror(errno));
	// An address that comes later (a segment's, a group's) is answered at from its first
	// moment.
	if (is_six) {
		set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY);
		set_option(fd, IPPROTO_IPV6, IPV6_FREEBIND);
	} else {
		set_option(fd, IPPROTO_IP, IP_FREEBIND);
	}
	if (type == SOCK_STREAM)
		set_option(fd, SOL_SOCKET, SO_REUSEADDR);
	else if (dns_listen_is_any(endpoint)) // told where it is not known: it costs a little
		set_option(fd, is_six ? IPPROTO_IPV6 : IPPROTO_IP,
			   is_six ? IPV6_RECVPKTINFO : IP_PKTINFO);
	if (bind(fd, (struct sockaddr *)&at, len) < 0)
		return err_set(err, -errno, "cannot listen at %s: %s",
			       endpoint_format(endpoint, text), strerror(errno));
	return take_fd(&fd);
}

int dns_listen_socket(const struct dns_server *server, const struct endpoint *endpoint, int type,
		      struct err *err)
{
	const struct place at = { endpoint->address, endpoint->port };
	int fd = server->before ? handover_take(server->before, type, &at) : -1;
	return fd < 0 ? listen_anew(endpoint, type, err) : fd;
}

struct address dns_listen_address(const struct sockaddr *from)
{
	return place_of(from).address;
}

bool dns_listen_has(const struct dns_config *config, const struct endpoint *endpoint)
{
	for (size_t i = 0; config && i < config->n_listen; i++)
		if (config->listen[i].port == endpoint->port &&
		    address_equal(&config->listen[i].address, &endpoint->address))
			return true;
	return false;
}
