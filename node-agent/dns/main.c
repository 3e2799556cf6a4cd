// weft-dns: the policy DNS of a site.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <uv.h>

#include "base/log.h"
#include "base/version.h"
#include "loop/notify.h"

#include "dns/image.h"
#include "dns/server.h"

static const char usage[] =
	"usage: weft-dns run CONFIG         answers as CONFIG says\n"
	"       weft-dns check CONFIG       tells whether CONFIG is good\n"
	"       weft-dns image LIST IMAGE   makes of a list what blocks refer to\n"
	"       weft-dns --version\n";

enum { EXIT_USAGE = 2 };

struct program {
	struct dns_server server;
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
	dns_server_reload(&program->server);
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

// Each question under way has a socket of its own.
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
		log_error("weft-dns: out of memory");
		return EXIT_FAILURE;
	}
	int r = dns_server_init(&program.server, &loop, path, &err);
	if (r < 0) {
		log_error("weft-dns: %s", err.text);
	} else {
		watch_signals(&program, &loop);
		log_info("weft-dns: %zu addresses are answered at",
			 program.server.config->n_listen);
		(void)notify_ready();
		(void)uv_run(&loop, UV_RUN_DEFAULT);
		(void)notify_stopping();
		dns_server_done(&program.server);
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
	CLEAN(dns_config_free_ptr) struct dns_config *config = dns_config_read(path, &err);
	if (!config)
		(void)fprintf(stderr, "%s\n", err.text);
	return config ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int image(const char *list, const char *path)
{
	struct name_lines lines = { 0 };
	struct err err = { 0 };
	if (dns_image_make(list, path, &lines, &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.text);
		return EXIT_FAILURE;
	}
	(void)printf("{\"rules\":%zu,\"bad\":%zu}\n", lines.rules, lines.bad);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "run") == 0)
		return run(argv[2]);
	if (argc == 3 && strcmp(argv[1], "check") == 0)
		return check(argv[2]);
	if (argc == 4 && strcmp(argv[1], "image") == 0)
		return image(argv[2], argv[3]);
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		(void)printf("weft-dns %s\n", weft_version());
		return EXIT_SUCCESS;
	}
	(void)fputs(usage, stderr);
	return EXIT_USAGE;
}
