#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"

static int fail(struct err *err, const char *verb, const char *path)
{
	int code = -errno;
	return err_set(err, code, "cannot %s %s: %s", verb, path, strerror(-code));
}

int file_read(const char *path, size_t limit, char **ret_data, size_t *ret_len, struct err *err)
{
	CLEAN(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(err, "open", path);
	size_t cap = 4096;
	size_t len = 0;
	CLEAN(free_ptr) char *data = malloc(cap);
	while (data) {
		ssize_t n = read(fd, data + len, cap - 1 - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(err, "read", path);
		len += (size_t)n;
		if (len > limit)
			return err_set(err, -EFBIG, "%s is larger than %zu bytes", path, limit);
		if (n == 0)
			break;
		if (len == cap - 1) {
			char *more = realloc(data, cap * 2);
			if (!more)
				return err_set(err, -ENOMEM, "out of memory reading %s", path);
			data = more;
			cap *= 2;
		}
	}
	if (!data)
		return err_set(err, -ENOMEM, "out of memory reading %s", path);
	data[len] = '\0';
	*ret_data = take_ptr(&data);
	if (ret_len)
		*ret_len = len;
	return 0;
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int sync_directory_of(const char *path, struct err *err)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');
	int len = slash ? (int)(slash - path) : 0;
	(void)snprintf(dir, sizeof dir, "%.*s", len ? len : 1, slash ? path : ".");
	CLEAN(close_fd) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return fail(err, "sync", dir);
	return 0;
}

// A second name for the present generation, so that replacing it leaves both. Where the file system
// has no hard links the generation before is simply not kept.
static void keep_generation(const char *path)
{
	char old[PATH_MAX];
	if ((size_t)snprintf(old, sizeof old, "%s.old", path) >= sizeof old ||
	    access(path, F_OK) < 0)
		return;
	(void)unlink(old);
	if (link(path, old) < 0)
		return;
}

static int replace(const char *path, const char *data, size_t len, mode_t mode, bool keeps)
{
	char tmp[PATH_MAX];
	if ((size_t)snprintf(tmp, sizeof tmp, "%s.tmp", path) >= sizeof tmp)
		return -ENAMETOOLONG;
	CLEAN(close_fd) int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	int r = write_all(fd, data, len);
	if (r == 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0))
		r = -errno;
	if (r == 0 && keeps)
		keep_generation(path);
	if (r == 0 && rename(tmp, path) < 0)
		r = -errno;
	if (r < 0)
		(void)unlink(tmp);
	return r;
}

static int replace_synced(const char *path, const void *data, size_t len, mode_t mode, bool keeps,
			  struct err *err)
{
	int r = replace(path, data, len, mode, keeps);
	if (r < 0)
		return err_set(err, r, "cannot write %s: %s", path, strerror(-r));
	return sync_directory_of(path, err);
}

int file_replace(const char *path, const void *data, size_t len, mode_t mode, struct err *err)
{
	return replace_synced(path, data, len, mode, false, err);
}

int file_replace_kept(const char *path, const void *data, size_t len, mode_t mode, struct err *err)
{
	return replace_synced(path, data, len, mode, true, err);
}

static int take_one(const char *path, file_take_fn take, void *context, struct err *err)
{
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return err_set(err, -ENOENT, "there is no %s", path);
	return take(context, path, err);
}

static bool is_damaged(int code)
{
	return code == -EINVAL || code == -EFBIG || code == -EPROTONOSUPPORT;
}

// A directory that cannot be written keeps the bad file where it is.
static void set_aside(const char *path, struct err *why)
{
	char bad[PATH_MAX];
	char before[ERR_TEXT_SIZE];
	if ((size_t)snprintf(bad, sizeof bad, "%s.bad", path) >= sizeof bad ||
	    rename(path, bad) < 0)
		return;
	memcpy(before, why->text, sizeof before);
	(void)err_set(why, why->code, "%s; it is set aside as %s", before, bad);
}

enum file_source file_load_kept(const char *path, file_take_fn take, void *context, struct err *err)
{
	struct err why = { 0 };
	struct err old_why = { 0 };
	char old[PATH_MAX];
	int r = take_one(path, take, context, &why);
	if (r == 0)
		return FILE_FOUND;
	if ((size_t)snprintf(old, sizeof old, "%s.old", path) >= sizeof old) {
		(void)err_set(err, -ENAMETOOLONG, "the path %s is too long", path);
		return FILE_LOST;
	}
	if (is_damaged(r))
		set_aside(path, &why);
	int old_r = take_one(old, take, context, &old_why);
	if (r == -ENOENT && old_r == -ENOENT)
		return FILE_NONE;
	if (old_r == 0)
		(void)err_set(err, r, "%s; the generation before it is used", why.text);
	else
		(void)err_set(err, r, "%s, and no earlier generation can be read", why.text);
	return old_r == 0 ? FILE_OLD : FILE_LOST;
}

int file_delete_kept(const char *path, struct err *err)
{
	static const char *const endings[] = { "", ".old", ".bad", ".tmp" };
	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		char name[PATH_MAX];
		(void)snprintf(name, sizeof name, "%s%s", path, endings[i]);
		if (unlink(name) < 0 && errno != ENOENT)
			return fail(err, "delete", name);
	}
	return 0;
}

int file_make_dirs(const char *path, mode_t mode, struct err *err)
{
	char dir[PATH_MAX];
	if ((size_t)snprintf(dir, sizeof dir, "%s", path) >= sizeof dir)
		return err_set(err, -ENAMETOOLONG, "the path %s is too long", path);
	for (char *p = dir + 1;; p++) {
		if (*p != '/' && *p != '\0')
			continue;
		char end = *p;
		*p = '\0';
		if (mkdir(dir, mode) < 0 && errno != EEXIST)
			return fail(err, "make the directory", dir);
		if (end == '\0')
			return 0;
		*p = end;
	}
}
