// The trees that are wanted: from the desired entries bridge/, port/ and wire/.
#include <jansson.h>
#include <linux/if_bridge.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "model/tree_cost.h"

#include "bridge/tree_inside.h"

enum {
	PRIORITY_SHIFT = 10
}; // of a port's id, below it is the number (the kernel's br_make_port_id)

#define SECOND 1e6

CLEAN_FUNC(json_t, json_decref)

static const char *text_of(const json_t *body, const char *name)
{
	const char *text = json_string_value(json_object_get(body, name));

	return text ? text : "";
}

static json_t *entry_json(const struct entry_set *set, const char *key)
{
	size_t len;
	const char *body = entry_set_get(set, key, &len);

	return body ? json_loadb(body, len, 0, NULL) : NULL;
}

static int64_t time_of(const json_t *body, const char *name)
{
	return (int64_t)(json_number_value(json_object_get(body, name)) * SECOND);
}

static bool config_of(const json_t *body, struct rstp_config *ret)
{
	const json_int_t priority = json_integer_value(json_object_get(body, "priority"));

	*ret = (struct rstp_config){ .hello_us = time_of(body, "hello_time"),
				     .max_age_us = time_of(body, "max_age"),
				     .forward_delay_us = time_of(body, "forward_delay") };
	ret->id.bytes[0] = (uint8_t)(priority >> 8);
	ret->id.bytes[1] = (uint8_t)priority;
	return json_is_true(json_object_get(body, "stp")) && ret->hello_us > 0 &&
	       kernel_mac_parse(text_of(body, "mac"), ret->id.bytes + 2, NULL) == 0;
}

static struct segment *segment_find(struct tree *tree, const char *device)
{
	for (struct segment *s = tree->segments; s; s = s->next)
		if (strcmp(s->device, device) == 0)
			return s;
	return NULL;
}

static struct segment *segment_new(struct tree *tree, const char *device,
				   const struct rstp_config *config)
{
	struct segment *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->tree = tree;
	(void)snprintf(s->device, sizeof s->device, "%s", device);
	for (size_t i = 0; i < RSTP_PORTS_MAX; i++)
		s->wires[i].segment = s;
	s->config = *config;
	// Greater than any before, of this process or of one that left no file.
	s->config.session = (uint64_t)clock_wall_ms() << 20;
	if (saved_read(s)) {
		rstp_configure(s->machine, &s->config, tree_now_us());
	} else if (rstp_new(&s->config, &s->machine, NULL) < 0) {
		free(s);
		return NULL;
	}
	s->next = tree->segments;
	tree->segments = s;
	return s;
}

static bool is_same(const struct rstp_config *a, const struct rstp_config *b)
{
	return memcmp(&a->id, &b->id, sizeof a->id) == 0 && a->hello_us == b->hello_us &&
	       a->max_age_us == b->max_age_us && a->forward_delay_us == b->forward_delay_us;
}

static void want_bridge(struct tree *tree, const json_t *body)
{
	const char *device = text_of(body, "device");
	struct segment *s = segment_find(tree, device);
	struct rstp_config config;

	if (!config_of(body, &config))
		return;
	if (!s)
		s = segment_new(tree, device, &config);
	if (!s)
		return;
	s->is_desired = true;
	config.session = s->config.session;
	if (is_same(&config, &s->config))
		return;
	s->config = config;
	rstp_configure(s->machine, &config, tree_now_us());
}

// The wire's place, or a free one; -1: all are taken.
static int place_of(const struct segment *s, const char *device)
{
	int free_one = -1;

	for (int i = RSTP_PORTS_MAX - 1; i >= 0; i--) {
		if (!s->wires[i].is_used)
			free_one = i;
		else if (strcmp(s->wires[i].device, device) == 0)
			return i;
	}
	return free_one;
}

