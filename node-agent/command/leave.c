#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "base/text.h"

#include "command/command.h"
#include "report/control.h"
#include "run/agent.h"

CLEAN_FUNC(json_t, json_decref)

enum { TIMEOUT_S = 60 };

int command_leave(const struct agent_settings *settings, int argc, char **argv)
{
	struct err err = { 0 };
	(void)argv;
	if (argc > 1)
		return command_fail(EXIT_USAGE, "leave takes no arguments");
	json_t *got = NULL;
	CLEAN(free_ptr) char *path = agent_run_path(settings, "control.sock");
	CLEAN(json_decref_ptr) json_t *request = json_pack("{s:s}", "verb", "leave");
	if (!path || !request)
		return command_fail(EXIT_FAILED, "out of memory");
	int r = control_ask(path, request, TIMEOUT_S, &got, &err);
	if (r == -ENOENT || r == -ECONNREFUSED) {
		r = agent_leave_host(settings, &err);
		if (r == 0)
			(void)printf("this host has left the network\n");
		return r < 0 ? command_fail(EXIT_FAILED, "%s", err.text) : EXIT_DONE;
	}
	if (r < 0)
		return command_fail(EXIT_FAILED, "%s", err.text);
	CLEAN(json_decref_ptr) json_t *answer = got;
	const char *line = json_string_value(json_object_get(answer, "line"));
	if (!json_is_true(json_object_get(answer, "ok")))
		return command_fail(EXIT_FAILED, "%s", line ? line : "the agent gave no reason");
	(void)printf("%s\n", line ? line : "");
	return EXIT_DONE;
}
