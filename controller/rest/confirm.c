// POST /api/v1/confirm and /api/v1/rollback: keeping what waits for confirmation, and going back.
#include "rest/confirm.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "model/json.h"
#include "model/net.h"

#include "rest/handlers.h"
#include "rest/resource.h"
#include "rest/server.h"

json_t *confirmation_json(const struct intent *intent)
{
	struct intent_confirmation c;
	char at[TIME_TEXT_SIZE], until[TIME_TEXT_SIZE];
	if (!intent_confirmation(intent, &c))
		return NULL;
	int64_t left = c.due_ms - clock_wall_ms();
	return json_pack("{s:I, s:s, s:s, s:s, s:I}", "revision", (json_int_t)c.revision, "user",
			 c.actor, "at", time_format(c.at_ms, at), "until",
			 time_format(c.due_ms, until), "left_ms",
			 (json_int_t)(left > 0 ? left : 0));
}

int64_t confirm_time_ms(const json_t *body)
{
	const char *text = json_string_value(json_object_get(body, "confirm"));
	int64_t ms = 0;
	// Its form was checked against the schema.
	return text && duration_parse(text, &ms, NULL) == 0 ? ms : 0;
}

json_t *confirm_result(const struct request *request, const struct intent_answer *answer)
{
	return json_pack("{s:I, s:O?, s:O?, s:o*}", "revision", (json_int_t)answer->revision,
			 "changes", answer->changes, "nodes", answer->nodes, "confirmation",
			 confirmation_json(request->rest->services.intent));
}

static void done(void *arg, const struct intent_answer *answer)
{
	struct request *request = arg;
	if (!resource_refused(request, answer))
		request_answer_json(request, MHD_HTTP_OK, confirm_result(request, answer));
}

static void submit(struct request *request, enum intent_verb verb, json_t *body)
{
	const struct intent_request change = {
		.verb = verb,
		.actor = request->who.actor,
		.body = body,
		.expected_revision = INTENT_ANY_REVISION,
		.confirm_ms = confirm_time_ms(body),
	};
	(void)resource_submit(request, &change, done, request);
}

void confirm_post(struct request *request)
{
	json_auto_t *body = NULL;
	if (request_json(request, "application/json", &body) < 0 ||
	    request_check(request, "ConfirmRequest", body) < 0)
		return;
	bool is_undo = json_is_true(json_object_get(body, "undo"));
	submit(request, is_undo ? INTENT_UNDO : INTENT_CONFIRM, body);
}

// Going back may write any kind of the network.
static int check_kinds(struct request *request)
{
	static const char *const network[] = { "nodes",     "sites",          "slas",
					       "networks",  "links",          "segments",
					       "ha-groups", "domain-lists",   "blocklists",
					       "dns-zones", "dns-forwards",   "resolvers",
					       "gateways",  "gateway-groups", "policies" };
	struct err err = { 0 };
	for (size_t i = 0; i < ARRAY_LEN(network); i++) {
		if (auth_allow(&request->who, AUTH_WRITE, network[i], &err) < 0) {
			request_problem(request, MHD_HTTP_FORBIDDEN, "%s", err.text);
			return -EPERM;
		}
	}
	return 0;
}

void rollback_post(struct request *request)
{
	json_auto_t *body = NULL;
	if (request_json(request, "application/json", &body) < 0 ||
	    request_check(request, "RollbackRequest", body) < 0 || check_kinds(request) < 0)
		return;
	submit(request, INTENT_ROLLBACK, body);
}
