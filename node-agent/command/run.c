#include "base/log.h"

#include "command/command.h"
#include "run/agent.h"

int command_run(const struct agent_settings *settings, int argc, char **argv)
{
	struct err err = { 0 };
	(void)argv;
	if (argc > 1)
		return command_fail(EXIT_USAGE, "run takes no arguments");
	log_set_level(settings->log_level);
	if (agent_run(settings, &err) < 0) {
		log_error("%s", err.text);
		return EXIT_FAILED;
	}
	return EXIT_DONE;
}
