#include "base/version.h"

#include <stdio.h>

#include "command/command.h"

int command_version(const struct agent_settings *settings, int argc, char **argv)
{
	(void)settings;
	(void)argc;
	(void)argv;
	(void)printf("weft-agent %s\n", weft_version());
	return EXIT_DONE;
}
