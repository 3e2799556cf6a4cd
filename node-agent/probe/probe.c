#include "probe/probe.h"

#include <errno.h>
#include <jansson.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/text.h"
#include "wire/limits.h"

#include "probe/mtu.h"

// A path that begins to lose large packets is found, and searched through, within 30 s.
enum {
	TICK_MS = 1000,
	EVERY_MS = 12000,
	TIMEOUT_MS = 1000, // while the round trip is not known, and at most
	TIMEOUT_MIN_MS = 500,
	TIMEOUT_TRIPS = 4,
	AT_ONCE_MAX = 16
};

CLEAN_FUNC(json_t, json_decref)

// One peer.
struct target {
	struct probe *probe;
	char device[IFNAMSIZ];
	char address[64];  // overlay address
	char endpoint[80]; // as observed, "" when none
	uint32_t full;     // MTU of the WireGuard device
	bool is_up;
	bool is_desired; // mark of the walk in probe_update
	bool is_searching;
	struct mtu_search search;
	uint32_t timeout_ms;
	int64_t due_ms;
	bool is_known;
	struct probe_path path;
	char key[WIRE_KEY_MAX + 1];
};

struct probe {
	uv_timer_t timer;
	struct icmp *icmp;
	struct map *targets; // key -> struct target
	size_t searching;
};

static void stop_search(struct target *target)
{
	icmp_forget(target->probe->icmp, target);
	if (target->is_searching)
		target->probe->searching--;
	target->is_searching = false;
}

static void target_free(void *value)
{
	struct target *target = value;
	stop_search(target);
	free(target);
}

static void search_done(struct target *target)
{
	struct probe_path path = { 0 };
	bool known = mtu_result(&target->search, &path.path_mtu, &path.fragments_ok);
	if (known && (!target->is_known || target->path.path_mtu != path.path_mtu))
		log_info("%s: packets of up to %u bytes pass%s", target->key, path.path_mtu,
			 path.fragments_ok ? "" : ", fragments are lost");
	target->is_known = known;
	target->path = path;
	target->due_ms = clock_mono_ms() + EVERY_MS;
	stop_search(target);
}

static void ask(struct target *target);

static void on_answer(void *context, int status, int64_t rtt_us)
{
	struct target *target = context;
	if (status == 0) {
		const int64_t trips_ms = rtt_us * TIMEOUT_TRIPS / 1000;
		target->timeout_ms = trips_ms < TIMEOUT_MIN_MS ? TIMEOUT_MIN_MS
				     : trips_ms > TIMEOUT_MS   ? TIMEOUT_MS
							       : (uint32_t)trips_ms;
	}
	mtu_answer(&target->search, status == 0);
	ask(target);
}

static void ask(struct target *target)
{
	uint32_t size = mtu_next(&target->search);
	if (size == 0) {
		search_done(target);
		return;
	}
	const struct icmp_question question = { .to = target->address,
						.device = target->device,
						.size = size,
						.df = true,
						.timeout_ms = target->timeout_ms };
	if (icmp_ask(target->probe->icmp, &question, on_answer, target, NULL) < 0) {
		target->due_ms = clock_mono_ms() + EVERY_MS;
		stop_search(target);
	}
}

static void on_tick(uv_timer_t *timer)
{
	struct probe *probe = timer->data;
	int64_t now = clock_mono_ms();
	void *value;
	for (size_t at = 0;
	     probe->searching < AT_ONCE_MAX && map_next(probe->targets, &at, NULL, &value);) {
		struct target *target = value;
		if (target->is_searching || !target->is_up || target->due_ms > now ||
		    target->full < MTU_SMALL)
			continue;
		target->is_searching = true;
		probe->searching++;
		target->timeout_ms = TIMEOUT_MS;
		mtu_start(&target->search, target->full);
		ask(target);
	}
}

struct probe *probe_new(uv_loop_t *loop, struct icmp *icmp)
{
	struct probe *probe = calloc(1, sizeof *probe);
	if (!probe)
		return NULL;
	probe->targets = map_new(target_free);
	if (!probe->targets) {
		free(probe);
		return NULL;
	}
	probe->icmp = icmp;
	(void)uv_timer_init(loop, &probe->timer);
	probe->timer.data = probe;
	(void)uv_timer_start(&probe->timer, on_tick, TICK_MS, TICK_MS);
	return probe;
}

