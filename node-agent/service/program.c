#include "service/program.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clean.h"
#include "base/log.h"
#include "loop/notify.h"

static void on_stop(uv_signal_t *signal, int number)
{
	(void)number;
	uv_stop(signal->loop);
}

static void on_reload(uv_signal_t *signal, int number)
{
	const struct service_program *program = signal->data;
	(void)number;
	program->reload();
}

// Each question or connection under way has sockets of its own.
static void allow_files(void)
{
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return;
	files.rlim_cur = files.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &files);
}

static void serve(const struct service_program *program, uv_loop_t *loop)
{
	uv_signal_t signals[3];
	const int numbers[] = { SIGTERM, SIGINT, SIGHUP };
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		(void)uv_signal_init(loop, &signals[i]);
		signals[i].data = (void *)(uintptr_t)program;
		(void)uv_signal_start(&signals[i], numbers[i] == SIGHUP ? on_reload : on_stop,
				      numbers[i]);
	}
	(void)notify_ready();
	(void)uv_run(loop, UV_RUN_DEFAULT);
	(void)notify_stopping();
	program->close();
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		uv_close((uv_handle_t *)&signals[i], NULL);
	(void)uv_run(loop, UV_RUN_DEFAULT);
}

int service_run(const struct service_program *program, const char *path)
{
	struct err err = { 0 };
	uv_loop_t loop;
	(void)signal(SIGPIPE, SIG_IGN);
	allow_files();
	if (uv_loop_init(&loop) < 0) {
		log_error("%s: out of memory", program->name);
		return EXIT_FAILURE;
	}
	int r = program->open(&loop, path, &err);
	if (r < 0) {
		log_error("%s: %s", program->name, err.text);
		(void)uv_run(&loop, UV_RUN_DEFAULT);
	} else {
		serve(program, &loop);
	}
	(void)uv_loop_close(&loop);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
