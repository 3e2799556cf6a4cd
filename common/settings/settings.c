#include "settings/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "settings/settings_value.h"
#include "settings/yaml.h"

// A settings file is small; what is larger is another file.
static const struct yaml_limits file_limits = { .bytes = 1 << 20, .depth = 8, .nodes = 10000 };

static const struct setting *find_row(const struct setting *table, const char *name)
{
	for (; table->type != SETTING_END; table++) {
		if (strcmp(table->name, name) == 0)
			return table;
	}
	return NULL;
}

// True if some setting is called "name.…".
static bool is_group(const struct setting *table, const char *name)
{
	const char *rest;
	for (; table->type != SETTING_END; table++) {
		if (text_starts(table->name, name, &rest) && *rest == '.')
			return true;
	}
	return false;
}

static int refuse_unknown(const struct setting *table, const char *name, struct err *err)
{
	size_t count = 0;
	while (table[count].type != SETTING_END)
		count++;
	CLEAN(free_ptr) const char **names = calloc(count + 1, sizeof(*names));
	for (size_t i = 0; names && i < count; i++)
		names[i] = table[i].name;
	const char *nearest = names ? text_nearest(name, names) : NULL;
	if (nearest)
		return err_set(err, -EINVAL, "%.100s: there is no such setting, did you mean %s?",
			       name, nearest);
	return err_set(err, -EINVAL, "%.100s: there is no such setting", name);
}

// Reads the mapping whose settings are called "PREFIX.key".
static int parse_group(const struct setting *table, const char *prefix, const json_t *group,
		       void *target, struct err *err)
{
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)group, key, value)
	{
		CLEAN(free_ptr)
		char *name = text_format("%s%s%s", prefix, prefix[0] ? "." : "", key);
		if (!name)
			return err_set(err, -ENOMEM, "out of memory");
		const struct setting *row = find_row(table, name);
		int r = 0;
		if (row && !json_is_null(value)) {
			setting_value_done(row, target);
			r = setting_value_set(row, value, target, err);
		} else if (!row && is_group(table, name) && json_is_object(value)) {
			r = parse_group(table, name, value, target, err);
		} else if (!row && is_group(table, name) && !json_is_null(value)) {
			r = err_set(err, -EINVAL, "%s: it must be a mapping of settings", name);
		} else if (!row && !is_group(table, name)) {
			r = refuse_unknown(table, name, err);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

void settings_done(const struct setting *table, void *target)
{
	for (; table->type != SETTING_END; table++)
		setting_value_done(table, target);
}

int settings_default(const struct setting *table, void *target, struct err *err)
{
	for (const struct setting *row = table; row->type != SETTING_END; row++) {
		int r = setting_value_default(row, target, err);
		if (r == 0)
			continue;
		// What comes after this row was not set yet, so there is nothing to free in it.
		while (row-- > table)
			setting_value_done(row, target);
		return r;
	}
	return 0;
}

int settings_parse(const struct setting *table, const json_t *file, void *target, struct err *err)
{
	if (file && !json_is_object(file) && !json_is_null(file))
		return err_set(err, -EINVAL, "the file must be a mapping of settings");
	int r = settings_default(table, target, err);
	if (r < 0)
		return r;
	r = parse_group(table, "", file, target, err);
	if (r < 0)
		settings_done(table, target);
	return r;
}

int settings_read(const struct setting *table, const char *path, bool may_be_absent, void *target,
		  struct err *err)
{
	json_auto_t *file = NULL;
	if (may_be_absent && access(path, F_OK) < 0 && errno == ENOENT)
		return settings_default(table, target, err);
	int r = yaml_read_file(path, &file_limits, &file, err);
	if (r < 0)
		return r;
	r = settings_parse(table, file, target, err);
	return r < 0 ? err_prefix(err, "%s", path) : r;
}
