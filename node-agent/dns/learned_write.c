#include <string.h>

#include "dns/learned_inside.h"

enum { RETRY_MS = 200, RETRY_TIMES_MAX = 8, TIMEOUT_MIN_MS = 1000 };

static const struct decide_set none;

// ---- what is wanted ----

static void set_add(struct decide_set *to, const struct decide_set *from)
{
	for (size_t i = 0; i < ARRAY_LEN(to->bits); i++)
		to->bits[i] |= from->bits[i];
}

static struct decide_set set_less(const struct decide_set *a, const struct decide_set *b)
{
	struct decide_set ret;
	for (size_t i = 0; i < ARRAY_LEN(ret.bits); i++)
		ret.bits[i] = a->bits[i] & ~b->bits[i];
	return ret;
}

struct sum {
	struct decide_set lists, first;
	bool any, is_shared;
	int64_t end_ms;
};

static void add_up(struct sum *sum, const struct decide_set *lists, int64_t end_ms)
{
	if (!sum->any)
		sum->first = *lists;
	sum->is_shared = sum->is_shared || !decide_set_equal(&sum->first, lists);
	sum->any = true;
	set_add(&sum->lists, lists);
	if (end_ms > sum->end_ms)
		sum->end_ms = end_ms;
}

void place_want(struct learned *learned, struct place *place, int64_t now_ms)
{
	struct sum sum = { 0 };
	for (const struct told *at = place->first; at; at = at->next_of_place)
		if (at->end_ms > now_ms)
			add_up(&sum, &at->name->lists, at->end_ms);
	if (place->seed_end_ms > now_ms) {
		add_up(&sum, &place->seed, place->seed_end_ms);
		sum.is_shared = sum.is_shared || !place->seed_is_known;
	}
	sum.is_shared = sum.is_shared || (sum.any && place->crowded_end_ms > now_ms);
	if (sum.is_shared != place->is_shared)
		learned->n_shared += sum.is_shared ? 1 : (size_t)-1;
	place->is_shared = sum.is_shared;
	place->wanted = sum.lists;
	place_cover(learned, place, !decide_set_is_empty(&sum.lists));
	place->wants_known = sum.any && !sum.is_shared;
	place->end_ms = sum.end_ms;
}

// ---- the queue ----

static void append(struct learned *learned, struct queue *queue, struct place *place,
		   enum stage stage)
{
	place->queued = NULL;
	*(queue->first ? &queue->last->queued : &queue->first) = place;
	queue->last = place;
	place->stage = stage;
	learned->n_waiting++;
}

static struct place *take_first(struct learned *learned, struct queue *queue)
{
	struct place *place = queue->first;
	queue->first = place->queued;
	learned->n_waiting--;
	place->stage = STAGE_IDLE;
	return place;
}

bool place_is_empty(const struct place *place)
{
	return place->stage == STAGE_IDLE && place->n_told == 0 && place->seed_end_ms == 0 &&
	       !place->had_known && decide_set_is_empty(&place->had);
}

static bool is_as_wanted(const struct place *place)
{
	return decide_set_equal(&place->had, &place->wanted) &&
	       place->had_known == place->wants_known && place->had_end_ms >= place->end_ms;
}

enum learned_state place_state(const struct place *place)
{
	const struct decide_set goes = set_less(&place->had, &place->wanted);
	if (!decide_set_is_empty(&goes) || (place->had_known && !place->wants_known))
		return LEARNED_FIRST;
	return place->stage == STAGE_IDLE && is_as_wanted(place) ? LEARNED_FRESH : LEARNED_BESIDE;
}

enum learned_state place_judge(struct learned *learned, struct place *place, int64_t now_ms)
{
	place_want(learned, place, now_ms);
	// What the kernel had is over there by itself.
	if (place->stage == STAGE_IDLE && place->end_ms == 0 && place->had_end_ms > 0 &&
	    place->had_end_ms <= now_ms) {
		place->had = none;
		place->had_known = false;
	}
	enum learned_state state = place_state(place);
	if (state == LEARNED_FIRST)
		learned->generation++;
	if (place->stage == STAGE_IDLE && !is_as_wanted(place))
		append(learned, &learned->queue, place, STAGE_QUEUED);
	return state;
}

