// Tells of nodes that go away and come back, for the log: a session that is taken up again at once
// is no news, and a hundred nodes behind one broken wire are one event.

#include <inttypes.h>
#include <string.h>

#include "live/inside.h"

enum { AWAY_MS = 3000, SINGLE_MAX = 20, NAMES_MAX = 5 };

static bool is_news(const struct node *node, int64_t now_ms)
{
	return !node->is_connected && node->since_ms != 0 && node->told_away == AWAY_UNTOLD &&
	       now_ms - node->since_ms >= AWAY_MS;
}

static size_t count_news(const struct live *live, int64_t now_ms)
{
	size_t count = 0;
	void *value = NULL;

	for (size_t at = 0; map_next(live->by_id, &at, NULL, &value);)
		count += is_news(value, now_ms);
	return count;
}

static void tell(struct live *live, const struct node *node, const char *kind, const char *text,
		 int64_t now_ms)
{
	const struct live_event event = { .node_id = node ? node->id : 0,
					  .node = node ? node->name : NULL,
					  .at_ms = now_ms,
					  .severity = strcmp(kind, "node_offline") == 0 ? "warning"
											: "info",
					  .kind = kind,
					  .text = text };

	live_event_own(live, &event);
}

static void tell_one(struct live *live, const struct node *node, int64_t now_ms)
{
	const char *reason =
		node->away_reason && *node->away_reason ? node->away_reason : "its session ended";
	CLEAN(free_ptr)
	char *text = text_format("%s is offline since %" PRId64 " s: %s", node->name,
				 (now_ms - node->since_ms) / 1000, reason);

	if (text)
		tell(live, node, "node_offline", text, now_ms);
}

static void tell_many(struct live *live, size_t count, const struct text *names, int64_t now_ms)
{
	CLEAN(free_ptr)
	char *text = text_format("%zu nodes are offline: %s and %zu more", count,
				 names->data ? names->data : "", count - NAMES_MAX);

	if (text)
		tell(live, NULL, "node_offline", text, now_ms);
}

void away_tick(struct live *live, int64_t now_ms)
{
	const size_t count = count_news(live, now_ms);
	const bool is_many = count > SINGLE_MAX;
	CLEAN(text_free) struct text names = { 0 };
	size_t named = 0;
	void *value = NULL;

	for (size_t at = 0; count && map_next(live->by_id, &at, NULL, &value);) {
		struct node *node = value;

		if (!is_news(node, now_ms))
			continue;
		node->told_away = is_many ? AWAY_AMONG_MANY : AWAY_TOLD;
		if (!is_many)
			tell_one(live, node, now_ms);
		else if (named++ < NAMES_MAX)
			text_addf(&names, "%s%s", names.len ? ", " : "", node->name);
	}
	if (is_many)
		tell_many(live, count, &names, now_ms);
}

void away_back(struct live *live, struct node *node, int64_t now_ms)
{
	const enum away_told told = node->told_away;

	node->told_away = AWAY_UNTOLD;
	if (told != AWAY_TOLD)
		return;
	CLEAN(free_ptr)
	char *text = text_format("%s is back after %" PRId64 " s", node->name,
				 (now_ms - node->since_ms) / 1000);
	if (text)
		tell(live, node, "node_online", text, now_ms);
}