// "home/bob" for the wire that goes over WireGuard device `device` to bob.
static void name_link(struct wire *w, const struct entry_set *desired, const char *device,
		      const char *node)
{
	struct entry_change e;

	w->link[0] = '\0';
	for (size_t at = 0; entry_set_next_under(desired, "wireguard/", &at, &e);) {
		CLEAN(json_decref_ptr) json_t *body = json_loadb(e.body, e.body_len, 0, NULL);

		if (strcmp(text_of(body, "device"), device) == 0)
			(void)snprintf(w->link, sizeof w->link, "%s/%s", strchr(e.key, '/') + 1,
				       node);
	}
}

// `key` is "port/SEGMENT/NODE".
static void want_port(struct tree *tree, const struct entry_set *desired, const char *key,
		      const json_t *body)
{
	const char *device = text_of(body, "device");
	struct segment *s = segment_find(tree, text_of(body, "bridge"));
	const int place = s ? place_of(s, device) : -1;
	CLEAN(free_ptr) char *wire_key = text_format("wire/%s", strchr(key, '/') + 1);
	CLEAN(json_decref_ptr) json_t *wire = wire_key ? entry_json(desired, wire_key) : NULL;

	if (!s)
		return;
	if (place < 0) {
		log_error("%s: a bridge has at most %d wires with a spanning tree; this one stays "
			  "closed",
			  key, RSTP_PORTS_MAX);
		return;
	}
	const uint32_t priority = (uint32_t)json_integer_value(json_object_get(body, "priority"));
	struct wire *w = &s->wires[place];
	struct rstp_port_view is;

	wire_configure_cost(w, json_is_true(json_object_get(body, "measure")),
			    (uint32_t)json_integer_value(json_object_get(body, "cost")));
	const struct rstp_port_config config = { .id = (uint16_t)(priority << PRIORITY_SHIFT |
								  (uint32_t)(place + 1)),
						 .cost = tree_cost(w->cost.value) };

	rstp_port_look(s->machine, (unsigned)place, &is);
	w->is_used = w->is_desired = true;
	(void)snprintf(w->device, sizeof w->device, "%s", device);
	(void)snprintf(w->under, sizeof w->under, "%s", text_of(wire, "link"));
	(void)snprintf(w->address, sizeof w->address, "%s", text_of(wire, "remote"));
	name_link(w, desired, text_of(wire, "link"), strrchr(key, '/') + 1);
	if (!is.is_used || is.id != config.id || is.cost != config.cost)
		rstp_port_set(s->machine, (unsigned)place, &config, tree_now_us());
}

static void drop_wires(struct segment *s)
{
	for (unsigned i = 0; i < RSTP_PORTS_MAX; i++) {
		struct wire *w = &s->wires[i];

		if (!w->is_used || w->is_desired)
			continue;
		wire_forget(w);
		wire_close(w);
		rstp_port_drop(s->machine, i, tree_now_us());
		*w = (struct wire){ .segment = s };
	}
}

static bool drop_segments(struct tree *tree)
{
	bool any = false;

	for (struct segment **at = &tree->segments; *at;) {
		struct segment *s = *at;

		if (s->is_desired) {
			drop_wires(s);
			at = &s->next;
			continue;
		}
		*at = s->next;
		segment_free(s);
		any = true;
	}
	return any;
}

void tree_update(struct tree *tree, const struct entry_set *desired)
{
	struct entry_change e;

	for (struct segment *s = tree->segments; s; s = s->next) {
		s->is_desired = false;
		for (size_t i = 0; i < RSTP_PORTS_MAX; i++)
			s->wires[i].is_desired = false;
	}
	for (size_t at = 0; entry_set_next_under(desired, "bridge/", &at, &e);) {
		CLEAN(json_decref_ptr) json_t *body = json_loadb(e.body, e.body_len, 0, NULL);

		want_bridge(tree, body);
	}
	for (size_t at = 0; entry_set_next_under(desired, "port/", &at, &e);) {
		CLEAN(json_decref_ptr) json_t *body = json_loadb(e.body, e.body_len, 0, NULL);

		want_port(tree, desired, e.key, body);
	}
	if (drop_segments(tree))
		saved_write(tree);
	tree_look(tree);
	tree_schedule(tree);
}
