// How one process of a program takes the place of another: the sockets that the one before listens
// at are handed over while it goes on listening; once the new one serves, it asks the other to
// leave. Whichever of the two is killed meanwhile, one is left that serves.
//
//   {"do":"hand_over"}   answered with the sockets, its control socket as well
//   {"do":"leave"}       by the same connection: answered once it listens no more
//
// It is asked before anything else is running, on the only thread.
#pragma once

#include <stddef.h>

#include "base/err.h"

#include "service/place.h"

enum { HANDOVER_MAX = 250 }; // sockets; the kernel passes 253 files at a time

struct handover_socket {
	int fd;
	int type; // SOCK_STREAM or SOCK_DGRAM
	struct place place;
};

struct handover {
	struct handover_socket sockets[HANDOVER_MAX];
	size_t count;
	int control; // the control socket, -1: it was not handed over
	int talk;    // with the process before, -1: there is none
	int before;  // a pidfd of it, -1
};

#define HANDOVER_NONE                                                                              \
	(struct handover)                                                                          \
	{                                                                                          \
		.control = -1, .talk = -1, .before = -1                                            \
	}

// Asks who listens at the control socket `path` for its sockets. `ret` stays empty when nobody does
// or it does not answer in 3 s.
void handover_ask(const char *path, struct handover *ret);

// Takes a socket that is bound there out, -1: there is none (left).
int handover_take(struct handover *handover, int type, const struct place *at);

// The process before is to leave, and what it kept that nobody has taken is closed. An error: yet
// another one has taken over from it, so that this one is to end.
int handover_finish(struct handover *handover, struct err *err);

// Ends the process before, should it still be about what it had begun.
void handover_end_before(const struct handover *handover);
void handover_done(struct handover *handover); // the process before goes on, unless it has left
