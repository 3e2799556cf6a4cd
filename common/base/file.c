#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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

int file_replace(const char *path, const void *data, size_t len, mode_t mode, struct err *err)
{
	char tmp[PATH_MAX];
	if ((size_t)snprintf(tmp, sizeof tmp, "%s.tmp", path) >= sizeof tmp)
		return err_set(err, -ENAMETOOLONG, "the path %s is too long", path);
	CLEAN(close_fd) int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	if (fd < 0)
		return fail(err, "create", tmp);
	int r = write_all(fd, data, len);
	if (r == 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0))
		r = -errno;
	if (r == 0 && rename(tmp, path) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlink(tmp);
		return err_set(err, r, "cannot write %s: %s", path, strerror(-r));
	}
	return sync_directory_of(path, err);
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
