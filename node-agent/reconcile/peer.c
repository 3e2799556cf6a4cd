// peer/<network>/<node>: a WireGuard peer. Its endpoint follows the peer; candidates are only tried
// while it is silent.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reconcile/body.h"
#include "reconcile/endpoint.h"
#include "reconcile/judging.h"
#include "reconcile/kind.h"
#include "reconcile/owned.h"

#define SESSION_MS        180000 // a handshake older than this carries nothing any more
#define HELLO_KEEPALIVE_S 25     // any: for a moment
#define HELLOS            3
#define HELLOS_AT_ONCE    64 // of many that are new many are away
#define PROBED_OFTEN_MS   200

// After how long a new peer that is silent is made anew, by the end with the lesser key and by the
// other.
static const int64_t hello_after_ms[2][HELLOS] = { { 300, 900, 2200 }, { 1500, 2900, 4000 } };

struct peer {
	char device[IFNAMSIZ];
	struct kernel_key public_key;
	struct prefix_list allowed;
	uint16_t keepalive;
	char **endpoints; // "host:port", best first
	size_t endpoints_len;
};

static void done(void *body)
{
	struct peer *p = body;

	for (size_t i = 0; i < p->endpoints_len; i++)
		free(p->endpoints[i]);
	free(p->endpoints);
	prefix_list_done(&p->allowed);
}

static int parse_endpoints(const json_t *json, struct peer *p, struct err *err)
{
	const json_t *list = json_object_get(json, "endpoints");

	p->endpoints = calloc(json_array_size(list) + 1, sizeof *p->endpoints);
	if (!p->endpoints)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));
		struct kernel_endpoint e;

		int rc = kernel_endpoint_parse(text ? text : "", &e, err);
		if (rc < 0 && rc != -EDESTADDRREQ)
			return err_prefix(err, "endpoints[%zu]", i);
		p->endpoints[i] = strdup(text);
		if (!p->endpoints[i])
			return err_set(err, -ENOMEM, "out of memory");
		p->endpoints_len++;
	}
	return 0;
}

static int parse(const json_t *json, void *body, struct err *err)
{
	struct peer *p = body;
	const char *key = NULL;
	uint32_t keepalive = 0;

	int rc = body_device(json, "device", p->device, err);
	if (rc == 0)
		rc = body_string(json, "public_key", &key, err);
	if (rc == 0 && kernel_key_parse(key, &p->public_key, err) < 0)
		rc = err_prefix(err, "public_key");
	if (rc == 0)
		rc = body_prefixes(json, "allowed_ips", &p->allowed, err);
	if (rc == 0 && body_has(json, "keepalive"))
		rc = body_u32(json, "keepalive", 0, 65535, &keepalive, err);
	if (rc == 0)
		rc = parse_endpoints(json, p, err);
	p->keepalive = (uint16_t)keepalive;
	return rc;
}

// The agent runs again so much later, or sooner.
static void look_again(struct reconcile *r, int64_t after_ms)
{
	if (r->again_ms == 0 || after_ms < r->again_ms)
		r->again_ms = after_ms;
}

static bool holds(const struct prefix_list *list, const struct kernel_prefix *p)
{
	for (size_t i = 0; i < list->len; i++)
		if (kernel_prefix_equal(&list->items[i], p))
			return true;
	return false;
}

static bool allowed_equal(const struct kernel_peer *is, const struct prefix_list *want)
{
	if (is->allowed_len != want->len)
		return false;
	for (size_t i = 0; i < is->allowed_len; i++)
		if (!holds(want, &is->allowed[i]))
			return false;
	return true;
}

static const struct kernel_peer *find(const struct reconcile *r, const struct peer *p)
{
	const struct kernel_wg *wg = kernel_snapshot_wg(&r->seen, p->device);

	return wg ? kernel_wg_peer(wg, &p->public_key) : NULL;
}

