// POST /api/v1/nodes/{name}/doctor: a node examines itself, with others' help.
#include <stdlib.h>

#include "model/json.h"

#include "intent/intent.h"
#include "rest/handlers.h"
#include "rest/question.h"
#include "rest/server.h"

#define DOCTOR_MS 60000

static void answered(void *ctx, const json_t *result, const char *error)
{
	struct request *request = ctx;
	if (question_failed(request, request->state, result, error))
		return;
	if (!json_is_array(json_object_get(result, "lines"))) {
		request_problem(request, MHD_HTTP_CONFLICT, "nodes/%s cannot examine itself: %s",
				request->params.name, error ? error : "its answer is malformed");
		return;
	}
	json_t *report = json_copy((json_t *)(uintptr_t)result);
	json_object_set_new(report, "node", json_string(request->params.name));
	request_answer_json(request, MHD_HTTP_OK, report);
}

void doctor_post(struct request *request)
{
	const struct intent_resource *node = question_node(request);
	if (!node)
		return;
	struct question *question = calloc(1, sizeof(*question));
	if (!question) {
		request_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory");
		return;
	}
	*question = (struct question){ .node_id = node->id, .timeout_ms = DOCTOR_MS };
	request->state = question;
	request->state_free = free;
	question_ask(request, question, "doctor", NULL, answered);
}
