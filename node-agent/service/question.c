#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "base/text.h"

#include "service/service.h"

CLEAN_FUNC(json_t, json_decref)

enum { PATIENCE_MS = 3000, ANSWER_MAX = 4 << 20, HANDLES = 2 };

struct service_question {
	uv_pipe_t pipe;
	uv_timer_t timer;
	uv_connect_t connect;
	uv_write_t write;
	int open_handles;
	bool is_closing;
	char *line;
	const char *program;
	char sentence[80];
	struct text answer;
	char chunk[16384];
	service_answer_fn done; // NULL: cancelled
	void *context;
};

static void on_closed(uv_handle_t *handle)
{
	struct service_question *question = handle->data;
	if (--question->open_handles > 0)
		return;
	free(question->line);
	text_free(&question->answer);
	free(question);
}

// Without an answer: `why` says what the program does instead.
static void end(struct service_question *question, const json_t *answer, const char *why)
{
	if (question->is_closing)
		return;
	question->is_closing = true;
	uv_close((uv_handle_t *)&question->pipe, on_closed);
	uv_close((uv_handle_t *)&question->timer, on_closed);
	(void)snprintf(question->sentence, sizeof question->sentence, "%s %s", question->program,
		       why ? why : "");
	if (question->done)
		question->done(question->context, answer, why ? question->sentence : NULL);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct service_question *question = handle->data;
	(void)suggested;
	*buf = uv_buf_init(question->chunk, sizeof question->chunk);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct service_question *question = stream->data;
	if (n >= 0) {
		text_add_bytes(&question->answer, buf->base, (size_t)n);
		if (question->answer.len > ANSWER_MAX)
			end(question, NULL, "says too much");
		return;
	}
	CLEAN(json_decref_ptr)
	json_t *answer = question->answer.data && !question->answer.failed
				 ? json_loadb(question->answer.data, question->answer.len, 0, NULL)
				 : NULL;
	end(question, answer, answer ? NULL : "ended without an answer");
}

static void on_connected(uv_connect_t *connect, int status)
{
	struct service_question *question = connect->handle->data;
	uv_stream_t *stream = (uv_stream_t *)&question->pipe;
	uv_buf_t buf = uv_buf_init(question->line, (unsigned)strlen(question->line));
	if (status == UV_ECANCELED)
		return;
	// Others stand before it.
	if (status == UV_EAGAIN)
		end(question, NULL, "does not answer");
	else if (status < 0 || uv_read_start(stream, on_alloc, on_read) < 0 ||
		 uv_write(&question->write, stream, &buf, 1, NULL) < 0)
		end(question, NULL, "does not run");
}

static void on_timer(uv_timer_t *timer)
{
	end(timer->data, NULL, "does not answer");
}

struct service_question *service_ask(uv_loop_t *loop, const struct service_at *at, json_t *request,
				     service_answer_fn done, void *context)
{
	CLEAN(json_decref_ptr) json_t *owned = request;
	CLEAN(free_ptr) char *line = owned ? json_dumps(owned, JSON_COMPACT) : NULL;
	struct service_question *question = calloc(1, sizeof *question);
	if (question)
		question->line = line ? text_format("%s\n", line) : NULL;
	if (!question || !question->line) {
		free(question);
		return NULL;
	}
	question->program = at->program;
	question->open_handles = HANDLES;
	question->done = done;
	question->context = context;
	question->pipe.data = question->timer.data = question;
	(void)uv_pipe_init(loop, &question->pipe, 0);
	(void)uv_timer_init(loop, &question->timer);
	(void)uv_timer_start(&question->timer, on_timer, PATIENCE_MS, 0);
	uv_pipe_connect(&question->connect, &question->pipe, at->path, on_connected);
	return question;
}

void service_question_cancel(struct service_question *question)
{
	if (!question)
		return;
	question->done = NULL;
	end(question, NULL, NULL);
}
