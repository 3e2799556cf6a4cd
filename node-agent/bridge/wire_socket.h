// BPDUs on one wire: a packet socket that sees the spanning tree's frames of one device and nothing
// else.
//
// It hears them before the bridge does, whatever the port's state. Loop thread only.
#pragma once

#include <uv.h>

#include "base/err.h"

#include "steer/bpdu.h"

struct wire_socket;

typedef void (*wire_socket_fn)(void *context, const struct bpdu *bpdu);

// `index` and `mac` are the device's.
int wire_socket_open(uv_loop_t *loop, int index, const uint8_t mac[6], wire_socket_fn heard,
		     void *context, struct wire_socket **ret, struct err *err);

// What cannot be sent now is lost, as on any wire.
void wire_socket_send(struct wire_socket *s, const struct bpdu *bpdu);

// Frees itself once the loop has let go of it. Accepts NULL.
void wire_socket_close(struct wire_socket *s);
