// The bytes of a flow both ways, until both sides have said their last.
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "proxy/dial.h"
#include "proxy/flow.h"

static void turn_cut(struct proxy_worker *worker, struct flow *flow)
{
	if (flow->is_turn_cut)
		return;
	flow->is_turn_cut = true;
	flow->again = worker->again;
	worker->again = flow;
}

static void count_bytes(struct proxy_worker *worker, struct flow *flow, unsigned which,
			uint64_t before)
{
	const uint64_t more = flow->ways[which].bytes - before;
	if (more == 0)
		return;
	flow->used_ms = worker->now_ms;
	count_add(&worker->counts, which == FLOW_UP ? COUNT_BYTES_UP : COUNT_BYTES_DOWN, more);
}

// The taker is told that it has all; once both sides have, there is nothing left to carry.
static void end_way(struct proxy_worker *worker, struct flow *flow, unsigned which)
{
	flow->is_shut[which] = true;
	if (flow->is_shut[!which])
		flow_end(worker, flow, END_CLOSE);
	else if (shutdown(flow->fds[which == FLOW_UP ? FLOW_SERVER : FLOW_CLIENT], SHUT_WR) < 0)
		flow_end(worker, flow, END_RESET);
}

// False: the flow has ended.
static bool carry(struct proxy_worker *worker, struct flow *flow, unsigned which,
		  enum relay_reading reading)
{
	struct relay_way *way = &flow->ways[which];
	const unsigned giver = which == FLOW_UP ? FLOW_CLIENT : FLOW_SERVER;
	const uint64_t before = way->bytes;
	if (flow->is_shut[which])
		return true;
	enum relay_result result =
		relay_go(&worker->tools, way, flow->fds[giver], flow->fds[!giver], reading);
	count_bytes(worker, flow, which, before);
	way->is_cut = result == RELAY_AGAIN;
	if (way->is_cut)
		turn_cut(worker, flow);
	const bool must_watch = which == FLOW_DOWN && way->is_blocked && !flow->is_room_watched;
	if (result == RELAY_BROKEN || (must_watch && !flow_watch_room(worker, flow)))
		flow_end(worker, flow, END_RESET);
	else if (result == RELAY_OVER)
		end_way(worker, flow, which);
	return flow->state != FLOW_ENDED;
}

// Only its first words go to the server: what follows has an event of its own, as the client's
// socket is watched from now on.
static void begin(struct proxy_worker *worker, struct flow *flow)
{
	if (relay_flush(&flow->ways[FLOW_UP], flow->fds[FLOW_SERVER]) == RELAY_BROKEN ||
	    !flow_watch(worker, flow, FLOW_CLIENT))
		flow_end(worker, flow, END_RESET);
	else
		count_bytes(worker, flow, FLOW_UP, 0);
}

// Who speaks first ends the silence: a server, so this is none of those whose clients say a name,
// or a client, which is heard then. False: there is nothing to be carried.
static bool end_silence(struct proxy_worker *worker, struct flow *flow, unsigned side)
{
	uint8_t first;
	if (side == FLOW_CLIENT)
		return !flow_speaks_late(worker, flow) && !flow->is_silent;
	ssize_t n = recv(flow->fds[FLOW_SERVER], &first, 1, MSG_PEEK);
	if (n == 0 || (n < 0 && errno != EAGAIN))
		flow_end(worker, flow, n == 0 ? END_CLOSE : END_RESET);
	flow->is_silent = n <= 0;
	return n > 0;
}

void flow_connected(struct proxy_worker *worker, struct flow *flow, uint32_t events)
{
	if (events & (EPOLLERR | EPOLLHUP)) {
		count_add(&worker->counts, COUNT_FAILED, 1);
		flow_end(worker, flow, END_RESET);
		return;
	}
	if (!(events & EPOLLOUT))
		return;
	flow->state = FLOW_CARRIED;
	flow->used_ms = worker->now_ms;
	flow_wait(worker, flow, WAIT_BYTES);
	if (flow->is_silent) {
		flow_carry(worker, flow, FLOW_SERVER, events);
		return;
	}
	if (!flow->is_watched)
		begin(worker, flow);
	else
		(void)carry(worker, flow, FLOW_UP, RELAY_READ_DRY);
	if (flow->state != FLOW_ENDED)
		dial_spoken(flow->fds[FLOW_SERVER]);
	if (flow->state != FLOW_ENDED && events & EPOLLIN)
		(void)carry(worker, flow, FLOW_DOWN, RELAY_READ_DRY);
}

static enum relay_reading reading_of(uint32_t events)
{
	return events & EPOLLRDHUP              ? RELAY_READ_END
	       : events & (EPOLLHUP | EPOLLERR) ? RELAY_READ_DRY
						: RELAY_READ_SHORT;
}

void flow_carry(struct proxy_worker *worker, struct flow *flow, unsigned side, uint32_t events)
{
	const unsigned from = side == FLOW_CLIENT ? FLOW_UP : FLOW_DOWN;
	if (flow->is_silent && !end_silence(worker, flow, side))
		return;
	const enum relay_reading reading = reading_of(events);
	if ((events & EPOLLIN || reading != RELAY_READ_SHORT) && !flow->ways[from].is_blocked &&
	    !carry(worker, flow, from, reading))
		return;
	if (events & (EPOLLOUT | EPOLLERR) && flow->ways[!from].is_blocked &&
	    !carry(worker, flow, !from, RELAY_READ_DRY))
		return;
	// A client that is gone is told to a server that reads nothing, too. What a server said
	// before it was gone is still read by a slow client.
	if (events & EPOLLERR && side == FLOW_CLIENT)
		flow_end(worker, flow, END_RESET);
}

void flow_go_on(struct proxy_worker *worker, struct flow *flow)
{
	for (unsigned i = 0; i < 2 && flow->state == FLOW_CARRIED; i++)
		if (flow->ways[i].is_cut)
			(void)carry(worker, flow, i, RELAY_READ_DRY);
}
