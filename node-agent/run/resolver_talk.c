#include "run/resolver_talk.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "base/text.h"

CLEAN_FUNC(json_t, json_decref)

enum { PATIENCE_MS = 3000, ANSWER_MAX = 4 << 20, HANDLES = 2 };

struct resolver_talk {
	uv_pipe_t pipe;
	uv_timer_t timer;
	uv_connect_t connect;
	uv_write_t write;
	int open_handles;
	bool is_closing;
	char *question;
	struct text answer;
	char chunk[16384];
	resolver_talk_fn done; // NULL: cancelled
	void *context;
};

static void on_closed(uv_handle_t *handle)
{
	struct resolver_talk *talk = handle->data;
	if (--talk->open_handles > 0)
		return;
	free(talk->question);
	text_free(&talk->answer);
	free(talk);
}

static void end(struct resolver_talk *talk, const json_t *answer, const char *why)
{
	if (talk->is_closing)
		return;
	talk->is_closing = true;
	uv_close((uv_handle_t *)&talk->pipe, on_closed);
	uv_close((uv_handle_t *)&talk->timer, on_closed);
	if (talk->done)
		talk->done(talk->context, answer, why);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct resolver_talk *talk = handle->data;
	(void)suggested;
	*buf = uv_buf_init(talk->chunk, sizeof talk->chunk);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct resolver_talk *talk = stream->data;
	if (n >= 0) {
		text_add_bytes(&talk->answer, buf->base, (size_t)n);
		if (talk->answer.len > ANSWER_MAX)
			end(talk, NULL, "weft-dns says too much");
		return;
	}
	CLEAN(json_decref_ptr)
	json_t *answer = talk->answer.data && !talk->answer.failed
				 ? json_loadb(talk->answer.data, talk->answer.len, 0, NULL)
				 : NULL;
	end(talk, answer, answer ? NULL : "weft-dns ended without an answer");
}

static void on_connected(uv_connect_t *connect, int status)
{
	struct resolver_talk *talk = connect->handle->data;
	uv_stream_t *stream = (uv_stream_t *)&talk->pipe;
	uv_buf_t buf = uv_buf_init(talk->question, (unsigned)strlen(talk->question));
	if (status == UV_ECANCELED)
		return;
	if (status < 0 || uv_read_start(stream, on_alloc, on_read) < 0 ||
	    uv_write(&talk->write, stream, &buf, 1, NULL) < 0)
		end(talk, NULL, "weft-dns does not run");
}

static void on_timer(uv_timer_t *timer)
{
	end(timer->data, NULL, "weft-dns does not answer");
}

struct resolver_talk *resolver_talk_start(uv_loop_t *loop, const char *path, json_t *question,
					  resolver_talk_fn done, void *context)
{
	CLEAN(json_decref_ptr) json_t *owned = question;
	CLEAN(free_ptr) char *line = owned ? json_dumps(owned, JSON_COMPACT) : NULL;
	struct resolver_talk *talk = calloc(1, sizeof *talk);
	if (talk)
		talk->question = line ? text_format("%s\n", line) : NULL;
	if (!talk || !talk->question) {
		free(talk);
		return NULL;
	}
	talk->open_handles = HANDLES;
	talk->done = done;
	talk->context = context;
	talk->pipe.data = talk->timer.data = talk;
	(void)uv_pipe_init(loop, &talk->pipe, 0);
	(void)uv_timer_init(loop, &talk->timer);
	(void)uv_timer_start(&talk->timer, on_timer, PATIENCE_MS, 0);
	uv_pipe_connect(&talk->connect, &talk->pipe, path, on_connected);
	return talk;
}

void resolver_talk_cancel(struct resolver_talk *talk)
{
	if (!talk)
		return;
	talk->done = NULL;
	end(talk, NULL, NULL);
}
