#include "run/child.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "base/text.h"

enum { ARGS_MAX = 80, OUTPUT_MAX = 1024 * 1024, HANDLES = 3 };

CLEAN_FUNC(json_t, json_decref)

struct child {
	uv_process_t process;
	uv_pipe_t pipe;
	uv_timer_t timer;
	int open_handles;
	bool has_exited;
	bool has_ended; // its output
	bool is_late;
	bool is_closing;
	struct text output;
	char chunk[4096];
	child_done_fn done; // NULL: cancelled
	void *context;
};

static void on_closed(uv_handle_t *handle)
{
	struct child *child = handle->data;
	if (--child->open_handles > 0)
		return;
	text_free(&child->output);
	free(child);
}

static void close_all(struct child *child)
{
	child->is_closing = true;
	uv_close((uv_handle_t *)&child->process, on_closed);
	uv_close((uv_handle_t *)&child->pipe, on_closed);
	uv_close((uv_handle_t *)&child->timer, on_closed);
}

static void tell(struct child *child)
{
	CLEAN(json_decref_ptr) json_t *output = NULL;
	if (child->output.data && !child->output.failed && !child->is_late)
		output = json_loadb(child->output.data, child->output.len, 0, NULL);
	const char *why = child->is_late ? "the examination took too long"
					 : "the examination ended without a result";
	child_done_fn done = child->done;
	if (done)
		done(child->context, output, output ? NULL : why);
}

static void finish_when_over(struct child *child)
{
	if (!child->has_exited || !child->has_ended || child->is_closing)
		return;
	close_all(child);
	tell(child);
}

static void on_ended(uv_process_t *process, int64_t status, int signal_number)
{
	struct child *child = process->data;
	(void)status;
	(void)signal_number;
	child->has_exited = true;
	finish_when_over(child);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct child *child = handle->data;
	(void)suggested;
	*buf = uv_buf_init(child->chunk, sizeof child->chunk);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct child *child = stream->data;
	if (n > 0 && child->output.len + (size_t)n <= OUTPUT_MAX) {
		text_add_bytes(&child->output, buf->base, (size_t)n);
		return;
	}
	if (n == 0)
		return;
	(void)uv_read_stop(stream);
	child->has_ended = true;
	if (n > 0)
		(void)uv_process_kill(&child->process, SIGKILL);
	finish_when_over(child);
}

static void on_timer(uv_timer_t *timer)
{
	struct child *child = timer->data;
	child->is_late = true;
	(void)uv_process_kill(&child->process, SIGKILL);
}

static int spawn(uv_loop_t *loop, struct child *child, char *const *argv)
{
	uv_stdio_container_t files[] = {
		{ .flags = UV_IGNORE },
		{ .flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
		  .data.stream = (uv_stream_t *)&child->pipe },
		{ .flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO },
	};
	const uv_process_options_t options = { .exit_cb = on_ended,
					       .file = "/proc/self/exe",
					       .args = (char **)(uintptr_t)argv,
					       .stdio_count = ARRAY_LEN(files),
					       .stdio = files };
	int r = uv_spawn(loop, &child->process, &options);
	return r < 0 ? r : uv_read_start((uv_stream_t *)&child->pipe, on_alloc, on_read);
}

int child_start(uv_loop_t *loop, const char *const *args, unsigned timeout_ms, child_done_fn done,
		void *context, struct child **ret_child, struct err *err)
{
	char *argv[ARGS_MAX] = { (char *)(uintptr_t) "weft-agent" };
	for (size_t i = 0; args[i]; i++) {
		if (i + 2 == ARGS_MAX)
			return err_set(err, -E2BIG, "too many words for an examination");
		argv[i + 1] = (char *)(uintptr_t)args[i];
	}
	struct child *child = calloc(1, sizeof *child);
	if (!child)
		return err_set(err, -ENOMEM, "out of memory");
	child->open_handles = HANDLES;
	child->done = done;
	child->context = context;
	child->process.data = child->pipe.data = child->timer.data = child;
	(void)uv_pipe_init(loop, &child->pipe, 0);
	(void)uv_timer_init(loop, &child->timer);
	int r = spawn(loop, child, argv);
	child->process.data = child;
	if (r < 0) {
		close_all(child);
		return err_set(err, r, "cannot start an examination: %s", uv_strerror(r));
	}
	(void)uv_timer_start(&child->timer, on_timer, timeout_ms, 0);
	*ret_child = child;
	return 0;
}

void child_cancel(struct child *child)
{
	if (!child || child->is_closing)
		return;
	child->done = NULL;
	(void)uv_process_kill(&child->process, SIGKILL);
	// The exit is still collected by the loop, so that no zombie stays; then all goes.
	(void)uv_timer_stop(&child->timer);
}
