// Links and segments, as both ends report them.

#include <errno.h>
#include <string.h>

#include "live/inside.h"

#define COUNT_PIECE 10000 // entries
#define FIGURES_MS  10000 // samples come every 3 s while they are wanted

bool split_key(const char *key, const char *kind, char owner[WIRE_KEY_MAX + 1],
	       const char **ret_peer)
{
	const char *rest = NULL;
	const char *slash;

	if (!text_starts(key, kind, &rest))
		return false;
	slash = strchr(rest, '/');
	if (!slash)
		return false;
	memcpy(owner, rest, (size_t)(slash - rest));
	owner[slash - rest] = '\0';
	*ret_peer = slash + 1;
	return true;
}

enum end {
	END_UNKNOWN,
	END_UP,
	END_DEGRADED,
	END_DOWN,
	END_READ = 0x80, // of a note: the body was read
};

static enum end read_end(const char *body)
{
	json_t *json = json_loads(body, 0, NULL);
	const char *state = json_string_value(json_object_get(json, "state"));
	enum end end = END_DOWN; // a peer that was never heard of, too

	if (state && strcmp(state, "up") == 0)
		end = END_UP;
	else if (state && strcmp(state, "degraded") == 0)
		end = END_DEGRADED;
	else if (state && strcmp(state, "unknown") == 0)
		end = END_UNKNOWN;
	json_decref(json);
	return end;
}

static enum end read_noted(const struct node *node, const char *key, unsigned char *note)
{
	if (*note == 0)
		*note = (unsigned char)(END_READ |
					read_end(entry_set_get(node->entries, key, NULL)));
	return (enum end)(*note & ~END_READ);
}

// A large mesh is asked about half a million ends at a time, so each body is read once. `link`:
// "network/peer".
static enum end noted_end(const struct node *node, const char *kind, const char *link)
{
	char key[WIRE_KEY_MAX + 1];

	(void)snprintf(key, sizeof(key), "%s/%s", kind, link);
	unsigned char *note = entry_set_note(node->entries, key);
	return note ? read_noted(node, key, note) : END_UNKNOWN;
}

// Its probes know whether a link forwards; where there are none, WireGuard's handshakes have to do.
static enum end told_end(const struct node *node, const char *link)
{
	enum end end = noted_end(node, "link", link);
	return end != END_UNKNOWN ? end : noted_end(node, "peer", link);
}

// What one end says of a link; only who is connected can tell.
static enum end end_of(const struct node *node, const char *network, const char *peer)
{
	char link[WIRE_KEY_MAX + 1];

	(void)snprintf(link, sizeof(link), "%s/%s", network, peer);
	return node && node->is_connected ? told_end(node, link) : END_UNKNOWN;
}

struct live_links live_node_links(const struct live *live, int64_t node_id)
{
	const struct node *node = node_find(live, node_id);
	static const char *const others[] = { "link/", "wire/", "port/" };
	struct live_links links = { 0 };
	struct entry_change e;

	if (!node)
		return links;
	for (size_t at = 0; entry_set_next_under(node->entries, "peer/", &at, &e);) {
		enum end end = told_end(node, e.key + strlen("peer/"));
		links.peers++;
		links.peers_up += end == END_UP || end == END_DEGRADED;
	}
	links.reported = links.peers;
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		for (size_t at = 0; entry_set_next_under(node->entries, others[i], &at, &e);)
			links.reported++;
	return links;
}

static const char *link_state(enum end a, enum end b)
{
	static const char *const names[] = {
		[END_UNKNOWN] = "unknown",
		[END_UP] = "up",
		[END_DEGRADED] = "degraded",
		[END_DOWN] = "down",
	};

	return names[a > b ? a : b]; // the worse
}

// False: enough.
typedef bool (*link_fn)(void *ctx, const char *network, const char *a, const char *b,
			const char *state);

