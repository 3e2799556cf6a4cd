#include "probe/checksum.h"

#include <jansson.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"

#include "probe/echo.h"
#include "probe/verdict.h"

// A round: three pairs 300 ms apart, judged a second after the last.
enum { TICK_MS = 300, ROUND_TICKS = VERDICT_TRIES + 4, PAUSE_MS = 5000, PAUSE_LONG_MS = 60000 };

CLEAN_FUNC(json_t, json_decref)

struct checksum {
	uv_timer_t timer;
	uv_loop_t *loop;
	checksum_off_fn off;
	void *context;
	struct map *own;     // own bridge address -> struct echo_socket
	struct map *others;  // bridge address of another agent -> nothing
	struct map *devices; // wire device -> nothing
	bool is_settled;     // nothing to find out until the wires change
	bool is_off;
	struct verdict_state state;
	size_t turn; // which of the others is asked
	uint32_t tick;
	uint32_t summed;
	uint32_t unsummed;
	uint64_t nonce;
	int64_t due_ms;
	char asked[64];
	char verdict[160];
};

static void socket_free(void *value)
{
	echo_close(value);
}

static void on_answer(void *context, uint64_t nonce, bool summed)
{
	struct checksum *checksum = context;
	// The nonce says the round: a late answer counts for nothing.
	if (nonce != checksum->nonce)
		return;
	if (summed)
		checksum->summed++;
	else
		checksum->unsummed++;
}

static void off_everywhere(const struct checksum *checksum)
{
	const char *device;
	for (size_t at = 0; map_next(checksum->devices, &at, &device, NULL);)
		checksum->off(checksum->context, device);
}

static void round_judged(struct checksum *checksum)
{
	enum verdict verdict =
		verdict_round(&checksum->state, checksum->summed, checksum->unsummed);
	checksum->due_ms = clock_mono_ms() + (verdict == VERDICT_OPEN ? PAUSE_LONG_MS : PAUSE_MS);
	if (verdict == VERDICT_OPEN) {
		checksum->turn++;
	} else if (verdict == VERDICT_WHOLE) {
		checksum->is_settled = true;
	} else if (verdict == VERDICT_BROKEN && !checksum->is_off) {
		checksum->is_off = true;
		checksum->state = (struct verdict_state){ 0 };
		(void)snprintf(checksum->verdict, sizeof checksum->verdict,
			       "off: UDP with an offloaded checksum does not reach %s",
			       checksum->asked);
		log_warn("checksum offload: switched off on the wires, UDP with an offloaded "
			 "checksum does not reach %s",
			 checksum->asked);
		off_everywhere(checksum);
	} else if (verdict == VERDICT_BROKEN) {
		checksum->is_settled = true;
		(void)snprintf(
			checksum->verdict, sizeof checksum->verdict,
			"off: UDP with a checksum does not reach %s, with the offload or without",
			checksum->asked);
	}
}

static bool choose(struct checksum *checksum)
{
	const char *address;
	size_t count = map_size(checksum->others);
	size_t skip = count ? checksum->turn % count : 0;
	for (size_t at = 0; map_next(checksum->others, &at, &address, NULL);) {
		if (skip-- > 0)
			continue;
		(void)snprintf(checksum->asked, sizeof checksum->asked, "%s", address);
		return true;
	}
	return false;
}

// From whichever own address is of the other's family and reaches it.
static void send_pair(struct checksum *checksum)
{
	void *value;
	for (size_t at = 0; map_next(checksum->own, &at, NULL, &value);) {
		if (echo_ask(value, checksum->asked, checksum->nonce, true) == 0) {
			(void)echo_ask(value, checksum->asked, checksum->nonce, false);
			return;
		}
	}
}

static void on_tick(uv_timer_t *timer)
{
	struct checksum *checksum = timer->data;
	if (checksum->is_settled || map_size(checksum->own) == 0)
		return;
	if (checksum->tick == 0) {
		if (clock_mono_ms() < checksum->due_ms || !choose(checksum))
			return;
		checksum->summed = checksum->unsummed = 0;
		checksum->nonce++;
	}
	if (checksum->tick < VERDICT_TRIES)
		send_pair(checksum);
	if (++checksum->tick == ROUND_TICKS) {
		checksum->tick = 0;
		round_judged(checksum);
	}
}

struct checksum *checksum_new(uv_loop_t *loop, checksum_off_fn off, void *context)
{
	struct checksum *checksum = calloc(1, sizeof *checksum);
	if (!checksum)
		return NULL;
	checksum->own = map_new(socket_free);
	checksum->others = map_new(NULL);
	checksum->devices = map_new(NULL);
	if (!checksum->own || !checksum->others || !checksum->devices) {
		map_free(checksum->own);
		map_free(checksum->others);
		map_free(checksum->devices);
		free(checksum);
		return NULL;
	}
	checksum->loop = loop;
	checksum->off = off;
	checksum->context = context;
	(void)uv_random(NULL, NULL, &checksum->nonce, sizeof checksum->nonce, 0, NULL);
	(void)uv_timer_init(loop, &checksum->timer);
	checksum->timer.data = checksum;
	(void)uv_timer_start(&checksum->timer, on_tick, TICK_MS, TICK_MS);
	return checksum;
}

