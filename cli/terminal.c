#include "cli/terminal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/clean.h"

bool terminal_has_colour(FILE *f)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");
	return isatty(fileno(f)) && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
}

size_t terminal_width(FILE *f)
{
	struct winsize size;
	if (!isatty(fileno(f)) || ioctl(fileno(f), TIOCGWINSZ, &size))
		return 0;
	return size.ws_col;
}

static int open_terminal(FILE **ret, struct err *err)
{
	FILE *tty = fopen("/dev/tty", "r+e");
	if (!tty)
		return err_set(err, -ENOTTY, "there is no terminal to ask on");
	*ret = tty;
	return 0;
}

static int read_answer(FILE *tty, const char *prompt, char **ret_line, struct err *err)
{
	fprintf(tty, "%s", prompt);
	(void)fflush(tty);
	char *line = NULL;
	size_t cap = 0;
	ssize_t len = getline(&line, &cap, tty);
	if (len < 0) {
		free(line);
		return err_set(err, -ECANCELED, "no answer was given");
	}
	line[strcspn(line, "\r\n")] = '\0';
	*ret_line = line;
	return 0;
}

int terminal_ask(const char *prompt, char **ret_line, struct err *err)
{
	CLEAN(close_file) FILE *tty = NULL;
	int r = open_terminal(&tty, err);
	return r ? r : read_answer(tty, prompt, ret_line, err);
}

int terminal_confirm(const char *question, bool *ret_yes, struct err *err)
{
	CLEAN(free_ptr) char *line = NULL;
	int r = terminal_ask(question, &line, err);
	if (r)
		return r;
	*ret_yes = strcasecmp(line, "y") == 0 || strcasecmp(line, "yes") == 0;
	return 0;
}

int terminal_ask_secret(const char *prompt, char **ret_secret, struct err *err)
{
	CLEAN(close_file) FILE *tty = NULL;
	int r = open_terminal(&tty, err);
	if (r)
		return r;
	struct termios before;
	if (tcgetattr(fileno(tty), &before))
		return err_set(err, -ENOTTY, "the terminal cannot switch its echo off");
	struct termios silent = before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	(void)tcsetattr(fileno(tty), TCSAFLUSH, &silent);
	r = read_answer(tty, prompt, ret_secret, err);
	(void)tcsetattr(fileno(tty), TCSAFLUSH, &before);
	fprintf(tty, "\n");
	return r;
}

int secret_read_stdin(size_t limit, char **ret_secret, struct err *err)
{
	CLEAN(secret_free_ptr) char *data = calloc(1, limit + 2);
	if (!data)
		return err_set(err, -ENOMEM, "out of memory");
	size_t len = fread(data, 1, limit + 1, stdin);
	if (len > limit)
		return err_set(err, -EFBIG, "standard input: more than %zu bytes", limit);
	if (len > 0 && data[len - 1] == '\n')
		data[--len] = '\0';
	if (len == 0)
		return err_set(err, -EINVAL, "standard input is empty");
	if (strlen(data) != len)
		return err_set(err, -EINVAL, "standard input contains a NUL byte");
	*ret_secret = take_ptr(&data);
	return 0;
}

void secret_free(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}
