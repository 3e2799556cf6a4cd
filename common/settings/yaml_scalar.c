#include "settings/yaml_scalar.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum scalar_type {
	SCALAR_STRING,
	SCALAR_NULL,
	SCALAR_TRUE,
	SCALAR_FALSE,
	SCALAR_INTEGER, // decimal, with an optional sign
	SCALAR_OCTAL,   // 0o17
	SCALAR_HEX,     // 0x1f
	SCALAR_REAL,
	SCALAR_UNHELD, // .inf and .nan: JSON has no such number
};

static bool is_one_of(const char *text, const char *const *list)
{
	for (; *list; list++) {
		if (strcmp(text, *list) == 0)
			return true;
	}
	return false;
}

static enum scalar_type word_type(const char *text)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL", NULL };
	static const char *const trues[] = { "true", "True", "TRUE", NULL };
	static const char *const falses[] = { "false", "False", "FALSE", NULL };
	static const char *const unheld[] = { ".inf",  ".Inf",  ".INF",  "+.inf", "+.Inf",
					      "+.INF", "-.inf", "-.Inf", "-.INF", ".nan",
					      ".NaN",  ".NAN",  NULL };
	if (is_one_of(text, nulls))
		return SCALAR_NULL;
	if (is_one_of(text, trues))
		return SCALAR_TRUE;
	if (is_one_of(text, falses))
		return SCALAR_FALSE;
	return is_one_of(text, unheld) ? SCALAR_UNHELD : SCALAR_STRING;
}

static bool is_all(const char *text, const char *set)
{
	return *text && text[strspn(text, set)] == '\0';
}

static const char digits[] = "0123456789";

// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
static bool is_real(const char *at)
{
	at += *at == '-' || *at == '+';
	size_t whole = strspn(at, digits), fraction = 0;
	at += whole;
	if (*at == '.') {
		at++;
		fraction = strspn(at, digits);
		at += fraction;
	}
	if (whole + fraction == 0)
		return false;
	if (*at == 'e' || *at == 'E') {
		at++;
		at += *at == '-' || *at == '+';
		return is_all(at, digits);
	}
	return *at == '\0';
}

static enum scalar_type number_type(const char *text)
{
	if (strncmp(text, "0o", 2) == 0 && is_all(text + 2, "01234567"))
		return SCALAR_OCTAL;
	if (strncmp(text, "0x", 2) == 0 && is_all(text + 2, "0123456789abcdefABCDEF"))
		return SCALAR_HEX;
	if (is_all(text + (*text == '-' || *text == '+'), digits))
		return SCALAR_INTEGER;
	return is_real(text) ? SCALAR_REAL : SCALAR_STRING;
}

static json_t *integer_value(const char *text, int base)
{
	errno = 0;
	long long value = strtoll(text, NULL, base);
	return errno ? NULL : json_integer(value);
}

static json_t *real_value(const char *text)
{
	double value = strtod(text, NULL);
	return isfinite(value) ? json_real(value) : NULL;
}

static enum scalar_type type_of(const char *text)
{
	enum scalar_type type = word_type(text);
	return type == SCALAR_STRING ? number_type(text) : type;
}

json_t *yaml_scalar_value(const char *text, size_t len)
{
	switch (type_of(text)) {
	case SCALAR_NULL:
		return json_null();
	case SCALAR_TRUE:
		return json_true();
	case SCALAR_FALSE:
		return json_false();
	case SCALAR_INTEGER:
		return integer_value(text, 10);
	case SCALAR_OCTAL:
		return integer_value(text + 2, 8);
	case SCALAR_HEX:
		return integer_value(text + 2, 16);
	case SCALAR_REAL:
		return real_value(text);
	case SCALAR_UNHELD:
		return NULL;
	case SCALAR_STRING:
		break;
	}
	return json_stringn(text, len);
}

bool yaml_scalar_is_string(const char *text)
{
	return type_of(text) == SCALAR_STRING;
}
