// weft-agent: makes this host what its controller wants it to be.
#include <curl/curl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clean.h"

#include "command/command.h"

static const struct command commands[] = {
	{ "join", "KEY [--name NAME]", "join the controller that made the enrolment key",
	  command_join, true },
	{ "run", "", "keep this host as the controller wants it (the service does this)",
	  command_run, true },
	{ "status", "[--json]", "say in one line what is wrong, then the details", command_status,
	  true },
	{ "doctor", "[-o json]", "examine this host and say what to do where it is not well",
	  command_doctor, true },
	{ "bundle", "[FILE]", "pack what a bug report needs, without secrets", command_bundle,
	  true },
	{ "boot", "", "before the network is up: keep clients of policies from leaking until `run`",
	  command_boot, true },
	{ "leave", "", "remove everything Weft made on this host, keys too", command_leave, true },
	{ "settings", "", "print a settings file with every default", command_settings, false },
	{ "list", NULL, NULL, command_list, true },
	{ "reach", NULL, NULL, command_reach, false },
	{ "version", "", "print the version", command_version, false },
};

int command_fail(int code, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	(void)fputs("weft-agent: ", stderr);
	(void)vfprintf(stderr, fmt, args);
	(void)fputc('\n', stderr);
	va_end(args);
	return code;
}

static void print_help(FILE *out)
{
	(void)fprintf(out, "usage: weft-agent [--config FILE] VERB ...\n\n");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (!commands[i].help)
			continue;
		(void)fprintf(out, "  %-8s%-20s%s\n", commands[i].verb, commands[i].arguments,
			      commands[i].help);
	}
	(void)fprintf(
		out,
		"\nSettings: %s (--config names another file). Exit: 0 done, 1 failed, 2 usage.\n",
		AGENT_CONFIG_PATH);
}

// Takes "--config FILE" or "--config=FILE" out of the arguments, wherever it stands. False when
// FILE is missing.
static bool take_config(int *argc, char **argv, const char **ret_path)
{
	int kept = 0;
	for (int i = 0; i < *argc; i++) {
		if (strncmp(argv[i], "--config=", 9) == 0) {
			*ret_path = argv[i] + 9;
		} else if (strcmp(argv[i], "--config") == 0) {
			if (++i == *argc)
				return false;
			*ret_path = argv[i];
		} else {
			argv[kept++] = argv[i];
		}
	}
	argv[kept] = NULL;
	*argc = kept;
	return true;
}

static int run_command(const struct command *command, const char *config, int argc, char **argv)
{
	struct err err = { 0 };
	struct agent_settings settings = { 0 };
	if (!command->needs_settings)
		return command->run(NULL, argc, argv);
	if (agent_settings_read(config, &settings, &err) < 0) {
		if (config || agent_settings_read_copy(err.text, &settings, NULL) < 0)
			return command_fail(EXIT_FAILED, "%s", err.text);
		(void)command_fail(EXIT_FAILED, "%s", settings.trouble);
	}
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
	int code = command->run(&settings, argc, argv);
	agent_settings_done(&settings);
	return code;
}

int main(int argc, char **argv)
{
	const char *config = NULL;
	if (!take_config(&argc, argv, &config))
		return command_fail(EXIT_USAGE, "--config needs a file");
	if (argc < 2) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		print_help(stdout);
		return EXIT_DONE;
	}
	const char *verb = strcmp(argv[1], "--version") == 0 ? "version" : argv[1];
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (strcmp(commands[i].verb, verb) == 0)
			return run_command(&commands[i], config, argc - 1, argv + 1);
	}
	return command_fail(EXIT_USAGE, "%s is no verb: see weft-agent --help", argv[1]);
}
