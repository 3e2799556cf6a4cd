#include <string.h>

#include "run/state.h"

CLEAN_FUNC(json_t, json_decref)

static void respond(struct agent *agent, int64_t id, const json_t *result, const char *error)
{
	const struct msg msg = {
		.type = MSG_RESPONSE,
		.response = { .id = id, .ok = error == NULL, .result = result, .error = error }
	};
	session_send(agent, &msg, false);
}

static void on_ping_done(void *context, json_t *result)
{
	struct agent_request *request = context;
	CLEAN(json_decref_ptr) json_t *owned = result;
	request->ping = NULL;
	respond(request->agent, request->id, owned, NULL);
}

static void take_ping(struct agent *agent, const struct msg_request *asked)
{
	struct err err = { 0 };
	for (size_t i = 0; i < ARRAY_LEN(agent->requests); i++) {
		struct agent_request *request = &agent->requests[i];
		if (request->ping)
			continue;
		*request = (struct agent_request){ .agent = agent, .id = asked->id };
		if (ping_start(agent->loop, agent->icmp, asked->args, on_ping_done, request,
			       &request->ping, &err) < 0)
			respond(agent, asked->id, NULL, err.text);
		return;
	}
	respond(agent, asked->id, NULL, "this node is busy with other pings");
}

// What a controller may ask of a node.
static const struct {
	const char *verb;
	void (*take)(struct agent *agent, const struct msg_request *asked);
} request_verbs[] = {
	{ "ping", take_ping },
};

void request_take(struct agent *agent, const struct msg_request *request)
{
	for (size_t i = 0; i < ARRAY_LEN(request_verbs); i++) {
		if (strcmp(request->verb, request_verbs[i].verb) == 0) {
			request_verbs[i].take(agent, request);
			return;
		}
	}
	respond(agent, request->id, NULL, "this version of the agent does not know that request");
}

void request_cancel_all(struct agent *agent)
{
	for (size_t i = 0; i < ARRAY_LEN(agent->requests); i++) {
		if (agent->requests[i].ping)
			ping_cancel(agent->requests[i].ping);
		agent->requests[i].ping = NULL;
	}
}
