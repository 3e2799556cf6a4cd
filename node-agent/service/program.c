#include "service/program.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/log.h"
#include "loop/notify.h"

#include "service/about.h"

enum { SIGNALS = 3 };

struct serving {
	const struct service_program *program;
	struct handover before;
	uv_loop_t loop;
	uv_signal_t signals[SIGNALS];
};

static void on_stop(uv_signal_t *signal, int number)
{
	const struct serving *serving = signal->data;
	(void)number;
	handover_end_before(&serving->before);
	uv_stop(signal->loop);
}

static void on_reload(uv_signal_t *signal, int number)
{
	const struct serving *serving = signal->data;
	(void)number;
	serving->program->reload();
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

static void serve(struct serving *serving)
{
	const int numbers[SIGNALS] = { SIGTERM, SIGINT, SIGHUP };
	for (size_t i = 0; i < SIGNALS; i++) {
		uv_signal_t *signal = &serving->signals[i];
		(void)uv_signal_init(&serving->loop, signal);
		signal->data = serving;
		(void)uv_signal_start(signal, numbers[i] == SIGHUP ? on_reload : on_stop,
				      numbers[i]);
	}
	(void)notify_ready();
	(void)uv_run(&serving->loop, UV_RUN_DEFAULT);
	// systemd looks at the one that has taken over.
	if (!serving->program->has_left())
		(void)notify_stopping();
	for (size_t i = 0; i < SIGNALS; i++)
		uv_close((uv_handle_t *)&serving->signals[i], NULL);
}

// Who started this process to take another's place learns which one is ready, and says when.
static int wait_for_starter(int starter, struct err *err)
{
	const pid_t own = getpid();
	char byte;
	if (starter < 0)
		return 0;
	if (write(starter, &own, sizeof(own)) != (ssize_t)sizeof(own) ||
	    read(starter, &byte, 1) != 1)
		return err_set(err, -ECANCELED, "who started it to take another's place is gone");
	return 0;
}

static int take_place(struct serving *serving, const char *path, int starter, struct err *err)
{
	const struct service_program *program = serving->program;
	int r = program->open(&serving->loop, path, &serving->before, err);
	if (r < 0)
		return r;
	r = wait_for_starter(starter, err);
	if (r == 0)
		r = handover_finish(&serving->before, err);
	if (r == 0)
		r = program->begin(err);
	if (r < 0)
		program->close();
	return r;
}

int service_succeed(const struct service_program *program, const char *path, int starter)
{
	static struct serving serving;
	struct err err = { 0 };
	serving = (struct serving){ .program = program, .before = HANDOVER_NONE };
	(void)signal(SIGPIPE, SIG_IGN);
	allow_files();
	if (uv_loop_init(&serving.loop) < 0) {
		log_error("%s: out of memory", program->name);
		return EXIT_FAILURE;
	}
	int r = take_place(&serving, path, starter, &err);
	if (r == 0 && starter >= 0 && write(starter, "", 1) != 1)
		log_warn("%s: who started it does not hear that it serves", program->name);
	close_fd(&starter);
	if (r < 0) {
		log_error("%s: %s", program->name, err.text);
	} else {
		serve(&serving);
		program->close();
	}
	(void)uv_run(&serving.loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&serving.loop);
	handover_done(&serving.before);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int check(const struct service_program *program, const char *path)
{
	struct err err = { 0 };
	int r = program->check(path, &err);
	if (r < 0)
		(void)fprintf(stderr, "%s\n", err.text);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int service_main(const struct service_program *program, int argc, char **argv)
{
	const char *verb = argc == 3 ? argv[1] : "";
	if (strcmp(verb, "run") == 0)
		return service_succeed(program, argv[2], -1);
	if (strcmp(verb, "reload") == 0)
		return service_reload(program, argv[2]);
	if (strcmp(verb, "check") == 0)
		return check(program, argv[2]);
	return service_about(program->name, program->usage, argc, argv);
}
