// How the unprivileged programs of a node run (weft-dns, weft-proxy): one loop, SIGHUP reads the
// configuration again, SIGTERM and SIGINT end them, and a new one takes the place of an old one
// without a question or connection being lost (service/handover.h).
#pragma once

#include <stdbool.h>
#include <uv.h>

#include "base/err.h"

#include "service/handover.h"

struct service_program {
	const char *name, *usage;
	int (*check)(const char *path, struct err *err); // whether a configuration is good
	// Prepares to serve as the configuration at `path` says, with the sockets of the process
	// before, which goes on until begin(). After a failure nothing is open.
	int (*open)(uv_loop_t *loop, const char *path, struct handover *before, struct err *err);
	int (*begin)(struct err *err); // logs what is served
	void (*reload)(void);
	bool (*has_left)(void); // another process has taken its place
	void (*close)(void);
};

// `NAME run CONFIG`, `reload CONFIG`, `check CONFIG`, and what every program says of itself
// (service/about.h). The exit code of the process.
int service_main(const struct service_program *program, int argc, char **argv);

// `run`, until the end, for a process that was started to take another's place: it tells its number
// through `starter` when it is ready, goes on once a byte comes from there, and answers it once it
// serves; `starter` is then closed. -1: nobody waits for it. The exit code.
int service_succeed(const struct service_program *program, const char *path, int starter);

// What `systemctl reload` runs: the process that serves reads its configuration again or, when its
// program is another file than this one, is followed by one of this. Returns the exit code when
// that is done.
int service_reload(const struct service_program *program, const char *path);
