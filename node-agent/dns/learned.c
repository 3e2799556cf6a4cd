#include "dns/learned.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dns/hash.h"
#include "dns/learned_inside.h"

enum {
	TOLD_MAX = 32, // names of an address, then some stand for others
	TICKS = 10,    // for all addresses
	NAMES_A_RENEWAL = 256,
	GRACE_MS = 60000,
	ROOM_TRIES = 16,
};

// ---- tables ----

static uint64_t hash_bytes(const struct learned *learned, const uint8_t *bytes, size_t len)
{
	return dns_hash(learned->config.seed ^ len, bytes, len, learned->config.seed);
}

struct learned *learned_new(const struct learned_config *config)
{
	CLEAN(learned_free_ptr) struct learned *learned = calloc(1, sizeof(*learned));
	if (!learned)
		return NULL;
	learned->config = *config;
	learned->grace_ms = GRACE_MS;
	for (learned->n_slots = TICKS; learned->n_slots < config->addresses;)
		learned->n_slots *= 2;
	learned->places = calloc(learned->n_slots, sizeof(struct place *));
	learned->names = calloc(learned->n_slots, sizeof(struct known_name *));
	return learned->places && learned->names ? take_ptr(&learned) : NULL;
}

void learned_set_grace(struct learned *learned, uint32_t grace_ms)
{
	learned->grace_ms = grace_ms;
}

static uint64_t hash_address(const struct learned *learned, const struct address *address)
{
	return hash_bytes(learned, address->bytes, address->family == 4 ? 4 : 16);
}

struct place *place_find(const struct learned *learned, const struct address *address)
{
	uint64_t hash = hash_address(learned, address);
	struct place *place = learned->places[hash % learned->n_slots];
	while (place && (place->hash != hash || !address_equal(&place->address, address)))
		place = place->next;
	return place;
}

static struct known_name *find_name(const struct learned *learned, const struct name *name,
				    uint64_t hash)
{
	struct known_name *at = learned->names[hash % learned->n_slots];
	while (at && (at->hash != hash || at->len != name->len ||
		      memcmp(at->wire, name->wire, at->len) != 0))
		at = at->next;
	return at;
}

// ---- the end of things ----

static void name_free(struct learned *learned, struct known_name *name)
{
	struct known_name **at = &learned->names[name->hash % learned->n_slots];
	while (*at != name)
		at = &(*at)->next;
	*at = name->next;
	learned->n_names--;
	free(name);
}

static void told_free(struct learned *learned, struct told *told)
{
	struct told **at = &told->place->first;
	struct known_name *name = told->name;
	while (*at != told)
		at = &(*at)->next_of_place;
	*at = told->next_of_place;
	told->place->n_told--;
	*told->at_of_name = told->next_of_name;
	if (told->next_of_name)
		told->next_of_name->at_of_name = told->at_of_name;
	free(told);
	if (!name->first)
		name_free(learned, name);
}

static void unlink_age(struct learned *learned, struct place *place)
{
	struct ages *ages = &learned->ages[place->is_covered];
	*(place->newer ? &place->newer->older : &ages->newest) = place->older;
	*(place->older ? &place->older->newer : &ages->oldest) = place->newer;
	ages->len--;
}

static void make_newest(struct learned *learned, struct place *place)
{
	struct ages *ages = &learned->ages[place->is_covered];
	place->newer = NULL;
	place->older = ages->newest;
	*(ages->newest ? &ages->newest->newer : &ages->oldest) = place;
	ages->newest = place;
	ages->len++;
}

void place_cover(struct learned *learned, struct place *place, bool is_covered)
{
	if (place->is_covered == is_covered)
		return;
	unlink_age(learned, place);
	place->is_covered = is_covered;
	make_newest(learned, place);
}

void place_free(struct learned *learned, struct place *place)
{
	struct place **at = &learned->places[place->hash % learned->n_slots];
	while (*at != place)
		at = &(*at)->next;
	*at = place->next;
	unlink_age(learned, place);
	while (place->first)
		told_free(learned, place->first);
	learned->n_places--;
	learned->n_shared -= place->is_shared;
	free(place);
}

