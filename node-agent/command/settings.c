#include <stdio.h>

#include "base/text.h"

#include "command/command.h"

int command_settings(const struct agent_settings *settings, int argc, char **argv)
{
	struct text text = { 0 };
	(void)settings;
	(void)argv;
	if (argc > 1)
		return command_fail(EXIT_USAGE, "settings takes no arguments");
	settings_describe(agent_settings_table, &text);
	CLEAN(free_ptr) char *page = text_take(&text);
	if (!page)
		return command_fail(EXIT_FAILED, "out of memory");
	return fputs(page, stdout) >= 0 ? EXIT_DONE : EXIT_FAILED;
}
