// `doctor`: nodes examine themselves, and say what to do.
#include <string.h>

#include "base/clean.h"
#include "base/text.h"
#include "model/json.h"
#include "model/kinds.h"

#include "cli/call.h"
#include "cli/client.h"
#include "cli/resource.h"
#include "cli/show.h"
#include "cli/terminal.h"
#include "cli/value.h"
#include "cli/verb/verbs.h"

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

static const char *colour_of(const char *grade)
{
	if (strcmp(grade, "ok") == 0)
		return COLOUR_GREEN;
	return strcmp(grade, "warn") == 0 ? COLOUR_YELLOW : COLOUR_RED;
}

// Returns how many lines were not ok; only those are printed if `is_brief`.
static size_t print_lines(const struct call *call, const json_t *lines, bool is_brief)
{
	size_t at;
	size_t wrong = 0;
	const json_t *line;
	json_array_foreach(lines, at, line)
	{
		CLEAN(text_free) struct text t = { 0 };
		const char *grade = text_of(line, "grade");
		const bool is_ok = strcmp(grade, "ok") == 0;
		wrong += !is_ok;
		if (is_brief && is_ok)
			continue;
		text_addf(&t, "%s%-5s%s %-10s ", call->is_coloured ? colour_of(grade) : "", grade,
			  call->is_coloured ? COLOUR_OFF : "", text_of(line, "check"));
		value_add_clean(&t, text_of(line, "text"));
		if (*text_of(line, "cure")) {
			text_addf(&t, "\n%-16s -> ", "");
			value_add_clean(&t, text_of(line, "cure"));
		}
		fprintf(call->out, "%s\n", t.data ? t.data : "");
	}
	return wrong;
}

static int examine(struct client *c, const char *node, struct client_reply *reply, struct err *err)
{
	const struct client_request request = { .method = "POST" };
	return resource_call(c, &kinds[KIND_NODES], node, "doctor", request, reply, err);
}

static int examine_one(struct call *call, struct client *c, const char *node, struct err *err)
{
	CLEAN(client_reply_done) struct client_reply reply = { 0 };
	int r = examine(c, node, &reply, err);
	if (r)
		return r;
	const bool is_well = json_is_true(json_object_get(reply.json, "ok"));
	if (show_as_asked(call, reply.json, err, &r))
		return r ? r : is_well ? CLI_DONE : CLI_FAILED;
	(void)print_lines(call, json_object_get(reply.json, "lines"), false);
	return is_well ? CLI_DONE : CLI_FAILED;
}

// One line of a node that cannot be asked, as its report.
static json_t *report_absent(const char *node, const char *why)
{
	return json_pack("{s:s, s:b, s:[{s:s, s:s, s:s, s:s}]}", "node", node, "ok", 0, "lines",
			 "check", "agent", "grade", "bad", "text", why, "cure",
			 "run weft-agent doctor on the host itself");
}

static json_t *report_of(struct client *c, const json_t *node)
{
	CLEAN(client_reply_done) struct client_reply reply = { 0 };
	struct err err = { 0 };
	if (strcmp(text_of(node, "health"), "never") == 0)
		return report_absent(text_of(node, "name"), "the node has not joined yet");
	if (examine(c, text_of(node, "name"), &reply, &err) == 0)
		return json_incref(reply.json);
	const json_t *problem = client_problem_json(c);
	const char *detail = json_string_value(json_object_get(problem, "detail"));
	json_t *report = report_absent(text_of(node, "name"), detail ? detail : err.text);
	client_problem_clear(c);
	return report;
}

static int examine_all(struct call *call, struct client *c, struct err *err)
{
	json_auto_t *state = NULL;
	json_auto_t *reports = json_array();
	size_t at;
	const json_t *node;
	bool is_well = true;
	int r = client_get(c, &state, err, "/api/v1/state");
	if (r)
		return r;
	json_array_foreach(json_object_get(state, "nodes"), at, node)
	{
		json_t *report = report_of(c, node);
		is_well = is_well && json_is_true(json_object_get(report, "ok"));
		(void)json_array_append_new(reports, report);
		if (call->format != FORMAT_TABLE)
			continue;
		fprintf(call->out, "%s%s%s\n", call->is_coloured ? COLOUR_BOLD : "",
			text_of(node, "name"), call->is_coloured ? COLOUR_OFF : "");
		if (print_lines(call, json_object_get(report, "lines"), true) == 0)
			fprintf(call->out, "ok    all %zu lines\n",
				json_array_size(json_object_get(report, "lines")));
	}
	if (show_as_asked(call, reports, err, &r) && r)
		return r;
	return is_well ? CLI_DONE : CLI_FAILED;
}

static int doctor(struct call *call, struct err *err)
{
	struct client *c;
	int r = call_client(call, &c, err);
	if (r)
		return r;
	const char *node = call_arg(call, 0);
	return node ? examine_one(call, c, node, err) : examine_all(call, c, err);
}

static const struct verb_arg args[] = {
	{ .name = "NODE", .word = WORD_NODE, .help = "The node to examine", .is_optional = true },
	{ 0 },
};

const struct verb verb_doctor = {
	.name = "doctor",
	.summary = "Have nodes examine themselves, and say what to do where they are not well",
	.text = "The node looks at its session, clock, names, MTU, peers, firewall, routes, kernel "
		"and disk; public peers send to it and tell where its packets come from. Without "
		"NODE every node in turn, and only the lines that are not ok. Exits 1 when a line "
		"is bad.\n\nOn a host without a controller: weft-agent doctor.\n\n weft doctor pi0",
	.args = args,
	.run = doctor,
};
