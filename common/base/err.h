// Error carrier of every fallible function: a code and one sentence for a person.
//
// Functions return 0 or a negative errno and take `struct err *err` last. On failure they fill it
// and leave outputs untouched. `err` may be NULL where nobody will read the sentence. Modules never
// log a failure they return.
#pragma once

#define ERR_TEXT_SIZE 512

struct err {
	int code;                 // negative errno, 0 when nothing failed
	char text[ERR_TEXT_SIZE]; // one sentence in one line, naming the field or object
};

// Fills err (when not NULL) and returns `code`, so that callers write `return err_set(err, -EINVAL,
// "...");`. `code` is a negative errno. Control characters in the words of others become `?`.
int err_set(struct err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

// Puts "what: " before the sentence already there and returns err's code; -EIO when err is NULL.
int err_prefix(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