// The addresses behind the candidates, in their order.
static size_t resolve(const struct reconcile *r, const struct peer *p,
		      struct kernel_endpoint ret[ENDPOINT_CANDIDATES_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < p->endpoints_len && n < ENDPOINT_CANDIDATES_MAX; i++) {
		if (kernel_endpoint_parse(p->endpoints[i], &ret[n], NULL) == 0)
			n++;
		else if (r->config.resolve)
			n += r->config.resolve(r->config.context, p->endpoints[i], &ret[n],
					       ENDPOINT_CANDIDATES_MAX - n);
	}
	return n;
}

static struct endpoint_track *track_of(struct reconcile *r, const char *key)
{
	struct endpoint_track *t = map_get(r->tracks, key);

	if (t)
		return t;
	t = calloc(1, sizeof *t);
	if (t && map_set(r->tracks, key, t) < 0) {
		free(t);
		t = NULL;
	}
	return t;
}

// True when another endpoint is due.
static bool decide(struct reconcile *r, const struct entry *e, const struct kernel_peer *is,
		   struct kernel_endpoint *ret)
{
	const struct peer *p = e->body;
	struct endpoint_track *track = track_of(r, e->key);
	struct kernel_endpoint candidates[ENDPOINT_CANDIDATES_MAX];
	const struct endpoint_facts facts = {
		.candidates = candidates,
		.count = resolve(r, p, candidates),
		.current = is ? is->endpoint : (struct kernel_endpoint){ .port = 0 },
		.handshake = is ? is->handshake : 0,
		.rx_bytes = is ? is->rx_bytes : 0,
		.tx_bytes = is ? is->tx_bytes : 0,
		.keepalive = p->keepalive,
		.mono_ms = r->now.mono_ms,
		.wall_ms = r->now.wall_ms,
	};

	return track && endpoint_decide(track, &facts, ret);
}

// What a peer is when it is made. `change` is filled; the prefixes stay the entry's.
static struct kernel_peer_change whole(const struct peer *p)
{
	return (struct kernel_peer_change){
		.public_key = p->public_key,
		.set_allowed = true,
		.set_keepalive = true,
		.keepalive = p->keepalive,
		.allowed = p->allowed.items,
		.allowed_len = p->allowed.len,
	};
}

// Makes the peer, anew if it is there, and has WireGuard shake hands with it at once: it says
// something when its keepalive is switched on.
static int make(struct reconcile *r, const struct peer *p, const struct kernel_endpoint *endpoint,
		struct err *err)
{
	struct kernel_peer_change steps[] = {
		{ .public_key = p->public_key, .remove = true },
		whole(p),
		{ .public_key = p->public_key, .set_keepalive = true },
	};
	const bool is_there = find(r, p) != NULL;
	const bool is_poked = endpoint->ip.family && p->keepalive == 0;
	const struct kernel_wg_change c = {
		.peers = is_there ? steps : steps + 1,
		.peers_len = 1u + (is_there ? 1u : 0u) + (is_poked ? 1u : 0u),
	};

	steps[1].endpoint = *endpoint;
	if (is_poked)
		steps[1].keepalive = HELLO_KEEPALIVE_S;
	return kernel_wg_change(r->kernel, p->device, &c, err);
}

// The peer is new from now on.
static void begin(struct reconcile *r, struct endpoint_track *track)
{
	track->made_ms = r->now.mono_ms;
	track->hellos = 0;
	track->hello_rx = 0;
	look_again(r, hello_after_ms[0][0]);
}

// Not drift and not a change of what was asked for: it is not counted as one, and its failure (an
// address of a family this host has no way out for) only means that the next candidate is tried.
static void follow_endpoint(struct reconcile *r, const struct entry *e,
			    const struct kernel_peer *is)
{
	const struct peer *p = e->body;
	struct kernel_peer_change change = { .public_key = p->public_key };
	const struct kernel_wg_change c = { .peers = &change, .peers_len = 1 };

	if (!decide(r, e, is, &change.endpoint))
		return;
	struct endpoint_track *track = track_of(r, e->key);
	if (track && track->made_ms && !is->endpoint.ip.family) {
		// Its name was not resolved yet: only now can it be spoken to.
		begin(r, track);
		(void)make(r, p, &change.endpoint, NULL);
	} else {
		(void)kernel_wg_change(r->kernel, p->device, &c, NULL);
	}
	r->moves++;
}

