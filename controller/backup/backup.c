#include "backup/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "base/version.h"
#include "model/json.h"
#include "model/net.h"

#include "backup/archive.h"
#include "backup/inside.h"
#include "store/file.h"

#define FORMAT       1
#define MANIFEST     "manifest.json" // the last member: without it a file was cut short
#define MANIFEST_MAX 65536
#define DATABASE     "weft.db"

const struct state_file state_files[] = {
	{ "ca.key", true },   { "ca.crt", true },   { "secret.key", true },
	{ "tls.key", false }, { "tls.crt", false }, { "controller.yaml", false },
	{ DATABASE, true },
};
const size_t state_files_count = ARRAY_LEN(state_files);

char *state_file_path(const char *dir, const char *name)
{
	return text_format("%s/%s", dir, name);
}

int file_failed(struct err *err, const char *verb, const char *path)
{
	int code = errno ? -errno : -EIO;
	return err_set(err, code, "cannot %s %s: %s", verb, path, strerror(-code));
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st;
	(void)flag;
	(void)at;
	(void)remove(path);
	return 0;
}

void directory_remove(const char *path)
{
	(void)nftw(path, remove_one, 4, FTW_DEPTH | FTW_PHYS);
}

// ---- writing ----

static int put_path(FILE *out, const char *name, const char *path, json_t *list, struct err *err)
{
	CLEAN(close_file) FILE *from = fopen(path, "re");
	struct archive_member member;
	if (!from)
		return file_failed(err, "open", path);
	int r = archive_put(out, name, from, &member, err);
	if (r < 0)
		return r;
	json_t *about =
		json_pack("{s:I, s:s}", "size", (json_int_t)member.size, "sha256", member.sha256);
	return json_object_set_new(list, name, about) == 0 ? 0
							   : err_set(err, -ENOMEM, "out of memory");
}

static int put_manifest(FILE *out, json_t *list, struct err *err)
{
	char created[TIME_TEXT_SIZE];
	struct archive_member member;
	json_auto_t *manifest =
		json_pack("{s:i, s:s, s:s, s:O}", "weft_backup", FORMAT, "version", weft_version(),
			  "created", time_format(clock_wall_ms(), created), "files", list);
	CLEAN(free_ptr) char *text = manifest ? json_dumps(manifest, JSON_INDENT(1)) : NULL;
	CLEAN(close_file) FILE *from = text ? fmemopen(text, strlen(text), "r") : NULL;
	if (!from)
		return err_set(err, -ENOMEM, "out of memory");
	return archive_put(out, MANIFEST, from, &member, err);
}

static int put_all(FILE *out, const char *state_dir, const char *settings_file,
		   const char *database, struct err *err)
{
	json_auto_t *list = json_object();
	for (size_t i = 0; i < state_files_count; i++) {
		const struct state_file *file = &state_files[i];
		CLEAN(free_ptr) char *path = state_file_path(state_dir, file->name);
		const char *from = path;
		if (!path || !list)
			return err_set(err, -ENOMEM, "out of memory");
		if (strcmp(file->name, DATABASE) == 0)
			from = database;
		else if (strcmp(file->name, "controller.yaml") == 0)
			from = settings_file;
		if (!file->is_needed && access(from, F_OK) != 0)
			continue;
		int r = put_path(out, file->name, from, list, err);
		if (r < 0)
			return r;
	}
	int r = put_manifest(out, list, err);
	return r < 0 ? r : archive_end(out, err);
}

static int put_state(FILE *out, const char *state_dir, const char *settings_file, const char *near,
		     struct err *err)
{
	CLEAN(free_ptr) char *database = state_file_path(state_dir, DATABASE);
	CLEAN(free_ptr) char *copy = text_format("%s.%d.db", near, (int)getpid());
	if (!database || !copy)
		return err_set(err, -ENOMEM, "out of memory");
	(void)unlink(copy);
	int r = store_file_copy(database, copy, err);
	if (r == 0)
		r = put_all(out, state_dir, settings_file, copy, err);
	(void)unlink(copy);
	return r;
}

static int sync_and_name(FILE *out, const char *tmp, const char *file, struct err *err)
{
	if (fflush(out) != 0 || fsync(fileno(out)) != 0)
		return file_failed(err, "write", tmp);
	// link, unlike rename, never replaces what appeared meanwhile.
	if (link(tmp, file) != 0)
		return file_failed(err, "make", file);
	return 0;
}

int backup_write(const char *state_dir, const char *settings_file, const char *file,
		 struct err *err)
{
	if (strcmp(file, "-") == 0)
		return put_state(stdout, state_dir, settings_file, "/tmp/weft-backup", err);
	if (access(file, F_OK) == 0)
		return err_set(err, -EEXIST, "%s is there already: choose another name", file);
	CLEAN(free_ptr) char *tmp = text_format("%s.%d.tmp", file, (int)getpid());
	if (!tmp)
		return err_set(err, -ENOMEM, "out of memory");
	CLEAN(close_fd) int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return file_failed(err, "make", tmp);
	CLEAN(close_file) FILE *out = fdopen(fd, "w");
	if (!out)
		return file_failed(err, "open", tmp);
	(void)take_fd(&fd);
	int r = put_state(out, state_dir, settings_file, file, err);
	if (r == 0)
		r = sync_and_name(out, tmp, file, err);
	(void)unlink(tmp);
	return r;
}

