#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

// Present in sanitizer builds only.
extern void __sanitizer_print_stack_trace(void) __attribute__((weak));

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; // the store's thread allocates as well
static struct {
	bool is_armed;
	bool is_lasting;
	bool has_struck;
	enum fault_kind kind;
	unsigned left; // calls until the one that fails
} fault;

static void arm(enum fault_kind kind, unsigned n, bool is_lasting)
{
	(void)pthread_mutex_lock(&mutex);
	fault.is_armed = true;
	fault.is_lasting = is_lasting;
	fault.has_struck = false;
	fault.kind = kind;
	fault.left = n;
	(void)pthread_mutex_unlock(&mutex);
}

void fault_arm(enum fault_kind kind, unsigned n)
{
	arm(kind, n, false);
}

void fault_arm_from(enum fault_kind kind, unsigned n)
{
	arm(kind, n, true);
}

bool fault_disarm(void)
{
	(void)pthread_mutex_lock(&mutex);
	bool has_struck = fault.has_struck;
	fault.is_armed = false;
	(void)pthread_mutex_unlock(&mutex);
	return has_struck;
}

static bool strikes_now(enum fault_kind kind)
{
	if (!fault.is_armed || fault.kind != kind)
		return false;
	if (fault.left > 0)
		fault.left--;
	if (fault.left > 0 || (fault.has_struck && !fault.is_lasting))
		return false;
	fault.has_struck = true;
	return true;
}

bool fault_strikes(enum fault_kind kind)
{
	(void)pthread_mutex_lock(&mutex);
	bool strikes = strikes_now(kind);
	(void)pthread_mutex_unlock(&mutex);
	// The trace allocates: not under the mutex.
	if (strikes && getenv("WEFT_FAULT_TRACE") && __sanitizer_print_stack_trace)
		__sanitizer_print_stack_trace();
	return strikes;
}

static bool is_out_of_memory(void)
{
	if (!fault_strikes(FAULT_ALLOC))
		return false;
	errno = ENOMEM;
	return true;
}

// ---- memory: by the linker's --wrap, beneath which a sanitizer keeps watching ----

#define WRAP(type, name, parameters, arguments)                                                    \
	type __real_##name parameters;                                                             \
	type __wrap_##name parameters;                                                             \
	type __wrap_##name parameters                                                              \
	{                                                                                          \
		return is_out_of_memory() ? NULL : __real_##name arguments;                        \
	}

WRAP(void *, malloc, (size_t size), (size))
WRAP(void *, calloc, (size_t count, size_t size), (count, size))
WRAP(void *, realloc, (void *old, size_t size), (old, size))
WRAP(void *, reallocarray, (void *old, size_t count, size_t size), (old, count, size))
WRAP(char *, strdup, (const char *s), (s))
WRAP(char *, strndup, (const char *s, size_t len), (s, len))

int __real_vasprintf(char **ret, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));
int __wrap_vasprintf(char **ret, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));
int __wrap_asprintf(char **ret, const char *format, ...) __attribute__((format(printf, 2, 3)));

int __wrap_vasprintf(char **ret, const char *format, va_list args)
{
	return is_out_of_memory() ? -1 : __real_vasprintf(ret, format, args);
}

int __wrap_asprintf(char **ret, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int r = __wrap_vasprintf(ret, format, args);
	va_end(args);
	return r;
}

void *fault_malloc(size_t size)
{
	return __wrap_malloc(size);
}

void *fault_calloc(size_t count, size_t size)
{
	return __wrap_calloc(count, size);
}

void *fault_realloc(void *old, size_t size)
{
	return __wrap_realloc(old, size);
}

// ---- files: defined here, before the C library's, for the shared libraries too ----

static bool is_disk_full(void)
{
	if (!fault_strikes(FAULT_FILE))
		return false;
	errno = ENOSPC;
	return true;
}

#define FILE_CALL(type, name, parameters, real)                                                    \
	type name parameters                                                                       \
	{                                                                                          \
		return is_disk_full() ? -1 : (type)(real);                                         \
	}

ssize_t write(int fd, const void *data, size_t len)
{
	struct stat st;
	// A pipe, a socket or the descriptor that wakes a loop has no disk below it.
	bool is_file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	return is_file && is_disk_full() ? -1 : syscall(SYS_write, fd, data, len);
}

FILE_CALL(ssize_t, pwrite, (int fd, const void *data, size_t len, off_t at),
	  syscall(SYS_pwrite64, fd, data, len, at))
FILE_CALL(ssize_t, pwrite64, (int fd, const void *data, size_t len, off64_t at),
	  syscall(SYS_pwrite64, fd, data, len, at))
FILE_CALL(int, ftruncate, (int fd, off_t len), syscall(SYS_ftruncate, fd, len))
FILE_CALL(int, ftruncate64, (int fd, off64_t len), syscall(SYS_ftruncate, fd, len))
FILE_CALL(int, fsync, (int fd), syscall(SYS_fsync, fd))
FILE_CALL(int, fdatasync, (int fd), syscall(SYS_fdatasync, fd))
FILE_CALL(int, mkdir, (const char *path, mode_t mode), mkdirat(AT_FDCWD, path, mode))
FILE_CALL(int, rename, (const char *from, const char *to), renameat(AT_FDCWD, from, AT_FDCWD, to))

// Only an open that may create or write: reading works on a full disk.
static int open_or_fail(const char *path, int flags, mode_t mode)
{
	bool writes = (flags & O_ACCMODE) != O_RDONLY;
	return writes && is_disk_full() ? -1
					: (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

#define OPEN_CALL(name)                                                                            \
	int name(const char *path, int flags, ...)                                                 \
	{                                                                                          \
		va_list args;                                                                      \
		va_start(args, flags);                                                             \
		bool creates = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;              \
		mode_t mode = creates ? va_arg(args, mode_t) : 0;                                  \
		va_end(args);                                                                      \
		return open_or_fail(path, flags, mode);                                            \
	}

OPEN_CALL(open)
OPEN_CALL(open64)