static int add(struct reconcile *r, const struct entry *e, struct err *err)
{
	struct kernel_endpoint endpoint = { 0 };

	(void)map_drop(r->tracks, e->key); // what was known of the peer went with it
	(void)decide(r, e, NULL, &endpoint);
	struct endpoint_track *track = track_of(r, e->key);
	if (track)
		begin(r, track);
	return make(r, e->body, &endpoint, err);
}

// A handshake is lost when it comes before the other end knows this one, and when both begin at the
// same moment; WireGuard tries again only after 5 s. And where both begin and one is made anew the
// two may end with sessions of which the other end has forgotten one: then one direction passes
// and the other does not, for 15 s. A peer that is new and silent is therefore made anew, which has
// WireGuard forget when it tried; first by the end with the lesser key, so that the two do not meet
// again. One that was heard since the last look is left alone, as it may be in the midst of a
// handshake. After that silence means something only where probes are answered all the time.
static void hello_again(struct reconcile *r, const struct entry *e, const struct kernel_peer *is)
{
	const struct peer *p = e->body;
	const bool is_second =
		memcmp(&r->config.public_key, &p->public_key, sizeof p->public_key) > 0;
	struct endpoint_track *track = track_of(r, e->key);

	if (!track || !track->made_ms || !is->endpoint.ip.family || track->hellos == HELLOS)
		return;
	const uint32_t interval_ms = probe_interval_ms(r, judging_link(e));
	if (is->handshake && (interval_ms == 0 || interval_ms > PROBED_OFTEN_MS))
		return;
	const int64_t due_ms =
		track->made_ms + hello_after_ms[is_second][track->hellos] - r->now.mono_ms;
	if (due_ms > 0) {
		look_again(r, due_ms);
		return;
	}
	const bool is_heard = is->rx_bytes > track->hello_rx;
	if (!is_heard && r->hellos >= HELLOS_AT_ONCE)
		return;
	track->hellos++;
	track->hello_rx = is_heard ? is->rx_bytes : 0;
	look_again(r, hello_after_ms[0][0]);
	if (is_heard)
		return;
	r->hellos++;
	(void)make(r, p, &is->endpoint, NULL);
	r->moves++;
}

static int compare(struct reconcile *r, const struct entry *e, struct finding *f, struct err *err)
{
	const struct peer *p = e->body;
	const struct kernel_peer *is = find(r, p);

	if (!kernel_snapshot_wg(&r->seen, p->device))
		return err_set(err, -ENODEV, "there is no WireGuard device %s for the peer",
			       p->device);
	if (!is) {
		finding_missing(f);
		return 0;
	}
	if (!allowed_equal(is, &p->allowed))
		finding_differs(f, "the allowed IPs were changed");
	if (is->keepalive != p->keepalive)
		finding_differs(f, "the keepalive was %u instead of %u s", is->keepalive,
				p->keepalive);
	if (f->match == ENTRY_SAME)
		hello_again(r, e, is);
	if (f->match == ENTRY_SAME)
		follow_endpoint(r, e, is);
	return 0;
}

static int apply(struct reconcile *r, const struct entry *e, const struct finding *f,
		 struct err *err)
{
	const struct peer *p = e->body;
	const struct kernel_peer_change change = whole(p);
	const struct kernel_wg_change c = { .peers = &change, .peers_len = 1 };

	if (f->match == ENTRY_MISSING)
		return add(r, e, err);
	return kernel_wg_change(r->kernel, p->device, &c, err);
}

static bool is_desired(const struct reconcile *r, const char *device, const struct kernel_key *key)
{
	const struct entry *e;

	for (size_t at = 0; (e = entry_next(r, &kind_peer, &at));) {
		const struct peer *p = e->body;

		if (strcmp(p->device, device) == 0 && memcmp(&p->public_key, key, sizeof *key) == 0)
			return true;
	}
	return false;
}

