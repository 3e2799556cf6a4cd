#include "cli/context.h"

#include <errno.h>
#include <string.h>

#include "base/clean.h"
#include "base/text.h"
#include "model/json.h"

#include "cli/call.h"
#include "cli/show.h"
#include "cli/verb/verbs.h"

static int list(const struct call *call, const json_t *file, struct err *err)
{
	CLEAN(table_done) struct table table = { 0 };
	const char *current = json_string_value(json_object_get(file, "current"));
	static const char *const heads[] = { "", "NAME", "URL", "USER", "TRUST", "TOKEN" };
	for (size_t i = 0; i < ARRAY_LEN(heads); i++)
		table_cell(&table, i ? heads[i] : " ");
	table_end_row(&table);
	const char *name;
	json_t *row;
	json_object_foreach(json_object_get(file, "contexts"), name, row)
	{
		const char *pin = json_string_value(json_object_get(row, "pin"));
		const char *ca = json_string_value(json_object_get(row, "ca_file"));
		table_cell(&table, current && strcmp(current, name) == 0 ? "*" : " ");
		table_cell(&table, name);
		table_cell(&table, json_string_value(json_object_get(row, "url")));
		table_cell(&table, json_string_value(json_object_get(row, "user")));
		table_cell(&table, pin ? pin : ca ? ca : "system");
		table_cell(&table, json_object_get(row, "token") ? "yes" : "no");
		table_end_row(&table);
	}
	return show_table(call, &table, err);
}

// The whole file or one row without tokens, for -o json and yaml.
static json_t *without_tokens(const json_t *file)
{
	json_t *copy = json_deep_copy(file);
	const char *name;
	json_t *row;
	json_object_foreach(json_object_get(copy, "contexts"), name, row)
	{
		(void)json_object_del(row, "token");
	}
	return copy;
}

static int show(const struct call *call, const json_t *file, const char *name, struct err *err)
{
	json_auto_t *shown = without_tokens(file);
	const char *key = name ? name : json_string_value(json_object_get(file, "current"));
	const json_t *row = key ? json_object_get(json_object_get(shown, "contexts"), key) : NULL;
	if (!row)
		return err_set(err, -ENOENT, "there is no context \"%.60s\"", key ? key : "");
	json_auto_t *named = json_pack("{s:O}", key, row);
	int r;
	return show_as_asked(call, named, err, &r) ? r : show_yaml(call, named, err);
}

static int change(json_t *file, const char *name, bool is_delete, struct err *err)
{
	json_t *all = json_object_get(file, "contexts");
	const char *current = json_string_value(json_object_get(file, "current"));
	if (!json_object_get(all, name))
		return err_set(err, -ENOENT, "there is no context \"%.60s\"", name);
	if (!is_delete)
		return json_object_set_new(file, "current", json_string(name))
			       ? err_set(err, -ENOMEM, "out of memory")
			       : context_file_write(file, err);
	if (current && strcmp(current, name) == 0)
		(void)json_object_del(file, "current");
	(void)json_object_del(all, name);
	return context_file_write(file, err);
}

static int context(struct call *call, struct err *err)
{
	json_auto_t *file = NULL;
	int r = context_file_read(&file, err);
	if (r)
		return r;
	const char *what = call_arg(call, 0) ? call_arg(call, 0) : "list";
	const char *name = call_arg(call, 1);
	if (strcmp(what, "show") == 0)
		return show(call, file, name, err);
	if (strcmp(what, "list") == 0) {
		json_auto_t *shown = without_tokens(file);
		return show_as_asked(call, shown, err, &r) ? r : list(call, file, err);
	}
	if (!name) {
		(void)err_set(err, -EINVAL, "context %s needs the NAME of a context", what);
		return CLI_USAGE;
	}
	r = change(file, name, strcmp(what, "delete") == 0, err);
	if (r)
		return r;
	fprintf(call->out, "Context \"%s\" %s.\n", name,
		strcmp(what, "use") == 0 ? "is the current one now" : "deleted");
	return CLI_DONE;
}

static const struct verb_arg args[] = {
	{ .name = "WHAT",
	  .word = WORD_CHOICE,
	  .choices = "list|use|show|delete",
	  .is_optional = true,
	  .help = "list (if not given), use, show or delete" },
	{ .name = "NAME", .word = WORD_CONTEXT, .is_optional = true, .help = "The context" },
	{ 0 },
};

const struct verb verb_context = {
	.name = "context",
	.summary = "List, choose, show or delete the controllers known here",
	.text = "A context is a controller's URL, how it is trusted, and a token. They are kept "
		"in\n"
		"~/.config/weft/contexts.yaml, readable only by you; show never prints the token.",
	.args = args,
	.run = context,
};
