// Conflicts with what else is on this host, looked for by a child every now and then: reported as
// entries, as events when they come and go, and in the status.
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#include "run/state.h"

CLEAN_FUNC(json_t, json_decref)

enum { FIRST_MS = 2000, TIMEOUT_MS = 20000 };

static const char *text_of(const json_t *line, const char *name)
{
	const char *text = json_string_value(json_object_get(line, name));
	return text ? text : "";
}

static bool is_ok(const json_t *line)
{
	return strcmp(text_of(line, "grade"), "ok") == 0;
}

static bool has(const json_t *findings, const json_t *line)
{
	size_t i;
	const json_t *other;
	json_array_foreach(findings, i, other)
	{
		if (strcmp(text_of(other, "text"), text_of(line, "text")) == 0)
			return true;
	}
	return false;
}

static void tell(struct agent *agent, const json_t *line, bool is_new)
{
	CLEAN(free_ptr)
	char *text = is_new ? text_format("%s; %s", text_of(line, "text"), text_of(line, "cure"))
			    : text_format("no more: %s", text_of(line, "text"));
	if (!text)
		return;
	const bool is_bad = strcmp(text_of(line, "grade"), "bad") == 0;
	log_warn("%s: %s", text_of(line, "check"), text);
	session_event(agent,
		      !is_new  ? "info"
		      : is_bad ? "error"
			       : "warning",
		      is_new ? "conflict_found" : "conflict_gone", NULL, text);
}

static void take_findings(struct agent *agent, const json_t *lines)
{
	CLEAN(json_decref_ptr) json_t *before = agent->findings;
	size_t i;
	json_t *line;
	agent->findings = json_array();
	json_array_foreach((json_t *)(uintptr_t)lines, i, line)
	{
		if (is_ok(line))
			continue;
		(void)json_array_append(agent->findings, line);
		if (!has(before, line))
			tell(agent, line, true);
	}
	json_array_foreach(before, i, line)
	{
		if (!has(agent->findings, line))
			tell(agent, line, false);
	}
}

static void on_done(void *context, const json_t *output, const char *why)
{
	struct agent *agent = context;
	const json_t *lines = json_object_get(output, "lines");
	agent->examination = NULL;
	agent->examined_ms = clock_mono_ms();
	if (json_is_array(lines))
		take_findings(agent, lines);
	else
		log_warn("looking for conflicts: %s", why ? why : "no lines came");
}

void examine_words(const struct agent *agent, const char **words)
{
	const char *file = agent->settings->file;
	words[0] = file ? "--config" : NULL;
	words[1] = file;
	words[2] = NULL;
}

void examine_tick(struct agent *agent)
{
	const char *args[8] = { "doctor", "--conflicts", "-o", "json" };
	const int64_t now = clock_mono_ms();
	const bool is_due =
		agent->examined_ms
			? now - agent->examined_ms >= (int64_t)agent->settings->conflicts_every_ms
			: now - agent->started_ms >= FIRST_MS;
	struct err err = { 0 };
	if (agent->examination || !is_due || agent->is_stopping || agent->is_leaving)
		return;
	examine_words(agent, args + 4);
	if (child_start(agent->loop, args, TIMEOUT_MS, on_done, agent, &agent->examination, &err) <
	    0) {
		log_warn("%s", err.text);
		agent->examined_ms = now;
	}
}

void examine_cancel(struct agent *agent)
{
	child_cancel(take_ptr(&agent->examination));
}

void examine_observe(const struct agent *agent, struct entry_set *observed)
{
	size_t i;
	const json_t *line;
	json_array_foreach(agent->findings, i, line)
	{
		char key[WIRE_KEY_MAX];
		CLEAN(json_decref_ptr)
		json_t *body = json_pack("{s:s, s:s, s:s}", "grade", text_of(line, "grade"), "text",
					 text_of(line, "text"), "cure", text_of(line, "cure"));
		CLEAN(free_ptr) char *text = json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS);
		(void)snprintf(key, sizeof key, "finding/%s/%zu", text_of(line, "check"), i);
		if (text)
			(void)entry_set_put(observed, key, text, strlen(text), NULL);
	}
}

const json_t *examine_worst(const struct agent *agent)
{
	size_t i;
	const json_t *line;
	json_array_foreach(agent->findings, i, line)
	{
		if (strcmp(text_of(line, "grade"), "bad") == 0)
			return line;
	}
	return NULL;
}
