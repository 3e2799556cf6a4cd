#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// Words of others may be in it, with newlines and terminal sequences: a sentence stays one line.
static void keep_one_line(char *text)
{
	for (char *c = text; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == '\x7f')
			*c = '?';
	}
}

int err_set(struct err *err, int code, const char *fmt, ...)
{
	if (!err)
		return code;
	va_list args;
	va_start(args, fmt);
	err->code = code;
	(void)vsnprintf(err->text, sizeof err->text, fmt, args);
	va_end(args);
	keep_one_line(err->text);
	return code;
}

int err_prefix(struct err *err, const char *fmt, ...)
{
	if (!err)
		return -EIO; // a failure all the same
	char old[ERR_TEXT_SIZE];
	memcpy(old, err->text, sizeof old);
	va_list args;
	va_start(args, fmt);
	int n = vsnprintf(err->text, sizeof err->text, fmt, args);
	va_end(args);
	if (n >= 0 && (size_t)n < sizeof err->text)
		(void)snprintf(err->text + n, sizeof err->text - (size_t)n, ": %s", old);
	return err->code;
}
