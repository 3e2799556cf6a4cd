// `completion`, `man`, `version` and what the completion scripts call: answers that need no
// controller, or hide that.
#include <errno.h>
#include <string.h>

#include "base/clean.h"
#include "base/text.h"
#include "base/version.h"
#include "model/json.h"

#include "cli/call.h"
#include "cli/client.h"
#include "cli/context.h"
#include "cli/kind.h"
#include "cli/show.h"
#include "cli/usage.h"
#include "cli/verb/verbs.h"

static int version(struct call *call, struct err *err)
{
	(void)err;
	fprintf(call->out, "weft %s\n", weft_version());
	return CLI_DONE;
}

static int completion(struct call *call, struct err *err)
{
	CLEAN(text_free) struct text t = { 0 };
	usage_completion(&t, call_arg(call, 0));
	return show_text(call, &t, err);
}

static int man(struct call *call, struct err *err)
{
	const struct verb *verb = NULL;
	if (call->n_args > 0) {
		char *words[] = { (char *)call->args[0], (char *)call_arg(call, 1) };
		int taken;
		verb = verb_find((int)call->n_args, words, &taken);
		if (!verb)
			return verb_unknown((int)call->n_args, words, err);
	}
	CLEAN(text_free) struct text t = { 0 };
	usage_man(&t, verb);
	return show_text(call, &t, err);
}

static void add_choices(struct text *t, const char *choices)
{
	for (; *choices; choices++)
		text_addf(t, "%c", *choices == '|' ? '\n' : *choices);
	text_add(t, "\n");
}

static void add_names(struct call *call, struct text *t, const char *kind_word)
{
	const struct kind *kind;
	struct client *c;
	json_auto_t *items = NULL;
	CLEAN(free_ptr) char *path = NULL;
	if (kind_find(kind_word, &kind, NULL) || call_client(call, &c, NULL))
		return;
	path = text_format("/api/v1/%s", kind->name);
	if (!path || client_list(c, path, NULL, 1000, &items, NULL))
		return;
	size_t at;
	const json_t *one;
	json_array_foreach(items, at, one)
	{
		const char *name = json_string_value(json_object_get(one, "name"));
		text_addf(t, "%s\n", name ? name : "");
	}
}

static void add_contexts(struct text *t)
{
	json_auto_t *file = NULL;
	const char *name;
	json_t *row;
	if (context_file_read(&file, NULL))
		return;
	json_object_foreach(json_object_get(file, "contexts"), name, row)
	{
		text_addf(t, "%s\n", name);
	}
}

// `before` is the word typed before this one.
static void add_word(struct call *call, struct text *t, enum verb_word word, const char *choices,
		     const char *before)
{
	switch (word) {
	case WORD_KIND:
		for (size_t i = 0; i < KIND_COUNT; i++)
			text_addf(t, "%s\n", kinds[i].name);
		break;
	case WORD_NAME:
		add_names(call, t, before);
		break;
	case WORD_NODE:
		add_names(call, t, "nodes");
		break;
	case WORD_SECRET:
		add_names(call, t, "secrets");
		break;
	case WORD_WEBHOOK:
		add_names(call, t, "webhooks");
		break;
	case WORD_CONTEXT:
		add_contexts(t);
		break;
	case WORD_FILE:
		text_add(t, "@file\n");
		break;
	case WORD_CHOICE:
		add_choices(t, choices);
		break;
	case WORD_VERB:
	case WORD_ANY:
		break;
	}
}

// The first words of all verbs, or the second ones of those that begin with `first`.
static void add_verbs(struct text *t, const char *first)
{
	const char *last = "";
	for (size_t i = 0; verb_table[i]; i++) {
		const char *name = verb_table[i]->name;
		const char *rest = NULL;
		size_t len = strcspn(name, " ");
		if (verb_table[i]->is_hidden)
			continue;
		if (first && text_starts(name, first, &rest) && *rest == ' ')
			text_addf(t, "%s\n", rest + 1);
		if (!first && strncmp(last, name, len + 1) != 0)
			text_addf(t, "%.*s\n", (int)len, name);
		last = name;
	}
}

