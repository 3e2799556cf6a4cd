// Whom a QUIC connection is for: the ClientHello in the Initial packets of its client, QUIC v1 (RFC
// 9000, RFC 9001) and v2 (RFC 9369). Pure; one for each flow until it is decided.
//
// Anybody on the way can read Initials: their keys follow from the first connection id. That the
// packets are the client's own is all they prove.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#include "proxy/sniff.h"

enum {
	QUIC_ID_MAX = 20,
	QUIC_KEY_SIZE = 16,
	QUIC_IV_SIZE = 12,
	QUIC_V1 = 0x00000001,
	QUIC_V2 = 0x6b3343cf,
};

struct quic_keys {
	uint8_t key[QUIC_KEY_SIZE];
	uint8_t iv[QUIC_IV_SIZE];
	uint8_t hp[QUIC_KEY_SIZE];
};

// Those of the client's Initial packets to connection `id`. Below 0: another version, or OpenSSL
// has failed.
int quic_initial_keys(uint32_t version, const uint8_t *id, size_t len, struct quic_keys *ret);

struct quic_flow;

// NULL when out of memory.
struct quic_flow *quic_flow_new(void);
void quic_flow_free(struct quic_flow *flow);

// A datagram from the client. SNIFF_FOREIGN: not QUIC, or of another version. SNIFF_MORE for what
// says nothing new: damaged and forged packets are dropped, as the server does. The first bytes at
// an offset of the hello count, later ones for the same place are left out.
enum sniff_result quic_flow_take(struct quic_flow *flow, const uint8_t *datagram, size_t len,
				 struct sniff *ret);
