// weft-dns: the policy DNS of a site.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/log.h"

#include "dns/image.h"
#include "dns/server.h"
#include "service/program.h"

static const char usage[] =
	"usage: weft-dns run CONFIG         answers as CONFIG says\n"
	"       weft-dns reload CONFIG      the one that runs reads CONFIG again, or makes room "
	"for\n"
	"                                   this program\n"
	"       weft-dns check CONFIG       tells whether CONFIG is good\n"
	"       weft-dns image LIST IMAGE   makes of a list what blocks refer to\n"
	"       weft-dns --help, --version\n";

static struct dns_server server;

static int open_server(uv_loop_t *loop, const char *path, struct handover *before, struct err *err)
{
	return dns_server_init(&server, loop, path, before, err);
}

static int begin(struct err *err)
{
	int r = dns_server_begin(&server, err);
	if (r == 0)
		log_info("weft-dns: %zu addresses are answered at", server.config->n_listen);
	return r;
}

static void reload_server(void)
{
	service_reread(&server.reread);
}

static bool has_left(void)
{
	return server.is_leaving;
}

static void close_server(void)
{
	dns_server_done(&server);
}

static int check(const char *path, struct err *err)
{
	CLEAN(dns_config_free_ptr) struct dns_config *config = dns_config_read(path, err);
	return config ? 0 : -EINVAL;
}

static const struct service_program program = {
	.name = "weft-dns",
	.usage = usage,
	.check = check,
	.open = open_server,
	.begin = begin,
	.reload = reload_server,
	.has_left = has_left,
	.close = close_server,
};

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
	if (argc == 4 && strcmp(argv[1], "image") == 0)
		return image(argv[2], argv[3]);
	return service_main(&program, argc, argv);
}
