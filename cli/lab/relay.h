// Lets this machine's browser reach the controller inside its box: a listening socket here,
// connections made there.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

// Binds 127.0.0.1:port (0: any) here and starts the relay to 127.0.0.1:target in the network of box
// `pid`.
int relay_start(uint16_t port, pid_t box, uint16_t target, pid_t *ret_pid, uint16_t *ret_port,
		struct err *err);

// The relay process: `weft lab relay FD BOX-PID TARGET`.
int relay_main(int listener, pid_t box, uint16_t target);
