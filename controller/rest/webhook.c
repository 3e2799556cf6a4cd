// GET /api/v1/webhooks/{name}/status and POST /api/v1/webhooks/{name}/test.
#include "webhook/webhook.h"

#include "base/clock.h"

#include "intent/intent.h"
#include "live/live.h"
#include "rest/handlers.h"
#include "rest/server.h"

static const struct intent_resource *find(struct request *request)
{
	const struct intent_resource *webhook =
		intent_find(request->rest->services.intent, "webhooks", request->params.name);
	if (!webhook)
		request_problem(request, MHD_HTTP_NOT_FOUND, "webhooks/%s does not exist",
				request->params.name);
	return webhook;
}

static void answer_status(struct request *request, unsigned status, int64_t id)
{
	json_t *progress = webhooks_status(request->rest->services.webhooks, id);
	request_time_field(progress, "delivered_at");
	request_time_field(progress, "next_at");
	if (progress)
		request_answer_json(request, status, progress);
	else
		request_problem(request, MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory");
}

void webhook_status_get(struct request *request)
{
	const struct intent_resource *webhook = find(request);
	if (webhook)
		answer_status(request, MHD_HTTP_OK, webhook->id);
}

void webhook_test_post(struct request *request)
{
	const struct intent_resource *webhook = find(request);
	if (!webhook)
		return;
	if (json_is_true(json_object_get(webhook->spec, "disabled"))) {
		request_problem(request, MHD_HTTP_CONFLICT,
				"webhooks/%s is disabled: nothing is sent to it", webhook->name);
		return;
	}
	CLEAN(free_ptr) char *entry = text_format("webhooks/%s", webhook->name);
	CLEAN(free_ptr)
	char *text = text_format("a test of webhook %s by %s", webhook->name, request->who.actor);
	const struct live_event event = { .at_ms = clock_wall_ms(),
					  .severity = "info",
					  .kind = WEBHOOK_TEST_KIND,
					  .entry = entry,
					  .text = text };
	if (entry && text)
		live_event_own(request->rest->services.live, &event);
	answer_status(request, MHD_HTTP_ACCEPTED, webhook->id);
}
