// weft-proxy: finds out whom the connections of a site's clients are for, and sends them the way
// that the policy says.
#include <errno.h>
#include <uv.h>

#include "base/log.h"

#include "proxy/server.h"
#include "service/program.h"

static const char usage[] =
	"usage: weft-proxy run CONFIG         splits as CONFIG says\n"
	"       weft-proxy reload CONFIG      the one that runs reads CONFIG again,\n"
	"                                     or makes room for this program\n"
	"       weft-proxy check CONFIG       tells whether CONFIG is good\n"
	"       weft-proxy --help, --version\n";

static struct proxy_server server;

static int open_server(uv_loop_t *loop, const char *path, struct handover *before, struct err *err)
{
	return proxy_server_init(&server, loop, path, before, err);
}

static int begin(struct err *err)
{
	int r = service_begin(server.control, err);
	if (r == 0)
		log_info("weft-proxy: %zu workers carry what is led to port %u", server.n_workers,
			 server.config->settings.port);
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
	proxy_server_done(&server);
}

static int check(const char *path, struct err *err)
{
	CLEAN(proxy_config_release_ptr) struct proxy_config *config = proxy_config_read(path, err);
	return config ? 0 : -EINVAL;
}

static const struct service_program program = {
	.name = "weft-proxy",
	.usage = usage,
	.check = check,
	.open = open_server,
	.begin = begin,
	.reload = reload_server,
	.has_left = has_left,
	.close = close_server,
};

int main(int argc, char **argv)
{
	return service_main(&program, argc, argv);
}
