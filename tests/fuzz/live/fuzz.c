// What a node in hostile hands tells the controller, one message a line: it is taken or refused,
// and everything that is shown to others afterwards is whole and within its bounds.
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/message.h"

#include "live/live.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { EVIL = 1, GOOD = 2, NOW = 1000000, ENTRIES_MAX = 64, BYTES_MAX = 65536 };

static void take(struct live *live, const struct msg *msg)
{
	struct err err = { 0 };

	if (msg->type == MSG_HELLO)
		live_connected(live, EVIL, "192.0.2.7:1", &msg->hello, NOW);
	else if (msg->type == MSG_APPLIED)
		live_applied(live, EVIL, &msg->applied, NOW);
	else if (msg->type == MSG_OBSERVE)
		(void)live_observed(live, EVIL, &msg->observe, NOW, &err);
	else if (msg->type == MSG_SAMPLES)
		live_samples(live, EVIL, &msg->samples, NOW);
	else if (msg->type == MSG_EVENT)
		live_event(live, EVIL, &msg->event, NOW);
}

static void require_json(json_t *json)
{
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	if (!text)
		abort();
	free(text);
	json_decref(json);
}

// Every item that browsers get is one line of JSON.
static void read_all(struct live_subscriber *subscriber)
{
	struct live_item item;
	int r;

	while ((r = live_read(subscriber, &item)) != 0) {
		if (r < 0)
			continue;
		json_t *json = json_loadb(item.data, item.len, JSON_REJECT_DUPLICATES, NULL);
		if (!json || strchr(item.data, '\n'))
			abort();
		json_decref(json);
	}
}

static void show(struct live *live)
{
	const struct entry_set *good = live_node_entries(live, GOOD);
	const struct entry_set *evil = live_node_entries(live, EVIL);
	json_t *path = NULL;
	struct err err;

	if (entry_set_count(good) != 0 || entry_set_count(evil) > ENTRIES_MAX ||
	    entry_set_bytes(evil) > BYTES_MAX)
		abort();
	require_json(live_state_json(live, NOW + 5000));
	require_json(live_topology_json(live, NOW, true));
	require_json(live_observed_json(live, EVIL));
	if (live_segment_path(live, "lan", "good", "evil", &path, &err) == 0)
		require_json(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct live_config config = { .node_entries = ENTRIES_MAX,
					    .node_bytes = BYTES_MAX,
					    .ring_items = 64,
					    .ring_bytes = 4 * BYTES_MAX,
					    .now_ms = NOW };
	CLEAN(live_free_ptr) struct live *live = live_new(&config, NULL, NULL);
	const char *at = (const char *)data;
	const char *end = at + size;

	if (!live || live_node_put(live, EVIL, "evil", "port", NULL) < 0 ||
	    live_node_put(live, GOOD, "good", NULL, NULL) < 0)
		return 0;
	struct live_subscriber *subscriber = live_subscribe(live, 0, true, NULL, NULL);
	while (at < end) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));
		const size_t len = (size_t)((line_end ? line_end : end) - at);
		struct msg msg;

		if (msg_decode(MSG_UP, at, len, &msg, NULL) == 0) {
			take(live, &msg);
			msg_done(&msg);
			// Only what differs from its digest is left out; the rest is read at once.
			read_all(subscriber);
		}
		at += len + 1;
	}
	live_tick(live, NOW + 5000);
	show(live);
	return 0;
}
