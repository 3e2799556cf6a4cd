// A thread that carries TCP connections: it owns its listening sockets, its flows and their pipes.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/clean.h"
#include "base/err.h"

#include "proxy/counts.h"
#include "proxy/mailbox.h"

struct proxy_worker;

struct proxy_worker_form {
	struct proxy_config *config; // it takes a reference
	struct mailbox *desk;        // letters to others go there
	const int *listeners;        // are its own from now on
	size_t n_listeners;
	size_t n_workers; // that share what connections there may be
};

// NULL and a sentence; the listening sockets then stay the caller's.
struct proxy_worker *proxy_worker_new(const struct proxy_worker_form *form, struct err *err);
int proxy_worker_start(struct proxy_worker *worker, struct err *err);
// Stops it and ends its flows. NULL is fine.
void proxy_worker_free(struct proxy_worker *worker);

struct mailbox *proxy_worker_box(struct proxy_worker *worker);
const struct counts *proxy_worker_counts(const struct proxy_worker *worker);
const int *proxy_worker_listeners(const struct proxy_worker *worker, size_t *ret_count);
