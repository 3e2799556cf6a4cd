// Where public nodes say that a node behind a NAT is to be found. One of them may be in hostile
// hands: what it says counts as one voice, and only about nodes it has a link with.
//
// Believed is first what agrees with the address that the node itself speaks from, then what most
// say, then what was said last, since a node moves. In memory only: after a restart the facts hold
// until the observers have spoken again.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "intent/parts.h"

#define CLAIMS_MAX 8 // observers of one node in one network; more are not heard
#define PLACE_SIZE (ADDRESS_TEXT_SIZE + 8) // "[address]:65535"

struct claim {
	int64_t observer;
	uint64_t news;             // the greater, the later it was first said
	char endpoint[PLACE_SIZE]; // "" once its observer is gone
};

struct claims {
	struct claim items[CLAIMS_MAX];
	uint64_t news;
};

void claims_drop(void *claims)
{
	free(claims);
}

static struct claims *claims_of(struct intent *intent, const struct resource *peer,
				const char *network)
{
	CLEAN(free_ptr)
	char *key = text_format("%lld/%s", (long long)peer->pub.id, network);
	struct claims *claims = key ? map_get(intent->claims, key) : NULL;

	if (claims || !key)
		return claims;
	claims = calloc(1, sizeof *claims);
	if (!claims || map_set(intent->claims, key, claims) < 0) {
		free(claims);
		return NULL;
	}
	return claims;
}

// Those who cannot speak of the peer any more.
static void forget_strangers(const struct intent *intent, struct claims *claims,
			     const struct resource *peer, const char *network)
{
	for (size_t i = 0; i < CLAIMS_MAX; i++) {
		struct claim *c = &claims->items[i];
		const struct resource *observer =
			c->endpoint[0] ? resource_find_id(intent, c->observer) : NULL;

		if (!observer || !intent_is_linked(intent, network, observer->name, peer->name))
			c->endpoint[0] = '\0';
	}
}

static void put_claim(struct claims *claims, int64_t observer, const char *endpoint)
{
	struct claim *place = NULL;

	for (size_t i = 0; i < CLAIMS_MAX; i++) {
		struct claim *c = &claims->items[i];

		if (c->endpoint[0] && c->observer == observer) {
			place = c;
			break;
		}
		if (!place && !c->endpoint[0])
			place = c;
	}
	if (!place || strcmp(place->endpoint, endpoint) == 0)
		return;
	place->observer = observer;
	place->news = ++claims->news;
	(void)snprintf(place->endpoint, sizeof place->endpoint, "%s", endpoint);
}

static int voices_for(const struct claims *claims, const char *endpoint)
{
	int voices = 0;

	for (size_t i = 0; i < CLAIMS_MAX; i++)
		voices += strcmp(claims->items[i].endpoint, endpoint) == 0;
	return voices;
}

static int weight_of(const struct claims *claims, const struct resource *peer, const char *endpoint)
{
	return (fleet_node_is_at(peer->object, endpoint) ? 2 * CLAIMS_MAX : 0) +
	       voices_for(claims, endpoint);
}

const char *claims_note(struct intent *intent, const struct resource *observer,
			const struct resource *peer, const char *network,
			const struct endpoint *endpoint)
{
	char text[ENDPOINT_TEXT_SIZE];
	const json_t *known = json_object_get(intent_facts(intent, peer->pub.id), "endpoints");
	const char *before = json_string_value(json_object_get(known, network));
	struct claims *claims = claims_of(intent, peer, network);
	const char *best = before;

	if (!claims)
		return NULL;
	forget_strangers(intent, claims, peer, network);
	put_claim(claims, observer->pub.id, endpoint_format(endpoint, text));
	int best_weight = before ? weight_of(claims, peer, before) : -1;
	uint64_t best_news = 0;
	for (size_t i = 0; i < CLAIMS_MAX; i++) {
		const struct claim *c = &claims->items[i];
		int weight = weight_of(claims, peer, c->endpoint);

		if (!c->endpoint[0] || weight < best_weight ||
		    (weight == best_weight && c->news < best_news))
			continue;
		best = c->endpoint;
		best_weight = weight;
		best_news = c->news;
	}
	return best;
}
