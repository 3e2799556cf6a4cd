#include "hooks/hook_step.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"

enum {
	KILL_MS = 1000, // between asking to end and ending
	DRAIN_MS = 500, // for what it printed last
	HANDLES = 3,
};

struct hook_step {
	uv_process_t process;
	uv_pipe_t pipe;
	uv_timer_t timer;
	int open_handles;
	bool has_exited;
	bool is_closing;
	int64_t started_ms;
	struct hook_outcome outcome;
	size_t output_len;
	char chunk[4096];
	hook_step_done_fn done; // NULL: stopped
	void *context;
};

static void on_closed(uv_handle_t *handle)
{
	struct hook_step *step = handle->data;
	if (--step->open_handles == 0)
		free(step);
}

static void close_all(struct hook_step *step)
{
	step->is_closing = true;
	uv_close((uv_handle_t *)&step->process, on_closed);
	uv_close((uv_handle_t *)&step->pipe, on_closed);
	uv_close((uv_handle_t *)&step->timer, on_closed);
}

static void finish(struct hook_step *step)
{
	struct hook_outcome *o = &step->outcome;
	if (step->is_closing)
		return;
	o->is_good = !o->is_late && o->status == 0 && o->signal == 0;
	while (step->output_len > 0 && o->output[step->output_len - 1] == ' ')
		step->output_len--;
	o->output[step->output_len] = '\0';
	close_all(step);
	if (step->done)
		step->done(step->context, o);
}

// The whole group: what a command leaves behind must not outlive it.
static void kill_group(const struct hook_step *step, int number)
{
	if (step->process.pid > 0)
		(void)kill(-step->process.pid, number);
}

static void on_drained(uv_timer_t *timer)
{
	finish(timer->data);
}

static void on_ended(uv_process_t *process, int64_t status, int number)
{
	struct hook_step *step = process->data;
	step->has_exited = true;
	step->outcome.status = (int)status;
	step->outcome.signal = number;
	step->outcome.took_ms = (int64_t)uv_now(process->loop) - step->started_ms;
	kill_group(step, SIGKILL);
	if (!uv_is_active((uv_handle_t *)&step->pipe))
		finish(step);
	else
		(void)uv_timer_start(&step->timer, on_drained, DRAIN_MS, 0);
}

static void on_kill(uv_timer_t *timer)
{
	kill_group(timer->data, SIGKILL);
}

static void on_late(uv_timer_t *timer)
{
	struct hook_step *step = timer->data;
	step->outcome.is_late = true;
	kill_group(step, SIGTERM);
	(void)uv_timer_start(timer, on_kill, KILL_MS, 0);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct hook_step *step = handle->data;
	(void)suggested;
	*buf = uv_buf_init(step->chunk, sizeof step->chunk);
}

// Events are JSON and lines of a log: lines are joined, other bytes become a question mark.
static void keep(struct hook_step *step, const char *bytes, size_t n)
{
	char *output = step->outcome.output;
	for (size_t i = 0; i < n; i++) {
		bool is_space = bytes[i] == '\n' || bytes[i] == '\t' || bytes[i] == '\r';
		char c = is_space ? ' ' : bytes[i] < ' ' || bytes[i] > '~' ? '?' : bytes[i];
		if (step->output_len == HOOK_OUTPUT_MAX) {
			memmove(output, output + 1, (size_t)HOOK_OUTPUT_MAX - 1);
			step->output_len--;
		}
		output[step->output_len++] = c;
	}
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct hook_step *step = stream->data;
	if (n > 0)
		keep(step, buf->base, (size_t)n);
	if (n >= 0)
		return;
	(void)uv_read_stop(stream);
	if (step->has_exited)
		finish(step);
}

static int spawn(uv_loop_t *loop, struct hook_step *step, const struct hook_command *command)
{
	uv_file ends[2];
	int r = uv_pipe(ends, UV_NONBLOCK_PIPE, 0);
	if (r < 0)
		return r;
	uv_stdio_container_t files[] = {
		{ .flags = UV_IGNORE },
		{ .flags = UV_INHERIT_FD, .data.fd = ends[1] },
		{ .flags = UV_INHERIT_FD, .data.fd = ends[1] },
	};
	bool is_other = command->uid != geteuid();
	const uv_process_options_t options = {
		.exit_cb = on_ended,
		.file = command->argv[0],
		.args = command->argv,
		.env = command->env,
		.cwd = "/",
		.flags = UV_PROCESS_DETACHED |
			 (is_other ? UV_PROCESS_SETUID | UV_PROCESS_SETGID : 0u),
		.uid = command->uid,
		.gid = command->gid,
		.stdio_count = ARRAY_LEN(files),
		.stdio = files,
	};
	r = uv_pipe_open(&step->pipe, ends[0]);
	if (r < 0)
		(void)close(ends[0]);
	else
		r = uv_spawn(loop, &step->process, &options);
	(void)close(ends[1]);
	return r < 0 ? r : uv_read_start((uv_stream_t *)&step->pipe, on_alloc, on_read);
}

int hook_step_start(uv_loop_t *loop, const struct hook_command *command, hook_step_done_fn done,
		    void *context, struct hook_step **ret_step, struct err *err)
{
	struct hook_step *step = calloc(1, sizeof *step);
	if (!step)
		return err_set(err, -ENOMEM, "out of memory");
	step->open_handles = HANDLES;
	step->done = done;
	step->context = context;
	step->pipe.data = step->timer.data = step;
	(void)uv_pipe_init(loop, &step->pipe, 0);
	(void)uv_timer_init(loop, &step->timer);
	uv_update_time(loop);
	step->started_ms = (int64_t)uv_now(loop);
	int r = spawn(loop, step, command);
	step->process.data = step;
	if (r < 0) {
		// A process that did not start has no exit, but its handle may be on the loop.
		if (step->process.type != UV_PROCESS) {
			step->open_handles--;
			uv_close((uv_handle_t *)&step->pipe, on_closed);
			uv_close((uv_handle_t *)&step->timer, on_closed);
		} else {
			close_all(step);
		}
		return err_set(err, r, "cannot run %s: %s", command->argv[0], uv_strerror(r));
	}
	(void)uv_timer_start(&step->timer, on_late, command->timeout_ms, 0);
	*ret_step = step;
	return 0;
}

void hook_step_stop(struct hook_step *step)
{
	if (!step || step->is_closing)
		return;
	step->done = NULL;
	kill_group(step, SIGKILL);
	close_all(step);
}
