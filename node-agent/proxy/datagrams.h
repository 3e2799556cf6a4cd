// The thread that looks into QUIC: datagrams that were led here wait until it is known whom their
// flow is for; then they go on, and the kernel forwards what follows.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#include "proxy/counts.h"
#include "proxy/mailbox.h"

struct proxy_quic;

// Takes the sockets over; letters to others go to `desk`. NULL and a sentence; the sockets then
// stay the caller's.
struct proxy_quic *proxy_quic_new(struct proxy_config *config, struct mailbox *desk,
				  const int *sockets, size_t n_sockets, struct err *err);
int proxy_quic_start(struct proxy_quic *quic, struct err *err);
void proxy_quic_free(struct proxy_quic *quic); // NULL is fine

struct mailbox *proxy_quic_box(struct proxy_quic *quic);
const struct counts *proxy_quic_counts(const struct proxy_quic *quic);
// Copies out which sockets it listens at; returns how many, at most `max`.
size_t proxy_quic_sockets(const struct proxy_quic *quic, int *ret, size_t max);
