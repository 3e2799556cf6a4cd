// The sockets by which the links of one device are probed: one asks, and of STAMP one answers. Any
// thread, one at a time.
#pragma once

#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"

#include "probe/sender.h"

enum { GATE_BATCH = 32, GATE_PACKET_MAX = 192 };

// An address as sockets take it.
union gate_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_ll frame; // of a wire, which has but one other end: only the family
};

// False: `text` is no IP address.
bool gate_address_set(union gate_address *address, const char *text, uint16_t port);
bool gate_address_equal(const union gate_address *a, const union gate_address *b);
// As qsort wants it, without the port.
int gate_address_order(const union gate_address *a, const union gate_address *b);

enum gate_kind {
	GATE_STAMP,
	GATE_ICMP, // asks targets by ICMP echoes
	GATE_UDP,  // asks targets that send datagrams back
	GATE_WIRE, // asks and answers by frames on a wire
};

struct gate {
	enum gate_kind kind;
	char device[IFNAMSIZ];
	// Of STAMP with the port that answers; of external links any address of the family.
	union gate_address own;
	uint8_t mac[6];        // of a wire's device
	unsigned index;        // of the device, 0: not open
	int ask_fd, answer_fd; // -1: not open
};

// -ENODEV when the device is not there; -EADDRINUSE when another program answers on the port.
int gate_open(struct gate *gate, struct err *err);
void gate_close(struct gate *gate);
// Open, and the device is the one it was opened for.
bool gate_is_whole(const struct gate *gate);
// Whether the device of one that is open is up and has a carrier.
bool gate_has_carrier(const struct gate *gate);

struct gate_packet {
	union gate_address peer;
	uint8_t data[GATE_PACKET_MAX]; // longer ones are cut: they are none of ours
	size_t len;
	int64_t age_ns; // received: how long ago the kernel had it
	int error;      // sent: 0 or a negative errno
	void *context;  // the caller's
};

// What is there, at most GATE_BATCH. Negative errno: the socket is of no use any more.
int gate_receive(int fd, struct gate_packet packets[GATE_BATCH], int64_t wall_ns);

// Sends them in one call where it can; each has its `error` after it.
void gate_send(int fd, struct gate_packet *packets, size_t count);