// Each link once: by the end whose name is first, or by the one that alone tells of it.
static bool visit_links_of(const struct live *live, const struct node *node, link_fn visit,
			   void *ctx)
{
	bool is_wanted = true;
	char network[WIRE_KEY_MAX + 1];
	const char *peer = NULL;
	struct entry_change e;

	for (size_t at = 0; is_wanted && entry_set_next_under(node->entries, "peer/", &at, &e);) {
		if (!split_key(e.key, "peer/", network, &peer))
			continue;
		if (live->ops.is_link && !live->ops.is_link(live->ctx, network, node->name, peer))
			continue;
		const struct node *other = node_named(live, peer);
		char back[WIRE_KEY_MAX * 2];
		bool is_first = strcmp(node->name, peer) < 0;

		(void)snprintf(back, sizeof(back), "peer/%s/%s", network, node->name);
		if (!is_first && other && entry_set_get(other->entries, back, NULL))
			continue;
		const char *state =
			link_state(end_of(node, network, peer), end_of(other, network, node->name));
		is_wanted = visit(ctx, network, is_first ? node->name : peer,
				  is_first ? peer : node->name, state);
	}
	return is_wanted;
}

static void visit_links(const struct live *live, link_fn visit, void *ctx)
{
	bool is_wanted = true;
	void *value = NULL;

	for (size_t at = 0; is_wanted && map_next(live->by_id, &at, NULL, &value);)
		is_wanted = visit_links_of(live, value, visit, ctx);
}

static bool count_link(void *ctx, const char *network, const char *a, const char *b,
		       const char *state)
{
	struct link_counts *counts = ctx;

	(void)network;
	(void)a;
	(void)b;
	counts->up += strcmp(state, "up") == 0 || strcmp(state, "degraded") == 0 ? 1 : 0;
	counts->down += strcmp(state, "down") == 0 ? 1 : 0;
	return true;
}

// Each pair of ends takes about 2 us: of a mesh of a thousand nodes nobody can wait for all.
static bool is_large(const struct live *live)
{
	size_t entries = 0;
	void *value = NULL;

	for (size_t at = 0; map_next(live->by_id, &at, NULL, &value);)
		entries += entry_set_count(((const struct node *)value)->entries);
	return entries > live->config.count_at_once;
}

struct link_counts topology_counts(const struct live *live)
{
	struct link_counts counts = { 0 };

	if (is_large(live))
		return live->counted;
	visit_links(live, count_link, &counts);
	return counts;
}

void live_count_links(struct live *live)
{
	size_t looked_at = 0;
	void *value = NULL;

	if (!is_large(live))
		return;
	while (looked_at < COUNT_PIECE && map_next(live->by_id, &live->counting_at, NULL, &value)) {
		const struct node *node = value;

		(void)visit_links_of(live, node, count_link, &live->counting);
		looked_at += entry_set_count(node->entries) + 1;
	}
	if (looked_at >= COUNT_PIECE)
		return;
	live->counted = live->counting;
	live->counting = (struct link_counts){ 0 };
	live->counting_at = 0;
}

// ---- figures ----

// What a node's last samples say of a link ("link/home/bob"); NULL when they are old.
static const json_t *fresh_sample(const struct node *node, const char *key, int64_t now_ms)
{
	if (!node || !node->samples || now_ms - node->samples_seen_ms > FIGURES_MS)
		return NULL;
	return json_object_get(node->samples, key);
}

static const json_t *end_sample(const struct node *node, const char *network, const char *peer,
				int64_t now_ms)
{
	char key[WIRE_KEY_MAX + 8];

	(void)snprintf(key, sizeof(key), "link/%s/%s", network, peer);
	return fresh_sample(node, key, now_ms);
}

// The worse of what the two ends say; a node may lie, so only numbers count.
static json_t *worse(const json_t *a, const json_t *b, const char *field)
{
	const json_t *x = json_object_get(a, field), *y = json_object_get(b, field);
	const bool is_x = json_is_number(x) && json_number_value(x) >= 0;
	const bool is_y = json_is_number(y) && json_number_value(y) >= 0;

	if (!is_x && !is_y)
		return json_null();
	const bool takes_x = is_x && (!is_y || json_number_value(x) >= json_number_value(y));
	return json_incref((json_t *)(uintptr_t)(takes_x ? x : y));
}

