#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clean.h"
#include "model/net.h"

static const struct unit {
	const char *name;
	int64_t ms;
} units[] = {
	// Longest first for formatting; "ms" is told from "m" by its whole word.
	{ "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 },
};

#define DURATION_MAX_MS (INT64_C(100) * 365 * 86400000)
#define TIME_MAX_MS     INT64_C(253402300799999) // the end of the year 9999

// The unit at `text`, behind which the text ends or another number follows.
static const struct unit *find_unit(const char *text)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz");
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (strlen(units[i].name) == len && strncmp(units[i].name, text, len) == 0)
			return &units[i];
	}
	return NULL;
}

// One "30s" at *at. A smaller unit must follow a larger one.
static bool parse_part(const char **at, int64_t *limit_ms, int64_t *total_ms)
{
	int64_t value = 0;
	size_t digits = strspn(*at, "0123456789");
	if (digits == 0 || digits > 15)
		return false;
	for (size_t i = 0; i < digits; i++)
		value = value * 10 + ((*at)[i] - '0');
	const struct unit *unit = find_unit(*at + digits);
	if (!unit || unit->ms >= *limit_ms || value > DURATION_MAX_MS / unit->ms)
		return false;
	*limit_ms = unit->ms;
	*total_ms += value * unit->ms;
	*at += digits + strlen(unit->name);
	return *total_ms <= DURATION_MAX_MS;
}

int duration_parse(const char *text, int64_t *ret_ms, struct err *err)
{
	int64_t total = 0, limit = INT64_MAX;
	const char *at = text;
	do {
		if (!parse_part(&at, &limit, &total))
			return err_set(err, -EINVAL,
				       "\"%.60s\" is no duration such as 200ms, 30s, 5m, 24h or 7d",
				       text);
	} while (*at);
	*ret_ms = total;
	return 0;
}

const char *duration_format(int64_t ms, char buf[DURATION_TEXT_SIZE])
{
	const char *name = "s";
	int64_t value = 0;
	for (size_t i = 0; i < ARRAY_LEN(units) && ms > 0; i++) {
		if (ms % units[i].ms == 0) {
			value = ms / units[i].ms;
			name = units[i].name;
			break;
		}
	}
	(void)snprintf(buf, DURATION_TEXT_SIZE, "%" PRId64 "%s", value, name);
	return buf;
}

// `digits` decimal digits at *at, then the character `after` (0: none).
static bool parse_digits(const char **at, int digits, const char *after, int *ret)
{
	int value = 0;
	for (; digits > 0; digits--, (*at)++) {
		if (**at < '0' || **at > '9')
			return false;
		value = value * 10 + (**at - '0');
	}
	*ret = value;
	if (!after)
		return true;
	if (**at == '\0' || !strchr(after, **at))
		return false;
	(*at)++;
	return true;
}

static bool parse_fraction(const char **at, int *ret_ms)
{
	*ret_ms = 0;
	if (**at != '.')
		return true;
	(*at)++;
	int scale = 100, digits = 0;
	for (; **at >= '0' && **at <= '9' && digits < 9; (*at)++, digits++) {
		*ret_ms += (**at - '0') * scale;
		scale /= 10;
	}
	return digits > 0;
}

static bool parse_offset(const char **at, int64_t *ret_s)
{
	int hours, minutes;
	int sign = **at == '-' ? -1 : 1;
	if (**at == 'Z' || **at == 'z') {
		(*at)++;
		*ret_s = 0;
		return true;
	}
	if (**at != '+' && **at != '-')
		return false;
	(*at)++;
	if (!parse_digits(at, 2, ":", &hours) || !parse_digits(at, 2, NULL, &minutes))
		return false;
	*ret_s = sign * (hours * 3600 + minutes * 60);
	return hours < 24 && minutes < 60;
}

static int days_of_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	return month == 2 && is_leap ? 29 : days[month - 1];
}

static bool parse_moment(const char *at, int64_t *ret_ms)
{
	int year, month, day, hour, minute, second, ms;
	int64_t offset_s;
	if (!parse_digits(&at, 4, "-", &year) || !parse_digits(&at, 2, "-", &month) ||
	    !parse_digits(&at, 2, "Tt ", &day) || !parse_digits(&at, 2, ":", &hour) ||
	    !parse_digits(&at, 2, ":", &minute) || !parse_digits(&at, 2, NULL, &second))
		return false;
	if (!parse_fraction(&at, &ms) || !parse_offset(&at, &offset_s) || *at)
		return false;
	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_of_month(year, month) ||
	    hour > 23 || minute > 59 || second > 59)
		return false;
	struct tm tm = { .tm_year = year - 1900,
			 .tm_mon = month - 1,
			 .tm_mday = day,
			 .tm_hour = hour,
			 .tm_min = minute,
			 .tm_sec = second };
	int64_t total_ms = ((int64_t)timegm(&tm) - offset_s) * 1000 + ms;
	// An offset may lead out of the years that can be written again.
	if (total_ms < 0 || total_ms > TIME_MAX_MS)
		return false;
	*ret_ms = total_ms;
	return true;
}

int time_parse(const char *text, int64_t *ret_ms, struct err *err)
{
	if (!parse_moment(text, ret_ms))
		return err_set(err, -EINVAL, "\"%.60s\" is no time such as 2027-01-31T12:00:00Z",
			       text);
	return 0;
}

const char *time_format(int64_t ms, char buf[TIME_TEXT_SIZE])
{
	time_t seconds = (time_t)(ms / 1000);
	int rest = (int)(ms % 1000);
	if (rest < 0) {
		rest += 1000;
		seconds--;
	}
	struct tm tm;
	buf[0] = '\0';
	if (!gmtime_r(&seconds, &tm))
		return buf;
	size_t len = strftime(buf, TIME_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	if (rest > 0)
		(void)snprintf(buf + len, TIME_TEXT_SIZE - len, ".%03dZ", rest);
	else
		(void)snprintf(buf + len, TIME_TEXT_SIZE - len, "Z");
	return buf;
}
