// The man pages, as roff of the man(7) macros.
#include <string.h>

#include "base/clean.h"

#include "cli/usage.h"

// Text with what roff would read as a request or an escape made harmless. `dash` writes "-" as a
// real hyphen-minus.
static void add_roff(struct text *t, const char *s, bool at_line_start)
{
	for (; *s; s++) {
		if (at_line_start && (*s == '.' || *s == '\''))
			text_add(t, "\\&");
		at_line_start = *s == '\n';
		if (*s == '\\')
			text_add(t, "\\e");
		else if (*s == '-')
			text_add(t, "\\-");
		else
			text_add_bytes(t, s, 1);
	}
}

static void add_upper(struct text *t, const char *name)
{
	for (; *name; name++) {
		char c = *name >= 'a' && *name <= 'z' ? (char)(*name - 'a' + 'A') : *name;
		if (c == ' ')
			c = '-';
		text_add_bytes(t, &c, 1);
	}
}

static void add_option(struct text *t, const struct verb_option *o)
{
	text_add(t, ".TP\n");
	if (o->letter)
		text_addf(t, "\\fB\\-%c\\fR, ", o->letter);
	text_add(t, "\\fB\\-\\-");
	add_roff(t, o->name, false);
	text_add(t, "\\fR");
	if (o->value)
		text_addf(t, " \\fI%s\\fR", o->value);
	text_add(t, "\n");
	add_roff(t, o->help, true);
	text_add(t, o->is_many ? "; may be repeated.\n" : ".\n");
}

// Paragraphs; lines that begin with a space are examples, set as they are.
static void add_paragraphs(struct text *t, const char *s)
{
	bool is_example = false;
	while (*s) {
		size_t len = strcspn(s, "\n");
		bool wants_example = *s == ' ';
		if (wants_example != is_example)
			text_add(t, wants_example ? ".PP\n.nf\n.RS\n" : ".RE\n.fi\n");
		is_example = wants_example;
		CLEAN(free_ptr) char *line = strndup(s, len);
		if (len == 0)
			text_add(t, ".PP\n");
		else if (line)
			add_roff(t, line, true);
		text_add(t, len ? "\n" : "");
		s += len + (s[len] == '\n');
	}
	text_add(t, is_example ? ".RE\n.fi\n" : "");
}

static void add_exit_status(struct text *t)
{
	text_add(t, ".SH EXIT STATUS\n0: done. 1: failed; the reason is on standard error. 2: "
		    "wrong usage.\n"
		    "3: nothing to do (apply), or there are differences (plan).\n");
}

static void man_verb(struct text *t, const struct verb *verb)
{
	text_add(t, ".TH WEFT\\-");
	add_upper(t, verb->name);
	text_add(t, " 1 \"\" \"Weft\" \"Weft manual\"\n.SH NAME\nweft\\-");
	CLEAN(free_ptr) char *page = strdup(verb->name);
	for (char *c = page; c && *c; c++)
		*c = *c == ' ' ? '-' : *c;
	add_roff(t, page ? page : "", false);
	text_add(t, " \\- ");
	add_roff(t, verb->summary, false);
	text_add(t, "\n.SH SYNOPSIS\n.B weft\n");
	CLEAN(text_free) struct text line = { 0 };
	usage_line(&line, verb);
	add_roff(t, line.data ? line.data : "", true);
	text_add(t, "\n.SH DESCRIPTION\n");
	add_paragraphs(t, verb->text ? verb->text : verb->summary);
	for (const struct verb_arg *a = verb->args; a && a->name; a++) {
		text_addf(t, ".TP\n\\fI%s\\fR\n", a->name);
		add_roff(t, a->help, true);
		text_add(t, ".\n");
	}
	if (!verb->main) {
		text_add(t, ".SH OPTIONS\n");
		for (const struct verb_option *o = verb->options; o && o->name; o++)
			add_option(t, o);
		for (const struct verb_option *o = verb_common_options; o->name; o++)
			add_option(t, o);
	}
	add_exit_status(t);
	text_add(t, ".SH SEE ALSO\n.BR weft (1)\n");
}

static void man_overview(struct text *t)
{
	text_add(t,
		 ".TH WEFT 1 \"\" \"Weft\" \"Weft manual\"\n"
		 ".SH NAME\nweft \\- say what your network should be, see what it is\n"
		 ".SH SYNOPSIS\n.B weft\n\\fIVERB\\fR [\\fIOPTION\\fR]... [\\fIARGUMENT\\fR]...\n"
		 ".SH DESCRIPTION\nThe command line of a Weft controller. It speaks the same REST "
		 "interface as\n"
		 "the dashboard. Begin with \\fBweft login\\fR.\n.SH VERBS\n");
	for (size_t i = 0; verb_table[i]; i++) {
		if (verb_table[i]->is_hidden)
			continue;
		CLEAN(text_free) struct text line = { 0 };
		usage_line(&line, verb_table[i]);
		text_add(t, ".TP\n\\fB");
		add_roff(t, line.data ? line.data : "", false);
		text_add(t, "\\fR\n");
		add_roff(t, verb_table[i]->summary, true);
		text_add(t, ".\n");
	}
	text_add(t, ".SH OPTIONS\nEvery verb but lab takes these.\n");
	for (const struct verb_option *o = verb_common_options; o->name; o++)
		add_option(t, o);
	add_exit_status(t);
	text_add(t, ".SH ENVIRONMENT\n"
		    ".TP\n\\fBWEFT_CONTEXT\\fR\nThe context to use instead of the current one.\n"
		    ".TP\n\\fBWEFT_URL\\fR, \\fBWEFT_TOKEN\\fR\nThe controller's URL and an API "
		    "token.\n"
		    ".TP\n\\fBWEFT_CA\\fR\nA PEM file of trusted CAs, or a pin of the form "
		    "sha256//...\n"
		    ".TP\n\\fBEDITOR\\fR, \\fBVISUAL\\fR\nThe editor of \\fBweft edit\\fR.\n"
		    ".TP\n\\fBNO_COLOR\\fR\nPrint no colours.\n"
		    ".SH FILES\n.TP\n~/.config/weft/contexts.yaml\n"
		    "Controllers and tokens; readable only by its owner.\n"
		    ".SH SEE ALSO\n.BR weft\\-agent (8),\n.BR weft\\-controller (8)\n");
}

void usage_man(struct text *t, const struct verb *verb_or_null)
{
	if (verb_or_null)
		man_verb(t, verb_or_null);
	else
		man_overview(t);
}
