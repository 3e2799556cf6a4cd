#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clean.h"

static const struct {
	const char *name;
	const char *journal; // priority prefix of sd-daemon(3)
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", "<3>" },
	[LOG_LEVEL_WARN] = { "warn", "<4>" },
	[LOG_LEVEL_INFO] = { "info", "<6>" },
	[LOG_LEVEL_DEBUG] = { "debug", "<7>" },
};

static enum log_level log_max = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
	log_max = level;
}

int log_level_parse(const char *name, enum log_level *ret_level)
{
	for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
		if (strcmp(levels[i].name, name) == 0) {
			*ret_level = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int log_prefix(char *line, size_t size, enum log_level level)
{
	if (getenv("JOURNAL_STREAM"))
		return snprintf(line, size, "%s", levels[level].journal);
	struct timespec now;
	struct tm tm;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)gmtime_r(&now.tv_sec, &tm);
	char stamp[32];
	(void)strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &tm);
	return snprintf(line, size, "%s.%03ldZ %-5s ", stamp, now.tv_nsec / 1000000,
			levels[level].name);
}

void log_line(enum log_level level, const char *fmt, ...)
{
	if (level > log_max)
		return;
	char line[1024];
	int n = log_prefix(line, sizeof line - 1, level);
	va_list args;
	va_start(args, fmt);
	int m = vsnprintf(line + n, sizeof line - 1 - (size_t)n, fmt, args);
	va_end(args);
	size_t len = (size_t)n + (size_t)(m < 0 ? 0 : m);
	if (len > sizeof line - 2)
		len = sizeof line - 2;
	// A line feed inside a message would forge a second line.
	for (size_t i = 0; i < len; i++) {
		if (line[i] == '\n' || line[i] == '\r')
			line[i] = ' ';
	}
	line[len++] = '\n';
	ssize_t written = write(STDERR_FILENO, line, len);
	(void)written;
}
