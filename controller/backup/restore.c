// A backup back into a state directory. The old state is moved aside whole, the new one is complete
// and checked on disk before the first file of the old one moves.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/file.h"
#include "base/text.h"

#include "backup/backup.h"
#include "backup/inside.h"

// Of a state, besides those that a backup holds: SQLite's log and index, which belong to the old
// database.
static const char *const companions[] = { "weft.db-wal", "weft.db-shm" };

static bool has_state(const char *dir)
{
	for (size_t i = 0; i < state_files_count; i++) {
		CLEAN(free_ptr) char *path = state_file_path(dir, state_files[i].name);
		if (path && state_files[i].is_needed && access(path, F_OK) == 0)
			return true;
	}
	return false;
}

// Moves one file, which may be absent, from one directory into another.
static int move(const char *from_dir, const char *to_dir, const char *name, struct err *err)
{
	CLEAN(free_ptr) char *from = state_file_path(from_dir, name);
	CLEAN(free_ptr) char *to = state_file_path(to_dir, name);
	if (!from || !to)
		return err_set(err, -ENOMEM, "out of memory");
	return rename(from, to) == 0 || errno == ENOENT ? 0 : file_failed(err, "move", from);
}

static int move_all(const char *from_dir, const char *to_dir, struct err *err)
{
	int r = 0;
	for (size_t i = 0; i < state_files_count && r == 0; i++)
		r = move(from_dir, to_dir, state_files[i].name, err);
	return r;
}

static int set_aside(const char *state_dir, char **ret_aside, struct err *err)
{
	char stamp[32];
	struct tm tm;
	time_t now = time(NULL);
	(void)strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", gmtime_r(&now, &tm));
	CLEAN(free_ptr)
	char *aside = text_format("%s/before-restore-%s-%d", state_dir, stamp, (int)getpid());
	if (!aside)
		return err_set(err, -ENOMEM, "out of memory");
	if (mkdir(aside, 0700) != 0)
		return file_failed(err, "make", aside);
	int r = 0;
	// The database first: a state without one is refused by `run`, with one but other keys not.
	for (size_t i = state_files_count; i > 0 && r == 0; i--)
		r = move(state_dir, aside, state_files[i - 1].name, err);
	for (size_t i = 0; i < ARRAY_LEN(companions) && r == 0; i++)
		r = move(state_dir, aside, companions[i], err);
	if (r == 0)
		*ret_aside = take_ptr(&aside);
	return r;
}

static int owner_of(const char *state_dir, const char *fresh, struct err *err)
{
	struct stat st;
	if (stat(state_dir, &st) != 0)
		return file_failed(err, "look at", state_dir);
	if (geteuid() != 0)
		return 0;
	for (size_t i = 0; i < state_files_count; i++) {
		CLEAN(free_ptr) char *path = state_file_path(fresh, state_files[i].name);
		if (!path)
			return err_set(err, -ENOMEM, "out of memory");
		if (chown(path, st.st_uid, st.st_gid) != 0 && errno != ENOENT)
			return file_failed(err, "give away", path);
	}
	return 0;
}

static int sync_directory(const char *dir, struct err *err)
{
	CLEAN(close_fd) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 && fsync(fd) == 0 ? 0 : file_failed(err, "sync", dir);
}

static int put_in_place(const char *fresh, const char *state_dir, char **ret_aside, struct err *err)
{
	int r = owner_of(state_dir, fresh, err);
	if (r == 0 && has_state(state_dir))
		r = set_aside(state_dir, ret_aside, err);
	if (r == 0)
		r = move_all(fresh, state_dir, err);
	return r < 0 ? r : sync_directory(state_dir, err);
}

int backup_restore(const char *file, const char *state_dir, bool replace, char **ret_aside,
		   struct backup_info *ret_info, struct err *err)
{
	if (!replace && has_state(state_dir))
		return err_set(err, -EEXIST,
			       "%s holds the state of a controller: with --replace it is moved "
			       "aside, nothing is deleted",
			       state_dir);
	int r = file_make_dirs(state_dir, 0700, err);
	if (r < 0)
		return r;
	CLEAN(free_ptr) char *fresh = text_format("%s/restore-%d.tmp", state_dir, (int)getpid());
	if (!fresh)
		return err_set(err, -ENOMEM, "out of memory");
	if (mkdir(fresh, 0700) != 0)
		return file_failed(err, "make", fresh);
	char *aside = NULL;
	r = backup_unpack(file, fresh, ret_info, err);
	if (r == 0)
		r = put_in_place(fresh, state_dir, &aside, err);
	directory_remove(fresh);
	*ret_aside = aside;
	return r;
}