static void add_figures(json_t *link, const json_t *a, const json_t *b)
{
	static const char *const fields[] = { "rtt_us", "jitter_us", "loss" };

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		(void)json_object_set_new(link, fields[i], worse(a, b, fields[i]));
}

struct listing {
	const struct live *live;
	json_t *links;
	int64_t now_ms;
	bool has_figures;
};

static bool append_link(void *ctx, const char *network, const char *a, const char *b,
			const char *state)
{
	const struct listing *listing = ctx;
	const struct live *live = listing->live;

	// One more than is shown tells that there are more.
	if (json_array_size(listing->links) > LIVE_LINKS_MAX)
		return false;
	json_t *link = json_pack("{s:s, s:s, s:s, s:s}", "network", network, "a", a, "b", b,
				 "state", state);
	if (listing->has_figures)
		add_figures(link, end_sample(node_named(live, a), network, b, listing->now_ms),
			    end_sample(node_named(live, b), network, a, listing->now_ms));
	(void)json_array_append_new(listing->links, link);
	return true;
}

static void append_external(const struct listing *listing, json_t *list, const struct node *node)
{
	struct entry_change e;

	for (size_t at = 0; entry_set_next_under(node->entries, "link/", &at, &e);) {
		const char *name = e.key + strlen("link/");
		json_t *body = strchr(name, '/') ? NULL : json_loadb(e.body, e.body_len, 0, NULL);
		const char *state = json_string_value(json_object_get(body, "state"));

		if (state && json_array_size(list) < LIVE_LINKS_MAX) {
			json_t *link =
				json_pack("{s:s, s:s, s:s}", "node", node->name, "name", name,
					  "state", node->is_connected ? state : "unknown");
			if (listing->has_figures)
				add_figures(link, fresh_sample(node, e.key, listing->now_ms), NULL);
			(void)json_array_append_new(list, link);
		}
		json_decref(body);
	}
}

static json_t *external_json(const struct listing *listing)
{
	json_t *list = json_array();
	void *value = NULL;

	for (size_t at = 0; map_next(listing->live->by_id, &at, NULL, &value);)
		append_external(listing, list, value);
	return list;
}

static void append_port(json_t *segments, const struct node *node, const struct entry_change *e)
{
	char segment[WIRE_KEY_MAX + 1];
	const char *peer = NULL;

	if (!split_key(e->key, "port/", segment, &peer))
		return;
	json_t *ports = json_object_get(segments, segment);
	if (!ports) {
		ports = json_array();
		(void)json_object_set_new(segments, segment, ports);
	}
	json_t *body = json_loadb(e->body, e->body_len, 0, NULL);
	json_t *port = json_pack("{s:s, s:s}", "node", node->name, "peer", peer);
	static const char *const fields[] = { "state", "role", "cost" };
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		json_t *value = json_object_get(body, fields[i]);

		(void)json_object_set(port, fields[i], value ? value : json_null());
	}
	(void)json_array_append_new(ports, port);
	json_decref(body);
}

static json_t *segments_json(const struct live *live)
{
	json_t *by_name = json_object();
	json_t *list = json_array();
	struct entry_change e;
	void *value = NULL;
	const char *name;
	json_t *ports;

	for (size_t at = 0; map_next(live->by_id, &at, NULL, &value);) {
		const struct node *node = value;

		for (size_t i = 0; entry_set_next_under(node->entries, "port/", &i, &e);)
			append_port(by_name, node, &e);
	}
	json_object_foreach(by_name, name, ports)(void)
		json_array_append_new(list, json_pack("{s:s, s:O}", "name", name, "ports", ports));
	json_decref(by_name);
	return list;
}

