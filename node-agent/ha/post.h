// The sockets by which the voters of a node's groups talk: one for each device, address and port.
//
// Bound to the device: what comes in was decrypted by that tunnel, which lets a peer send from its
// own overlay address only.
#pragma once

#include <netinet/in.h>

#include "ha/config.h"

struct post {
	char device[IFNAMSIZ];
	struct kernel_ip local;
	uint16_t port;
	unsigned index; // of the device when it was opened
	int fd;         // -1: not open
};

// Whether it is of this place.
bool post_is(const struct post *post, const struct ha_config *config);

// Opens it, again if the device was made anew since. 1 when it was opened by this, 0 when it was
// open.
int post_open(struct post *post, struct err *err);
void post_close(struct post *post);

void post_send(const struct post *post, const struct kernel_ip *to, const uint8_t *data,
	       size_t len);

// The next datagram that came from the others' port; its length, 0: nothing more for now.
size_t post_receive(const struct post *post, uint8_t *data, size_t size,
		    struct kernel_ip *ret_from);
