// The gateway-group of a rule, its gateways, and why it leaves by the one it does.
#include <string.h>

#include "base/clean.h"

#include "explain/inside.h"

static const char *text_of(const json_t *object, const char *field)
{
	const char *text = json_string_value(json_object_get(object, field));
	return text ? text : "";
}

static const char *name_of(const char *key)
{
	const char *slash = strrchr(key, '/');
	return slash ? slash + 1 : key;
}

// ---- which ----

// The table that packets with the mark are looked up in; 0: none.
static json_int_t table_of(const struct explain_facts *facts, uint32_t mark)
{
	const char *key;
	json_t *body;
	json_object_foreach((json_t *)(uintptr_t)facts->entries, key, body)
	{
		const json_int_t is = json_integer_value(json_object_get(body, "mark"));
		if (text_starts(key, "rule/gateway-group/", NULL) && is == (json_int_t)mark &&
		    !json_object_get(body, "suppress"))
			return json_integer_value(json_object_get(body, "table"));
	}
	return 0;
}

struct explain_group explain_group_of(const struct explain_facts *facts, uint32_t mark)
{
	const json_int_t table = mark ? table_of(facts, mark) : 0;
	struct explain_group group = { 0 };
	const char *key;
	json_t *body;
	json_object_foreach((json_t *)(uintptr_t)facts->entries, key, body)
	{
		if (!table || !text_starts(key, "gateway-group/", NULL) ||
		    json_integer_value(json_object_get(body, "table")) != table)
			continue;
		const char *name = name_of(key), *end = strrchr(name, '.');
		group.key = key;
		group.is_direct = strcmp(text_of(body, "otherwise"), "direct") == 0;
		(void)snprintf(group.name, sizeof group.name, "%.*s",
			       (int)(end ? end - name : (ptrdiff_t)strlen(name)), name);
	}
	return group;
}

// ---- how it is ----

static const json_t *with_key(const json_t *list, const char *key)
{
	const json_t *one;
	size_t i;
	json_array_foreach((json_t *)(uintptr_t)list, i, one)
	{
		if (strcmp(text_of(one, "key"), key) == 0)
			return one;
	}
	return NULL;
}

const char *explain_group_gateway(const struct explain_facts *facts,
				  const struct explain_group *group)
{
	const json_t *status = group->key ? with_key(facts->groups, group->key) : NULL;
	const char *gateway = json_string_value(json_object_get(status, "gateway"));
	return gateway ? name_of(gateway) : NULL;
}

// Why the gateway is not the one in use, or why it is.
static char *reason(const json_t *group, const json_t *gateway, size_t at, size_t in_use)
{
	const char *state = text_of(gateway, "state"), *cause = text_of(group, "cause");
	if (at == in_use)
		return *cause ? text_format("in use: %s", cause) : text_format("in use");
	if (!gateway)
		return text_format("nothing is known of it");
	if (strcmp(state, "up") != 0)
		return text_format("%s: %s", state, text_of(gateway, "cause"));
	if (json_is_true(json_object_get(gateway, "drained")))
		return text_format("up, but drained");
	if (at < in_use)
		return text_format("up again, and taken back when it has been so long enough");
	return text_format("up: one that is preferred is in use");
}

// What it is made of here.
static void add_way(json_t *one, const struct explain_facts *facts, const char *key)
{
	const json_t *body = json_object_get(facts->entries, key);
	json_t *wire = json_object_get(body, "wire");
	json_t *way = wire ? wire : json_object_get(body, "uplink");
	if (one && json_is_string(way))
		(void)json_object_set(one, "by", way);
}

static json_t *gateways_json(const struct explain_facts *facts, const json_t *body,
			     const json_t *status)
{
	const json_t *try = json_object_get(body, "try"), *key;
	const char *used = text_of(status, "gateway");
	const bool by_latency = strcmp(text_of(body, "choose"), "latency") == 0;
	size_t i, in_use = json_array_size(try);
	json_t *list = json_array();
	json_array_foreach((json_t *)(uintptr_t)try, i, key)
	{
		if (json_is_string(key) && strcmp(json_string_value(key), used) == 0)
			in_use = i;
	}
	json_array_foreach((json_t *)(uintptr_t)try, i, key)
	{
		const char *text = json_string_value(key);
		const json_t *gateway = with_key(facts->gateways, text ? text : "");
		// Of the nearest none comes before another by its place.
		CLEAN(free_ptr)
		char *why =
			reason(status, gateway, by_latency && i < in_use ? in_use + 1 : i, in_use);
		json_t *one = json_pack("{s:s, s:s, s:b, s:s}", "name", name_of(text ? text : ""),
					"state", gateway ? text_of(gateway, "state") : "unknown",
					"in_use", i == in_use, "sentence", why ? why : "");
		add_way(one, facts, text ? text : "");
		(void)json_array_append_new(list, one);
	}
	return list;
}

json_t *explain_group_json(const struct explain_facts *facts, const struct explain_group *group)
{
	const json_t *body = json_object_get(facts->entries, group->key);
	const json_t *status = with_key(facts->groups, group->key);
	const char *gateway = explain_group_gateway(facts, group);
	json_t *ret =
		json_pack("{s:s, s:s, s:s?, s:s, s:o}", "name", group->name, "otherwise",
			  group->is_direct ? "direct" : "block", "gateway", gateway, "sentence",
			  text_of(status, "cause"), "gateways", gateways_json(facts, body, status));
	const json_int_t since = json_integer_value(json_object_get(status, "since"));
	if (ret && since > 0)
		(void)json_object_set_new(ret, "since", json_integer(since));
	return ret;
}