static void add_options(struct text *t, const struct verb_option *rows)
{
	for (; rows && rows->name; rows++)
		text_addf(t, "--%s\n", rows->name);
}

// The option whose value the word after `word` is, or NULL.
static const struct verb_option *awaits_value(const struct verb *verb, const char *word)
{
	const struct verb_option *tables[] = { verb->options, verb_common_options };
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		for (const struct verb_option *o = tables[i]; o && o->name; o++) {
			bool is_long =
				word[0] == '-' && word[1] == '-' && strcmp(word + 2, o->name) == 0;
			bool is_short =
				o->letter && word[0] == '-' && word[1] == o->letter && !word[2];
			if (o->value && (is_long || is_short))
				return o;
		}
	}
	return NULL;
}

// Answers for the last of the words typed after the verb.
static void complete_in(struct call *call, struct text *t, const struct verb *verb,
			const char *const *words, size_t n)
{
	size_t position = 0;
	const char *before = "";
	for (size_t i = 0; i + 1 < n; i++) {
		const struct verb_option *option = awaits_value(verb, words[i]);
		if (option && i + 2 == n) {
			add_word(call, t, option->word, option->choices, "");
			return;
		}
		if (option) {
			i++;
		} else if (words[i][0] != '-') {
			before = words[i];
			position++;
		}
	}
	if (n > 0 && words[n - 1][0] == '-') {
		add_options(t, verb->options);
		add_options(t, verb->main ? NULL : verb_common_options);
		return;
	}
	const struct verb_arg *arg = verb->args;
	while (arg && arg->name && position > 0 && !arg->is_many) {
		position--;
		arg++;
	}
	if (arg && arg->name)
		add_word(call, t, arg->word, arg->choices, before);
	else
		add_options(t, verb->options);
}

static int complete(struct call *call, struct err *err)
{
	CLEAN(text_free) struct text t = { 0 };
	int taken = 0;
	const struct verb *verb = NULL;
	if (call->n_args > 1)
		verb = verb_find((int)call->n_args - 1, (char *const *)call->args, &taken);
	if (verb)
		complete_in(call, &t, verb, call->args + taken, call->n_args - (size_t)taken);
	else
		add_verbs(&t, call->n_args > 1 ? call->args[0] : NULL);
	client_problem_clear(call->client);
	return show_text(call, &t, err);
}

static const struct verb_arg shell_args[] = {
	{ .name = "SHELL", .word = WORD_CHOICE, .choices = "bash|zsh", .help = "bash or zsh" },
	{ 0 },
};

static const struct verb_arg man_args[] = {
	{ .name = "VERB",
	  .word = WORD_VERB,
	  .is_optional = true,
	  .is_many = true,
	  .help = "Only the page of this verb" },
	{ 0 },
};

static const struct verb_arg complete_args[] = {
	{ .name = "WORD", .is_optional = true, .is_many = true, .help = "The words typed so far" },
	{ 0 },
};

const struct verb verb_version = {
	.name = "version",
	.summary = "Print the version",
	.run = version,
};

const struct verb verb_completion = {
	.name = "completion",
	.summary = "Print the completion script for a shell",
	.text = " weft completion bash > /etc/bash_completion.d/weft\n"
		" source <(weft completion zsh)",
	.args = shell_args,
	.run = completion,
};

const struct verb verb_man = {
	.name = "man",
	.summary = "Print the manual page as roff",
	.text = " weft man | man -l -\n"
		" weft man node add | man -l -",
	.args = man_args,
	.run = man,
};

const struct verb verb_complete = {
	.name = "__complete",
	.summary = "Answer the completion scripts",
	.args = complete_args,
	.run = complete,
	.is_hidden = true,
};
