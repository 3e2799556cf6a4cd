#include "model/upstream.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"

enum { PORT_PLAIN = 53, PORT_TLS = 853, PORT_HTTPS = 443 };

// An address and perhaps a port, as in `9.9.9.9:5353`.
static int parse_where(const char *text, uint16_t port, struct upstream *up, struct err *err)
{
	struct endpoint e;
	int r = endpoint_parse(text, &e, err);
	if (r < 0)
		return r;
	if (!e.is_address)
		return err_set(err, -EINVAL,
			       "\"%.260s\" is no address: a resolver is not found by a name", text);
	if (!address_is_unicast(&e.address))
		return err_set(err, -EINVAL, "%.60s is no address of one host", text);
	up->address = e.address;
	up->port = e.port ? e.port : port;
	return 0;
}

// tls://ADDRESS[:PORT][#HOST]
static int parse_tls(const char *rest, struct upstream *up, struct err *err)
{
	char where[ENDPOINT_TEXT_SIZE];
	size_t len = strcspn(rest, "#");
	if (len >= sizeof(where))
		return err_set(err, -EINVAL, "\"%.60s…\" is longer than an address can be", rest);
	memcpy(where, rest, len);
	where[len] = '\0';
	up->kind = UPSTREAM_TLS;
	if (rest[len] == '#') {
		int r = host_check(rest + len + 1, err);
		if (r < 0)
			return r;
		(void)snprintf(up->host, sizeof(up->host), "%s", rest + len + 1);
	}
	return parse_where(where, PORT_TLS, up, err);
}

// Printable, and nothing that ends a request line or the path of an address.
static int set_path(struct upstream *up, const char *path, size_t len, struct err *err)
{
	if (len >= sizeof(up->path))
		return err_set(err, -EINVAL, "\"%.60s…\" is longer than a path of %d characters",
			       path, UPSTREAM_PATH_SIZE - 1);
	for (size_t i = 0; i < len; i++) {
		if (path[i] <= ' ' || path[i] > '~' || path[i] == '#' || path[i] == '?')
			return err_set(err, -EINVAL, "\"%.*s\" is no path of a DoH resolver",
				       (int)len, path);
	}
	memcpy(up->path, path, len);
	up->path[len] = '\0';
	return 0;
}

// https://HOST[:PORT]/PATH[@ADDRESS]; the address may be left out where HOST is one.
static int parse_https(const char *rest, struct upstream *up, struct err *err)
{
	char authority[ENDPOINT_TEXT_SIZE];
	size_t len = strcspn(rest, "/@");
	const char *at = strrchr(rest + len, '@');
	struct endpoint e;
	if (rest[len] != '/')
		return err_set(err, -EINVAL, "\"https://%.260s\" has no path, such as /dns-query",
			       rest);
	if (len >= sizeof(authority))
		return err_set(err, -EINVAL, "\"%.60s…\" is longer than a host name can be", rest);
	memcpy(authority, rest, len);
	authority[len] = '\0';
	int r = endpoint_parse(authority, &e, err);
	if (r == 0)
		r = set_path(up, rest + len, at ? (size_t)(at - rest) - len : strlen(rest + len),
			     err);
	if (r < 0)
		return r;
	up->kind = UPSTREAM_HTTPS;
	if (!e.is_address)
		(void)snprintf(up->host, sizeof(up->host), "%s", e.host);
	if (!at && !e.is_address)
		return err_set(
			err, -EINVAL,
			"\"https://%.260s\" does not say where %.60s is: @ADDRESS is missing", rest,
			e.host);
	r = parse_where(at ? at + 1 : e.host, e.port ? e.port : PORT_HTTPS, up, err);
	if (r == 0 && at && e.port)
		up->port = e.port;
	return r;
}

int upstream_parse(const char *text, struct upstream *ret, struct err *err)
{
	struct upstream up = { .kind = UPSTREAM_PLAIN };
	const char *rest;
	int r;
	if (text_starts(text, "tls://", &rest))
		r = parse_tls(rest, &up, err);
	else if (text_starts(text, "https://", &rest))
		r = parse_https(rest, &up, err);
	else if (strstr(text, "://"))
		r = err_set(err, -EINVAL, "\"%.80s\" is neither an address nor tls:// nor https://",
			    text);
	else
		r = parse_where(text, PORT_PLAIN, &up, err);
	if (r == 0)
		*ret = up;
	return r;
}
