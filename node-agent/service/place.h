// An address and a port, as the kernel says it.
#pragma once

#include <stdint.h>
#include <sys/socket.h>

#include "model/net.h"

struct place {
	struct address address;
	uint16_t port;
};

// The kernel's form; returns its length.
socklen_t place_sockaddr(const struct place *place, struct sockaddr_storage *ret);
// Family 0 for what is neither IPv4 nor IPv6.
struct place place_of(const struct sockaddr *from);
