// Connections that have not shown yet who they are: bounded in number, in number from one address,
// and in time. Who has waited longest, and longer than an honest one needs, makes room for who
// comes: those who say quickly who they are get in however many others only hold a place, and a
// storm of honest ones does not push itself out.
//
// One owner, one thread. A connection is ended by shutting its socket down; whoever reads from it
// sees its end and closes it as any other. Addresses of IPv6 count by their /64.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/clean.h"

struct lobby;
struct lobby_guest;

struct lobby_config {
	unsigned guests_max;  // waiting at once
	unsigned per_address; // of them from one address, 0: as many as there may be
	unsigned wait_ms;     // after this the wait is over
	unsigned grace_ms;    // so long nobody has to make room
};

// NULL when out of memory.
struct lobby *lobby_new(const struct lobby_config *config);

// Every guest must have left.
void lobby_free(struct lobby *lobby);
CLEAN_FUNC(struct lobby, lobby_free)

// False while it is full of connections within their grace: leave those that come in the kernel's
// queue.
bool lobby_has_room(const struct lobby *lobby, int64_t now_ms);

// A connection came and waits; `fd` must stay open until it leaves. NULL when its address has too
// many within their grace, or out of memory.
struct lobby_guest *lobby_enter(struct lobby *lobby, int fd, const struct sockaddr *from,
				int64_t now_ms);

// It is known who it is: it waits no more.
void lobby_admit(struct lobby_guest *guest);

// It waits again, from now: for its next request.
void lobby_wait(struct lobby_guest *guest, int64_t now_ms);

// The connection closes; frees the guest. NULL is fine.
void lobby_leave(struct lobby_guest *guest);

// Ends those who have waited too long, or past their grace while there are too many.
void lobby_tick(struct lobby *lobby, int64_t now_ms);

size_t lobby_waiting(const struct lobby *lobby);
uint64_t lobby_ended(const struct lobby *lobby); // connections ended so far

// What an address counts as: itself, or its /64. `ret` gets at most `size` bytes.
void lobby_address(const struct sockaddr *from, char *ret, size_t size);
