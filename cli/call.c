#include "cli/call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "base/text.h"

#include "cli/client.h"
#include "cli/context.h"
#include "cli/terminal.h"

const struct verb_option verb_common_options[] = {
	{ .name = "output",
	  .letter = 'o',
	  .value = "FORMAT",
	  .word = WORD_CHOICE,
	  .choices = "table|json|yaml",
	  .help = "How to print the answer: table, json or yaml" },
	{ .name = "context",
	  .value = "NAME",
	  .word = WORD_CONTEXT,
	  .help = "Use this context instead of the current one" },
	{ .name = "color",
	  .value = "WHEN",
	  .word = WORD_CHOICE,
	  .choices = "auto|always|never",
	  .help = "Colour the output: auto (on a terminal), always or never" },
	{ .name = "help", .letter = 'h', .help = "Explain this verb" },
	{ 0 },
};

static const struct verb_option *find_in(const struct verb_option *rows, const char *name,
					 size_t len, char letter)
{
	for (; rows && rows->name; rows++) {
		if (letter ? rows->letter == letter
			   : strlen(rows->name) == len && strncmp(rows->name, name, len) == 0)
			return rows;
	}
	return NULL;
}

static const struct verb_option *find_option(const struct verb *verb, const char *name, size_t len,
					     char letter)
{
	const struct verb_option *row = find_in(verb->options, name, len, letter);
	return row ? row : find_in(verb_common_options, name, len, letter);
}

static int unknown_option(const struct verb *verb, const char *word, struct err *err)
{
	const char *names[32];
	size_t n = 0;
	const struct verb_option *tables[] = { verb->options, verb_common_options };
	for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
		for (const struct verb_option *o = tables[t]; o && o->name; o++) {
			if (n + 1 < ARRAY_LEN(names))
				names[n++] = o->name;
		}
	}
	names[n] = NULL;
	CLEAN(free_ptr) char *name = strndup(word + 2, strcspn(word + 2, "="));
	const char *nearest = name && word[1] == '-' ? text_nearest(name, names) : NULL;
	if (nearest)
		(void)err_set(err, -EINVAL, "%s has no option %.60s, did you mean --%s?",
			      verb->name, word, nearest);
	else
		(void)err_set(err, -EINVAL, "%s has no option %.60s", verb->name, word);
	return CLI_USAGE;
}

static bool is_choice(const char *choices, const char *value)
{
	size_t len = strlen(value);
	for (const char *at = choices; *at; at += strcspn(at, "|"), at += *at == '|') {
		if (strcspn(at, "|") == len && strncmp(at, value, len) == 0)
			return true;
	}
	return false;
}

static int keep_option(struct call *call, const struct verb_option *row, const char *value,
		       struct err *err)
{
	if (!row->is_many && call_has(call, row->name)) {
		(void)err_set(err, -EINVAL, "--%s is given twice", row->name);
		return CLI_USAGE;
	}
	if (row->choices && !is_choice(row->choices, value)) {
		(void)err_set(err, -EINVAL, "--%s: %.60s is none of %s", row->name, value,
			      row->choices);
		return CLI_USAGE;
	}
	call->options[call->n_options++] = (struct call_option){ .row = row, .value = value };
	return 0;
}

// Takes argv[*at] as an option, and the next word as its value where it needs one. Grouped letters
// are not supported.
static int take_option(struct call *call, int argc, char **argv, int *at, struct err *err)
{
	const char *word = argv[*at];
	bool is_long = word[1] == '-';
	const char *name = is_long ? word + 2 : word + 1;
	size_t len = is_long ? strcspn(name, "=") : 1;
	const struct verb_option *row = find_option(call->verb, name, len, is_long ? 0 : *name);
	if (!row)
		return unknown_option(call->verb, word, err);
	const char *value = name + len;
	if (!row->value) {
		if (*value) {
			(void)err_set(err, -EINVAL, "%.60s: %s takes no value", word, row->name);
			return CLI_USAGE;
		}
		return keep_option(call, row, "", err);
	}
	if (*value)
		return keep_option(call, row, is_long ? value + 1 : value, err);
	if (*at + 1 >= argc) {
		(void)err_set(err, -EINVAL, "--%s needs a value: %s", row->name, row->value);
		return CLI_USAGE;
	}
	*at += 1;
	return keep_option(call, row, argv[*at], err);
}