void learned_free(struct learned *learned)
{
	if (!learned)
		return;
	for (size_t i = 0; i < ARRAY_LEN(learned->ages); i++)
		while (learned->ages[i].newest)
			place_free(learned, learned->ages[i].newest);
	free(learned->places);
	free(learned->names);
	free(learned);
}

// ---- room ----

// Takes the address that was told least lately out of all sets. False: the oldest ones are on their
// way there or out already.
static bool let_go_of_oldest(struct learned *learned, const struct ages *ages, int64_t now_ms)
{
	struct place *place = ages->oldest;
	for (unsigned i = 0; place && i < ROOM_TRIES; i++, place = place->newer) {
		if (place->stage != STAGE_IDLE)
			continue;
		while (place->first)
			told_free(learned, place->first);
		place->seed_end_ms = place->crowded_end_ms = 0;
		learned->generation++;
		(void)place_judge(learned, place, now_ms);
		if (place_is_empty(place)) {
			place_free(learned, place);
		} else { // on its way out: the next one is another
			unlink_age(learned, place);
			make_newest(learned, place);
		}
		return true;
	}
	return false;
}

// What no list covers goes first: it is what anybody can make any number of, and without what a
// list covers flows would leave by another way. Of that one goes only for one more of it, where it
// is most of all.
static void let_go(struct learned *learned, bool is_for_covered, int64_t now_ms)
{
	if (!let_go_of_oldest(learned, &learned->ages[false], now_ms) && is_for_covered &&
	    learned->ages[true].len >= learned->config.addresses * 3 / 4)
		(void)let_go_of_oldest(learned, &learned->ages[true], now_ms);
}

static bool make_room(struct learned *learned, bool is_for_covered, int64_t now_ms)
{
	const struct learned_config *config = &learned->config;
	for (unsigned i = 0; i < ROOM_TRIES && learned->n_names >= config->names; i++)
		let_go(learned, is_for_covered, now_ms);
	if (learned->n_places >= config->addresses)
		let_go(learned, is_for_covered, now_ms);
	// Those on their way out still count, up to a fourth more.
	return learned->n_names < config->names &&
	       learned->n_places < config->addresses + config->addresses / (is_for_covered ? 4 : 8);
}

static struct place *get_place(struct learned *learned, const struct address *address)
{
	struct place *place = place_find(learned, address);
	if (place) {
		unlink_age(learned, place);
		make_newest(learned, place);
		return place;
	}
	place = calloc(1, sizeof(*place));
	if (!place)
		return NULL;
	place->address = *address;
	place->hash = hash_address(learned, address);
	struct place **slot = &learned->places[place->hash % learned->n_slots];
	place->next = *slot;
	*slot = place;
	make_newest(learned, place);
	learned->n_places++;
	return place;
}

// ---- telling ----

static struct known_name *get_name(struct learned *learned, const struct learned_fact *fact)
{
	uint64_t hash = hash_bytes(learned, fact->name->wire, fact->name->len);
	struct known_name *name = find_name(learned, fact->name, hash);
	if (name)
		return name;
	name = calloc(1, sizeof(*name) + fact->name->len);
	if (!name)
		return NULL;
	name->hash = hash;
	name->lists = *fact->lists;
	name->edition = learned->edition;
	name->len = fact->name->len;
	memcpy(name->wire, fact->name->wire, name->len);
	struct known_name **slot = &learned->names[hash % learned->n_slots];
	name->next = *slot;
	*slot = name;
	learned->n_names++;
	return name;
}

// The name is in other lists now: so are all of its addresses.
static void set_lists(struct learned *learned, struct known_name *name,
		      const struct decide_set *lists, int64_t now_ms)
{
	name->edition = learned->edition;
	if (decide_set_equal(&name->lists, lists))
		return;
	name->lists = *lists;
	learned->generation++;
	for (struct told *at = name->first; at; at = at->next_of_name)
		(void)place_judge(learned, at->place, now_ms);
}

