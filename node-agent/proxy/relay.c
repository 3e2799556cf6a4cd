#include "proxy/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

// What one step of a direction did.
enum step {
	STEP_ON,      // go on
	STEP_SHORT,   // less was read than could have been: there was no more
	STEP_DRY,     // there is nothing to read now
	STEP_BLOCKED, // nothing can be written now
	STEP_BROKEN,
};

static bool is_later(void)
{
	return errno == EAGAIN || errno == EINTR;
}

bool relay_put(struct relay_way *way, const uint8_t *data, size_t len)
{
	way->rest = malloc(len);
	if (!way->rest)
		return false;
	memcpy(way->rest, data, len);
	way->rest_len = (uint32_t)len;
	way->rest_at = 0;
	return true;
}

bool relay_holds(const struct relay_way *way)
{
	return way->rest || (way->pipe && way->pipe->held > 0);
}

void relay_done(struct relay_tools *tools, struct relay_way *way)
{
	pipe_put(&tools->pipes, way->pipe);
	free(way->rest);
	*way = (struct relay_way){ 0 };
}

static enum step send_rest(struct relay_way *way, int to)
{
	ssize_t n = send(to, way->rest + way->rest_at, way->rest_len - way->rest_at, MSG_NOSIGNAL);
	if (n < 0)
		return is_later() ? STEP_BLOCKED : STEP_BROKEN;
	way->bytes += (uint64_t)n;
	way->rest_at += (uint32_t)n;
	if (way->rest_at < way->rest_len)
		return STEP_BLOCKED;
	free(way->rest);
	way->rest = NULL;
	return STEP_ON;
}

static enum step empty_pipe(struct relay_way *way, int to)
{
	while (way->pipe->held > 0) {
		ssize_t n = splice(way->pipe->out, NULL, to, NULL, way->pipe->held,
				   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
		if (n <= 0)
			return n < 0 && is_later() ? STEP_BLOCKED : STEP_BROKEN;
		way->bytes += (uint64_t)n;
		way->pipe->held -= (size_t)n;
	}
	return STEP_ON;
}

static enum step fill_pipe(struct relay_way *way, int from)
{
	ssize_t n = splice(from, NULL, way->pipe->in, NULL, PIPE_SIZE,
			   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	if (n < 0)
		return is_later() ? STEP_DRY : STEP_BROKEN;
	way->is_over = n == 0;
	way->pipe->held += (size_t)n;
	return STEP_ON;
}

static enum step copy(struct relay_tools *tools, struct relay_way *way, int from, int to,
		      enum relay_reading reading)
{
	ssize_t n = recv(from, tools->chunk, sizeof(tools->chunk), 0);
	if (n < 0)
		return is_later() ? STEP_DRY : STEP_BROKEN;
	way->is_over = n == 0;
	if (n == 0)
		return STEP_ON;
	way->is_bulk = n == sizeof(tools->chunk);
	// The end follows at once, in the same packet.
	const int more = reading == RELAY_READ_END && !way->is_bulk ? MSG_MORE : 0;
	ssize_t sent = send(to, tools->chunk, (size_t)n, MSG_NOSIGNAL | more);
	if (sent < 0 && !is_later())
		return STEP_BROKEN;
	if (sent < 0)
		sent = 0;
	way->bytes += (uint64_t)sent;
	if (sent < n)
		return relay_put(way, tools->chunk + sent, (size_t)(n - sent)) ? STEP_BLOCKED
									       : STEP_BROKEN;
	return way->is_bulk ? STEP_ON : STEP_SHORT;
}

static enum step write_held(struct relay_way *way, int to)
{
	enum step step = way->rest ? send_rest(way, to) : STEP_ON;
	return step == STEP_ON && way->pipe ? empty_pipe(way, to) : step;
}

enum relay_result relay_flush(struct relay_way *way, int to)
{
	enum step step = write_held(way, to);
	way->is_blocked = step == STEP_BLOCKED;
	return step == STEP_BROKEN ? RELAY_BROKEN : RELAY_WAITS;
}

static enum step read_more(struct relay_tools *tools, struct relay_way *way, int from, int to,
			   enum relay_reading reading)
{
	if (way->is_bulk && !way->pipe)
		way->pipe = pipe_get(&tools->pipes);
	return way->is_bulk && way->pipe ? fill_pipe(way, from)
					 : copy(tools, way, from, to, reading);
}

static void give_pipe_back(struct relay_tools *tools, struct relay_way *way)
{
	pipe_put(&tools->pipes, way->pipe);
	way->pipe = NULL;
}

enum relay_result relay_go(struct relay_tools *tools, struct relay_way *way, int from, int to,
			   enum relay_reading reading)
{
	const uint64_t begin = way->bytes;
	way->is_blocked = false;
	for (;;) {
		enum step step = write_held(way, to);
		if (step == STEP_ON && way->is_over) {
			give_pipe_back(tools, way);
			return RELAY_OVER;
		}
		if (step == STEP_ON && way->bytes - begin >= RELAY_TURN)
			return RELAY_AGAIN;
		if (step == STEP_ON)
			step = read_more(tools, way, from, to, reading);
		if (step == STEP_BROKEN)
			return RELAY_BROKEN;
		if (step == STEP_BLOCKED) {
			way->is_blocked = true;
			return RELAY_WAITS;
		}
		if (step == STEP_ON || (step == STEP_SHORT && reading != RELAY_READ_SHORT))
			continue;
		// Little at a time is cheaper copied.
		way->is_bulk = way->bytes - begin >= RELAY_CHUNK;
		give_pipe_back(tools, way);
		return RELAY_WAITS;
	}
}
