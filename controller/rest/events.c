// GET /api/v1/events: what live tells, as server-sent events.
//
// The queue of a client is live's ring and its place in it: who falls out of the ring is told
// `reset`. A client that does not read at all is cut by the connection's time-out, since only a
// stream with nothing to say is suspended.
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "model/net.h"

#include "live/live.h"
#include "rest/handlers.h"
#include "rest/server.h"
#include "store/store.h"

#define STREAM_BLOCK   (16u * 1024)
#define STREAM_KERNEL  (128 * 1024)
#define STREAM_STUCK_S 10u // who takes nothing for so long while there is something to send is cut

struct events_stream {
	struct events_stream *prev;
	struct events_stream *next;
	struct rest *rest;
	struct MHD_Connection *connection;
	struct live_subscriber *subscriber;
	struct text pending; // formatted, not yet handed over
	size_t taken;        // of pending
	char actor[AUTH_NAME_SIZE + 8];
	char *cookie; // to see at each heartbeat whether the session still stands
	char *authorization;
	bool is_suspended;
	bool is_ended;
	bool is_beat_due;
};

static void stream_resume(struct events_stream *stream)
{
	if (!stream->is_suspended)
		return;
	stream->is_suspended = false;
	server_resume(stream->rest, stream->connection);
}

// From live: only wakes, reads nothing.
static void stream_wake(void *ctx)
{
	stream_resume(ctx);
}

// The item's data with its times in RFC 3339 like everywhere in the API. `"at":1` cannot stand
// inside a JSON string, whose quotes are escaped.
static void stream_add_data(struct text *to, const char *data)
{
	static const char *const names[] = { "\"at\":", "\"since\":" };
	while (*data) {
		const char *found = NULL;
		for (size_t i = 0; i < ARRAY_LEN(names); i++) {
			const char *at = strstr(data, names[i]);
			if (at && (!found || at < found))
				found = at;
		}
		if (!found)
			break;
		found = strchr(found, ':') + 1;
		text_add_bytes(to, data, (size_t)(found - data));
		char *end;
		char time[TIME_TEXT_SIZE];
		long long ms = strtoll(found, &end, 10);
		if (end != found)
			text_addf(to, ms > 0 ? "\"%s\"" : "null",
				  time_format(ms > 0 ? ms : 0, time));
		data = end != found ? end : found;
	}
	text_add(to, data);
}

static void stream_add(struct events_stream *stream, const struct live_item *item)
{
	text_addf(&stream->pending, "id: %s-%llu\nevent: %s\ndata: ",
		  store_controller_id(stream->rest->services.store),
		  (unsigned long long)item->sequence, item->kind);
	stream_add_data(&stream->pending, item->data);
	text_add(&stream->pending, "\n\n");
}

// Formats what there is, up to about a block.
static void stream_fill(struct events_stream *stream)
{
	struct live_item item;
	text_free(&stream->pending);
	stream->taken = 0;
	while (stream->pending.len < STREAM_BLOCK) {
		int r = live_read(stream->subscriber, &item);
		if (r > 0)
			stream_add(stream, &item);
		else if (r < 0)
			text_addf(&stream->pending, "id: %s-%llu\nevent: reset\ndata: {}\n\n",
				  store_controller_id(stream->rest->services.store),
				  (unsigned long long)live_cursor(stream->rest->services.live));
		else
			break;
	}
	if (stream->pending.len == 0 && stream->is_beat_due)
		text_add(&stream->pending, ":\n\n");
	stream->is_beat_due = false;
}