// Makes room for one more name of an address: of those in the same lists the one that is over first
// goes; where all are in different ones any, and the address counts as shared until its end.
static void thin_out(struct learned *learned, struct place *place)
{
	struct told *least = NULL, *first = NULL;
	for (struct told *at = place->first; at; at = at->next_of_place) {
		if (!first || at->end_ms < first->end_ms)
			first = at;
		for (struct told *other = place->first; other; other = other->next_of_place)
			if (other != at && other->end_ms >= at->end_ms &&
			    decide_set_equal(&other->name->lists, &at->name->lists) &&
			    (!least || at->end_ms < least->end_ms))
				least = at;
	}
	if (least) {
		told_free(learned, least);
	} else if (first) {
		if (first->end_ms > place->crowded_end_ms)
			place->crowded_end_ms = first->end_ms;
		told_free(learned, first);
	}
}

static struct told *get_told(struct learned *learned, struct place *place, struct known_name *name)
{
	struct told *told = place->first;
	while (told && told->name != name)
		told = told->next_of_place;
	if (told)
		return told;
	if (place->n_told >= TOLD_MAX)
		thin_out(learned, place);
	told = calloc(1, sizeof(*told));
	if (!told)
		return NULL;
	told->place = place;
	told->name = name;
	told->next_of_place = place->first;
	place->first = told;
	place->n_told++;
	told->next_of_name = name->first;
	told->at_of_name = &name->first;
	if (name->first)
		name->first->at_of_name = &told->next_of_name;
	name->first = told;
	return told;
}

int learned_add(struct learned *learned, const struct learned_fact *fact, int64_t now_ms)
{
	if (!make_room(learned, !decide_set_is_empty(fact->lists), now_ms))
		return -ENOBUFS;
	struct place *place = get_place(learned, fact->address);
	struct known_name *name = place ? get_name(learned, fact) : NULL;
	struct told *told = name ? get_told(learned, place, name) : NULL;
	if (!told) {
		if (name && !name->first)
			name_free(learned, name);
		if (place && place_is_empty(place))
			place_free(learned, place);
		return -ENOMEM;
	}
	bool is_same = decide_set_equal(&name->lists, fact->lists);
	set_lists(learned, name, fact->lists, now_ms);
	if (is_same && told->end_ms >= now_ms + fact->ttl_ms + learned->grace_ms / 2)
		return (int)place_state(place);
	if (told->end_ms < now_ms + fact->ttl_ms + learned->grace_ms)
		told->end_ms = now_ms + fact->ttl_ms + learned->grace_ms;
	return (int)place_judge(learned, place, now_ms);
}

bool learned_is_written(const struct learned *learned, const struct address *address)
{
	const struct place *place = place_find(learned, address);
	return place && place_state(place) == LEARNED_FRESH;
}

// ---- time and other lists ----

static void expire(struct learned *learned, struct place *place, int64_t now_ms)
{
	bool is_less = false;
	for (struct told *at = place->first, *next; at; at = next) {
		next = at->next_of_place;
		if (at->end_ms > now_ms)
			continue;
		told_free(learned, at);
		is_less = true;
	}
	if (place->seed_end_ms > 0 && place->seed_end_ms <= now_ms) {
		place->seed_end_ms = 0;
		is_less = true;
	}
	if (place->crowded_end_ms > 0 && place->crowded_end_ms <= now_ms) {
		place->crowded_end_ms = 0;
		is_less = true;
	}
	if (!is_less)
		return;
	(void)place_judge(learned, place, now_ms);
	if (place_is_empty(place))
		place_free(learned, place);
}

void learned_tick(struct learned *learned, int64_t now_ms)
{
	for (size_t i = 0; i <= learned->n_slots / TICKS; i++) {
		struct place *place = learned->places[learned->tick_at];
		learned->tick_at = (learned->tick_at + 1) % learned->n_slots;
		for (struct place *next; place; place = next) {
			next = place->next;
			expire(learned, place, now_ms);
		}
	}
}

