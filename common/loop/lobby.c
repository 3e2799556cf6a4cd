#include "loop/lobby.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"

struct lobby_guest {
	struct lobby *lobby;
	struct lobby_guest *previous; // among those who wait, in the order they came
	struct lobby_guest *next;
	int fd;
	int64_t since_ms;
	bool is_waiting;
	bool is_ended;
	char address[INET6_ADDRSTRLEN];
};

struct lobby {
	struct lobby_config config;
	struct lobby_guest *first;
	struct lobby_guest *last;
	struct map *by_address; // -> how many wait, as a pointer
	size_t waiting;
	uint64_t ended;
};

struct lobby *lobby_new(const struct lobby_config *config)
{
	CLEAN(lobby_free_ptr) struct lobby *lobby = calloc(1, sizeof *lobby);

	if (!lobby)
		return NULL;
	lobby->config = *config;
	lobby->by_address = map_new(NULL);
	return lobby->by_address ? take_ptr(&lobby) : NULL;
}

void lobby_free(struct lobby *lobby)
{
	if (!lobby)
		return;
	map_free(lobby->by_address);
	free(lobby);
}

void lobby_address(const struct sockaddr *from, char *ret, size_t size)
{
	ret[0] = '\0';
	if (from->sa_family == AF_INET) {
		struct sockaddr_in a;

		memcpy(&a, from, sizeof a);
		(void)inet_ntop(AF_INET, &a.sin_addr, ret, (socklen_t)size);
	} else if (from->sa_family == AF_INET6) {
		struct sockaddr_in6 a;

		memcpy(&a, from, sizeof a);
		// Whoever has one address of a /64 has them all.
		memset(a.sin6_addr.s6_addr + 8, 0, 8);
		(void)inet_ntop(AF_INET6, &a.sin6_addr, ret, (socklen_t)size);
	}
}

static size_t waiting_from(const struct lobby *lobby, const char *address)
{
	return (size_t)(uintptr_t)map_get(lobby->by_address, address);
}

// Out of memory, an address is merely not counted.
static void count(struct lobby *lobby, const char *address, int change)
{
	const intptr_t now = (intptr_t)waiting_from(lobby, address) + change;

	if (now > 0)
		(void)map_set(lobby->by_address, address, (void *)now); // the count is the value
	else
		(void)map_drop(lobby->by_address, address);
}

static void leave_line(struct lobby_guest *guest)
{
	struct lobby *lobby = guest->lobby;

	if (!guest->is_waiting)
		return;
	guest->is_waiting = false;
	*(guest->previous ? &guest->previous->next : &lobby->first) = guest->next;
	*(guest->next ? &guest->next->previous : &lobby->last) = guest->previous;
	guest->previous = guest->next = NULL;
	lobby->waiting--;
	count(lobby, guest->address, -1);
}

static void end(struct lobby_guest *guest)
{
	leave_line(guest);
	guest->is_ended = true;
	guest->lobby->ended++;
	(void)shutdown(guest->fd, SHUT_RDWR);
}

static struct lobby_guest *longest_from(const struct lobby *lobby, const char *address)
{
	struct lobby_guest *guest = lobby->first;

	while (guest && strcmp(guest->address, address) != 0)
		guest = guest->next;
	return guest;
}

static bool is_past_grace(const struct lobby_guest *guest, int64_t now_ms)
{
	return now_ms - guest->since_ms >= (int64_t)guest->lobby->config.grace_ms;
}

bool lobby_has_room(const struct lobby *lobby, int64_t now_ms)
{
	return lobby->waiting < lobby->config.guests_max || !lobby->first ||
	       is_past_grace(lobby->first, now_ms);
}

// False when there is none for this address.
static bool make_room(struct lobby *lobby, const char *address, int64_t now_ms)
{
	const struct lobby_config *config = &lobby->config;

	if (config->per_address && waiting_from(lobby, address) >= config->per_address) {
		struct lobby_guest *guest = longest_from(lobby, address);

		if (guest && !is_past_grace(guest, now_ms))
			return false;
		if (guest)
			end(guest);
	}
	if (lobby->waiting >= config->guests_max && lobby->first &&
	    is_past_grace(lobby->first, now_ms))
		end(lobby->first);
	return true;
}

static void join_line(struct lobby_guest *guest, int64_t now_ms)
{
	struct lobby *lobby = guest->lobby;

	guest->since_ms = now_ms;
	guest->is_waiting = true;
	guest->previous = lobby->last;
	*(lobby->last ? &lobby->last->next : &lobby->first) = guest;
	lobby->last = guest;
	lobby->waiting++;
	count(lobby, guest->address, 1);
}

struct lobby_guest *lobby_enter(struct lobby *lobby, int fd, const struct sockaddr *from,
				int64_t now_ms)
{
	struct lobby_guest *guest = calloc(1, sizeof *guest);

	if (!guest)
		return NULL;
	guest->lobby = lobby;
	guest->fd = fd;
	lobby_address(from, guest->address, sizeof guest->address);
	if (!make_room(lobby, guest->address, now_ms)) {
		free(guest);
		return NULL;
	}
	join_line(guest, now_ms);
	return guest;
}

void lobby_admit(struct lobby_guest *guest)
{
	leave_line(guest);
}

void lobby_wait(struct lobby_guest *guest, int64_t now_ms)
{
	leave_line(guest);
	if (!guest->is_ended)
		join_line(guest, now_ms);
}

void lobby_leave(struct lobby_guest *guest)
{
	if (!guest)
		return;
	leave_line(guest);
	free(guest);
}

void lobby_tick(struct lobby *lobby, int64_t now_ms)
{
	const struct lobby_config *config = &lobby->config;

	while (lobby->first && now_ms - lobby->first->since_ms > (int64_t)config->wait_ms)
		end(lobby->first);
	while (lobby->waiting > config->guests_max && is_past_grace(lobby->first, now_ms))
		end(lobby->first);
}

size_t lobby_waiting(const struct lobby *lobby)
{
	return lobby->waiting;
}

uint64_t lobby_ended(const struct lobby *lobby)
{
	return lobby->ended;
}