static json_t *entry_json(const struct entry_set *set, const char *key)
{
	size_t len;
	const char *body = entry_set_get(set, key, &len);
	return body ? json_loadb(body, len, 0, NULL) : NULL;
}

// MTU of the network's WireGuard device; 0 when there is none.
static uint32_t network_mtu(const struct entry_set *desired, const char *peer_key)
{
	const char *network = strchr(peer_key, '/') + 1;
	CLEAN(free_ptr)
	char *key = text_format("wireguard/%.*s", (int)strcspn(network, "/"), network);
	CLEAN(json_decref_ptr) json_t *wireguard = key ? entry_json(desired, key) : NULL;
	json_int_t mtu = json_integer_value(json_object_get(wireguard, "mtu"));
	return mtu > 0 && mtu <= 65000 ? (uint32_t)mtu : 0;
}

static struct target *target_get(struct probe *probe, const char *key)
{
	struct target *target = map_get(probe->targets, key);
	if (target)
		return target;
	target = calloc(1, sizeof *target);
	if (!target)
		return NULL;
	target->probe = probe;
	(void)snprintf(target->key, sizeof target->key, "%s", key);
	if (map_set(probe->targets, key, target) < 0) {
		free(target);
		return NULL;
	}
	return target;
}

static void update_target(struct target *target, const json_t *peer, const json_t *seen,
			  uint32_t full)
{
	const char *device = json_string_value(json_object_get(peer, "device"));
	const char *allowed =
		json_string_value(json_array_get(json_object_get(peer, "allowed_ips"), 0));
	const char *endpoint = json_string_value(json_object_get(seen, "endpoint"));
	const char *state = json_string_value(json_object_get(seen, "state"));
	bool is_up = device && allowed && state && strcmp(state, "up") == 0;
	char address[64];
	(void)snprintf(address, sizeof address, "%.*s", allowed ? (int)strcspn(allowed, "/") : 0,
		       allowed ? allowed : "");
	bool moved = strcmp(target->endpoint, endpoint ? endpoint : "") != 0 ||
		     target->full != full || strcmp(target->address, address) != 0 ||
		     (is_up && !target->is_up);
	(void)snprintf(target->endpoint, sizeof target->endpoint, "%s", endpoint ? endpoint : "");
	(void)snprintf(target->device, sizeof target->device, "%s", device ? device : "");
	(void)snprintf(target->address, sizeof target->address, "%s", address);
	target->full = full;
	target->is_up = is_up;
	if (moved || !is_up)
		stop_search(target);
	if (moved) {
		target->due_ms = 0;
		target->is_known = false;
	}
}

void probe_update(struct probe *probe, const struct entry_set *desired,
		  const struct entry_set *observed)
{
	void *value;
	const char *key;
	for (size_t at = 0; map_next(probe->targets, &at, NULL, &value);)
		((struct target *)value)->is_desired = false;
	struct entry_change entry;
	for (size_t at = 0; entry_set_next_under(desired, "peer/", &at, &entry);) {
		CLEAN(json_decref_ptr)
		json_t *peer = json_loadb(entry.body, entry.body_len, 0, NULL);
		CLEAN(json_decref_ptr) json_t *seen = entry_json(observed, entry.key);
		struct target *target = target_get(probe, entry.key);
		if (!target)
			return;
		target->is_desired = true;
		update_target(target, peer, seen, network_mtu(desired, entry.key));
	}
	for (size_t at = 0; map_next(probe->targets, &at, &key, &value);) {
		if (!((struct target *)value)->is_desired)
			(void)map_drop(probe->targets, key);
	}
}

bool probe_path(const struct probe *probe, const char *peer_key, struct probe_path *ret_path)
{
	const struct target *target = map_get(probe->targets, peer_key);
	if (!target || !target->is_known)
		return false;
	*ret_path = target->path;
	return true;
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void probe_close(struct probe *probe)
{
	if (!probe)
		return;
	map_free(take_ptr(&probe->targets));
	(void)uv_timer_stop(&probe->timer);
	uv_close((uv_handle_t *)&probe->timer, on_closed);
}
