#include "proxy/pipes.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clean.h"

enum { SPARE_MAX = 32 };

static void pipe_free(struct pipe *pipe)
{
	(void)close(pipe->in);
	(void)close(pipe->out);
	free(pipe);
}

struct pipe *pipe_get(struct pipe_pool *pool)
{
	struct pipe *pipe = pool->spare;
	int ends[2];
	if (pipe) {
		pool->spare = pipe->next;
		pool->n_spare--;
		return pipe;
	}
	if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) < 0)
		return NULL;
	pipe = calloc(1, sizeof(*pipe));
	if (!pipe) {
		(void)close(ends[0]);
		(void)close(ends[1]);
		return NULL;
	}
	pipe->out = ends[0];
	pipe->in = ends[1];
	// Past the pages that a user may have in pipes the kernel refuses: then it stays small.
	for (int size = PIPE_SIZE; size > 65536 && fcntl(pipe->in, F_SETPIPE_SZ, size) < 0;)
		size /= 2;
	return pipe;
}

void pipe_put(struct pipe_pool *pool, struct pipe *pipe)
{
	if (!pipe)
		return;
	if (pipe->held > 0 || pool->n_spare == SPARE_MAX) {
		pipe_free(pipe);
		return;
	}
	pipe->next = pool->spare;
	pool->spare = pipe;
	pool->n_spare++;
}

void pipe_pool_done(struct pipe_pool *pool)
{
	while (pool->spare) {
		struct pipe *pipe = pool->spare;
		pool->spare = pipe->next;
		pipe_free(pipe);
	}
	pool->n_spare = 0;
}
