#include "run/resolver_counts.h"

#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "base/text.h"
#include "model/upstream.h"
#include "wire/entries.h"

#define IMAGE ".image" // the ending of a list's file (resolver_config.c)

enum { STEP_US = 10000 };

static const char *text_of(const json_t *object, const char *field)
{
	const char *text = json_string_value(json_object_get(object, field));
	return text ? text : "";
}

static bool is_down(const json_t *upstream)
{
	return strcmp(text_of(upstream, "state"), "down") == 0;
}

static json_int_t rtt_of(const json_t *upstream)
{
	return json_integer_value(json_object_get(upstream, "rtt_us"));
}

// ---- what is observed ----

static json_t *named(const json_t *list, const char *name)
{
	json_t *one;
	size_t i;
	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		if (strcmp(text_of(one, "name"), name) == 0)
			return one;
	}
	return NULL;
}

// The way's name among those by which it does not answer.
static void add_away(json_t *told, const json_t *upstream, const json_t *ways)
{
	const json_int_t mark = json_integer_value(json_object_get(upstream, "mark"));
	json_t *away = json_object_get(told, "away"), *way;
	char text[24];
	(void)snprintf(text, sizeof text, "%lld", (long long)mark);
	way = json_object_get(ways, text);
	(void)json_array_append_new(away, way ? json_incref(way) : json_string("direct"));
}

// By one more way.
static void add_way(json_t *list, const json_t *upstream, const json_t *ways)
{
	json_t *told = named(list, text_of(upstream, "name"));
	if (!told) {
		told = json_pack("{s:s, s:s, s:i, s:[]}", "name", text_of(upstream, "name"),
				 "state", "down", "rtt_us", 0, "away");
		(void)json_array_append_new(list, told);
	}
	if (is_down(upstream)) {
		add_away(told, upstream, ways);
		return;
	}
	const json_int_t rtt = rtt_of(upstream), known = rtt_of(told);
	(void)json_object_set_new(told, "state", json_string("up"));
	if (rtt > 0 && (known == 0 || rtt < known))
		(void)json_object_set_new(told, "rtt_us", json_integer(rtt));
}

json_t *resolver_counts_upstreams(const json_t *status, const json_t *ways)
{
	json_t *list = json_array(), *one;
	size_t i;
	json_array_foreach(json_object_get(status, "upstreams"), i, one) add_way(list, one, ways);
	json_array_foreach(list, i, one)
	{
		const json_int_t rtt = rtt_of(one);
		(void)json_object_set_new(
			one, "rtt_us",
			rtt > 0 ? json_integer((rtt + STEP_US - 1) / STEP_US * STEP_US)
				: json_null());
		if (is_down(one) || json_array_size(json_object_get(one, "away")) == 0)
			(void)json_object_del(one, "away");
	}
	return list;
}

// ---- counts ----

// Takes `key`.
static void put(json_t *values, char *key, json_t *fields)
{
	CLEAN(free_ptr) char *owned = key;
	if (key && fields && entry_key_check(key, NULL) == 0)
		(void)json_object_set_new(values, key, fields);
	else
		json_decref(fields);
}

static void add_resolver(json_t *values, const char *name, const json_t *status)
{
	static const char *const fields[] = { "entries", "bytes",    "hits",   "misses", "expired",
					      "evicted", "renewals", "p50_us", "p99_us" };
	json_t *all = json_deep_copy(json_object_get(status, "counts"));
	for (size_t i = 0; all && i < ARRAY_LEN(fields); i++)
		(void)json_object_set(all, fields[i], json_object_get(status, fields[i]));
	put(values, text_format("dns/%s", name), all);
}

// All ways, and all paths of a server by HTTPS, together.
static void add_upstream(json_t *values, const json_t *upstream)
{
	static const char *const kinds[] = {
		[UPSTREAM_PLAIN] = "plain", [UPSTREAM_TLS] = "tls", [UPSTREAM_HTTPS] = "https"
	};
	static const char *const counts[] = { "answers", "waited_us", "useless", "failures" };
	char address[ADDRESS_TEXT_SIZE];
	struct upstream at;
	if (upstream_parse(text_of(upstream, "name"), &at, NULL) < 0)
		return;
	CLEAN(free_ptr)
	char *key = text_format("dns-upstream/%s/%s@%u", kinds[at.kind],
				address_format(&at.address, address), at.port);
	json_t *all = key ? json_object_get(values, key) : NULL;
	all = all ? json_incref(all) : json_object();
	const bool is_up = !is_down(upstream) || json_integer_value(json_object_get(all, "up")) > 0;
	(void)json_object_set_new(all, "up", json_integer(is_up));
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		const json_int_t more = json_integer_value(json_object_get(upstream, counts[i]));
		const json_int_t now = json_integer_value(json_object_get(all, counts[i]));
		(void)json_object_set_new(all, counts[i], json_integer(now + more));
	}
	put(values, take_ptr(&key), all);
}

static void add_block(json_t *values, const json_t *list)
{
	const char *path = text_of(list, "list"), *slash = strrchr(path, '/');
	const char *file = slash ? slash + 1 : path;
	size_t len = strlen(file), ending = strlen(IMAGE);
	if (len > ending && strcmp(file + len - ending, IMAGE) == 0)
		len -= ending;
	put(values, text_format("dns-block/%s/%.*s", text_of(list, "block"), (int)len, file),
	    json_pack("{s:O?, s:O?}", "hits", json_object_get(list, "hits"), "names",
		      json_object_get(list, "names")));
}

void resolver_counts_add(json_t *values, const char *name, const json_t *status)
{
	const json_t *one;
	size_t i;
	add_resolver(values, name, status);
	json_array_foreach(json_object_get(status, "upstreams"), i, one) add_upstream(values, one);
	json_array_foreach(json_object_get(status, "blocks"), i, one) add_block(values, one);
	json_array_foreach(json_object_get(status, "lists"), i, one)
		put(values, text_format("names/%s", text_of(one, "list")),
		    json_pack("{s:O?}", "hits", json_object_get(one, "hits")));
}
