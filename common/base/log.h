// One line per event on standard error: subject first, level by who must act. No function logs a
// secret.
//
// Under systemd (JOURNAL_STREAM set) lines carry the "<N>" priority prefix of sd-daemon(3);
// otherwise a UTC time stamp.
#pragma once

enum log_level {
	LOG_LEVEL_ERROR, // an operator must act
	LOG_LEVEL_WARN,  // an operator should look
	LOG_LEVEL_INFO,  // a state changed
	LOG_LEVEL_DEBUG, // for a developer
};

// Lines above `level` are dropped. Default: INFO.
void log_set_level(enum log_level level);

// "error", "warn", "info" or "debug" to a level; returns -EINVAL for anything else.
int log_level_parse(const char *name, enum log_level *ret_level);

// Thread safe: a line is written by one write(2).
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)
