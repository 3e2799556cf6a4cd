// Observed state: changes in parts, held to their digest and to the bounds of a node.

#include <errno.h>

#include "live/inside.h"

const struct entry_set *live_node_entries(const struct live *live, int64_t node_id)
{
	const struct node *node = node_find(live, node_id);

	return node ? node->entries : NULL;
}

static void add_sets(struct text *out, const struct entry_change *changes, size_t count)
{
	const char *comma = "";

	for (size_t i = 0; i < count; i++) {
		if (!changes[i].body)
			continue;
		// Keys need no escapes, and a body is JSON on one line: the decoder saw to both.
		text_addf(out, "%s\"%s\":", comma, changes[i].key);
		text_add_bytes(out, changes[i].body, changes[i].body_len);
		comma = ",";
	}
}

static void add_drops(struct text *out, const struct entry_change *changes, size_t count)
{
	const char *comma = "";

	for (size_t i = 0; i < count; i++) {
		if (changes[i].body)
			continue;
		text_addf(out, "%s\"%s\"", comma, changes[i].key);
		comma = ",";
	}
}

static void item_entries(struct live *live, const struct node *node,
			 const struct entry_change *changes, size_t count)
{
	struct text data = { 0 };

	if (count == 0)
		return;
	text_add(&data, "{\"node\":");
	add_string(&data, node->name);
	text_add(&data, ",\"set\":{");
	add_sets(&data, changes, count);
	text_add(&data, "},\"drop\":[");
	add_drops(&data, changes, count);
	text_add(&data, "]}");
	item_send(live, &live->items, "entry", &data);
}

// The whole has come again: subscribers get only what is different.
static int swap_in(struct live *live, struct node *node, struct err *err)
{
	CLEAN(entry_delta_done) struct entry_delta delta = { 0 };

	if (entry_delta_between(node->entries, node->staging, &delta) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	entry_set_free(node->entries);
	node->entries = take_ptr(&node->staging);
	item_entries(live, node, delta.changes, delta.count);
	return 0;
}

static int check_bounds(const struct live *live, const struct entry_set *set, struct err *err)
{
	if (entry_set_count(set) > live->config.node_entries)
		return err_set(err, -E2BIG, "it reports more than %zu entries",
			       live->config.node_entries);
	if (entry_set_bytes(set) > live->config.node_bytes)
		return err_set(err, -E2BIG, "it reports more than %zu bytes",
			       live->config.node_bytes);
	return 0;
}

static int begin_anew(struct node *node, struct err *err)
{
	entry_set_free(node->staging);
	node->staging = entry_set_new();
	return node->staging ? 0 : err_set(err, -ENOMEM, "out of memory");
}

static void forget_staging(struct node *node)
{
	entry_set_free(node->staging);
	node->staging = NULL;
}

int live_observed(struct live *live, int64_t node_id, const struct msg_observe *observe,
		  int64_t now_ms, struct err *err)
{
	struct node *node = node_find(live, node_id);
	int rc = node ? 0 : err_set(err, -ENOENT, "there is no such node");

	(void)now_ms;
	if (rc == 0 && observe->reset)
		rc = begin_anew(node, err);
	if (rc < 0)
		return rc;
	struct entry_set *set = node->staging ? node->staging : node->entries;
	rc = entry_set_change(set, observe->changes, observe->count, err);
	if (rc == 0)
		rc = check_bounds(live, set, err);
	if (rc == 0 && !observe->more && !digest_equal(entry_set_digest(set), observe->digest))
		rc = err_set(err, -EBADMSG, "the observed state does not match its digest");
	if (rc < 0) {
		forget_staging(node);
		return rc;
	}
	if (!node->staging)
		item_entries(live, node, observe->changes, observe->count);
	else if (!observe->more)
		rc = swap_in(live, node, err);
	return rc;
}
