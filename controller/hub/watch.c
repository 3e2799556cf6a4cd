// Who wants samples of whom.

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"

#include "hub/inside.h"

struct watch_key {
	char digits[24];
};

static struct watch_key key_of(int64_t node_id)
{
	struct watch_key k;

	(void)snprintf(k.digits, sizeof(k.digits), "%" PRId64, node_id);
	return k;
}

bool watch_wanted(const struct hub *hub, int64_t node_id)
{
	return hub->want_all > 0 || map_get(hub->wants, key_of(node_id).digits);
}

void watch_update(struct session *s)
{
	bool is_wanted = watch_wanted(s->hub, s->node_id);
	struct msg msg = { .type = MSG_WATCH, .watch = { .on = is_wanted } };

	if (s->is_watched == is_wanted || s->is_renew_only || s->state != SESSION_OPEN)
		return;
	s->is_watched = is_wanted;
	queue_message(s, &msg);
}

void hub_samples_want(struct hub *hub, int64_t node_id, int change)
{
	if (node_id == HUB_ALL_NODES) {
		hub->want_all += change;
		for (struct session *s = hub->sessions, *next; s; s = next) {
			next = s->next;
			watch_update(s);
		}
		return;
	}
	struct watch_key key = key_of(node_id);
	intptr_t count = (intptr_t)map_get(hub->wants, key.digits) + change;
	if (count <= 0)
		(void)map_drop(hub->wants, key.digits);
	else if (map_set(hub->wants, key.digits, (void *)count) < 0) // the count is the value
		log_error("hub: out of memory");
	struct session *s = session_of_node(hub, node_id);
	if (s)
		watch_update(s);
}
