#include "run/policies_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

#include "run/state.h"

CLEAN_FUNC(json_t, json_decref)

static void add_body(json_t *bodies, const struct entry_change *entry)
{
	json_t *body = json_loadb(entry->body, entry->body_len, 0, NULL);
	if (body)
		(void)json_object_set_new(bodies, entry->key, body);
}

json_t *policies_bodies(const struct agent *agent, const char *const *prefixes)
{
	const struct entry_set *desired = desired_entries(agent->desired);
	json_t *bodies = json_object();
	struct entry_change entry;
	for (size_t i = 0; prefixes[i]; i++)
		for (size_t at = 0; entry_set_next_under(desired, prefixes[i], &at, &entry);)
			add_body(bodies, &entry);
	return bodies;
}

// ---- policies ----

static void add_path(const struct agent *agent, json_t *list)
{
	const char *name = json_string_value(json_object_get(list, "name"));
	CLEAN(free_ptr)
	char *path = name ? text_format("%s/%s.image", agent->settings->dns_dir, name) : NULL;
	if (path && access(path, R_OK) == 0)
		(void)json_object_set_new(list, "path", json_string(path));
}

static void add_paths(const struct agent *agent, const json_t *policy)
{
	const json_t *rule;
	json_t *list;
	size_t i, k;
	json_array_foreach(json_object_get(policy, "rules"), i, rule)
	{
		json_array_foreach(json_object_get(rule, "lists"), k, list) add_path(agent, list);
	}
}

json_t *policies_config(const struct agent *agent)
{
	static const char *const prefixes[] = { "policy/", NULL };
	CLEAN(json_decref_ptr) json_t *bodies = policies_bodies(agent, prefixes);
	json_t *policies = json_array(), *body;
	const char *key;
	json_object_foreach(bodies, key, body)
	{
		(void)json_object_set_new(body, "name", json_string(strchr(key, '/') + 1));
		add_paths(agent, body);
		(void)json_array_append(policies, body);
	}
	return policies;
}

bool policies_have_lists(const json_t *policies)
{
	const json_t *policy, *rule;
	size_t i, k;
	json_array_foreach(policies, i, policy)
	{
		json_array_foreach(json_object_get(policy, "rules"), k, rule)
		{
			if (json_array_size(json_object_get(rule, "lists")) > 0)
				return true;
		}
	}
	return false;
}

// ---- views ----

struct views {
	json_t *bodies; // of gateways, groups and their rules of routing, by key
	json_t *views;
};

// Which marks a rule of routing leads to the table.
static void add_marks(struct views *v, const json_t *table, const json_t *upstreams)
{
	const char *key;
	json_t *rule;
	json_object_foreach(v->bodies, key, rule)
	{
		// Those of one family; the other's are the same.
		if (json_object_get(rule, "mark") && !json_object_get(rule, "suppress") &&
		    json_integer_value(json_object_get(rule, "family")) == 4 &&
		    json_equal(json_object_get(rule, "table"), table))
			(void)json_array_append_new(v->views,
						    json_pack("{s:O, s:O}", "mark",
							      json_object_get(rule, "mark"),
							      "upstreams", upstreams));
	}
}

static void add_view(void *context, const struct egress_group_reading *group)
{
	struct views *v = context;
	const json_t *body = json_object_get(v->bodies, group->key);
	const json_t *gateway = group->gateway ? json_object_get(v->bodies, group->gateway) : NULL;
	const json_t *resolvers = json_object_get(gateway, "resolvers");
	if (body && json_array_size(resolvers) > 0)
		add_marks(v, json_object_get(body, "table"), resolvers);
}

json_t *policies_views(const struct agent *agent)
{
	static const char *const prefixes[] = { "gateway/", "gateway-group/", "rule/gateway-group/",
						NULL };
	struct views v = { policies_bodies(agent, prefixes), json_array() };
	egress_each_group(agent->egress, add_view, &v);
	json_decref(v.bodies);
	return v.views;
}

// ---- ways ----

// "gateway-group/tv.block" -> tv
static json_t *group_of_table(const json_t *bodies, const json_t *table)
{
	const char *key, *name;
	json_t *body;
	json_object_foreach((json_t *)(uintptr_t)bodies, key, body)
	{
		if (!text_starts(key, "gateway-group/", &name) ||
		    !json_equal(json_object_get(body, "table"), table))
			continue;
		const char *end = strrchr(name, '.');
		return json_stringn(name, end ? (size_t)(end - name) : strlen(name));
	}
	return NULL;
}

json_t *policies_ways(const struct agent *agent)
{
	static const char *const prefixes[] = { "gateway-group/", "rule/gateway-group/", NULL };
	CLEAN(json_decref_ptr) json_t *bodies = policies_bodies(agent, prefixes);
	json_t *ways = json_object(), *body;
	const char *key;
	json_object_foreach(bodies, key, body)
	{
		char mark[24];
		if (!json_object_get(body, "mark") || json_object_get(body, "suppress"))
			continue;
		(void)snprintf(mark, sizeof mark, "%lld",
			       (long long)json_integer_value(json_object_get(body, "mark")));
		(void)json_object_set_new(ways, mark,
					  group_of_table(bodies, json_object_get(body, "table")));
	}
	return ways;
}
