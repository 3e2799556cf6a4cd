#include "path/paths.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"

#include "path/inside.h"

#define ROUTE_PROTOCOL_DEFAULT 87

enum { CHANGES_MAX = 4096, WAY_BITS = 4, PLACE_BITS = 20 };

#define OUTSIDE (UINT64_C(1) << 63) // beside the number of an external link

// ---- what is told to the loop ----

void paths_note_change(struct paths *p, const struct destination *d, const struct outcome *out)
{
	if (p->changes_len == p->changes_cap) {
		const size_t cap = p->changes_cap ? p->changes_cap * 2 : 16;
		struct paths_change *changes =
			cap > CHANGES_MAX ? NULL : reallocarray(p->changes, cap, sizeof *changes);
		if (!changes)
			return; // what is observed next time tells it anyway
		p->changes = changes;
		p->changes_cap = cap;
	}
	struct paths_change *change = &p->changes[p->changes_len++];
	*change = (struct paths_change){ .is_moved = out->is_moved,
					 .is_bad = out->is_bad,
					 .is_followed = out->is_followed };
	(void)snprintf(change->key, sizeof change->key, "%s", d->key);
	(void)snprintf(change->sentence, sizeof change->sentence, "%s",
		       out->is_followed ? d->lan.cause : d->cause);
	(void)uv_async_send(&p->async);
}

static void on_changes(uv_async_t *async)
{
	struct paths *p = async->data;
	(void)pthread_mutex_lock(&p->mutex);
	struct paths_change *changes = take_ptr(&p->changes);
	const size_t count = p->changes_len;
	p->changes_len = p->changes_cap = 0;
	(void)pthread_mutex_unlock(&p->mutex);
	for (size_t i = 0; i < count; i++)
		p->change(p->context, &changes[i]);
	free(changes);
}

static struct outcome outcome_of(const struct paths *p)
{
	return (struct outcome){ .batch = p->batch, .own_name = p->own_name };
}

// ---- the rider ----

static uint64_t rider_of(const struct paths *p, size_t place, uint8_t way)
{
	return (uint64_t)p->places[place]->generation << (WAY_BITS + PLACE_BITS) |
	       (uint64_t)place << WAY_BITS | way;
}

// NULL: that destination is not there any more.
static struct destination *destination_of(const struct paths *p, uint64_t link, uint8_t *ret_way)
{
	const size_t place = link >> WAY_BITS & ((1u << PLACE_BITS) - 1);
	struct destination *d = place < p->places_len ? p->places[place] : NULL;
	*ret_way = link & ((1u << WAY_BITS) - 1);
	return d && d->generation == (uint32_t)(link >> (WAY_BITS + PLACE_BITS)) ? d : NULL;
}

static size_t on_note(void *context, uint64_t link, uint8_t ret_note[STAMP_NOTE_MAX])
{
	struct paths *p = context;
	uint8_t way;
	(void)pthread_mutex_lock(&p->mutex);
	struct destination *d = destination_of(p, link, &way);
	size_t len = d ? following_note(p, d, way, ret_note) : 0;
	if (d && !len) {
		const struct path_note note = path_note(&d->set);
		note_encode(&note, d->plan, ret_note);
		len = NOTE_SIZE;
	}
	(void)pthread_mutex_unlock(&p->mutex);
	return len;
}

static void on_heard(void *context, uint64_t link, const uint8_t *data, size_t len, int64_t now_us)
{
	struct paths *p = context;
	struct outcome out = outcome_of(p);
	struct path_note note;
	struct claim claim;
	uint8_t way;
	(void)pthread_mutex_lock(&p->mutex);
	struct destination *d = destination_of(p, link, &way);
	if (d && claim_decode(data, len, &claim))
		following_heard(p, d, &claim, now_us);
	else if (d && note_decode(data, len, d->plan, &note))
		destination_heard(d, &note, now_us, &out);
	if (out.is_moved)
		paths_note_change(p, d, &out);
	(void)pthread_mutex_unlock(&p->mutex);
}

// What a judge says, and of which link.
struct judgement {
	const struct judge *judge;
	const char *name;
	int64_t now_us;
};

static void judge_way(struct paths *p, struct destination *d, uint8_t way,
		      const struct judgement *j)
{
	struct outcome out = outcome_of(p);
	const enum judge_state before = d->ways[way].state;
	destination_judged(d, way, j->judge, j->name, j->now_us, &out);
	if (out.is_moved || before != d->ways[way].state)
		paths_note_change(p, d, &out);
}

