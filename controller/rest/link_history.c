// GET /api/v1/nodes/{name}/history: what a link was like over the last hour or day, as the node
// that measures it remembers it.
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "model/json.h"
#include "model/net.h"

#include "intent/intent.h"
#include "rest/handlers.h"
#include "rest/question.h"
#include "rest/server.h"

enum { ASK_MS = 10000, SLOTS_MAX = 1000, STEP_MAX_MS = 3600000 };

struct history_ask {
	struct question question;
	json_t *args;
};

static void ask_free(void *state)
{
	struct history_ask *ask = state;
	json_decref(ask->args);
	free(ask);
}

static const char *const columns[] = { "rtt_min_us", "rtt_avg_us", "rtt_max_us", "jitter_us",
				       "loss",       "rx_bps",     "tx_bps" };
static const char *const limits[] = { "latency_us", "jitter_us", "loss" };

// A figure that a node tells: a number from 0 up; everything else is not known.
static json_t *figure(json_t *value)
{
	return json_is_number(value) && json_number_value(value) >= 0 ? json_incref(value)
								      : json_null();
}

// The columns, all as long as the first; NULL when they are malformed.
static json_t *slots_of(const json_t *told)
{
	const size_t count = json_array_size(json_object_get(told, columns[0]));
	json_auto_t *slots = json_object();
	if (count == 0 || count > SLOTS_MAX)
		return NULL;
	for (size_t c = 0; c < ARRAY_LEN(columns); c++) {
		const json_t *from = json_object_get(told, columns[c]);
		json_t *column = json_array();
		if (json_object_set_new(slots, columns[c], column) < 0 ||
		    json_array_size(from) != count)
			return NULL;
		for (size_t i = 0; i < count; i++)
			(void)json_array_append_new(column, figure(json_array_get(from, i)));
	}
	return json_incref(slots);
}

static json_t *sla_of(const json_t *told)
{
	json_t *sla = json_object();
	for (size_t i = 0; i < ARRAY_LEN(limits); i++)
		(void)json_object_set_new(sla, limits[i], figure(json_object_get(told, limits[i])));
	return sla;
}

// What the document promises of a node's answer and nothing else, for a node may lie. The node's
// clock may be wrong: it tells ages, the time is ours. NULL when it is malformed.
static json_t *report_of(const struct request *request, const json_t *result)
{
	const struct history_ask *ask = request->state;
	const int64_t step = json_integer_value(json_object_get(result, "step_ms"));
	const int64_t age = json_integer_value(json_object_get(result, "age_ms"));
	json_auto_t *slots = slots_of(json_object_get(result, "slots"));
	char text[TIME_TEXT_SIZE];
	if (!slots || step < 1 || step > STEP_MAX_MS || age < 0 || age > step)
		return NULL;
	const size_t count = json_array_size(json_object_get(slots, columns[0]));
	const int64_t start = clock_wall_ms() - age - (int64_t)(count - 1) * step;
	return json_pack("{s:s, s:O, s:O, s:s, s:I, s:o, s:O}", "node", request->params.name,
			 "link", json_object_get(ask->args, "link"), "span",
			 json_object_get(ask->args, "span"), "start", time_format(start, text),
			 "step_ms", (json_int_t)step, "sla", sla_of(json_object_get(result, "sla")),
			 "slots", slots);
}

static void answered(void *ctx, const json_t *result, const char *error)
{
	struct request *request = ctx;
	struct history_ask *ask = request->state;
	if (question_failed(request, &ask->question, result, error))
		return;
	json_t *report = report_of(request, result);
	if (report)
		request_answer_json(request, MHD_HTTP_OK, report);
	else
		request_problem(request, MHD_HTTP_CONFLICT, "nodes/%s cannot tell: %s",
				request->params.name, error ? error : "its answer is malformed");
}

void link_history_get(struct request *request)
{
	const char *link = request_query(request, "link");
	const char *span = request_query(request, "span");
	const struct intent_resource *node = question_node(request);
	if (!node)
		return;
	if (!link || !*link || strlen(link) > WIRE_KEY_MAX) {
		request_problem(request, MHD_HTTP_BAD_REQUEST,
				"link: which one, as in home/bob, is missing");
		return;
	}
	if (span && strcmp(span, "1h") != 0 && strcmp(span, "24h") != 0) {
		request_problem(request, MHD_HTTP_BAD_REQUEST, "span: neither 1h nor 24h");
		return;
	}
	struct history_ask *ask = calloc(1, sizeof(*ask));
	if (!ask) {
		request_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory");
		return;
	}
	ask->question = (struct question){ .node_id = node->id, .timeout_ms = ASK_MS };
	request->state = ask;
	request->state_free = ask_free;
	ask->args = json_pack("{s:s, s:s}", "link", link, "span", span ? span : "1h");
	question_ask(request, &ask->question, "history", ask->args, answered);
}
