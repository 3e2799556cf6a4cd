// weft-proxy: finds out whom the connections of a site's clients are for, and sends them the way
// that the policy says.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <uv.h>

#include "base/log.h"
#include "base/version.h"
#include "loop/notify.h"

#include "proxy/server.h"

static const char usage[] = "usage: weft-proxy run CONFIG         splits as CONFIG says\n"
			    "       weft-proxy check CONFIG       tells whether CONFIG is good\n"
			    "       weft-proxy --version\n";

enum { EXIT_USAGE = 2 };

struct program {
	struct proxy_server server;
	uv_signal_t stop, interrupt, reload;
};

static void on_stop(uv_signal_t *signal, int number)
{
	(void)number;
	uv_stop(signal->loop);
}

static void on_reload(uv_signal_t *signal, int number)
{
	struct program *program = signal->data;
	(void)number;
	proxy_server_reload(&program->server);
}

static void watch_signals(struct program *program, uv_loop_t *loop)
{
	(void)uv_signal_init(loop, &program->stop);
	(void)uv_signal_init(loop, &program->interrupt);
	(void)uv_signal_init(loop, &program->reload);
	program->reload.data = program;
	(void)uv_signal_start(&program->stop, on_stop, SIGTERM);
	(void)uv_signal_start(&program->interrupt, on_stop, SIGINT);
	(void)uv_signal_start(&program->reload, on_reload, SIGHUP);
}

// Each connection has two sockets.
static void allow_files(void)
{
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return;
	files.rlim_cur = files.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &files);
}

static int run(const char *path)
{
	static struct program program;
	struct err err = { 0 };
	uv_loop_t loop;
	(void)signal(SIGPIPE, SIG_IGN);
	allow_files();
	if (uv_loop_init(&loop) < 0) {
		log_error("weft-proxy: out of memory");
		return EXIT_FAILURE;
	}
	int r = proxy_server_init(&program.server, &loop, path, &err);
	if (r < 0) {
		log_error("weft-proxy: %s", err.text);
	} else {
		watch_signals(&program, &loop);
		log_info("weft-proxy: %zu workers carry what is led to port %u",
			 program.server.n_workers, program.server.config->settings.port);
		(void)notify_ready();
		(void)uv_run(&loop, UV_RUN_DEFAULT);
		(void)notify_stopping();
		proxy_server_done(&program.server);
		uv_close((uv_handle_t *)&program.stop, NULL);
		uv_close((uv_handle_t *)&program.interrupt, NULL);
		uv_close((uv_handle_t *)&program.reload, NULL);
	}
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&loop);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int check(const char *path)
{
	struct err err = { 0 };
	CLEAN(proxy_config_release_ptr)
	struct proxy_config *config = proxy_config_read(path, &err);
	if (!config)
		(void)fprintf(stderr, "%s\n", err.text);
	return config ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "run") == 0)
		return run(argv[2]);
	if (argc == 3 && strcmp(argv[1], "check") == 0)
		return check(argv[2]);
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		(void)printf("weft-proxy %s\n", weft_version());
		return EXIT_SUCCESS;
	}
	(void)fputs(usage, stderr);
	return EXIT_USAGE;
}
