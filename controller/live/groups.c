// HA groups as their voters report them.
#include <string.h>

#include "live/inside.h"

static json_t *group_of(json_t *groups, const char *name)
{
	json_t *group = json_object_get(groups, name);

	if (group)
		return group;
	group = json_pack("{s:s, s:[], s:n, s:i, s:i, s:i, s:i, s:n, s:n, s:n, s:[]}", "name", name,
			  "active", "since", "epoch", 0, "heard", 0, "needed", 0, "voters", 0,
			  "cause", "site", "lan_trouble", "members");
	return json_object_set_new(groups, name, group) < 0 ? NULL : group;
}

static int64_t number_of(const json_t *object, const char *field)
{
	return json_integer_value(json_object_get(object, field));
}

static void set_if_said(json_t *group, const json_t *body, const char *field)
{
	json_t *value = json_object_get(body, field);

	if (value)
		(void)json_object_set(group, field, value);
}

// Whoever is active knows best; of others the one with the highest epoch does.
static void take_view(json_t *group, const json_t *body, bool is_active)
{
	static const char *const fields[] = { "epoch", "heard", "needed", "voters", "cause" };
	const bool has_active = json_array_size(json_object_get(group, "active")) > 0;

	if (!is_active && (has_active || number_of(body, "epoch") < number_of(group, "epoch")))
		return;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		set_if_said(group, body, fields[i]);
	if (!is_active)
		return;
	(void)json_object_set(group, "since", json_object_get(body, "since"));
	set_if_said(group, body, "lan_trouble");
}

static void take_voter(json_t *groups, const struct node *node, const struct entry_change *e)
{
	json_auto_t *body = json_loadb(e->body, e->body_len, 0, NULL);
	json_t *group = group_of(groups, e->key + strlen("ha/"));
	const char *state = json_string_value(json_object_get(body, "state"));
	// What a node that went away told last is not so any more.
	const bool is_active = state && node->is_connected && strcmp(state, "active") == 0;

	if (!group || !state)
		return;
	take_view(group, body, is_active);
	set_if_said(group, body, "site");
	if (is_active)
		(void)json_array_append_new(json_object_get(group, "active"),
					    json_string(node->name));
	(void)json_array_append_new(json_object_get(group, "members"),
				    json_pack("{s:s, s:s, s:b, s:s?}", "node", node->name, "state",
					      state, "connected", node->is_connected, "cause",
					      json_string_value(json_object_get(body, "cause"))));
}

json_t *groups_json(struct node *const *nodes, size_t count)
{
	json_auto_t *groups = json_object();
	json_t *list = json_array();
	struct entry_change e;
	const char *name;
	json_t *group;

	for (size_t i = 0; i < count; i++) {
		for (size_t at = 0; entry_set_next_under(nodes[i]->entries, "ha/", &at, &e);)
			take_voter(groups, nodes[i], &e);
	}
	json_object_foreach(groups, name, group)(void) json_array_append(list, group);
	return list;
}
