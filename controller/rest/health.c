// Is the process there, and can it do its work?
#include <string.h>

#include "base/clock.h"

#include "rest/handlers.h"
#include "rest/server.h"
#include "store/store.h"

#define READY_FRESH_MS 2000 // so that anybody's asking does not become anybody's fsync

void health_get(struct request *request)
{
	request_answer_text(request, MHD_HTTP_OK, "text/plain; charset=utf-8", "ok\n");
}

static void ready_answer(struct request *request)
{
	const struct readiness *ready = &request->rest->readiness;
	if (ready->is_ready)
		request_answer_text(request, MHD_HTTP_OK, "text/plain; charset=utf-8", "ok\n");
	else
		request_answer_text(request, MHD_HTTP_SERVICE_UNAVAILABLE,
				    "text/plain; charset=utf-8", ready->text);
}

// Store's thread: a write that changes nothing anybody reads.
static int write_probe(struct store_tx *tx, void *arg, struct err *err)
{
	(void)arg;
	int r = store_exec(tx, SQL_META_PUT,
			   STORE_PARAMS(store_text("ready_probe"), store_text("1")), err);
	return r < 0 ? r : 0;
}

static void probed(void *arg, enum store_result result, const struct err *err)
{
	struct request *request = arg;
	struct readiness *ready = &request->rest->readiness;
	ready->at_ms = clock_mono_ms();
	ready->is_ready = result == STORE_OK;
	if (!ready->is_ready)
		(void)snprintf(ready->text, sizeof(ready->text), "the store: %s\n", err->text);
	ready_answer(request);
}

void ready_get(struct request *request)
{
	struct readiness *ready = &request->rest->readiness;
	if (ready->at_ms && clock_mono_ms() - ready->at_ms < READY_FRESH_MS) {
		ready_answer(request);
		return;
	}
	ready->at_ms = clock_mono_ms();
	if (store_transact(request->rest->services.store, NULL, write_probe, probed, request) < 0)
		request_answer_text(request, MHD_HTTP_SERVICE_UNAVAILABLE,
				    "text/plain; charset=utf-8", "the store's queue is full\n");
}
