#include "model/limit.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "model/net.h"

enum { FACTOR_LEAST = 1100, FACTOR_MOST = 100000, SHARE_LEAST = 100, SHARE_MOST = 990000 };

// "2.5" followed by `unit` and nothing else, in thousandths.
static bool parse_thousandths(const char *text, char unit, int64_t *ret)
{
	size_t whole = strspn(text, "0123456789");
	const char *at = text + whole;
	int64_t value = 0, scale = 1000;

	if (whole == 0 || whole > 6)
		return false;
	for (size_t i = 0; i < whole; i++)
		value = value * 10 + (text[i] - '0');
	value *= 1000;
	if (*at == '.') {
		size_t digits = strspn(++at, "0123456789");

		if (digits == 0 || digits > 3)
			return false;
		for (size_t i = 0; i < digits; i++)
			value += (*at++ - '0') * (scale /= 10);
	}
	if (at[0] != unit || at[1] != '\0')
		return false;
	*ret = value;
	return true;
}

static int check_factor(const char *text, int64_t factor, struct limit *ret, struct err *err)
{
	if (factor < FACTOR_LEAST || factor > FACTOR_MOST)
		return err_set(err, -EINVAL, "%.60s is not in 1.1x..100x", text);
	*ret = (struct limit){ .factor_permille = factor };
	return 0;
}

int limit_parse_duration(const char *text, struct limit *ret, struct err *err)
{
	int64_t factor, ms;

	if (parse_thousandths(text, 'x', &factor))
		return check_factor(text, factor, ret, err);
	if (duration_parse(text, &ms, NULL) < 0)
		return err_set(err, -EINVAL,
			       "\"%.60s\" is neither a duration such as 150ms nor a factor such "
			       "as 2x",
			       text);
	if (ms == 0)
		return err_set(err, -EINVAL, "%.60s would never be kept", text);
	*ret = (struct limit){ .most = ms * 1000 };
	return 0;
}

int limit_parse_share(const char *text, struct limit *ret, struct err *err)
{
	int64_t value;

	if (parse_thousandths(text, 'x', &value))
		return check_factor(text, value, ret, err);
	if (!parse_thousandths(text, '%', &value))
		return err_set(err, -EINVAL,
			       "\"%.60s\" is neither a share such as 1%% nor a factor such as 2x",
			       text);
	value *= 10; // a thousandth of a percent is ten millionths
	if (value < SHARE_LEAST || value > SHARE_MOST)
		return err_set(err, -EINVAL, "%.60s is not in 0.01%%..99%%", text);
	*ret = (struct limit){ .most = value };
	return 0;
}
