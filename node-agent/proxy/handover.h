// Listening sockets that another weft-proxy hands over, so that no connection is refused while one
// takes the place of the other.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { HANDOVER_MAX = 250 }; // sockets; the kernel passes 253 files at a time

struct handover_socket {
	int fd;
	int type;       // SOCK_STREAM or SOCK_DGRAM
	uint8_t family; // 4 or 6
};

struct handover {
	struct handover_socket sockets[HANDOVER_MAX];
	size_t count;
};

// Asks who listens at `path` for the sockets of `port`. None are found when nobody does, or when
// it does not answer in a second.
void handover_ask(const char *path, uint16_t port, struct handover *ret);

// Takes one of that kind out, -1: there is none left.
int handover_take(struct handover *handover, int type, uint8_t family);
void handover_done(struct handover *handover); // closes those that are left