// ---- writing ----

static void requeue_failed(struct learned *learned, int64_t now_ms)
{
	while (learned->later.first && learned->later.first->retry_ms <= now_ms)
		append(learned, &learned->queue, take_first(learned, &learned->later),
		       STAGE_QUEUED);
}

static struct learned_write write_of(const struct place *place, int64_t now_ms)
{
	int64_t left_ms = place->end_ms - now_ms;
	return (struct learned_write){
		.address = place->address,
		.put = place->wanted,
		.drop = set_less(&place->had, &place->wanted),
		.puts_known = place->wants_known,
		.drops_known = place->had_known && !place->wants_known,
		.timeout_ms = left_ms > TIMEOUT_MIN_MS ? (uint32_t)left_ms : TIMEOUT_MIN_MS,
		.is_alone = place->is_alone,
	};
}

bool learned_take(struct learned *learned, int64_t now_ms, struct learned_write *ret)
{
	requeue_failed(learned, now_ms);
	while (learned->queue.first) {
		struct place *place = take_first(learned, &learned->queue);
		place_want(learned, place, now_ms);
		if (is_as_wanted(place)) {
			if (place_is_empty(place))
				place_free(learned, place);
			continue;
		}
		*ret = write_of(place, now_ms);
		// From here on it may be there, whatever becomes of the answer.
		set_add(&place->had, &place->wanted);
		place->had_known = place->had_known || place->wants_known;
		place->had_end_ms = 0;
		place->sent = place->wanted;
		place->sent_known = place->wants_known;
		place->sent_end_ms = place->end_ms;
		place->is_void = false;
		place->stage = STAGE_UNDER_WAY;
		learned->n_waiting++;
		return true;
	}
	return false;
}

void learned_put_back(struct learned *learned, const struct address *address)
{
	struct place *place = place_find(learned, address);
	if (!place || place->stage != STAGE_UNDER_WAY)
		return;
	// It was among those that have waited longest.
	place->queued = learned->queue.first;
	if (!place->queued)
		learned->queue.last = place;
	learned->queue.first = place;
	place->stage = STAGE_QUEUED;
}

static void fail(struct learned *learned, struct place *place, int64_t now_ms)
{
	if (!place->is_alone) {
		place->is_alone = true;
		append(learned, &learned->queue, place, STAGE_QUEUED);
		return;
	}
	if (place->tries < RETRY_TIMES_MAX)
		place->tries++;
	place->retry_ms = now_ms + (int64_t)RETRY_MS * place->tries;
	append(learned, &learned->later, place, STAGE_LATER);
}

void learned_done(struct learned *learned, const struct address *address, bool is_good,
		  int64_t now_ms)
{
	struct place *place = place_find(learned, address);
	if (!place || place->stage != STAGE_UNDER_WAY)
		return;
	place->stage = STAGE_IDLE;
	learned->n_waiting--;
	if (!is_good) {
		fail(learned, place, now_ms);
		return;
	}
	place->is_alone = false;
	place->tries = 0;
	if (!place->is_void) {
		place->had = place->sent;
		place->had_known = place->sent_known;
		place->had_end_ms = place->sent_end_ms;
	}
	(void)place_judge(learned, place, now_ms);
	if (place_is_empty(place))
		place_free(learned, place);
}

static void lose(struct learned *learned, struct place *place, int64_t now_ms)
{
	// What is under way may come to be in the new ones.
	if (place->stage == STAGE_UNDER_WAY) {
		place->is_void = true;
		return;
	}
	place->had = none;
	place->had_known = false;
	place->had_end_ms = 0;
	(void)place_judge(learned, place, now_ms);
	if (place_is_empty(place))
		place_free(learned, place);
}

void learned_lost(struct learned *learned, int64_t now_ms)
{
	learned->generation++;
	// One that comes to be among the others meanwhile is lost once more, which is nothing.
	for (size_t i = 0; i < ARRAY_LEN(learned->ages); i++)
		for (struct place *at = learned->ages[i].newest, *older; at; at = older) {
			older = at->older;
			lose(learned, at, now_ms);
		}
}
