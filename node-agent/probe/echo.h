// The UDP socket of one own bridge address: answers other agents' checksum trials and sends its
// own.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <uv.h>

#include "base/err.h"

struct echo_socket;

// An answer to a trial of ours.
typedef void (*echo_answer_fn)(void *context, uint64_t nonce, bool summed);

// Binds to `address` (without prefix length; it need not exist yet) and `port`.
int echo_open(uv_loop_t *loop, const char *address, uint16_t port, echo_answer_fn answer,
	      void *context, struct echo_socket **ret_socket, struct err *err);

// Sends one trial to the same port of `address`, with a UDP checksum or without.
int echo_ask(struct echo_socket *socket, const char *address, uint64_t nonce, bool summed);

void echo_close(struct echo_socket *socket);