// ---- reading ----

static const struct state_file *state_file_named(const char *name)
{
	for (size_t i = 0; i < state_files_count; i++)
		if (strcmp(state_files[i].name, name) == 0)
			return &state_files[i];
	return NULL;
}

static int take_one(FILE *in, struct archive_member *member, const char *dir, struct err *err)
{
	CLEAN(free_ptr) char *path = state_file_path(dir, member->name);
	if (!path)
		return err_set(err, -ENOMEM, "out of memory");
	CLEAN(close_fd) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	CLEAN(close_file) FILE *to = fd < 0 ? NULL : fdopen(fd, "w");
	if (!to)
		return file_failed(err, "make", path);
	(void)take_fd(&fd);
	int r = archive_take(in, member, to, err);
	if (r == 0 && (fflush(to) != 0 || fsync(fileno(to)) != 0))
		r = file_failed(err, "write", path);
	return r;
}

static int take_manifest(FILE *in, struct archive_member *member, json_t **ret_manifest,
			 struct err *err)
{
	CLEAN(free_ptr) char *text = calloc(1, MANIFEST_MAX);
	CLEAN(close_file)
	FILE *to = text && member->size < MANIFEST_MAX ? fmemopen(text, MANIFEST_MAX, "w") : NULL;
	if (!to)
		return err_set(err, -EBADMSG, "the backup's list of files is damaged");
	int r = archive_take(in, member, to, err);
	if (r < 0)
		return r;
	(void)fflush(to);
	*ret_manifest = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	return *ret_manifest ? 0 : err_set(err, -EBADMSG, "the backup's list of files is damaged");
}

// Are the members what the backup's list says, and is all there that must be?
static int compare(const json_t *manifest, const json_t *taken, struct err *err)
{
	const json_t *files = json_object_get(manifest, "files");
	if (json_integer_value(json_object_get(manifest, "weft_backup")) != FORMAT)
		return err_set(err, -ENOTSUP,
			       "the backup has a format that this version does not know: install "
			       "the version that wrote it, or a newer one");
	for (size_t i = 0; i < state_files_count; i++) {
		const char *name = state_files[i].name;
		const char *hash = json_string_value(json_object_get(taken, name));
		const char *listed =
			json_string_value(json_object_get(json_object_get(files, name), "sha256"));
		if (!hash && (listed || state_files[i].is_needed))
			return err_set(err, -EBADMSG, "%s is missing in the backup", name);
		if (hash && (!listed || strcmp(hash, listed) != 0))
			return err_set(err, -EBADMSG, "%s in the backup is damaged", name);
	}
	return 0;
}

static int unpack(FILE *in, const char *dir, json_t *taken, json_t **ret_manifest, struct err *err)
{
	struct archive_member member;
	int r;
	while ((r = archive_next(in, &member, err)) > 0) {
		bool is_manifest = strcmp(member.name, MANIFEST) == 0;
		if (*ret_manifest || (!is_manifest && !state_file_named(member.name)))
			return err_set(err, -EBADMSG, "%s does not belong into a backup of Weft",
				       member.name);
		r = is_manifest ? take_manifest(in, &member, ret_manifest, err)
				: take_one(in, &member, dir, err);
		if (r < 0)
			return r;
		if (!is_manifest &&
		    json_object_set_new(taken, member.name, json_string(member.sha256)) != 0)
			return err_set(err, -ENOMEM, "out of memory");
	}
	if (r == 0 && !*ret_manifest)
		return err_set(err, -EBADMSG, "the backup's list of files is missing");
	return r;
}

static void copy_text(char *to, size_t size, const json_t *manifest, const char *field)
{
	const char *text = json_string_value(json_object_get(manifest, field));
	(void)snprintf(to, size, "%s", text ? text : "?");
}

int backup_unpack(const char *file, const char *dir, struct backup_info *ret_info, struct err *err)
{
	CLEAN(close_file) FILE *in = fopen(file, "re");
	json_auto_t *taken = json_object();
	json_auto_t *manifest = NULL;
	if (!in)
		return file_failed(err, "open", file);
	if (!taken)
		return err_set(err, -ENOMEM, "out of memory");
	int r = unpack(in, dir, taken, &manifest, err);
	if (r == 0)
		r = compare(manifest, taken, err);
	if (r < 0)
		return err_prefix(err, "%s", file);
	copy_text(ret_info->version, sizeof(ret_info->version), manifest, "version");
	copy_text(ret_info->created, sizeof(ret_info->created), manifest, "created");
	return 0;
}