json_t *live_topology_json(const struct live *live, int64_t now_ms, bool has_figures)
{
	json_t *nodes = json_array();
	json_t *links = json_array();
	struct listing listing = { live, links, now_ms, has_figures };
	void *value = NULL;

	for (size_t at = 0; map_next(live->by_id, &at, NULL, &value);) {
		const struct node *node = value;

		(void)json_array_append_new(
			nodes, json_pack("{s:s, s:s}", "name", node->name, "health",
					 live_health_name(node_health(node, now_ms, NULL))));
	}
	visit_links(live, append_link, &listing);
	json_t *external = external_json(&listing);
	bool is_cut = json_array_size(links) > LIVE_LINKS_MAX;
	if (is_cut)
		(void)json_array_remove(links, LIVE_LINKS_MAX);
	return json_pack("{s:o, s:o, s:b, s:o, s:o}", "nodes", nodes, "links", links, "truncated",
			 is_cut, "external", external, "segments", segments_json(live));
}

// ---- the way through a segment ----

struct hops {
	struct hop *list;
	size_t count;
	size_t cap;
};

static int add_hop(struct hops *hops, const struct node *node, const struct entry_change *e,
		   const char *peer)
{
	if (hops->count == hops->cap) {
		size_t cap = hops->cap ? hops->cap * 2 : 32;
		struct hop *list = realloc(hops->list, cap * sizeof(*list));

		if (!list)
			return -ENOMEM;
		hops->list = list;
		hops->cap = cap;
	}
	json_t *body = json_loadb(e->body, e->body_len, 0, NULL);
	const char *state = json_string_value(json_object_get(body, "state"));
	// The peer's name is the end of the key: it lives as long as the entry.
	hops->list[hops->count++] = (struct hop){
		.from = node->name,
		.to = peer,
		.is_forwarding = node->is_connected && state && strcmp(state, "forwarding") == 0,
	};
	json_decref(body);
	return 0;
}

static int gather_hops(const struct live *live, const char *segment, struct hops *hops)
{
	char owner[WIRE_KEY_MAX + 1];
	const char *peer = NULL;
	struct entry_change e;
	void *value = NULL;

	for (size_t at = 0; map_next(live->by_id, &at, NULL, &value);) {
		const struct node *node = value;

		for (size_t i = 0; entry_set_next_under(node->entries, "port/", &i, &e);) {
			if (split_key(e.key, "port/", owner, &peer) &&
			    strcmp(owner, segment) == 0 && add_hop(hops, node, &e, peer) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

static json_t *way_json(const char *const *way, size_t count, bool is_whole)
{
	json_t *names = json_array();
	char reason[LIVE_REASON_SIZE];

	for (size_t i = 0; i < count; i++)
		(void)json_array_append_new(names, json_string(way[i]));
	if (is_whole)
		return json_pack("{s:o, s:n}", "path", names, "broken_at");
	(void)snprintf(reason, sizeof(reason), "no port of %s forwards further", way[count - 1]);
	return json_pack("{s:o, s:s, s:s}", "path", names, "broken_at", way[count - 1], "reason",
			 reason);
}

int live_segment_path(const struct live *live, const char *segment, const char *from,
		      const char *to, json_t **ret_path, struct err *err)
{
	struct hops hops = { 0 };
	size_t max = map_size(live->by_id) + 1;
	CLEAN(free_ptr) const char **way = calloc(max, sizeof(*way));
	bool is_whole = false;

	if (!node_named(live, from) || !node_named(live, to))
		return err_set(err, -ENOENT, "there is no node %s",
			       node_named(live, from) ? to : from);
	if (!way || gather_hops(live, segment, &hops) < 0) {
		free(hops.list);
		return err_set(err, -ENOMEM, "out of memory");
	}
	const struct path_question question = { hops.list, hops.count, from, to };
	size_t count = path_find(&question, way, max, &is_whole);
	if (count == 0) {
		way[0] = from;
		count = 1;
	}
	*ret_path = way_json(way, count, is_whole);
	free(hops.list);
	return *ret_path ? 0 : err_set(err, -ENOMEM, "out of memory");
}
