// Small UDP packets to and from the port of a WireGuard device, beside it: whether they come
// through tells about NATs and firewalls what handshakes cannot.
//
// By raw sockets: WireGuard ignores the packets (they are none of its four kinds), and what is sent
// takes the same mapping of a NAT as its own. Needs CAP_NET_RAW. Blocking.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#include "kernel/values.h"

enum { REACH_TOKEN_LEN = 32, REACH_SEEN_MAX = 32, REACH_NAME_SIZE = 64 };

// One sender that was heard.
struct reach_seen {
	char from[REACH_NAME_SIZE]; // as it calls itself
	struct kernel_endpoint source;
	uint16_t port;    // of this host it came to
	bool is_admitted; // it also passed this host's firewall
};

struct reach;

// Listens for packets with `token` (REACH_TOKEN_LEN hexadecimal digits) to any of `ports`.
int reach_open(const char *token, const uint16_t *ports, size_t ports_len, struct reach **ret,
	       struct err *err);
void reach_close(struct reach *reach);

// Sends one packet in the name of `name`. `port` is the local one, 0: any.
int reach_send(struct reach *reach, uint16_t port, const struct kernel_endpoint *to,
	       const char *name);

// Takes in what arrives for `ms`.
void reach_listen(struct reach *reach, int ms);

// What was heard until now; valid until reach_close.
const struct reach_seen *reach_heard(const struct reach *reach, size_t *ret_len);
