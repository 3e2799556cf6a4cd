// The value of a secret: sealed on its way in, never on its way out.
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#include "intent/intent.h"
#include "pki/vault.h"
#include "rest/handlers.h"
#include "rest/operation.h"
#include "rest/server.h"

struct sealed {
	int64_t id;
	struct vault_output value;
	int64_t now_ms;
};

static void sealed_free(void *state)
{
	struct sealed *sealed = state;
	free(sealed->value.data);
	free(sealed);
}

// Store's thread.
static int store_value_put(struct store_tx *tx, void *arg, struct err *err)
{
	struct request *request = arg;
	struct sealed *sealed = request->state;
	int r = store_exec(tx, SQL_SECRET_PUT,
			   STORE_PARAMS(store_int(sealed->id),
					store_blob(sealed->value.data, sealed->value.len),
					store_int(sealed->now_ms)),
			   err);
	return r < 0 ? r : 0;
}

static void stored(void *arg, enum store_result result, const struct err *err)
{
	struct request *request = arg;
	if (result == STORE_OK)
		request_answer_empty(request, MHD_HTTP_NO_CONTENT);
	else if (err->code == -EALREADY)
		request_problem(request, MHD_HTTP_CONFLICT, "%s", err->text);
	else if (result == STORE_CONSTRAINT)
		request_problem(request, MHD_HTTP_NOT_FOUND, "secrets/%s is gone",
				request->params.name);
	else
		request_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "%s", err->text);
}

void secret_value_put(struct request *request)
{
	const struct rest_services *services = &request->rest->services;
	const struct intent_resource *secret =
		intent_find(services->intent, "secrets", request->params.name);
	if (!secret) {
		request_problem(request, MHD_HTTP_NOT_FOUND, "secrets/%s does not exist",
				request->params.name);
		return;
	}
	if (request->body.len == 0 || request->body.len > VAULT_SECRET_MAX) {
		request_problem_field(request, "value", "is not 1..65536 bytes long");
		return;
	}
	struct sealed *sealed = calloc(1, sizeof(*sealed));
	struct err err = { 0 };
	if (!sealed || vault_seal(services->vault, secret->id,
				  (struct vault_bytes){ request->body.data, request->body.len },
				  &sealed->value, &err) < 0) {
		free(sealed);
		request_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE,
				"the value cannot be sealed");
		return;
	}
	sealed->id = secret->id;
	sealed->now_ms = clock_wall_ms();
	request->state = sealed;
	request->state_free = sealed_free;
	if (store_transact(services->store, operation_id(request), store_value_put, stored,
			   request) < 0)
		request_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "the store's queue is full");
}
