// Where the controllers are, as the one in use says.
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#include "run/state.h"

static bool has_hub(const struct identity *identity, const char *hub)
{
	for (size_t i = 0; i < identity->hub_count; i++)
		if (strcmp(identity->hubs[i], hub) == 0)
			return true;
	return false;
}

static bool hubs_equal(const struct identity *a, const struct identity *b)
{
	if (a->hub_count != b->hub_count)
		return false;
	for (size_t i = 0; i < a->hub_count; i++)
		if (strcmp(a->hubs[i], b->hubs[i]) != 0)
			return false;
	return true;
}

static void identity_add_hub(struct identity *identity, const char *hub)
{
	char *copy = hub && identity->hub_count < IDENTITY_LIST_MAX && !has_hub(identity, hub)
			     ? strdup(hub)
			     : NULL;
	if (copy)
		identity->hubs[identity->hub_count++] = copy;
}

// The address that works stays the last resort if it is not among them: a forwarded port that the
// controller knows nothing of.
void hubs_take(struct agent *agent, const json_t *hubs)
{
	struct err err = { 0 };
	struct identity *mine = &agent->identity;
	struct identity fresh = { 0 };
	size_t i;
	const json_t *item;
	if (json_array_size(hubs) == 0)
		return;
	json_array_foreach(hubs, i, item) if (i + 1 < IDENTITY_LIST_MAX)
		identity_add_hub(&fresh, json_string_value(item));
	identity_add_hub(&fresh, uplink_hub(agent->uplink));
	bool is_news = fresh.hub_count > 0 && !hubs_equal(&fresh, mine);
	if (is_news) {
		struct identity old = { .hub_count = mine->hub_count };
		memcpy(old.hubs, mine->hubs, sizeof old.hubs);
		memcpy(mine->hubs, fresh.hubs, sizeof mine->hubs);
		mine->hub_count = fresh.hub_count;
		fresh = old;
	}
	identity_done(&fresh);
	if (!is_news)
		return;
	log_info("controllers: %zu addresses, first %s", mine->hub_count, mine->hubs[0]);
	if (identity_save(agent->settings->state_dir, mine, &err) < 0)
		log_warn("identity: %s", err.text);
	// A list in the settings goes before.
	if (agent->settings->controllers.len == 0 &&
	    uplink_set_hubs(agent->uplink, mine->hubs, mine->hub_count, &err) < 0)
		log_warn("controllers: %s", err.text);
}
