#include "rest/question.h"

#include <errno.h>

#include "base/clock.h"

#include "intent/intent.h"
#include "rest/server.h"

const struct intent_resource *question_node(struct request *request)
{
	const struct intent_resource *node =
		intent_find(request->rest->services.intent, "nodes", request->params.name);
	if (!node)
		request_problem(request, MHD_HTTP_NOT_FOUND, "nodes/%s does not exist",
				request->params.name);
	return node;
}

void question_ask(struct request *request, struct question *question, const char *verb,
		  const json_t *args, hub_answer_fn answered)
{
	const struct hub_question asked = { verb, args, question->timeout_ms, answered, request };
	struct err err = { 0 };
	uint64_t id;
	question->asked_ms = clock_mono_ms();
	int r = hub_request(request->rest->services.hub, question->node_id, &asked, &id, &err);
	if (r == -ENOTCONN)
		request_problem(request, MHD_HTTP_CONFLICT, "nodes/%s is not connected",
				request->params.name);
	else if (r < 0)
		request_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "%s", err.text);
}

bool question_failed(struct request *request, const struct question *question, const json_t *result,
		     const char *error)
{
	const bool is_late =
		clock_mono_ms() - question->asked_ms >= (int64_t)question->timeout_ms - 50;
	if (result ||
	    (!is_late && hub_is_connected(request->rest->services.hub, question->node_id)))
		return false;
	request_problem(request, MHD_HTTP_GATEWAY_TIMEOUT, "nodes/%s did not answer: %s",
			request->params.name, error ? error : "no answer");
	return true;
}