// Many prefixes may be reached by one link.
static void judge_outside(struct paths *p, uint64_t link, const struct judgement *j)
{
	for (size_t i = 0; i < p->places_len; i++) {
		struct destination *d = p->places[i];
		for (uint8_t n = 0; d && !d->network && n < PATHS_MAX; n++)
			if (d->ways[n].is_there && d->ways[n].link == link)
				judge_way(p, d, n, j);
	}
}

static void on_judged(void *context, uint64_t link, const struct judge *judge, const char *name,
		      int64_t now_us)
{
	struct paths *p = context;
	const struct judgement j = { judge, name, now_us };
	uint8_t way;
	(void)pthread_mutex_lock(&p->mutex);
	struct destination *d = link & OUTSIDE ? NULL : destination_of(p, link, &way);
	if (link & OUTSIDE)
		judge_outside(p, link & ~OUTSIDE, &j);
	else if (d)
		judge_way(p, d, way, &j);
	(void)pthread_mutex_unlock(&p->mutex);
}

static int64_t on_tick(void *context, int64_t now_us)
{
	struct paths *p = context;
	(void)pthread_mutex_lock(&p->mutex);
	int64_t due = following_tick(p, now_us);
	for (size_t i = 0; i < p->places_len; i++) {
		struct destination *d = p->places[i];
		struct outcome out = outcome_of(p);
		if (d && d->due_us <= now_us)
			destination_tick(d, now_us, &out);
		if (out.is_moved)
			paths_note_change(p, d, &out);
		if (d && d->due_us < due)
			due = d->due_us;
	}
	(void)pthread_mutex_unlock(&p->mutex);
	return due;
}

static bool on_hurry(void *context, uint64_t *ret_link)
{
	struct paths *p = context;
	bool found = false;
	(void)pthread_mutex_lock(&p->mutex);
	for (size_t i = 0; i < p->places_len && !found; i++) {
		struct destination *d = p->places[i];
		found = d && (d->telling | d->claiming);
		for (uint8_t way = 0; found && way < PATHS_MAX; way++) {
			const uint16_t bit = (uint16_t)(1u << way);
			if (!((d->telling | d->claiming) & bit))
				continue;
			d->tells_next |= d->telling & bit;
			d->claims_next |= d->claiming & bit;
			d->telling &= (uint16_t)~bit;
			d->claiming &= (uint16_t)~bit;
			*ret_link = rider_of(p, i, way);
			break;
		}
	}
	(void)pthread_mutex_unlock(&p->mutex);
	return found;
}

struct prober_rider paths_rider(struct paths *p)
{
	return (struct prober_rider){ .context = p,
				      .note = on_note,
				      .heard = on_heard,
				      .judged = on_judged,
				      .tick = on_tick,
				      .hurry = on_hurry };
}

// ---- which destinations there are ----

static size_t place_of(const struct paths *p, const char *key)
{
	return (size_t)(uintptr_t)map_get(p->by_key, key) - 1; // SIZE_MAX: none
}

static size_t free_place(struct paths *p)
{
	for (size_t i = 0; i < p->places_len; i++)
		if (!p->places[i])
			return i;
	struct destination **places =
		p->places_len >> PLACE_BITS
			? NULL
			: reallocarray(p->places, p->places_len + 1, sizeof(*places));
	if (!places)
		return SIZE_MAX;
	p->places = places;
	places[p->places_len] = NULL;
	return p->places_len++;
}

static void drop(struct paths *p, size_t place)
{
	(void)map_drop(p->by_key, p->places[place]->key);
	destination_free(p->places[place]);
	p->places[place] = NULL;
}

static struct destination *begin(struct paths *p, const struct reconcile_destination *from)
{
	const size_t place = free_place(p);
	struct destination *d =
		place == SIZE_MAX ? NULL : destination_new(from, ++p->generations, prober_now_us());
	if (!d)
		return NULL;
	if (map_set(p->by_key, d->key, (void *)(uintptr_t)(place + 1)) < 0) {
		destination_free(d);
		return NULL;
	}
	p->places[place] = d;
	return d;
}

void paths_begin(struct paths *p)
{
	(void)pthread_mutex_lock(&p->mutex);
	for (size_t i = 0; i < p->places_len; i++)
		if (p->places[i])
			p->places[i]->is_wanted = false;
	(void)pthread_mutex_unlock(&p->mutex);
}

