#include "cli/fleet.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clean.h"
#include "base/file.h"
#include "base/text.h"
#include "model/json.h"
#include "settings/yaml.h"
#include "settings/yaml_place.h"

#include "cli/kind.h"

enum { FILE_LIMIT = 8 << 20 }; // bytes, as the YAML reader's

void fleet_done(struct fleet *f)
{
	for (size_t i = 0; i < f->n_files; i++) {
		free(f->files[i].name);
		free(f->files[i].text);
	}
	free(f->files);
	json_decref(f->resources);
	*f = (struct fleet){ 0 };
}

enum { PATH_DEPTH = 8 };

// Splits "networks.home.mesh[2]" into its steps. A link's name has dots itself: its two are kept.
static size_t split_field(const char *field, struct yaml_step *ret)
{
	size_t depth = 0;
	for (const char *at = field; *at && depth < PATH_DEPTH; depth++) {
		if (*at == '[') {
			ret[depth] = (struct yaml_step){ .index = strtoul(at + 1, NULL, 10) };
			at += strcspn(at, "]") + (strchr(at, ']') != NULL);
		} else {
			size_t len = strcspn(at, ".[");
			if (depth == 1 && strncmp(field, "links.", 6) == 0) {
				for (int dots = 0; dots < 2 && at[len] == '.'; dots++)
					len += 1 + strcspn(at + len + 1, ".[");
			}
			ret[depth] = (struct yaml_step){ .key = at, .len = len };
			at += len;
		}
		at += *at == '.';
	}
	return depth;
}

bool fleet_locate(const struct fleet *f, const char *field, char *buf, size_t size)
{
	struct yaml_step path[PATH_DEPTH];
	const size_t depth = split_field(field, path);
	// Of several files the one that has the resource itself.
	const size_t enough = f->n_files > 1 && depth > 1 ? 2 : 1;
	for (size_t i = 0; i < f->n_files; i++) {
		const struct fleet_file *file = &f->files[i];
		size_t found;
		const size_t line = yaml_place(file->text, file->len, path, depth, &found);
		if (found < enough)
			continue;
		(void)snprintf(buf, size, "%s:%zu", file->name, line);
		return true;
	}
	return false;
}

// Whether a file has a resource, or its kind when `name` is NULL, and at which line (else as
// yaml_place() says).
static bool has(const struct fleet_file *file, const char *kind, const char *name, size_t *ret_line)
{
	const struct yaml_step path[] = { { .key = kind, .len = strlen(kind) },
					  { .key = name, .len = name ? strlen(name) : 0 } };
	const size_t depth = name ? 2 : 1;
	size_t found;
	*ret_line = yaml_place(file->text, file->len, path, depth, &found);
	return found == depth;
}

// Where a resource of the file just added stands, to begin an error with.
static const char *place(const struct fleet_file *file, const char *kind, const char *name,
			 char buf[300])
{
	size_t line;
	(void)has(file, kind, name, &line);
	(void)snprintf(buf, 300, "%s:%zu", file->name, line);
	return buf;
}

// Which of the earlier files has kind/name.
static const struct fleet_file *owner_of(const struct fleet *f, const char *kind, const char *name)
{
	size_t line;
	for (size_t i = 0; i + 2 < f->n_files; i++)
		if (has(&f->files[i], kind, name, &line))
			return &f->files[i];
	return &f->files[f->n_files >= 2 ? f->n_files - 2 : 0];
}

static int merge_kind(struct fleet *f, const char *kind, json_t *specs, struct err *err)
{
	const struct fleet_file *file = &f->files[f->n_files - 1];
	char here[300];
	char there[300];
	const char *name;
	json_t *spec;
	json_t *into = json_object_get(f->resources, kind);
	if (!into && json_object_set_new(f->resources, kind, into = json_object()))
		return err_set(err, -ENOMEM, "out of memory");
	json_object_foreach(specs, name, spec)
	{
		if (json_object_get(into, name))
			return err_set(err, -EEXIST, "%s: %s.%.80s is already in %s",
				       place(file, kind, name, here), kind, name,
				       place(owner_of(f, kind, name), kind, name, there));
		json_t *kept = json_is_null(spec) ? json_object() : json_incref(spec);
		if (json_object_set_new(into, name, kept))
			return err_set(err, -ENOMEM, "out of memory");
	}
	return 0;
}

