// How a node is, in one word and one line.

#include <stdio.h>
#include <string.h>

#include "live/inside.h"

#define LAG_GRACE_MS 2000

static const char *const names[] = {
	[LIVE_HEALTH_OK] = "ok",       [LIVE_HEALTH_LAGGING] = "lagging",
	[LIVE_HEALTH_ERROR] = "error", [LIVE_HEALTH_OFFLINE] = "offline",
	[LIVE_HEALTH_NEVER] = "never",
};

const char *live_health_name(enum live_health health)
{
	return names[health];
}

static void say_error(const struct node *node, char *reason)
{
	const struct node_error *e = &node->errors[0];
	int64_t others = node->errors_total - 1;

	if (others > 0)
		(void)snprintf(reason, LIVE_REASON_SIZE, "%s: %s (and %lld more)",
			       e->entry ? e->entry : "?", e->text ? e->text : "?",
			       (long long)others);
	else
		(void)snprintf(reason, LIVE_REASON_SIZE, "%s: %s", e->entry ? e->entry : "?",
			       e->text ? e->text : "?");
}

// The first conflict on the host that stops traffic, told as "text; cure".
static bool say_conflict(const struct node *node, char *reason)
{
	struct entry_change entry;

	for (size_t at = 0; entry_set_next_under(node->entries, "finding/", &at, &entry);) {
		json_auto_t *body = json_loadb(entry.body, entry.body_len, 0, NULL);
		const char *grade = json_string_value(json_object_get(body, "grade"));
		const char *text = json_string_value(json_object_get(body, "text"));
		const char *cure = json_string_value(json_object_get(body, "cure"));

		if (!grade || !text || strcmp(grade, "bad") != 0)
			continue;
		(void)snprintf(reason, LIVE_REASON_SIZE, "%s%s%s", text, cure && *cure ? "; " : "",
			       cure ? cure : "");
		return true;
	}
	return false;
}

// The first program beside the agent that does not do what is wanted: weft-dns, weft-proxy.
static bool say_companion(const struct node *node, char *reason)
{
	static const char *const kinds[] = { "dns/", "splitter/" };
	struct entry_change entry;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		for (size_t at = 0; entry_set_next_under(node->entries, kinds[i], &at, &entry);) {
			json_auto_t *body = json_loadb(entry.body, entry.body_len, 0, NULL);
			const char *error = json_string_value(json_object_get(body, "error"));

			if (!error || !*error)
				continue;
			(void)snprintf(reason, LIVE_REASON_SIZE, "%s: %s", entry.key, error);
			return true;
		}
	}
	return false;
}

bool node_refuses(const struct node *node)
{
	// One that has what it should have refuses nothing, whatever it said last.
	return node->refused_revision != 0 &&
	       !digest_equal(node->applied_digest, node->target_digest);
}

enum live_health node_health(const struct node *node, int64_t now_ms, char *ret_reason)
{
	char unread[LIVE_REASON_SIZE];
	char *reason = ret_reason ? ret_reason : unread;
	int64_t behind_since = node->target_ms > node->since_ms ? node->target_ms : node->since_ms;

	reason[0] = '\0';
	if (node->since_ms == 0) {
		(void)snprintf(reason, LIVE_REASON_SIZE, "has never connected");
		return LIVE_HEALTH_NEVER;
	}
	if (!node->is_connected) {
		(void)snprintf(reason, LIVE_REASON_SIZE, "not connected: %s",
			       node->away_reason ? node->away_reason : "");
		return LIVE_HEALTH_OFFLINE;
	}
	if (node_refuses(node)) {
		(void)snprintf(reason, LIVE_REASON_SIZE, "%s",
			       node->refused_text ? node->refused_text : "");
		return LIVE_HEALTH_ERROR;
	}
	if (node->errors_count) {
		say_error(node, reason);
		return LIVE_HEALTH_ERROR;
	}
	if (!digest_equal(node->applied_digest, node->target_digest) &&
	    now_ms - behind_since > LAG_GRACE_MS) {
		(void)snprintf(reason, LIVE_REASON_SIZE, "at revision %lld, should be at %lld",
			       (long long)node->applied_revision, (long long)node->target_revision);
		return LIVE_HEALTH_LAGGING;
	}
	return say_conflict(node, reason) || say_companion(node, reason) ? LIVE_HEALTH_ERROR
									 : LIVE_HEALTH_OK;
}

enum live_health live_node_health(const struct live *live, int64_t node_id, int64_t now_ms,
				  char *ret_reason)
{
	const struct node *node = node_find(live, node_id);

	if (node)
		return node_health(node, now_ms, ret_reason);
	if (ret_reason)
		(void)snprintf(ret_reason, LIVE_REASON_SIZE, "there is no such node");
	return LIVE_HEALTH_NEVER;
}
