// The person at the other end: colour, width, questions, passwords without echo.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"

#define COLOUR_RED    "\033[31m"
#define COLOUR_GREEN  "\033[32m"
#define COLOUR_YELLOW "\033[33m"
#define COLOUR_BOLD   "\033[1m"
#define COLOUR_DIM    "\033[2m"
#define COLOUR_OFF    "\033[0m"

// True for a terminal that is not "dumb" while NO_COLOR is not set.
bool terminal_has_colour(FILE *f);

// Columns of the terminal behind `f`; 0 when it is none (then nothing is cut).
size_t terminal_width(FILE *f);

// Asks on the terminal and wants "y" or "yes". -ENOTTY when there is no terminal to ask on.
int terminal_confirm(const char *question, bool *ret_yes, struct err *err);

// One line from the terminal. Caller frees. -ENOTTY when there is none.
int terminal_ask(const char *prompt, char **ret_line, struct err *err);

// The same without echo; wipe with secret_free.
int terminal_ask_secret(const char *prompt, char **ret_secret, struct err *err);

// Everything on standard input, at most `limit` bytes; one newline at the end is taken off. -EINVAL
// when empty.
int secret_read_stdin(size_t limit, char **ret_secret, struct err *err);

// Overwrites and frees; accepts NULL. `secret_free_ptr` is for CLEAN.
void secret_free(char *secret);
static inline void secret_free_ptr(char **p)
{
	secret_free(*p);
}