static const char *without_length(const char *prefix, char *text, size_t size)
{
	(void)snprintf(text, size, "%.*s", (int)strcspn(prefix, "/"), prefix);
	return text;
}

static bool is_host(const char *prefix)
{
	const char *slash = strchr(prefix, '/');
	return slash && strcmp(slash, strchr(prefix, ':') ? "/128" : "/32") == 0;
}

// Own addresses on bridges: where others' trials arrive.
static void update_own(struct checksum *checksum, const struct entry_set *desired,
		       const struct map *bridges)
{
	struct map *kept = map_new(NULL);
	struct entry_change entry;
	const char *known;
	for (size_t at = 0; kept && entry_set_next_under(desired, "address/", &at, &entry);) {
		CLEAN(json_decref_ptr)
		json_t *body = json_loadb(entry.body, entry.body_len, 0, NULL);
		const char *device = json_string_value(json_object_get(body, "device"));
		const char *prefix = json_string_value(json_object_get(body, "address"));
		char address[64];
		struct echo_socket *socket = NULL;
		if (!device || !prefix || !map_get(bridges, device))
			continue;
		(void)map_set(kept, without_length(prefix, address, sizeof address), kept);
		if (map_get(checksum->own, address))
			continue;
		// A port in use, say: others then conclude nothing from this host's silence.
		if (echo_open(checksum->loop, address, CHECKSUM_PORT, on_answer, checksum, &socket,
			      NULL) == 0 &&
		    map_set(checksum->own, address, socket) < 0)
			echo_close(socket);
	}
	for (size_t at = 0; kept && map_next(checksum->own, &at, &known, NULL);) {
		if (!map_get(kept, known))
			(void)map_drop(checksum->own, known);
	}
	map_free(kept);
}

static struct map *devices_under(const struct entry_set *desired, const char *prefix)
{
	struct map *devices = map_new(NULL);
	struct entry_change entry;
	for (size_t at = 0; devices && entry_set_next_under(desired, prefix, &at, &entry);) {
		CLEAN(json_decref_ptr)
		json_t *body = json_loadb(entry.body, entry.body_len, 0, NULL);
		const char *device = json_string_value(json_object_get(body, "device"));
		if (device)
			(void)map_set(devices, device, devices);
	}
	return devices;
}

// A node may be among the owners itself; a trial with itself would tell nothing.
static struct map *addresses_of_others(const struct entry_set *desired, const struct map *own)
{
	struct map *others = map_new(NULL);
	struct entry_change entry;
	for (size_t at = 0; others && entry_set_next_under(desired, "guard/owner/", &at, &entry);) {
		CLEAN(json_decref_ptr)
		json_t *body = json_loadb(entry.body, entry.body_len, 0, NULL);
		size_t i;
		const json_t *prefix;
		json_array_foreach(json_object_get(body, "prefixes"), i, prefix)
		{
			char address[64];
			const char *text = json_string_value(prefix);
			if (text && is_host(text) &&
			    !map_get(own, without_length(text, address, sizeof address)))
				(void)map_set(others, address, others);
		}
	}
	return others;
}

static bool same_keys(const struct map *a, const struct map *b)
{
	const char *key;
	if (map_size(a) != map_size(b))
		return false;
	for (size_t at = 0; map_next(a, &at, &key, NULL);) {
		if (!map_get(b, key))
			return false;
	}
	return true;
}

void checksum_update(struct checksum *checksum, const struct entry_set *desired, bool made)
{
	struct map *bridges = devices_under(desired, "bridge/");
	struct map *devices = devices_under(desired, "wire/");
	struct map *others = NULL;
	if (bridges && devices) {
		update_own(checksum, desired, bridges);
		others = addresses_of_others(desired, checksum->own);
	}
	if (others) {
		bool changed = !same_keys(devices, checksum->devices);
		struct map *old_devices = checksum->devices;
		struct map *old_others = checksum->others;
		checksum->devices = devices;
		checksum->others = others;
		devices = old_devices;
		others = old_others;
		if (changed && !checksum->is_off)
			checksum->is_settled = false;
		if (checksum->is_off && (changed || made))
			off_everywhere(checksum);
	}
	map_free(bridges);
	map_free(devices);
	map_free(others);
}

const char *checksum_verdict(const struct checksum *checksum)
{
	return checksum->is_off ? checksum->verdict : "on";
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void checksum_close(struct checksum *checksum)
{
	if (!checksum)
		return;
	map_free(checksum->own);
	map_free(checksum->others);
	map_free(checksum->devices);
	(void)uv_timer_stop(&checksum->timer);
	uv_close((uv_handle_t *)&checksum->timer, on_closed);
}
