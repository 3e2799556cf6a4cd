#include "run/resolver_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "base/text.h"

#include "decide/decide.h"

enum { BYTES_A_KB = 1024 };

json_t *resolver_config_begin(void)
{
	return json_pack("{s:n, s:{}, s:{s:[], s:[], s:[]}}", "dns", "images", "file", "zones",
			 "forwards", "blocks");
}

void resolver_config_image(json_t *gathered, const char *list)
{
	(void)json_object_set_new(json_object_get(gathered, "images"), list, json_true());
}

// Entries tell seconds, the file durations.
static json_t *seconds(const json_t *number)
{
	char text[32];
	(void)snprintf(text, sizeof text, "%llds", (long long)json_integer_value(number));
	return json_string(text);
}

static void copy(json_t *to, const json_t *from, const char *field, const char *as)
{
	json_t *value = json_object_get(from, field);
	if (value)
		(void)json_object_set(to, as, value);
}

// The host's own questions come from the addresses that they are put to, and what weft-dns asks
// itself is told from them by its mark (resolver_host.c).
static void add_host(json_t *file, const json_t *body)
{
	const struct policy_marks marks = policy_marks_of(decide_mask_of(body));
	json_t *clients = json_copy(json_object_get(file, "clients"));
	(void)json_array_extend(clients, json_object_get(file, "listen"));
	(void)json_object_set_new(file, "clients", clients);
	(void)json_object_set_new(file, "mark", json_integer(marks.direct));
}

static void add_dns(json_t *gathered, const struct resolver_places *places, const char *name,
		    const json_t *body)
{
	static const char *const fields[] = { "listen", "port", "clients", "upstreams",
					      "log",    "rate", "doh" };
	json_t *file = json_object_get(gathered, "file");
	json_int_t cache = json_integer_value(json_object_get(body, "cache_bytes"));
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		copy(file, body, fields[i], fields[i]);
	if (json_is_true(json_object_get(body, "host")))
		add_host(file, body);
	(void)json_object_set_new(file, "stale", seconds(json_object_get(body, "stale_s")));
	(void)json_object_set_new(file, "cache_kb", json_integer(cache / BYTES_A_KB));
	(void)json_object_set_new(file, "control", json_string(places->control));
	(void)json_object_set_new(gathered, "dns", json_string(name));
}

static void add_zone(json_t *file, const json_t *body)
{
	json_t *records = json_array(), *zone = json_object();
	const json_t *one;
	size_t i;
	json_array_foreach(json_object_get(body, "records"), i, one)
	{
		json_t *record = json_object();
		copy(record, one, "name", "name");
		copy(record, one, "type", "type");
		copy(record, one, "data", "data");
		(void)json_object_set_new(record, "ttl", seconds(json_object_get(one, "ttl")));
		(void)json_array_append_new(records, record);
	}
	copy(zone, body, "zone", "zone");
	(void)json_object_set_new(zone, "records", records);
	(void)json_array_append_new(json_object_get(file, "zones"), zone);
}

static void add_forward(json_t *file, const char *name, const json_t *body)
{
	static const char *const fields[] = { "from", "names", "patterns", "to" };
	json_t *forward = json_pack("{s:s}", "name", name);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		copy(forward, body, fields[i], fields[i]);
	(void)json_array_append_new(json_object_get(file, "forwards"), forward);
}

static void add_block(json_t *gathered, const struct resolver_places *places, const char *name,
		      const json_t *body)
{
	static const char *const fields[] = { "answer", "exempt", "except" };
	json_t *block = json_pack("{s:s}", "name", name), *lists = json_array();
	const json_t *images = json_object_get(gathered, "images"), *list;
	size_t i;
	for (size_t f = 0; f < ARRAY_LEN(fields); f++)
		copy(block, body, fields[f], fields[f]);
	(void)json_object_set_new(block, "ttl", seconds(json_object_get(body, "ttl")));
	json_array_foreach(json_object_get(body, "lists"), i, list)
	{
		const char *text = json_string_value(list);
		CLEAN(free_ptr) char *path = NULL;
		if (text && json_object_get(images, text))
			path = text_format("%s/%s.image", places->lists, text);
		if (path)
			(void)json_array_append_new(lists, json_string(path));
	}
	(void)json_object_set_new(block, "lists", lists);
	(void)json_array_append_new(json_object_get(json_object_get(gathered, "file"), "blocks"),
				    block);
}

void resolver_config_add(json_t *gathered, const struct resolver_places *places, const char *kind,
			 const char *name, const json_t *body)
{
	json_t *file = json_object_get(gathered, "file");
	if (strcmp(kind, "dns") == 0)
		add_dns(gathered, places, name, body);
	else if (strcmp(kind, "dns-zone") == 0)
		add_zone(file, body);
	else if (strcmp(kind, "dns-forward") == 0)
		add_forward(file, name, body);
	else if (strcmp(kind, "dns-block") == 0)
		add_block(gathered, places, name, body);
}
