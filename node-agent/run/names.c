#include "run/names.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"

#include "uplink/enrol_key.h"

enum { ADDRESSES_MAX = 8, AT_ONCE_MAX = 2, UNUSED_MS = 600000, DEFAULT_PORT = 51820 };

struct name {
	struct names *names;
	uv_getaddrinfo_t request;
	bool is_asking;
	bool is_dropped; // free when the answer comes
	char host[256];
	int port;
	struct kernel_endpoint found[ADDRESSES_MAX];
	size_t found_len;
	int64_t asked_ms; // 0: never
	int64_t used_ms;
};

struct names {
	uv_loop_t *loop;
	void (*on_change)(void *context);
	void *context;
	struct map *map; // "host:port" -> struct name
	size_t asking;
	bool is_closing;
};

static void names_free_when_done(struct names *names)
{
	if (!names->is_closing || names->asking > 0)
		return;
	free(names);
}

// While a question is out, its answer still points here.
static void name_free(void *value)
{
	struct name *name = value;
	if (!name->is_asking) {
		free(name);
		return;
	}
	name->is_dropped = true;
	(void)uv_cancel((uv_req_t *)&name->request);
}

static bool to_endpoint(const struct addrinfo *info, int port, struct kernel_endpoint *ret)
{
	*ret = (struct kernel_endpoint){ .port = (uint16_t)port };
	ret->ip.family = (uint8_t)info->ai_family;
	if (info->ai_family == AF_INET) {
		struct sockaddr_in v4;
		memcpy(&v4, info->ai_addr, sizeof v4);
		memcpy(ret->ip.bytes, &v4.sin_addr, sizeof v4.sin_addr);
		return true;
	}
	if (info->ai_family != AF_INET6)
		return false;
	struct sockaddr_in6 v6;
	memcpy(&v6, info->ai_addr, sizeof v6);
	memcpy(ret->ip.bytes, &v6.sin6_addr, sizeof v6.sin6_addr);
	return true;
}

static bool same(const struct name *name, const struct kernel_endpoint *found, size_t len)
{
	if (name->found_len != len)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!kernel_endpoint_equal(&name->found[i], &found[i]))
			return false;
	}
	return true;
}

// Returns whether the addresses changed.
static bool take_answer(struct name *name, const struct addrinfo *list)
{
	struct kernel_endpoint found[ADDRESSES_MAX];
	size_t len = 0;
	for (; list && len < ADDRESSES_MAX; list = list->ai_next) {
		if (to_endpoint(list, name->port, &found[len]))
			len++;
	}
	if (len == 0 || same(name, found, len))
		return false;
	memcpy(name->found, found, len * sizeof found[0]);
	name->found_len = len;
	return true;
}

static void on_answer(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
	struct name *name = request->data;
	struct names *names = name->names;
	bool changed = false;
	name->is_asking = false;
	names->asking--;
	if (name->is_dropped) {
		free(name);
	} else if (status == 0) {
		changed = take_answer(name, list);
	} else {
		log_debug("name %s: %s", name->host, uv_strerror(status));
	}
	uv_freeaddrinfo(list);
	if (names->is_closing)
		names_free_when_done(names);
	else if (changed)
		names->on_change(names->context);
}

static void ask(struct name *name)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM, .ai_flags = AI_ADDRCONFIG };
	struct names *names = name->names;
	// The pool has few threads; a silent name server must not take them all.
	if (name->is_asking || names->asking >= AT_ONCE_MAX)
		return;
	name->request.data = name;
	if (uv_getaddrinfo(names->loop, &name->request, on_answer, name->host, NULL, &hints) < 0)
		return;
	name->asked_ms = clock_mono_ms();
	name->is_asking = true;
	names->asking++;
}

struct names *names_new(uv_loop_t *loop, void (*on_change)(void *context), void *context)
{
	struct names *names = calloc(1, sizeof *names);
	if (!names)
		return NULL;
	names->map = map_new(name_free);
	if (!names->map) {
		free(names);
		return NULL;
	}
	names->loop = loop;
	names->on_change = on_change;
	names->context = context;
	return names;
}

static struct name *name_get(struct names *names, const char *name_port)
{
	struct name *name = map_get(names->map, name_port);
	if (name)
		return name;
	name = calloc(1, sizeof *name);
	if (!name)
		return NULL;
	name->names = names;
	if (enrol_key_host_port(name_port, DEFAULT_PORT, name->host, sizeof name->host,
				&name->port) < 0 ||
	    map_set(names->map, name_port, name) < 0) {
		free(name);
		return NULL;
	}
	return name;
}

size_t names_resolve(struct names *names, const char *name_port, struct kernel_endpoint *ret,
		     size_t cap)
{
	struct name *name = name_get(names, name_port);
	if (!name)
		return 0;
	name->used_ms = clock_mono_ms();
	if (name->asked_ms == 0)
		ask(name);
	size_t len = name->found_len < cap ? name->found_len : cap;
	memcpy(ret, name->found, len * sizeof *ret);
	return len;
}

void names_refresh(struct names *names, int64_t max_age_ms)
{
	int64_t now = clock_mono_ms();
	const char *key;
	void *value;
	for (size_t at = 0; map_next(names->map, &at, &key, &value);) {
		struct name *name = value;
		if (now - name->used_ms > UNUSED_MS)
			(void)map_drop(names->map, key);
		else if (name->asked_ms == 0 || now - name->asked_ms > max_age_ms)
			ask(name);
	}
}

void names_close(struct names *names)
{
	if (!names)
		return;
	names->is_closing = true;
	map_free(take_ptr(&names->map));
	names_free_when_done(names);
}
