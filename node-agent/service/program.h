// How the unprivileged programs of a node run (weft-dns, weft-proxy): one loop, SIGHUP reads the
// configuration again, SIGTERM and SIGINT end them.
#pragma once

#include <uv.h>

#include "base/err.h"

struct service_program {
	const char *name;
	// Serves as the configuration at `path` says; logs what. After a failure nothing is open.
	int (*open)(uv_loop_t *loop, const char *path, struct err *err);
	void (*reload)(void);
	void (*close)(void);
};

// Until the end; the exit code of the process.
int service_run(const struct service_program *program, const char *path);
