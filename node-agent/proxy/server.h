// What weft-proxy is made of while it runs: the loop thread owns this, workers carry connections, a
// thread of its own looks into QUIC.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/err.h"

#include "proxy/config.h"
#include "proxy/counts.h"
#include "proxy/datagrams.h"
#include "proxy/learned.h"
#include "proxy/mailbox.h"
#include "proxy/worker.h"
#include "service/handover.h"
#include "service/reread.h"
#include "service/service.h"

enum { PROXY_WORKERS_MAX = 64 };

// A list of connections that is being gathered, for one question at the control socket.
struct proxy_roll {
	struct proxy_roll *next;
	uint64_t talk;
	size_t missing; // workers that have not told theirs
	json_t *rows;
};

struct proxy_server {
	uv_loop_t *loop;
	struct proxy_config *config;
	struct mailbox desk; // letters to the loop thread
	uv_poll_t desk_poll;
	struct learned *learned;
	struct proxy_worker *workers[PROXY_WORKERS_MAX];
	size_t n_workers;
	struct proxy_quic *quic;
	struct service_control *control;
	struct service_reread reread;
	struct proxy_roll *rolls;
	uv_timer_t drain;
	bool is_leaving; // another process listens now
	size_t n_gone;   // workers whose last connection has ended since
	bool is_polled;
	int64_t since_ms; // since 1970
};

// ---- server.c ----

// Opens what the configuration says, with the sockets of the process before, and carries what comes
// there. After a failure nothing is left open.
int proxy_server_init(struct proxy_server *server, uv_loop_t *loop, const char *path,
		      struct handover *before, struct err *err);
void proxy_server_done(struct proxy_server *server);

// A copy of the letter to every worker.
void proxy_server_post(struct proxy_server *server, const struct letter *form);

// ---- control_answer.c ----

void proxy_control_answer(void *context, struct service_talk *talk, const json_t *request);
// Rows of a worker have come; takes the letter over.
void proxy_control_rows(struct proxy_server *server, struct letter *letter);
void proxy_control_done(struct proxy_server *server);
