#include <string.h>

#include "run/state.h"

CLEAN_FUNC(json_t, json_decref)

enum { DOCTOR_MS = 55000, REACH_MS = 8000, REACH_TARGETS_MAX = 8 };

static void respond(struct agent *agent, int64_t id, const json_t *result, const char *error)
{
	const struct msg msg = {
		.type = MSG_RESPONSE,
		.response = { .id = id, .ok = error == NULL, .result = result, .error = error }
	};
	session_send(agent, &msg, false);
}

// A free place for a request, NULL after having refused it.
static struct agent_request *begin(struct agent *agent, int64_t id)
{
	for (size_t i = 0; i < ARRAY_LEN(agent->requests); i++) {
		struct agent_request *request = &agent->requests[i];
		if (request->ping || request->child || request->talk || request->explaining)
			continue;
		*request = (struct agent_request){ .agent = agent, .id = id };
		return request;
	}
	respond(agent, id, NULL, "this node is busy with other requests");
	return NULL;
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
	struct agent_request *request = begin(agent, asked->id);
	if (request && ping_start(agent->loop, agent->icmp, asked->args, on_ping_done, request,
				  &request->ping, &err) < 0)
		respond(agent, asked->id, NULL, err.text);
}

static void on_child_done(void *context, const json_t *output, const char *why)
{
	struct agent_request *request = context;
	request->child = NULL;
	respond(request->agent, request->id, output, why);
}

static void take_by_child(struct agent *agent, int64_t id, const char *const *args,
			  unsigned timeout_ms)
{
	struct err err = { 0 };
	struct agent_request *request = begin(agent, id);
	if (request && child_start(agent->loop, args, timeout_ms, on_child_done, request,
				   &request->child, &err) < 0)
		respond(agent, id, NULL, err.text);
}

static void take_doctor(struct agent *agent, const struct msg_request *asked)
{
	const char *args[8] = { "doctor", "-o", "json" };
	examine_words(agent, args + 3);
	take_by_child(agent, asked->id, args, DOCTOR_MS);
}

// Another node wants to know what reaches it, and where its packets come from.
static void take_reach(struct agent *agent, const struct msg_request *asked)
{
	const json_t *to = json_object_get(asked->args, "to");
	const char *token = json_string_value(json_object_get(asked->args, "token"));
	const char *from = json_string_value(json_object_get(asked->args, "from"));
	json_int_t port = json_integer_value(json_object_get(asked->args, "port"));
	const char *args[REACH_TARGETS_MAX + 8] = { "reach", token, from };
	char digits[16];
	size_t n = 3;
	if (!token || !from || port < 1 || port > 65535 ||
	    json_array_size(to) > REACH_TARGETS_MAX) {
		respond(agent, asked->id, NULL, "reach: token, from, port or to is missing");
		return;
	}
	(void)snprintf(digits, sizeof digits, "%d", (int)port);
	args[n++] = digits;
	for (size_t i = 0; i < json_array_size(to); i++) {
		args[n] = json_string_value(json_array_get(to, i));
		n += args[n] != NULL;
	}
	take_by_child(agent, asked->id, args, REACH_MS);
}

static void take_history(struct agent *agent, const struct msg_request *asked)
{
	struct err err = { 0 };
	CLEAN(json_decref_ptr) json_t *history = links_history(agent, asked->args, &err);
	respond(agent, asked->id, history, history ? NULL : err.text);
}

static void take_retry(struct agent *agent, const struct msg_request *asked)
{
	if (!trial_retry(agent)) {
		respond(agent, asked->id, NULL, "no revision is refused on this node");
		return;
	}
	respond(agent, asked->id, NULL, NULL);
	session_send_keys(agent);
}

static void on_talked(void *context, const json_t *answer, const char *why)
{
	struct agent_request *request = context;
	const char *error = json_string_value(json_object_get(answer, "error"));
	request->talk = NULL;
	respond(request->agent, request->id, error ? NULL : answer, error ? error : why);
}

static void take_by_resolver(struct agent *agent, const struct msg_request *asked, const char *what)
{
	struct agent_request *request = agent->resolver ? begin(agent, asked->id) : NULL;
	if (!request)
		return;
	request->talk = resolver_ask(agent->resolver, what, asked->args, on_talked, request);
	if (!request->talk)
		respond(agent, asked->id, NULL, "out of memory");
}

static void take_dns_log(struct agent *agent, const struct msg_request *asked)
{
	take_by_resolver(agent, asked, "log");
}

static void take_dns_flush(struct agent *agent, const struct msg_request *asked)
{
	take_by_resolver(agent, asked, "flush");
}

static void take_dns_cache(struct agent *agent, const struct msg_request *asked)
{
	take_by_resolver(agent, asked, "cache");
}

static void take_dns_lookup(struct agent *agent, const struct msg_request *asked)
{
	take_by_resolver(agent, asked, "lookup");
}

static void on_explained(void *context, const json_t *answer, const char *why)
{
	struct agent_request *request = context;
	request->explaining = NULL;
	respond(request->agent, request->id, answer, why);
}

static void take_explain(struct agent *agent, const struct msg_request *asked)
{
	struct err err = { 0 };
	struct agent_request *request = begin(agent, asked->id);
	if (!request)
		return;
	request->explaining = explaining_start(agent, asked->args, on_explained, request, &err);
	if (!request->explaining)
		respond(agent, asked->id, NULL, err.text);
}

// What a controller may ask of a node.
static const struct {
	const char *verb;
	void (*take)(struct agent *agent, const struct msg_request *asked);
} request_verbs[] = {
	{ "ping", take_ping },           { "doctor", take_doctor },
	{ "reach", take_reach },         { "history", take_history },
	{ "retry", take_retry },         { "dns-log", take_dns_log },
	{ "dns-flush", take_dns_flush }, { "dns-lookup", take_dns_lookup },
	{ "dns-cache", take_dns_cache }, { "explain", take_explain },
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
		child_cancel(agent->requests[i].child);
		service_question_cancel(take_ptr(&agent->requests[i].talk));
		explaining_cancel(take_ptr(&agent->requests[i].explaining));
		agent->requests[i].ping = NULL;
		agent->requests[i].child = NULL;
	}
}
