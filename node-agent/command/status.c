#include "report/status.h"

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>

#include "base/text.h"

#include "command/command.h"
#include "report/control.h"
#include "uplink/identity.h"

CLEAN_FUNC(json_t, json_decref)

enum { TIMEOUT_S = 10 };

static int not_running(const struct agent_settings *settings, const struct err *why, bool json)
{
	struct err err = { 0 };
	CLEAN(identity_done) struct identity identity = { 0 };
	const char *line = why->text;
	if (identity_load(settings->state_dir, &identity, &err) < 0)
		line = err.text;
	else if (why->code == -ENOENT || why->code == -ECONNREFUSED)
		line = "the agent is not running: start it with systemctl start weft-agent";
	if (json) {
		CLEAN(json_decref_ptr)
		json_t *answer = json_pack("{s:b, s:s}", "ok", 0, "line", line);
		(void)json_dumpf(answer, stdout, JSON_INDENT(2));
		(void)printf("\n");
	} else {
		(void)printf("%s\n", line);
	}
	return EXIT_FAILED;
}

static void print_status(const json_t *answer)
{
	CLEAN(text_free) struct text details = { 0 };
	status_details(answer, &details);
	(void)printf("%s\n\n%s", json_string_value(json_object_get(answer, "line")),
		     details.data ? details.data : "");
}

int command_status(const struct agent_settings *settings, int argc, char **argv)
{
	static const struct option options[] = { { "json", no_argument, NULL, 'j' }, { 0 } };
	struct err err = { 0 };
	bool json = false;
	int c;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c != 'j')
			return EXIT_USAGE;
		json = true;
	}
	if (optind != argc)
		return command_fail(EXIT_USAGE, "status takes no arguments but --json");
	json_t *got = NULL;
	CLEAN(free_ptr) char *path = agent_run_path(settings, "control.sock");
	CLEAN(json_decref_ptr) json_t *request = json_pack("{s:s}", "verb", "status");
	if (!path || !request)
		return command_fail(EXIT_FAILED, "out of memory");
	if (control_ask(path, request, TIMEOUT_S, &got, &err) < 0)
		return not_running(settings, &err, json);
	CLEAN(json_decref_ptr) json_t *answer = got;
	if (json) {
		(void)json_dumpf(answer, stdout, JSON_INDENT(2));
		(void)printf("\n");
	} else {
		print_status(answer);
	}
	return json_is_true(json_object_get(answer, "ok")) ? EXIT_DONE : EXIT_FAILED;
}
