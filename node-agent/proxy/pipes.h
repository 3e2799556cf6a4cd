// Pipes that bytes go through from socket to socket without being copied (splice(2)), in a pool:
// only a flow that has bytes on the way holds one. One thread owns a pool.
#pragma once

#include <stddef.h>

enum { PIPE_SIZE = 1 << 20 }; // wished for; a busy host gives less

struct pipe {
	struct pipe *next;
	int in, out;
	size_t held; // bytes in it
};

struct pipe_pool {
	struct pipe *spare;
	size_t n_spare;
};

// NULL when there is none to be had.
struct pipe *pipe_get(struct pipe_pool *pool);
// Takes it back; one with bytes in it is closed. NULL is fine.
void pipe_put(struct pipe_pool *pool, struct pipe *pipe);
void pipe_pool_done(struct pipe_pool *pool);