static ssize_t stream_read(void *ctx, uint64_t at, char *buffer, size_t max)
{
	struct events_stream *stream = ctx;
	(void)at;
	if (stream->is_ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (stream->taken == stream->pending.len)
		stream_fill(stream);
	if (stream->pending.failed)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	size_t left = stream->pending.len - stream->taken;
	if (left == 0) {
		stream->is_suspended = true;
		MHD_suspend_connection(stream->connection);
		return 0;
	}
	size_t len = left < max ? left : max;
	memcpy(buffer, stream->pending.data + stream->taken, len);
	stream->taken += len;
	return (ssize_t)len;
}

static void stream_free(void *ctx)
{
	struct events_stream *stream = ctx;
	if (stream->prev)
		stream->prev->next = stream->next;
	else
		stream->rest->streams = stream->next;
	if (stream->next)
		stream->next->prev = stream->prev;
	stream->rest->stream_count--;
	if (stream->subscriber)
		live_unsubscribe(stream->subscriber);
	text_free(&stream->pending);
	free(stream->cookie);
	free(stream->authorization);
	free(stream);
}

// The sequence after "<controller>-"; 0 and *ret_foreign when it is another controller's, or
// nonsense.
static uint64_t cursor_of(const struct request *request, bool *ret_foreign)
{
	const char *text = request_header(request, "Last-Event-ID");
	const char *rest;
	*ret_foreign = false;
	if (!text || !*text)
		return 0;
	if (text_starts(text, store_controller_id(request->rest->services.store), &rest) &&
	    *rest == '-') {
		char *end;
		unsigned long long sequence = strtoull(rest + 1, &end, 10);
		if (*end == '\0' && end != rest + 1)
			return sequence;
	}
	*ret_foreign = true;
	return 0;
}

static struct events_stream *stream_new(struct request *request, bool samples)
{
	struct rest *rest = request->rest;
	struct events_stream *stream = calloc(1, sizeof(*stream));
	if (!stream)
		return NULL;
	const char *cookie = request_header(request, "Cookie");
	const char *authorization = request_header(request, "Authorization");
	bool is_foreign;
	uint64_t cursor = cursor_of(request, &is_foreign);
	stream->rest = rest;
	stream->connection = request->connection;
	(void)snprintf(stream->actor, sizeof(stream->actor), "%s", request->who.actor);
	stream->cookie = cookie ? strdup(cookie) : NULL;
	stream->authorization = authorization ? strdup(authorization) : NULL;
	stream->next = rest->streams;
	if (stream->next)
		stream->next->prev = stream;
	rest->streams = stream;
	rest->stream_count++;
	stream->subscriber =
		live_subscribe(rest->services.live, cursor, samples, stream_wake, stream);
	if (!stream->subscriber) {
		stream_free(stream);
		return NULL;
	}
	text_add(&stream->pending, "retry: 2000\n");
	if (cursor == 0)
		text_addf(&stream->pending, "id: %s-%llu\n",
			  store_controller_id(rest->services.store),
			  (unsigned long long)live_cursor(rest->services.live));
	text_add(&stream->pending, is_foreign ? "event: reset\ndata: {}\n\n" : "\n");
	return stream;
}

// Bounds what the kernel keeps for a client that does not read, and for how long.
static void bound_connection(struct MHD_Connection *connection)
{
	const int bytes = STREAM_KERNEL;
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (info)
		(void)setsockopt(info->connect_fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	(void)MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, STREAM_STUCK_S);
}

// Nobody may hold all of them.
static bool has_room(const struct rest *rest, const char *actor)
{
	unsigned count = 0;
	for (const struct events_stream *s = rest->streams; s; s = s->next)
		count += strcmp(s->actor, actor) == 0;
	return rest->stream_count < rest->config.connections_max / 2 &&
	       count < rest->config.streams_per_user;
}

void events_get(struct request *request)
{
	bool samples = false;
	if (request_query_bool(request, "samples", &samples) < 0)
		return;
	if (!has_room(request->rest, request->who.actor)) {
		request_add_header(request, "Retry-After", "10");
		request_problem(request, MHD_HTTP_TOO_MANY_REQUESTS,
				"too many event streams are open");
		return;
	}
	bound_connection(request->connection);
	struct events_stream *stream = stream_new(request, samples);
	struct MHD_Response *response =
		stream ? MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK,
							   stream_read, stream, stream_free)
		       : NULL;
	if (stream && !response)
		stream_free(stream);
	if (response) {
		(void)MHD_add_response_header(response, "Content-Type", "text/event-stream");
		// Proxies in front must not collect it.
		(void)MHD_add_response_header(response, "X-Accel-Buffering", "no");
	}
	request_answer_response(request, MHD_HTTP_OK, response);
}

void events_end_all(struct rest *rest)
{
	for (struct events_stream *stream = rest->streams; stream; stream = stream->next) {
		stream->is_ended = true;
		stream_resume(stream);
	}
}

void events_heartbeat(struct rest *rest)
{
	for (struct events_stream *stream = rest->streams; stream; stream = stream->next) {
		struct auth_identity who;
		struct auth_credentials credentials = { stream->cookie, stream->authorization, NULL,
							false };
		if (auth_check(rest->services.auth, &credentials, clock_wall_ms(), &who, NULL) < 0)
			stream->is_ended = true;
		stream->is_beat_due = true;
		stream_resume(stream);
	}
}
