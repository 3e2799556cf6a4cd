#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "model/net.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

int name_check(const char *name, struct err *err)
{
	size_t len = strlen(name);
	if (len == 0)
		return err_set(err, -EINVAL, "a name is missing");
	if (len > NAME_MAX_LEN)
		return err_set(err, -EINVAL, "\"%.60s…\" has %zu characters, a name has at most %d",
			       name, len, NAME_MAX_LEN);
	for (size_t i = 0; i < len; i++) {
		if (!is_lower(name[i]) && !is_digit(name[i]) && name[i] != '-')
			return err_set(err, -EINVAL,
				       "\"%s\" is no name: only a-z, 0-9 and - may be in it", name);
	}
	if (name[0] == '-' || name[len - 1] == '-')
		return err_set(err, -EINVAL, "\"%s\" is no name: it may not begin or end with -",
			       name);
	return 0;
}

static bool is_host_char(char c)
{
	return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

static bool is_label(const char *s, size_t len)
{
	if (len == 0 || len > 63 || s[0] == '-' || s[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_host_char(s[i]))
			return false;
	}
	return true;
}

// "10.1.2" or "300.1.1.1" is a mistyped address, never a host: the last label of a DNS name is not
// a number.
static bool is_number(const char *s)
{
	return s[strspn(s, "0123456789")] == '\0';
}

int host_check(const char *host, struct err *err)
{
	if (strlen(host) > HOST_MAX_LEN)
		return err_set(err, -EINVAL, "\"%.60s…\" is longer than a host name can be", host);
	const char *label = host;
	for (;;) {
		size_t len = strcspn(label, ".");
		if (!is_label(label, len))
			return err_set(err, -EINVAL, "\"%.260s\" is no host name or IP address",
				       host);
		if (label[len] == '\0')
			break;
		label += len + 1;
	}
	if (is_number(label))
		return err_set(err, -EINVAL, "\"%.260s\" is no host name or IP address", host);
	return 0;
}

static int parse_port(const char *text, const char *whole, uint16_t *ret, struct err *err)
{
	unsigned value = 0;
	size_t len = strlen(text);
	bool is_good = len > 0 && len <= 5 && text[0] != '0' && is_number(text);
	for (; is_good && *text; text++)
		value = value * 10 + (unsigned)(*text - '0');
	if (!is_good || value > UINT16_MAX)
		return err_set(err, -EINVAL,
			       "\"%.260s\" needs a port of 1..65535 behind the :", whole);
	*ret = (uint16_t)value;
	return 0;
}

// The host is text[0..len): an address of `family` (0 = either) or, when that is 0, a DNS name.
static int set_host(struct endpoint *e, const char *text, size_t len, uint8_t family,
		    struct err *err)
{
	if (len > HOST_MAX_LEN)
		return err_set(err, -EINVAL, "\"%.60s…\" is longer than a host name can be", text);
	memcpy(e->host, text, len);
	e->host[len] = '\0';
	if (address_parse(e->host, &e->address, NULL) == 0 &&
	    (family == 0 || e->address.family == family)) {
		e->is_address = true;
		(void)address_format(&e->address, e->host);
		return 0;
	}
	if (family != 0)
		return err_set(err, -EINVAL, "\"%.80s\" is no IPv%u address", e->host, family);
	return host_check(e->host, err);
}

int endpoint_parse(const char *text, struct endpoint *ret, struct err *err)
{
	struct endpoint e = { 0 };
	const char *port = NULL;
	int r;
	const char *colon = strchr(text, ':');
	if (text[0] == '[') {
		const char *end = strchr(text, ']');
		if (!end || (end[1] != ':' && end[1] != '\0'))
			return err_set(err, -EINVAL, "\"%.260s\" is not of the form [address]:port",
				       text);
		port = end[1] == ':' ? end + 2 : NULL;
		r = set_host(&e, text + 1, (size_t)(end - text - 1), 6, err);
	} else if (colon && strchr(colon + 1, ':')) {
		r = set_host(&e, text, strlen(text), 6, err);
	} else {
		port = colon ? colon + 1 : NULL;
		r = set_host(&e, text, colon ? (size_t)(colon - text) : strlen(text), 0, err);
	}
	if (r == 0 && port)
		r = parse_port(port, text, &e.port, err);
	if (r == 0)
		*ret = e;
	return r;
}

const char *endpoint_format(const struct endpoint *e, char buf[ENDPOINT_TEXT_SIZE])
{
	bool has_brackets = e->is_address && e->address.family == 6;
	if (e->port == 0)
		(void)snprintf(buf, ENDPOINT_TEXT_SIZE, "%s", e->host);
	else
		(void)snprintf(buf, ENDPOINT_TEXT_SIZE, has_brackets ? "[%s]:%u" : "%s:%u", e->host,
			       e->port);
	return buf;
}
