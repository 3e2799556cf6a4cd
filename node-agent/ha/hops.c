#include "ha/hops.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

#include "ha/inside.h"

enum { LOOK_US = 1000000 }; // so seldom, as it lists tables

void hops_init(struct hops *hops, const struct ha_config *config)
{
	*hops = (struct hops){ .n = config->n_hops };
	for (size_t i = 0; i < hops->n; i++) {
		const struct vip_set set = ha_hop_set(config, i);

		gate_init(&hops->items[i].gate, &set);
	}
}

static void note_trouble(struct hop *hop, const char *text)
{
	if (*text && strcmp(text, hop->trouble) != 0)
		log_warn("ha: the sites of %s do not get at the LANs: %s", hop->gate.set.interface,
			 text);
	(void)snprintf(hop->trouble, sizeof hop->trouble, "%.150s", text);
}

// Whether the tables stand before a bridge that is there. One that was made anew lost what hung on
// it.
static bool stands(struct hop *hop, struct vip *vip)
{
	const unsigned index = if_nametoindex(hop->gate.set.interface);
	const int64_t now = ha_now_us();
	struct err err = { 0 };

	if (index != hop->index) {
		(void)gate_shut(&hop->gate, vip, &err);
		hop->gate.is_made = false;
		hop->index = index;
		hop->looked_us = 0;
	}
	if (!index) {
		char text[64];

		(void)snprintf(text, sizeof text, "there is no interface %s",
			       hop->gate.set.interface);
		note_trouble(hop, text);
		return false;
	}
	if (hop->gate.is_made)
		return true;
	if (hop->looked_us && now - hop->looked_us < LOOK_US)
		return false;
	hop->looked_us = now;
	if (gate_make(&hop->gate, vip, &err) < 0)
		note_trouble(hop, err.text);
	return hop->gate.is_made;
}

void hops_adopt(struct hops *hops, struct vip *vip)
{
	for (size_t i = 0; i < hops->n; i++) {
		struct hop *hop = &hops->items[i];
		struct err err = { 0 };
		int64_t until_us;

		hop->index = if_nametoindex(hop->gate.set.interface);
		if (hop->index && gate_adopt(&hop->gate, vip, &until_us, &err) < 0)
			note_trouble(hop, err.text);
	}
}

void hops_open_until(struct hops *hops, struct vip *vip, int64_t until_us)
{
	for (size_t i = 0; i < hops->n; i++) {
		struct hop *hop = &hops->items[i];
		struct err err = { 0 };

		if (!stands(hop, vip))
			continue;
		if (gate_open_until(&hop->gate, vip, until_us, &err) < 0)
			note_trouble(hop, err.text);
		else
			note_trouble(hop, "");
	}
}

int hops_shut(struct hops *hops, struct vip *vip, struct err *err)
{
	int first = 0;

	for (size_t i = 0; i < hops->n; i++) {
		const int r = gate_shut(&hops->items[i].gate, vip, first ? NULL : err);

		note_trouble(&hops->items[i], "");
		if (r < 0 && first == 0)
			first = r;
	}
	return first;
}

int hops_drop(struct hops *hops, struct vip *vip, struct err *err)
{
	int first = 0;

	for (size_t i = 0; i < hops->n; i++) {
		const int r = gate_drop(&hops->items[i].gate, vip, first ? NULL : err);

		if (r < 0 && first == 0)
			first = r;
	}
	return first;
}

static struct hop *find(struct hops *hops, const struct vip_set *set)
{
	for (size_t i = 0; i < hops->n; i++) {
		if (vip_set_equal(&hops->items[i].gate.set, set))
			return &hops->items[i];
	}
	return NULL;
}

// Those that stay as they are stay open.
int hops_change(struct hops *hops, struct vip *vip, const struct ha_config *config, struct err *err)
{
	struct hops next;
	int first = 0;

	hops_init(&next, config);
	for (size_t i = 0; i < hops->n; i++) {
		struct hop *same = find(&next, &hops->items[i].gate.set);

		if (same) {
			*same = hops->items[i];
			continue;
		}
		const int r = gate_drop(&hops->items[i].gate, vip, first ? NULL : err);
		if (r < 0 && first == 0)
			first = r;
	}
	*hops = next;
	return first;
}

void hops_tick(struct hops *hops, int64_t now_us)
{
	for (size_t i = 0; i < hops->n; i++)
		gate_tick(&hops->items[i].gate, now_us);
}

const char *hops_trouble(const struct hops *hops)
{
	for (size_t i = 0; i < hops->n; i++) {
		if (*hops->items[i].trouble)
			return hops->items[i].trouble;
	}
	return "";
}