static void move_set(struct decide_set *set, const int16_t map[DECIDE_LISTS_MAX])
{
	const struct decide_set old = *set;
	if (decide_set_is_empty(&old))
		return;
	*set = (struct decide_set){ 0 };
	for (size_t word = 0; word < ARRAY_LEN(old.bits); word++)
		for (uint64_t left = old.bits[word]; left; left &= left - 1) {
			size_t place = word * 64 + (size_t)__builtin_ctzll(left);
			if (map[place] != LEARNED_GONE)
				decide_set_put(set, (size_t)map[place]);
		}
}

void learned_move(struct learned *learned, const int16_t map[DECIDE_LISTS_MAX])
{
	for (size_t i = 0; i < ARRAY_LEN(learned->ages); i++)
		for (struct place *at = learned->ages[i].newest; at; at = at->older) {
			move_set(&at->seed, map);
			move_set(&at->wanted, map);
			move_set(&at->had, map);
			move_set(&at->sent, map);
		}
	for (size_t i = 0; i < learned->n_slots; i++)
		for (struct known_name *at = learned->names[i]; at; at = at->next)
			move_set(&at->lists, map);
}

void learned_outdate(struct learned *learned)
{
	learned->edition++;
	learned->generation++;
	learned->renew_at = 0;
}

bool learned_renew(struct learned *learned, learned_lists_fn lists_of, void *context,
		   int64_t now_ms)
{
	unsigned asked = 0;
	// What has no name takes no time.
	for (; learned->renew_at < learned->n_slots && asked < NAMES_A_RENEWAL; learned->renew_at++)
		for (struct known_name *at = learned->names[learned->renew_at]; at; at = at->next) {
			struct decide_set lists;
			struct name name;
			if (at->edition == learned->edition ||
			    name_read(at->wire, at->len, &name) < 0)
				continue;
			asked++;
			lists_of(context, &name, &lists);
			set_lists(learned, at, &lists, now_ms);
		}
	return learned->renew_at < learned->n_slots;
}

int learned_seed(struct learned *learned, const struct address *address, int place_of_list,
		 int64_t left_ms, int64_t now_ms)
{
	if (learned->n_places >= learned->config.addresses)
		return -ENOBUFS;
	struct place *place = get_place(learned, address);
	if (!place)
		return -ENOMEM;
	if (place_of_list == LEARNED_GONE) {
		place->seed_is_known = place->had_known = true;
	} else {
		decide_set_put(&place->seed, (size_t)place_of_list);
		decide_set_put(&place->had, (size_t)place_of_list);
	}
	if (place->seed_end_ms < now_ms + left_ms)
		place->seed_end_ms = place->had_end_ms = now_ms + left_ms;
	place_want(learned, place, now_ms);
	return 0;
}

// ---- what is known ----

uint64_t learned_generation(const struct learned *learned)
{
	return learned->generation;
}

struct learned_counts learned_counts(const struct learned *learned)
{
	return (struct learned_counts){ learned->n_places, learned->n_shared, learned->n_names,
					learned->n_waiting };
}

struct learned_about learned_get(struct learned *learned, const struct address *address,
				 int64_t now_ms)
{
	struct place *place = place_find(learned, address);
	if (!place)
		return (struct learned_about){ 0 };
	place_want(learned, place, now_ms);
	return (struct learned_about){ .is_there = place->end_ms > now_ms,
				       .is_shared = place->is_shared,
				       .is_known = place->wants_known,
				       .lists = place->wanted,
				       .left_ms = place->end_ms - now_ms };
}

void learned_each_name(const struct learned *learned, const struct address *address, int64_t now_ms,
		       learned_name_fn fn, void *context)
{
	const struct place *place = place_find(learned, address);
	for (const struct told *at = place ? place->first : NULL; at; at = at->next_of_place) {
		struct name name;
		if (at->end_ms > now_ms && name_read(at->name->wire, at->name->len, &name) >= 0)
			fn(context, &name, &at->name->lists, at->end_ms - now_ms);
	}
}
