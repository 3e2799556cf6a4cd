// POST /api/v1/nodes/{name}/retry: a node tries the revision again that it went back from.
#include <errno.h>
#include <string.h>

#include "hub/hub.h"
#include "intent/intent.h"
#include "rest/handlers.h"
#include "rest/server.h"

#define RETRY_MS 5000

static void answered(void *ctx, const json_t *result, const char *error)
{
	struct request *request = ctx;
	(void)result;
	if (!error)
		request_answer_empty(request, MHD_HTTP_NO_CONTENT);
	else if (strstr(error, "refused"))
		request_problem(request, MHD_HTTP_CONFLICT, "nodes/%s: %s", request->params.name,
				error);
	else
		request_problem(request, MHD_HTTP_GATEWAY_TIMEOUT, "nodes/%s did not answer: %s",
				request->params.name, error);
}

void node_retry(struct request *request)
{
	const struct rest_services *services = &request->rest->services;
	const struct intent_resource *node =
		intent_find(services->intent, "nodes", request->params.name);
	struct err err = { 0 };
	if (!node) {
		request_problem(request, MHD_HTTP_NOT_FOUND, "nodes/%s does not exist",
				request->params.name);
		return;
	}
	const struct hub_question question = { "retry", NULL, RETRY_MS, answered, request };
	int r = hub_request(services->hub, node->id, &question, NULL, &err);
	if (r == -ENOTCONN)
		request_problem(request, MHD_HTTP_CONFLICT, "nodes/%s is not connected",
				request->params.name);
	else if (r < 0)
		request_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "%s", err.text);
}
