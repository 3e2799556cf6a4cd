// Sockets with a mark from their first packet on, also those that a library makes.
#pragma once

#include <stdint.h>

// From mark_begin to mark_end every socket that this thread makes, by whatever library, gets
// SO_MARK `value` before anybody can use it; 0 marks none. Where the mark is refused (no
// CAP_NET_ADMIN) the socket stays without one.
void mark_begin(uint32_t value);
void mark_end(void);
