#include "cli/usage.h"

#include <string.h>

#include "base/clean.h"

enum { HELP_COLUMN = 26 };

static void option_line(struct text *t, const struct verb_option *o)
{
	char left[64];
	char letter[6] = "    ";
	if (o->letter)
		(void)snprintf(letter, sizeof(letter), "-%c, ", o->letter);
	(void)snprintf(left, sizeof(left), "%s--%s%s%s", letter, o->name, o->value ? " " : "",
		       o->value ? o->value : "");
	text_addf(t, "  %-*s %s%s\n", HELP_COLUMN, left, o->help,
		  o->is_many ? " (may be repeated)" : "");
}

static void option_lines(struct text *t, const struct verb_option *rows)
{
	for (; rows && rows->name; rows++)
		option_line(t, rows);
}

void usage_line(struct text *t, const struct verb *verb)
{
	text_add(t, verb->name);
	for (const struct verb_option *o = verb->options; o && o->name; o++) {
		text_add(t, o->is_required ? " " : " [");
		if (o->letter)
			text_addf(t, "-%c", o->letter);
		else
			text_addf(t, "--%s", o->name);
		if (o->value)
			text_addf(t, " %s", o->value);
		text_addf(t, "%s%s", o->is_required ? "" : "]", o->is_many ? "..." : "");
	}
	for (const struct verb_arg *a = verb->args; a && a->name; a++) {
		text_addf(t, a->is_optional ? " [%s]" : " %s", a->name);
		if (a->is_many)
			text_add(t, "...");
	}
}

void usage_verb(struct text *t, const struct verb *verb)
{
	text_add(t, "usage: weft ");
	usage_line(t, verb);
	text_addf(t, "\n\n%s.\n", verb->summary);
	if (verb->text)
		text_addf(t, "\n%s\n", verb->text);
	if (verb->args) {
		text_add(t, "\nArguments:\n");
		for (const struct verb_arg *a = verb->args; a->name; a++)
			text_addf(t, "  %-*s %s\n", HELP_COLUMN, a->name, a->help);
	}
	if (verb->main)
		return;
	text_add(t, "\nOptions:\n");
	option_lines(t, verb->options);
	option_lines(t, verb_common_options);
}

static void verb_row(struct text *t, const struct verb *verb)
{
	text_addf(t, "  %-18s %s\n", verb->name, verb->summary);
}

bool usage_group(struct text *t, const char *first)
{
	bool any = false;
	for (size_t i = 0; verb_table[i]; i++) {
		const char *rest;
		if (!text_starts(verb_table[i]->name, first, &rest) || *rest != ' ')
			continue;
		if (!any)
			text_addf(t, "usage: weft %s VERB [OPTION]... [ARGUMENT]...\n\nVerbs:\n",
				  first);
		verb_row(t, verb_table[i]);
		any = true;
	}
	if (any)
		text_addf(t, "\n`weft %s VERB --help` explains one.\n", first);
	return any;
}

void usage_overview(struct text *t)
{
	text_add(t, "usage: weft VERB [OPTION]... [ARGUMENT]...\n\n"
		    "Say what your network should be, see what it is.\n\nVerbs:\n");
	for (size_t i = 0; verb_table[i]; i++) {
		if (!verb_table[i]->is_hidden)
			verb_row(t, verb_table[i]);
	}
	text_add(t, "\nEvery verb but lab takes:\n");
	option_lines(t, verb_common_options);
	text_add(
		t,
		"\n`weft VERB --help` explains one. Exit status: 0 done, 1 failed, 2 wrong usage,\n"
		"3 nothing to do (apply) or differences found (plan).\n");
}