static int check_args(const struct call *call, struct err *err)
{
	size_t at = 0;
	for (const struct verb_arg *arg = call->verb->args; arg && arg->name; arg++) {
		if (at >= call->n_args && !arg->is_optional) {
			(void)err_set(err, -EINVAL, "%s needs %s: %s", call->verb->name, arg->name,
				      arg->help);
			return CLI_USAGE;
		}
		if (at < call->n_args && arg->choices && !is_choice(arg->choices, call->args[at])) {
			(void)err_set(err, -EINVAL, "%s: %.60s is none of %s", arg->name,
				      call->args[at], arg->choices);
			return CLI_USAGE;
		}
		at = arg->is_many ? call->n_args : at + 1;
	}
	if (at < call->n_args) {
		(void)err_set(err, -EINVAL, "%s: nothing is expected at \"%.60s\"",
			      call->verb->name, call->args[at]);
		return CLI_USAGE;
	}
	for (const struct verb_option *o = call->verb->options; o && o->name; o++) {
		if (o->is_required && !call_has(call, o->name)) {
			(void)err_set(err, -EINVAL, "%s needs --%s %s: %s", call->verb->name,
				      o->name, o->value, o->help);
			return CLI_USAGE;
		}
	}
	return 0;
}

static void settle_common(struct call *call)
{
	const char *format = call_option(call, "output");
	if (format && strcmp(format, "json") == 0)
		call->format = FORMAT_JSON;
	if (format && strcmp(format, "yaml") == 0)
		call->format = FORMAT_YAML;
	const char *color = call_option(call, "color");
	if (color && strcmp(color, "auto") != 0)
		call->is_coloured = strcmp(color, "always") == 0;
	else
		call->is_coloured = terminal_has_colour(call->out);
}

int call_parse(struct call *call, const struct verb *verb, int argc, char **argv, struct err *err)
{
	call->verb = verb;
	call->out = stdout;
	call->args = calloc((size_t)argc + 1, sizeof(*call->args));
	call->options = calloc((size_t)argc + 1, sizeof(*call->options));
	if (!call->args || !call->options)
		return err_set(err, -ENOMEM, "out of memory");
	bool only_words = false;
	for (int at = 0; at < argc; at++) {
		const char *word = argv[at];
		if (!only_words && strcmp(word, "--") == 0) {
			only_words = true;
			continue;
		}
		if (only_words || word[0] != '-' || !word[1]) {
			call->args[call->n_args++] = word;
			continue;
		}
		int r = take_option(call, argc, argv, &at, err);
		if (r)
			return r;
	}
	call->wants_help = call_has(call, "help");
	settle_common(call);
	return call->wants_help ? 0 : check_args(call, err);
}

void call_done(struct call *call)
{
	client_free(call->client);
	free(call->args);
	free(call->options);
	*call = (struct call){ 0 };
}

const char *call_option_at(const struct call *call, const char *name, size_t at)
{
	for (size_t i = 0; i < call->n_options; i++) {
		if (strcmp(call->options[i].row->name, name) == 0 && at-- == 0)
			return call->options[i].value;
	}
	return NULL;
}

const char *call_option(const struct call *call, const char *name)
{
	return call_option_at(call, name, 0);
}

bool call_has(const struct call *call, const char *name)
{
	return call_option(call, name) != NULL;
}

const char *call_arg(const struct call *call, size_t at)
{
	return at < call->n_args ? call->args[at] : NULL;
}

int call_number(const struct call *call, const char *name, long min, long max, long *ret,
		struct err *err)
{
	const char *text = call_option(call, name);
	if (!text)
		return 0;
	char *end;
	errno = 0;
	long n = strtol(text, &end, 10);
	if (errno || end == text || *end || n < min || n > max) {
		(void)err_set(err, -EINVAL, "--%s: %.30s is not in %ld..%ld", name, text, min, max);
		return CLI_USAGE;
	}
	*ret = n;
	return 0;
}

int call_client(struct call *call, struct client **ret_client, struct err *err)
{
	if (!call->client) {
		CLEAN(context_done) struct context context = { 0 };
		int r = context_resolve(call_option(call, "context"), &context, err);
		if (!r)
			r = client_new(&context, &call->client, err);
		if (r)
			return r;
	}
	*ret_client = call->client;
	return 0;
}