bool paths_put(struct paths *p, const struct reconcile_destination *from)
{
	struct outcome out = outcome_of(p);
	bool is_unjudged = false;
	(void)pthread_mutex_lock(&p->mutex);
	size_t place = place_of(p, from->key);
	if (place != SIZE_MAX && destination_is_other(p->places[place], from)) {
		drop(p, place);
		place = SIZE_MAX;
	}
	// Without memory it is taken over with the next look.
	struct destination *d = place == SIZE_MAX ? begin(p, from) : p->places[place];
	if (d) {
		d->is_wanted = true;
		(void)destination_update(d, from, prober_now_us(), &out);
		is_unjudged = destination_is_unjudged(d);
		if (out.is_moved)
			paths_note_change(p, d, &out);
	}
	(void)pthread_mutex_unlock(&p->mutex);
	return is_unjudged;
}

void paths_end(struct paths *p)
{
	(void)pthread_mutex_lock(&p->mutex);
	// Their routes are strays by now, and go with the other strays.
	for (size_t i = 0; i < p->places_len; i++)
		if (p->places[i] && !p->places[i]->is_wanted)
			drop(p, i);
	following_settle(p);
	(void)pthread_mutex_unlock(&p->mutex);
}

// ---- questions ----

uint64_t paths_rider_of(struct paths *p, const char *key, uint8_t number)
{
	uint64_t rider = 0;
	(void)pthread_mutex_lock(&p->mutex);
	const size_t place = place_of(p, key);
	if (place != SIZE_MAX && number < PATHS_MAX)
		rider = rider_of(p, place, number);
	(void)pthread_mutex_unlock(&p->mutex);
	return rider;
}

uint64_t paths_rider_outside(struct paths *p, const char *link)
{
	uint64_t rider = 0;
	(void)pthread_mutex_lock(&p->mutex);
	for (size_t i = 0; i < p->places_len && !rider; i++) {
		const struct destination *d = p->places[i];
		for (uint8_t n = 0; d && !d->network && n < PATHS_MAX; n++)
			if (d->ways[n].is_there && strcmp(d->ways[n].by, link) == 0)
				rider = OUTSIDE | d->ways[n].link;
	}
	(void)pthread_mutex_unlock(&p->mutex);
	return rider;
}

void paths_each(struct paths *p, paths_reading_fn *each, void *context)
{
	struct paths_reading reading;
	(void)pthread_mutex_lock(&p->mutex);
	for (size_t i = 0; i < p->places_len; i++) {
		if (!p->places[i])
			continue;
		destination_read(p->places[i], &reading);
		each(context, &reading);
	}
	(void)pthread_mutex_unlock(&p->mutex);
}

bool paths_read(struct paths *p, const char *key, paths_reading_fn *each, void *context)
{
	struct paths_reading reading;
	(void)pthread_mutex_lock(&p->mutex);
	const size_t place = place_of(p, key);
	if (place != SIZE_MAX) {
		destination_read(p->places[place], &reading);
		each(context, &reading);
	}
	(void)pthread_mutex_unlock(&p->mutex);
	return place != SIZE_MAX;
}

// ---- beginning and end ----

static void paths_free(struct paths *p)
{
	for (size_t i = 0; i < p->places_len; i++)
		destination_free(p->places[i]);
	free(p->places);
	free(p->changes);
	free(p->beliefs);
	map_free(p->by_key);
	route_batch_close(p->batch);
	(void)pthread_mutex_destroy(&p->mutex);
	(void)pthread_mutex_destroy(&p->claim_mutex);
	free(p);
}

int paths_new(uv_loop_t *loop, const char *own_name, uint8_t route_protocol, paths_change_fn change,
	      void *context, struct paths **ret, struct err *err)
{
	struct paths *p = calloc(1, sizeof *p);
	if (!p)
		return err_set(err, -ENOMEM, "out of memory");
	(void)pthread_mutex_init(&p->mutex, NULL);
	(void)pthread_mutex_init(&p->claim_mutex, NULL);
	p->change = change;
	p->context = context;
	(void)snprintf(p->own_name, sizeof p->own_name, "%s", own_name);
	p->by_key = map_new(NULL);
	int r = p->by_key
			? route_batch_open(route_protocol ? route_protocol : ROUTE_PROTOCOL_DEFAULT,
					   &p->batch, err)
			: err_set(err, -ENOMEM, "out of memory");
	if (r == 0 && uv_async_init(loop, &p->async, on_changes) < 0)
		r = err_set(err, -ENOMEM, "no handle for the paths");
	if (r < 0) {
		paths_free(p);
		return r;
	}
	p->async.data = p;
	*ret = p;
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	paths_free(handle->data);
}

void paths_close(struct paths *p)
{
	if (p)
		uv_close((uv_handle_t *)&p->async, on_closed);
}
