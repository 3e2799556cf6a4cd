#include "dns/upstream_text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum { PORT_PLAIN = 53, PORT_TLS = 853, PORT_HTTPS = 443 };

static int refuse(const char *text, const char *why, struct err *err)
{
	return err_set(err, -EINVAL, "%.200s is no upstream: %s", text, why);
}

static int set_address(const char *place, const char *text, struct upstream_text *ret,
		       struct err *err)
{
	struct endpoint endpoint;
	if (endpoint_parse(place, &endpoint, err) < 0 || !endpoint.is_address)
		return refuse(text, "it needs the resolver's address", err);
	if (!address_is_unicast(&endpoint.address))
		return refuse(text, "its address is nobody's", err);
	ret->address = endpoint.address;
	if (endpoint.port != 0)
		ret->port = endpoint.port;
	return 0;
}

static int set_host(const char *host, const char *text, struct upstream_text *ret, struct err *err)
{
	if (host_check(host, NULL) < 0)
		return refuse(text, "the name behind it is none", err);
	(void)snprintf(ret->host, sizeof(ret->host), "%s", host);
	return 0;
}

static int parse_tls(char *rest, const char *text, struct upstream_text *ret, struct err *err)
{
	ret->kind = UPSTREAM_TLS;
	ret->port = PORT_TLS;
	char *host = strchr(rest, '#');
	if (host)
		*host++ = '\0';
	int r = set_address(rest, text, ret, err);
	if (r == 0 && host)
		r = set_host(host, text, ret, err);
	return r;
}

// A path that goes into a request as it is.
static bool is_path(const char *path)
{
	for (; *path; path++)
		if (*path <= ' ' || *path > '~' || *path == '#' || *path == '@')
			return false;
	return true;
}

static int parse_https(char *rest, const char *text, struct upstream_text *ret, struct err *err)
{
	ret->kind = UPSTREAM_HTTPS;
	ret->port = PORT_HTTPS;
	char *address = strrchr(rest, '@'), *path = strchr(rest, '/');
	if (!path || !address || address < path)
		return refuse(text, "it is written https://NAME/PATH@ADDRESS", err);
	*address++ = '\0';
	if (strlen(path) >= sizeof(ret->path) || !is_path(path))
		return refuse(text, "its path is too long or has other characters", err);
	(void)snprintf(ret->path, sizeof(ret->path), "%s", path);
	*path = '\0';
	struct endpoint endpoint;
	if (endpoint_parse(rest, &endpoint, err) < 0)
		return refuse(text, "the name before its path is none", err);
	int r = set_address(address, text, ret, err);
	if (r == 0 && endpoint.port != 0)
		ret->port = endpoint.port;
	if (r == 0 && !endpoint.is_address)
		r = set_host(endpoint.host, text, ret, err);
	return r;
}

int upstream_text_parse(const char *text, struct upstream_text *ret, struct err *err)
{
	struct upstream_text made = { .kind = UPSTREAM_PLAIN, .port = PORT_PLAIN };
	char copy[UPSTREAM_TEXT_SIZE];
	const char *rest;
	int r;
	if (strlen(text) >= sizeof(copy))
		return refuse(text, "it is too long", err);
	if (text_starts(text, "tls://", &rest)) {
		(void)snprintf(copy, sizeof(copy), "%s", rest);
		r = parse_tls(copy, text, &made, err);
	} else if (text_starts(text, "https://", &rest)) {
		(void)snprintf(copy, sizeof(copy), "%s", rest);
		r = parse_https(copy, text, &made, err);
	} else {
		r = set_address(text, text, &made, err);
	}
	if (r < 0)
		return r;
	(void)snprintf(made.text, sizeof(made.text), "%s", text);
	*ret = made;
	return 0;
}
