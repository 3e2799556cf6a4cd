// The nodes there are, and what becomes of their connections.

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "live/inside.h"

struct id_text {
	char digits[24];
};

static struct id_text id_text(int64_t id)
{
	struct id_text t;

	(void)snprintf(t.digits, sizeof(t.digits), "%" PRId64, id);
	return t;
}

struct node *node_find(const struct live *live, int64_t id)
{
	return map_get(live->by_id, id_text(id).digits);
}

struct node *node_named(const struct live *live, const char *name)
{
	return map_get(live->by_name, name);
}

int64_t live_node_id(const struct live *live, const char *name)
{
	const struct node *node = node_named(live, name);

	return node ? node->id : 0;
}

void node_clear_errors(struct node *node)
{
	for (size_t i = 0; i < node->errors_count; i++) {
		free(node->errors[i].entry);
		free(node->errors[i].text);
		free(node->errors[i].blocked_by);
	}
	free(node->errors);
	node->errors = NULL;
	node->errors_count = 0;
	node->errors_total = 0;
}

void node_free(void *value)
{
	struct node *node = value;

	if (!node)
		return;
	node_clear_errors(node);
	entry_set_free(node->entries);
	entry_set_free(node->staging);
	json_decref(node->samples);
	free(node->name);
	free(node->site);
	free(node->address);
	free(node->version);
	free(node->away_reason);
	free(node->refused_text);
	free(node);
}

static struct node *node_add(struct live *live, int64_t id)
{
	struct node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	node->id = id;
	node->told = LIVE_HEALTH_NEVER;
	node->entries = entry_set_new();
	if (!node->entries || map_set(live->by_id, id_text(id).digits, node) < 0) {
		node_free(node);
		return NULL;
	}
	return node;
}

int live_node_put(struct live *live, int64_t node_id, const char *name, const char *site,
		  struct err *err)
{
	CLEAN(free_ptr) char *own_name = strdup(name);
	CLEAN(free_ptr) char *own_site = site ? strdup(site) : NULL;
	struct node *node = node_find(live, node_id);

	if (own_name && (own_site || !site) && !node)
		node = node_add(live, node_id);
	if (!own_name || (site && !own_site) || !node || map_set(live->by_name, name, node) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	// Two nodes may swap names: only what is still ours goes.
	if (node->name && strcmp(node->name, name) != 0 && node_named(live, node->name) == node)
		(void)map_drop(live->by_name, node->name);
	free(node->name);
	free(node->site);
	node->name = take_ptr(&own_name);
	node->site = take_ptr(&own_site);
	return 0;
}

void live_node_drain(struct live *live, int64_t node_id, bool is_drained, int64_t now_ms)
{
	struct node *node = node_find(live, node_id);

	if (!node || node->is_drained == is_drained)
		return;
	node->is_drained = is_drained;
	item_node(live, node, now_ms);
}

void live_node_drop(struct live *live, int64_t node_id)
{
	struct node *node = node_find(live, node_id);

	if (!node)
		return;
	if (node_named(live, node->name) == node)
		(void)map_drop(live->by_name, node->name);
	(void)map_drop(live->by_id, id_text(node_id).digits);
}

void live_node_target(struct live *live, int64_t node_id, int64_t revision, struct digest digest,
		      int64_t now_ms)
{
	struct node *node = node_find(live, node_id);

	if (!node ||
	    (node->target_revision == revision && digest_equal(node->target_digest, digest)))
		return;
	node->target_revision = revision;
	node->target_digest = digest;
	node->target_ms = now_ms;
	item_node(live, node, now_ms);
}

static void replace(char **at, const char *value)
{
	free(*at);
	*at = value ? strdup(value) : NULL;
}

void live_connected(struct live *live, int64_t node_id, const char *address,
		    const struct msg_hello *hello, int64_t now_ms)
{
	struct node *node = node_find(live, node_id);

	if (!node)
		return;
	away_back(live, node, now_ms);
	node->is_connected = true;
	node->since_ms = now_ms;
	replace(&node->address, address);
	replace(&node->version, hello->version);
	// What it holds on disk; whether it is in the kernel too, `applied` will tell.
	if (!node->has_applied)
		node->applied_revision = hello->base_revision;
	node->applied_digest = hello->base_digest;
	item_node(live, node, now_ms);
}

void live_disconnected(struct live *live, int64_t node_id, const char *reason, int64_t now_ms)
{
	struct node *node = node_find(live, node_id);

	if (!node)
		return;
	node->is_connected = false;
	node->since_ms = now_ms;
	replace(&node->away_reason, reason);
	entry_set_free(node->staging);
	node->staging = NULL;
	json_decref(node->samples);
	node->samples = NULL;
	item_node(live, node, now_ms);
}

static void keep_errors(struct node *node, const struct msg_applied *applied)
{
	size_t count =
		applied->errors_count < NODE_ERRORS_MAX ? applied->errors_count : NODE_ERRORS_MAX;

	node_clear_errors(node);
	node->errors = count ? calloc(count, sizeof(*node->errors)) : NULL;
	node->errors_total = applied->errors_total;
	for (size_t i = 0; node->errors && i < count; i++) {
		const struct msg_entry_error *e = &applied->errors[i];

		replace(&node->errors[i].entry, e->entry);
		replace(&node->errors[i].text, e->text);
		replace(&node->errors[i].blocked_by, e->blocked_by);
		node->errors_count++;
	}
}

void live_applied(struct live *live, int64_t node_id, const struct msg_applied *applied,
		  int64_t now_ms)
{
	struct node *node = node_find(live, node_id);

	if (!node)
		return;
	node->has_applied = true;
	node->applied_revision = applied->revision;
	node->applied_digest = applied->digest;
	node->writes = applied->writes;
	node->refused_revision = applied->refused;
	replace(&node->refused_text, applied->refused ? applied->refused_text : NULL);
	keep_errors(node, applied);
	item_node(live, node, now_ms);
}
