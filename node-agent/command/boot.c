#include <stdio.h>

#include "command/command.h"
#include "run/agent.h"

int command_boot(const struct agent_settings *settings, int argc, char **argv)
{
	struct err err = { 0 };
	(void)argv;
	if (argc > 1)
		return command_fail(EXIT_USAGE, "boot takes no arguments");
	int r = agent_boot_host(settings, &err);
	return r < 0 ? command_fail(EXIT_FAILED, "%s", err.text) : EXIT_DONE;
}
