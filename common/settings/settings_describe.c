#include <inttypes.h>
#include <string.h>

#include "model/net.h"
#include "settings/settings.h"

static void add_range(const struct setting *row, struct text *t)
{
	char low[DURATION_TEXT_SIZE], high[DURATION_TEXT_SIZE];
	if (row->type == SETTING_U32)
		text_addf(t, " (%" PRIu32 "..%" PRIu32 ")", row->min, row->max);
	else if (row->type == SETTING_DURATION_MS)
		text_addf(t, " (%s..%s)", duration_format(row->min, low),
			  duration_format(row->max, high));
	else if (row->type == SETTING_CHOICE)
		text_addf(t, " (%s)", row->choices);
}

static void add_default(const struct setting *row, struct text *t)
{
	char duration[DURATION_TEXT_SIZE];
	switch (row->type) {
	case SETTING_BOOL:
		text_add(t, row->number ? "true" : "false");
		break;
	case SETTING_U32:
		text_addf(t, "%" PRIu32, row->number);
		break;
	case SETTING_DURATION_MS:
		text_add(t, duration_format(row->number, duration));
		break;
	case SETTING_STRING_LIST:
		// Items have neither spaces nor quotes: the default is split at spaces.
		text_add(t, "[");
		for (const char *at = row->text ? row->text : ""; *at; at += strcspn(at, " ")) {
			at += strspn(at, " ");
			text_addf(t, "%s\"%.*s\"", at == row->text ? "" : ", ",
				  (int)strcspn(at, " "), at);
		}
		text_add(t, "]");
		break;
	case SETTING_STRING:
	case SETTING_CHOICE:
	case SETTING_LOG_LEVEL:
	case SETTING_PATH:
		text_add(t, row->text ? row->text : "");
		break;
	case SETTING_END:
		break;
	}
}

// How many dotted parts `a` and `b` begin with in common, the last part aside.
static size_t common_groups(const char *a, const char *b)
{
	size_t groups = 0;
	for (size_t i = 0; a[i] && a[i] == b[i]; i++)
		groups += a[i] == '.';
	return groups;
}

// Every line is commented out, group names too: the file says what holds without it.
static void add_row(const struct setting *row, const char *before, struct text *t)
{
	size_t shared = common_groups(row->name, before), depth = 0;
	const char *at = row->name;
	for (const char *dot = strchr(at, '.'); dot; dot = strchr(at, '.'), depth++) {
		if (depth >= shared)
			text_addf(t, "#%*s%.*s:\n", (int)(depth * 2), "", (int)(dot - at), at);
		at = dot + 1;
	}
	text_addf(t, "#%*s# %s", (int)(depth * 2), "", row->help ? row->help : "");
	add_range(row, t);
	text_addf(t, "\n#%*s%s: ", (int)(depth * 2), "", at);
	add_default(row, t);
	text_add(t, "\n");
}

void settings_describe(const struct setting *table, struct text *t)
{
	const char *before = "";
	for (; table->type != SETTING_END; table++) {
		add_row(table, before, t);
		before = table->name;
	}
}
