// POST /api/v1/nodes/{name}/doctor: a node examines itself, with others' help.
#include <stdlib.h>
#include <string.h>

#include "model/json.h"

#include "intent/intent.h"
#include "rest/handlers.h"
#include "rest/question.h"
#include "rest/server.h"

#define DOCTOR_MS 60000

static bool is_grade(const char *grade)
{
	return strcmp(grade, "ok") == 0 || strcmp(grade, "warn") == 0 || strcmp(grade, "bad") == 0;
}

// What the document promises of a node's answer and nothing else, for a node may lie; NULL when it
// is malformed.
static json_t *report_of(const char *node, const json_t *result)
{
	const json_t *lines = json_object_get(result, "lines");
	json_auto_t *told = json_array();
	bool is_ok = true;
	size_t i;
	json_t *line;

	if (!json_is_array(lines))
		return NULL;
	json_array_foreach(lines, i, line)
	{
		const char *check, *grade, *text, *cure;

		if (json_unpack(line, "{s:s, s:s, s:s, s:s}", "check", &check, "grade", &grade,
				"text", &text, "cure", &cure) < 0 ||
		    !is_grade(grade))
			return NULL;
		is_ok = is_ok && strcmp(grade, "bad") != 0;
		(void)json_array_append_new(told,
					    json_pack("{s:s, s:s, s:s, s:s}", "check", check,
						      "grade", grade, "text", text, "cure", cure));
	}
	return json_pack("{s:s, s:b, s:O}", "node", node, "ok", is_ok, "lines", told);
}

static void answered(void *ctx, const json_t *result, const char *error)
{
	struct request *request = ctx;
	if (question_failed(request, request->state, result, error))
		return;
	json_t *report = report_of(request->params.name, result);
	if (!report) {
		request_problem(request, MHD_HTTP_CONFLICT, "nodes/%s cannot examine itself: %s",
				request->params.name, error ? error : "its answer is malformed");
		return;
	}
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
