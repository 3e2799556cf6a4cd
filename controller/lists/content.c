#include "lists/content.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/hex.h"
#include "base/text.h"

#include "names/rule.h"

enum { COPY_BLOCK = 65536 };

struct mapped {
	char *text;
	size_t len;
};

static void unmap(struct mapped *m)
{
	if (m->len > 0)
		(void)munmap(m->text, m->len);
}

static int map_file(const char *path, struct mapped *ret, struct err *err)
{
	struct stat st;
	CLEAN(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "%s is no regular file", path);
	if (st.st_size > CONTENT_BYTES_MAX)
		return err_set(err, -EFBIG, "%s has more than %d MB", path,
			       CONTENT_BYTES_MAX >> 20);
	if (st.st_size == 0)
		return err_set(err, -EINVAL, "the list is empty");
	void *at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	*ret = (struct mapped){ at, (size_t)st.st_size };
	return 0;
}

static int count_rule(void *context, const struct name_rule *rule)
{
	(void)context;
	(void)rule;
	return 0;
}

void content_hash(const char *text, size_t len, char ret_hash[CONTENT_HASH_SIZE])
{
	unsigned char sum[SHA256_DIGEST_LENGTH];
	(void)SHA256((const unsigned char *)text, len, sum);
	hex_write(sum, sizeof(sum), ret_hash);
}

static int judge(const char *text, size_t len, struct content *ret, struct err *err)
{
	struct name_lines lines;
	int r = name_lines_read(text, len, count_rule, NULL, &lines, err);
	if (r < 0)
		return r;
	if (lines.rules == 0)
		return err_set(err, -EINVAL, "there is no name in it");
	*ret = (struct content){ .size = (int64_t)len,
				 .rules = (int64_t)lines.rules,
				 .bad = (int64_t)lines.bad,
				 .first_bad = (int64_t)lines.first_bad };
	content_hash(text, len, ret->sha256);
	return 0;
}

static int sync_file(const char *path)
{
	CLEAN(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

int content_take(const char *dir, const char *path, struct content *ret, struct err *err)
{
	CLEAN(unmap) struct mapped m = { 0 };
	struct content content;
	int r = map_file(path, &m, err);
	if (r == 0)
		r = judge(m.text, m.len, &content, err);
	if (r < 0)
		return r;
	CLEAN(free_ptr) char *to = text_format("%s/%s", dir, content.sha256);
	if (!to)
		return err_set(err, -ENOMEM, "out of memory");
	if (sync_file(path) < 0 || rename(path, to) < 0)
		return err_set(err, -errno, "%s: %s", to, strerror(errno));
	*ret = content;
	return 0;
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

// Makes a file of its own in `dir`, for the hash to become its name.
static int open_own(const char *dir, char **ret_path, struct err *err)
{
	CLEAN(free_ptr) char *path = text_format("%s/" CONTENT_UNNAMED "XXXXXX", dir);
	int fd = path ? mkostemp(path, O_CLOEXEC) : -1;
	if (fd < 0)
		return err_set(err, path ? -errno : -ENOMEM, "%s: %s", dir, strerror(errno));
	*ret_path = take_ptr(&path);
	return fd;
}

// `written`: what became of writing to `path`.
static int take_own(const char *dir, const char *path, int written, struct content *ret,
		    struct err *err)
{
	int r = written < 0 ? err_set(err, written, "%s: %s", path, strerror(-written))
			    : content_take(dir, path, ret, err);
	if (r < 0)
		(void)unlink(path);
	return r;
}

int content_put(const char *dir, const char *text, size_t len, struct content *ret, struct err *err)
{
	CLEAN(free_ptr) char *path = NULL;
	CLEAN(close_fd) int fd = open_own(dir, &path, err);
	return fd < 0 ? fd : take_own(dir, path, write_all(fd, text, len), ret, err);
}

static int copy_all(int from, int to)
{
	static _Thread_local char block[COPY_BLOCK];
	size_t bytes = 0;
	ssize_t n;
	while ((n = read(from, block, sizeof(block))) > 0) {
		bytes += (size_t)n;
		int r = bytes > CONTENT_BYTES_MAX ? -EFBIG : write_all(to, block, (size_t)n);
		if (r < 0)
			return r;
	}
	return n < 0 ? -errno : 0;
}

// Somebody may be writing to it: a copy is looked at, which nobody cuts short meanwhile.
int content_copy(const char *dir, const char *path, struct content *ret, struct err *err)
{
	struct stat st;
	CLEAN(free_ptr) char *own = NULL;
	CLEAN(close_fd) int from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (from < 0 || fstat(from, &st) < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "%s is no regular file", path);
	CLEAN(close_fd) int to = open_own(dir, &own, err);
	return to < 0 ? to : take_own(dir, own, copy_all(from, to), ret, err);
}

bool content_is_hash(const char *text)
{
	return strlen(text) == CONTENT_HASH_SIZE - 1 &&
	       text[strspn(text, "0123456789abcdef")] == '\0';
}