static int sweep_device(struct reconcile *r, const struct kernel_wg *wg, struct err *err)
{
	struct kernel_peer_change *gone = calloc(wg->peers_len + 1, sizeof *gone);
	struct kernel_wg_change c = { .peers = gone };
	int rc = 0;

	if (!gone)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < wg->peers_len; i++) {
		if (is_desired(r, wg->device, &wg->peers[i].public_key))
			continue;
		gone[c.peers_len].public_key = wg->peers[i].public_key;
		gone[c.peers_len++].remove = true;
	}
	if (c.peers_len)
		rc = kernel_wg_change(r->kernel, wg->device, &c, err);
	free(gone);
	return rc;
}

static void forget_tracks(struct reconcile *r)
{
	const char *key;

	for (size_t at = 0; map_next(r->tracks, &at, &key, NULL);)
		if (!reconcile_entry(r, key))
			(void)map_drop(r->tracks, key);
}

static int sweep(struct reconcile *r, struct err *err)
{
	int first = 0;

	for (size_t i = 0; i < r->seen.wgs_len; i++) {
		const struct kernel_link *link =
			kernel_snapshot_link(&r->seen, r->seen.wgs[i].device);

		if (!link || !link_is_wanted(r, link))
			continue; // its peers go with it
		int rc = sweep_device(r, &r->seen.wgs[i], first ? NULL : err);
		if (rc < 0 && !first)
			first = rc;
	}
	forget_tracks(r);
	return first;
}

// Negative: there was none, or no memory to tell by.
static int64_t handshake_age_ms(struct reconcile *r, const struct entry *e,
				const struct kernel_peer *is)
{
	struct endpoint_track *track = track_of(r, e->key);
	const struct endpoint_facts facts = { .handshake = is->handshake,
					      .mono_ms = r->now.mono_ms,
					      .wall_ms = r->now.wall_ms };

	return is->handshake && track ? endpoint_handshake_age_ms(track, &facts) : -1;
}

static json_t *observe(struct reconcile *r, const struct entry *e)
{
	const struct kernel_peer *is = find(r, e->body);
	struct reconcile_path path = { 0 };
	char endpoint[KERNEL_ADDR_TEXT_SIZE];
	const char *state = "never";

	if (!is)
		return NULL;
	const int64_t age_ms = handshake_age_ms(r, e, is);
	if (age_ms >= 0)
		state = age_ms < SESSION_MS ? "up" : "down";
	if (r->config.path && !r->config.path(r->config.context, e->key, &path))
		path = (struct reconcile_path){ 0 };
	kernel_endpoint_format(&is->endpoint, endpoint);
	return json_pack("{s:s?, s:s, s:o, s:s?}", "endpoint",
			 is->endpoint.ip.family ? endpoint : NULL, "state", state, "path_mtu",
			 path.path_mtu ? json_integer(path.path_mtu) : json_null(), "fragments",
			 path.fragments);
}

static json_t *sample(struct reconcile *r, const struct entry *e)
{
	const struct kernel_peer *is = find(r, e->body);

	if (!is)
		return NULL;
	json_t *json = json_pack("{s:I, s:I}", "rx_bytes", (json_int_t)is->rx_bytes, "tx_bytes",
				 (json_int_t)is->tx_bytes);
	const int64_t age_ms = handshake_age_ms(r, e, is);
	if (json && age_ms >= 0)
		(void)json_object_set_new(json, "handshake_age_s", json_integer(age_ms / 1000));
	return json;
}

void peer_each_traffic(const struct reconcile *r, reconcile_traffic_fn *each, void *context)
{
	const struct entry *e;

	for (size_t at = 0; (e = entry_next(r, &kind_peer, &at));) {
		const struct kernel_peer *is = find(r, e->body);

		if (is)
			each(context, e->key + strlen("peer/"), is->rx_bytes, is->tx_bytes);
	}
}

const struct entry_kind kind_peer = {
	.name = "peer",
	.rank = 25,
	.body_size = sizeof(struct peer),
	.parse = parse,
	.done = done,
	.compare = compare,
	.apply = apply,
	.sweep = sweep,
	.observe = observe,
	.sample = sample,
};
