// Site LANs that are reached through the active member of an HA group: what this node says when it
// is that, and whom it believes of the others.
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "path/inside.h"

enum { REPEATS = 3, REPEAT_US = 100000 }; // a packet may be lost

// ---- this node's own word ----

static int64_t boot_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

static bool is_same_claim(const struct claim *a, const struct claim *b)
{
	return a->group == b->group && a->epoch == b->epoch;
}

bool paths_claim(struct paths *p, uint32_t group, uint64_t epoch, int64_t until_us)
{
	const struct claim claim = { group, epoch };
	const int64_t now = boot_us();
	bool is_new = false;

	(void)pthread_mutex_lock(&p->claim_mutex);
	if (until_us > now) {
		is_new = p->claim_until_us <= now || !is_same_claim(&p->claim, &claim);
		p->claim = claim;
		p->claim_until_us = until_us;
	} else if (p->claim.group == group) {
		p->claim_until_us = 0;
	}
	(void)pthread_mutex_unlock(&p->claim_mutex);
	return is_new;
}

// False: there is none, or no longer.
static bool own_claim(struct paths *p, struct claim *ret)
{
	(void)pthread_mutex_lock(&p->claim_mutex);
	const bool is_live = p->claim_until_us > boot_us();
	*ret = p->claim;
	(void)pthread_mutex_unlock(&p->claim_mutex);
	return is_live;
}

size_t following_note(struct paths *p, struct destination *d, uint8_t way,
		      uint8_t ret_note[CLAIM_SIZE])
{
	const uint16_t bit = (uint16_t)(1u << way);
	struct claim claim;

	// The path's own note goes first when it is in a hurry, and by turns else.
	if (d->tells_next & bit) {
		d->tells_next &= (uint16_t)~bit;
		return 0;
	}
	const bool is_turn = (d->claims_next | d->claims_turn) & bit;
	d->claims_next &= (uint16_t)~bit;
	d->claims_turn ^= bit;
	if (!is_turn || !own_claim(p, &claim))
		return 0;
	claim_encode(&claim, ret_note);
	return CLAIM_SIZE;
}

static void hurry(struct paths *p, int64_t now_us)
{
	for (size_t i = 0; i < p->places_len; i++)
		for (unsigned way = 0; p->places[i] && way < PATHS_MAX; way++)
			if (p->places[i]->ways[way].is_there)
				p->places[i]->claiming |= (uint16_t)(1u << way);
	p->repeat_us = now_us + REPEAT_US;
}

int64_t following_tick(struct paths *p, int64_t now_us)
{
	struct claim claim;

	if (!own_claim(p, &claim)) {
		p->told = (struct claim){ 0 };
		p->repeats = 0;
		return PATH_NEVER;
	}
	if (!is_same_claim(&claim, &p->told)) {
		p->told = claim;
		p->repeats = REPEATS;
		hurry(p, now_us);
	} else if (p->repeats > 0 && p->repeat_us <= now_us) {
		p->repeats--;
		hurry(p, now_us);
	}
	return p->repeats > 0 ? p->repeat_us : PATH_NEVER;
}

// ---- the others ----

static struct claim_belief *belief_of(struct paths *p, uint32_t group)
{
	for (size_t i = 0; i < p->beliefs_len; i++)
		if (p->beliefs[i].group == group)
			return &p->beliefs[i];
	struct claim_belief *more =
		reallocarray(p->beliefs, p->beliefs_len + 1, sizeof(*p->beliefs));
	if (!more)
		return NULL;
	p->beliefs = more;
	more[p->beliefs_len] = (struct claim_belief){ .group = group };
	return &more[p->beliefs_len++];
}

static bool is_same_segment(const struct destination *a, const struct destination *b)
{
	const size_t len = (size_t)(strrchr(a->key, '/') - a->key) + 1;

	return strncmp(a->key, b->key, len) == 0;
}

static const char *name_of(const struct destination *d)
{
	return strrchr(d->key, '/') + 1;
}

// The other of its group that is followed in the same segment, or NULL.
static struct destination *followed_beside(const struct paths *p, const struct destination *d)
{
	for (size_t i = 0; i < p->places_len; i++) {
		struct destination *other = p->places[i];

		if (other && other != d && other->lan.group == d->lan.group &&
		    other->lan.is_followed && is_same_segment(d, other))
			return other;
	}
	return NULL;
}

static void follow(struct paths *p, struct destination *d)
{
	struct destination *before = followed_beside(p, d);
	struct outcome out = { .batch = p->batch, .own_name = p->own_name };

	if (before)
		before->lan.is_followed = false;
	const bool is_move = before && !d->lan.is_followed;
	destination_follow(d, &out);
	if (!is_move)
		return;
	out.is_followed = true;
	(void)snprintf(d->lan.cause, sizeof d->lan.cause,
		       "%s: the LANs are reached through %s, the active member of epoch %llu, "
		       "instead of %s",
		       d->lan.name, name_of(d), (unsigned long long)d->lan.epoch, name_of(before));
	paths_note_change(p, d, &out);
	paths_note_change(p, before, &(struct outcome){ .own_name = p->own_name });
}

void following_heard(struct paths *p, struct destination *d, const struct claim *claim,
		     int64_t now_us)
{
	struct claim_belief *b = d->lan.group == claim->group ? belief_of(p, claim->group) : NULL;

	if (!b)
		return;
	const bool is_other = claim_heard(b, d->other, claim->epoch, now_us);
	for (size_t i = 0; i < p->places_len; i++) {
		struct destination *at = p->places[i];

		if (!at || at->lan.group != claim->group || at->other != b->node)
			continue;
		at->lan.epoch = b->epoch;
		if (is_other)
			follow(p, at);
	}
}

// Who is the likeliest: by word, by what was so, by what the kernel has, by the plan.
static int likelihood(const struct paths *p, const struct destination *d)
{
	for (size_t i = 0; i < p->beliefs_len; i++)
		if (p->beliefs[i].group == d->lan.group && p->beliefs[i].node == d->other)
			return 4;
	return d->lan.is_followed ? 3 : d->lan.is_seen ? 2 : d->lan.is_first;
}

static bool is_likeliest(const struct paths *p, size_t place)
{
	const struct destination *d = p->places[place];
	const int own = likelihood(p, d);

	for (size_t i = 0; i < p->places_len; i++) {
		const struct destination *other = p->places[i];

		if (!other || i == place || other->lan.group != d->lan.group ||
		    !is_same_segment(d, other))
			continue;
		const int its = likelihood(p, other);
		if (its > own || (its == own && i < place))
			return false;
	}
	return true;
}

void following_settle(struct paths *p)
{
	for (size_t i = 0; i < p->places_len; i++) {
		struct destination *d = p->places[i];

		if (!d || !d->lan.group || !is_likeliest(p, i))
			continue;
		if (!d->lan.is_followed || !d->lan.stands)
			follow(p, d);
	}
}
