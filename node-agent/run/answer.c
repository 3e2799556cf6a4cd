#include <string.h>

#include "base/clock.h"
#include "base/version.h"

#include "report/status.h"
#include "run/state.h"

CLEAN_FUNC(json_t, json_decref)

static json_t *errors_json(const struct agent *agent)
{
	const struct reconcile_result *result = &agent->result;
	json_t *list = json_array();
	size_t at = 0;
	for (const char *text; (text = trouble_next(agent, &at));)
		(void)json_array_append_new(
			list, json_pack("{s:s, s:s}", "entry", TROUBLE_ENTRY, "text", text));
	for (size_t i = 0; i < result->errors_len; i++) {
		const struct reconcile_error *error = &result->errors[i];
		(void)json_array_append_new(list, json_pack("{s:s, s:s, s:s?}", "entry",
							    error->entry, "text", error->text,
							    "blocked_by", error->blocked_by));
	}
	return list;
}

// Lists the peers as observed, and counts them into the facts: up is who is reached, as the probes
// find it where there are any.
static json_t *peers_json(const struct agent *agent, struct status_facts *facts)
{
	json_t *list = json_array();
	struct entry_change entry;
	for (size_t at = 0; entry_set_next_under(agent->observed, "peer/", &at, &entry);) {
		json_t *peer = json_loadb(entry.body, entry.body_len, 0, NULL);
		const char *state = json_string_value(json_object_get(peer, "state"));
		bool is_up = state && strcmp(state, "up") == 0;
		(void)links_verdict(agent, agent->observed, strchr(entry.key, '/') + 1, &is_up);
		facts->peers++;
		if (is_up)
			facts->peers_up++;
		else if (!facts->peer_down)
			facts->peer_down = entry.key;
		(void)json_object_set_new(peer, "key", json_string(entry.key));
		(void)json_array_append_new(list, peer);
	}
	return list;
}

static json_t *answer_status(struct agent *agent, const json_t *request, uint64_t ticket)
{
	(void)request;
	(void)ticket;
	json_t *errors = errors_json(agent);
	const json_t *worst = json_array_get(errors, 0);
	const json_t *conflict = examine_worst(agent);
	char refused[ERR_TEXT_SIZE];
	lockout_sentence(&agent->lockout, refused, sizeof refused);
	struct status_facts facts = {
		.refused = refused,
		.name = agent->identity.name,
		.is_connected = agent->is_welcome,
		.hub = uplink_hub(agent->uplink),
		.trouble = uplink_trouble(agent->uplink),
		.revision = desired_revision(agent->desired),
		.target = agent->target,
		.apply_error = *agent->apply_error ? agent->apply_error : NULL,
		.error_count = json_array_size(errors),
		.error_entry = json_string_value(json_object_get(worst, "entry")),
		.error_text = json_string_value(json_object_get(worst, "text")),
		.entries = entry_set_count(desired_entries(agent->desired)),
		.finding_text = json_string_value(json_object_get(conflict, "text")),
		.finding_cure = json_string_value(json_object_get(conflict, "cure")),
	};
	CLEAN(text_free) struct text line = { 0 };
	CLEAN(json_decref_ptr) json_t *peers = peers_json(agent, &facts);
	bool is_ok = status_line(&facts, &line);
	return json_pack(
		"{s:b, s:s, s:s, s:s, s:s, s:s, s:b, s:s, s:I, s:I, s:s, s:s, s:I, s:I, "
		"s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:O, s:O?}",
		"ok", is_ok, "refused", facts.refused, "line", line.data ? line.data : "", "name",
		facts.name, "version", weft_version(), "controller", facts.hub, "connected",
		facts.is_connected, "trouble", facts.trouble, "revision",
		(json_int_t)facts.revision, "target", (json_int_t)facts.target, "wireguard",
		kernel_wireguard_name(agent->kernel), "csum_offload",
		checksum_verdict(agent->checksum), "entries", (json_int_t)facts.entries, "writes",
		(json_int_t)agent->kernel->writes, "errors", errors, "links", links_status(agent),
		"wires", wires_status(agent), "paths", routes_status(agent), "gateways",
		gateways_status(agent), "gateway_groups", gateways_groups_status(agent), "policies",
		reconcile_policy_counts(agent->reconcile), "ha", groups_status(agent), "dns",
		resolver_status(agent->resolver), "splitter", splitter_status(agent->splitter),
		"peers", peers, "findings", agent->findings);
}

static json_t *answer_leave(struct agent *agent, const json_t *request, uint64_t ticket)
{
	struct err err = { 0 };
	(void)request;
	(void)ticket;
	int r = agent_remove_all(agent, &err);
	agent_stop(agent);
	return json_pack("{s:b, s:s}", "ok", r == 0, "line",
			 r == 0 ? "this host has left the network" : err.text);
}

// Entries as an object of their bodies.
static json_t *bodies_json(const struct entry_set *entries)
{
	json_t *object = json_object();
	struct entry_change entry;
	for (size_t at = 0; entry_set_next(entries, &at, &entry);) {
		json_t *body = entry_is_secret(entry.key)
				       ? NULL
				       : json_loadb(entry.body, entry.body_len, 0, NULL);
		if (body)
			(void)json_object_set_new(object, entry.key, body);
	}
	return object;
}

// What an examination has to know; it holds nothing secret.
static json_t *answer_facts(struct agent *agent, const json_t *request, uint64_t ticket)
{
	json_t *facts = answer_status(agent, request, ticket);
	(void)json_object_set_new(facts, "controller_version",
				  json_string(agent->controller_version));
	(void)json_object_set_new(facts, "desired", bodies_json(desired_entries(agent->desired)));
	(void)json_object_set_new(facts, "observed", bodies_json(agent->observed));
	return facts;
}

static json_t *answer_reach(struct agent *agent, const json_t *request, uint64_t ticket)
{
	return ask_controller(agent, "reach", json_object_get(request, "args"), ticket);
}

// What the control socket is asked.
static const struct {
	const char *verb;
	json_t *(*answer)(struct agent *agent, const json_t *request, uint64_t ticket);
} control_verbs[] = {
	{ "status", answer_status },
	{ "leave", answer_leave },
	{ "facts", answer_facts },
	{ "reach", answer_reach },
};

json_t *answer_control(void *context, const json_t *request, uint64_t ticket)
{
	const char *verb = json_string_value(json_object_get(request, "verb"));
	for (size_t i = 0; verb && i < ARRAY_LEN(control_verbs); i++) {
		if (strcmp(verb, control_verbs[i].verb) == 0)
			return control_verbs[i].answer(context, request, ticket);
	}
	return json_pack("{s:b, s:s}", "ok", false, "line",
			 "the running agent does not know that request");
}
