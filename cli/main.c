#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clean.h"
#include "base/text.h"

#include "cli/call.h"
#include "cli/client.h"
#include "cli/usage.h"
#include "cli/verb.h"

static int print_text(struct text *t)
{
	(void)fputs(t->data ? t->data : "", stdout);
	return CLI_DONE;
}

static int overview(void)
{
	CLEAN(text_free) struct text t = { 0 };
	usage_overview(&t);
	return print_text(&t);
}

static int help(const struct verb *verb)
{
	CLEAN(text_free) struct text t = { 0 };
	usage_verb(&t, verb);
	return print_text(&t);
}

static bool is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

// Words that are no verb may be the first of several verbs, and be asked about.
static int answer_unknown(int argc, char **argv, bool asks_help)
{
	struct err err = { 0 };
	CLEAN(text_free) struct text t = { 0 };
	if ((asks_help || (argc > 1 && is_help(argv[1]))) && usage_group(&t, argv[0]))
		return print_text(&t);
	int result = verb_unknown(argc, argv, &err);
	fprintf(stderr, "weft: %s\n", err.text);
	return result;
}

// The edge where a failure becomes lines on standard error and an exit status.
static int complain(const struct call *call, int result, const struct err *err)
{
	if (result < 0) {
		const char *problem = client_problem(call->client);
		if (problem)
			fprintf(stderr, "weft: %s", problem);
		else
			fprintf(stderr, "weft: %s\n", err->text);
		return CLI_FAILED;
	}
	if (result == CLI_USAGE)
		fprintf(stderr, "weft: %s\n`weft %s --help` explains it.\n", err->text,
			call->verb->name);
	return result;
}

static int run(const struct verb *verb, int argc, char **argv)
{
	struct err err = { 0 };
	CLEAN(call_done) struct call call = { 0 };
	int result = call_parse(&call, verb, argc, argv, &err);
	if (result == 0 && call.wants_help)
		return help(verb);
	if (result == 0)
		result = verb->run(&call, &err);
	if (fflush(stdout) && result == CLI_DONE) {
		(void)err_set(&err, -EIO, "standard output cannot be written");
		result = -EIO;
	}
	return complain(&call, result, &err);
}

int main(int argc, char **argv)
{
	(void)setlocale(LC_CTYPE, "");
	(void)signal(SIGPIPE, SIG_DFL);
	if (argc < 2 || is_help(argv[1]) || (strcmp(argv[1], "help") == 0 && argc == 2)) {
		(void)overview();
		return argc < 2 ? CLI_USAGE : CLI_DONE;
	}
	bool asks_help = strcmp(argv[1], "help") == 0;
	static char version[] = "version";
	if (strcmp(argv[1], "--version") == 0)
		argv[1] = version;
	int at = asks_help ? 2 : 1;
	int words = 0;
	const struct verb *verb = verb_find(argc - at, argv + at, &words);
	if (!verb)
		return answer_unknown(argc - at, argv + at, asks_help);
	if (asks_help)
		return help(verb);
	at += words;
	if (verb->main)
		return at < argc && is_help(argv[at]) ? help(verb)
						      : verb->main(argc - at + 1, argv + at - 1);
	return run(verb, argc - at, argv + at);
}