static int merge(struct fleet *f, json_t *value, struct err *err)
{
	const struct fleet_file *file = &f->files[f->n_files - 1];
	char here[300];
	if (json_is_null(value))
		return 0;
	if (!json_is_object(value))
		return err_set(err, -EINVAL, "%s:1: a fleet file is a map: kind, name, spec",
			       file->name);
	const char *kind;
	json_t *specs;
	json_object_foreach(value, kind, specs)
	{
		const struct kind *row = kind_by_name(kind);
		if (!row) {
			struct err unknown = { 0 };
			(void)kind_find(kind, &row, &unknown);
			if (row)
				(void)err_set(&unknown, -EINVAL, "write the kind in the plural: %s",
					      row->name);
			return err_set(err, -EINVAL, "%s: %s", place(file, kind, NULL, here),
				       unknown.text);
		}
		if (json_is_null(specs))
			continue;
		if (!json_is_object(specs))
			return err_set(err, -EINVAL, "%s: %s is not a map of names",
				       place(file, kind, NULL, here), kind);
		int r = merge_kind(f, kind, specs, err);
		if (r)
			return r;
	}
	return 0;
}

int fleet_add(struct fleet *f, const char *name, const char *text, size_t len, struct err *err)
{
	json_auto_t *value = NULL;
	int r = yaml_parse(text, len, name, NULL, &value, err);
	if (r)
		return r;
	if (!f->resources)
		f->resources = json_object();
	struct fleet_file *files = realloc(f->files, (f->n_files + 1) * sizeof(*files));
	if (!files)
		return err_set(err, -ENOMEM, "out of memory");
	f->files = files;
	struct fleet_file *file = &files[f->n_files];
	*file = (struct fleet_file){ .name = strdup(name), .text = strndup(text, len), .len = len };
	f->n_files++;
	if (!file->name || !file->text || !f->resources)
		return err_set(err, -ENOMEM, "out of memory");
	return merge(f, value, err);
}

static int read_stdin(struct fleet *f, struct err *err)
{
	CLEAN(text_free) struct text t = { 0 };
	char buf[16384];
	size_t n;
	while ((n = fread(buf, 1, sizeof(buf), stdin)) > 0 && t.len <= FILE_LIMIT)
		text_add_bytes(&t, buf, n);
	if (t.len > FILE_LIMIT)
		return err_set(err, -EFBIG, "standard input is larger than %d bytes", FILE_LIMIT);
	return fleet_add(f, "standard input", t.data ? t.data : "", t.len, err);
}

static int is_yaml(const struct dirent *d)
{
	const char *dot = strrchr(d->d_name, '.');
	return d->d_name[0] != '.' && dot && (!strcmp(dot, ".yaml") || !strcmp(dot, ".yml"));
}

static int read_directory(struct fleet *f, const char *path, struct err *err)
{
	struct dirent **names = NULL;
	int n = scandir(path, &names, is_yaml, alphasort);
	if (n < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	int r = n == 0 ? err_set(err, -ENOENT, "%s: there is no .yaml file in it", path) : 0;
	for (int i = 0; i < n; i++) {
		CLEAN(free_ptr) char *file = text_format("%s/%s", path, names[i]->d_name);
		if (!r && file)
			r = fleet_read(f, file, err);
		free(names[i]);
	}
	free(names);
	return r;
}

int fleet_read(struct fleet *f, const char *path, struct err *err)
{
	if (strcmp(path, "-") == 0)
		return read_stdin(f, err);
	struct stat st;
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return read_directory(f, path, err);
	CLEAN(free_ptr) char *text = NULL;
	size_t len;
	int r = file_read(path, FILE_LIMIT, &text, &len, err);
	return r ? r : fleet_add(f, path, text, len, err);
}
