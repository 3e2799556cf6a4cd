#include "plan/alloc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "base/map.h"

struct record {
	char *value;   // NULL: the row does not exist
	int64_t freed; // ALLOC_IN_USE or a revision
};

struct pool {
	char *name;
	struct map *owners; // owner -> struct record
	struct map *values; // value -> owner's name (owned by the log or the owners' keys: copied)
	int64_t high;       // greatest number ever given
};

struct change {
	struct pool *pool;
	char *owner;
	struct record before, after;
	int64_t high_before, high_after;
};

struct alloc {
	struct map *pools;
	struct change *log;
	size_t log_count, log_cap;
};

static void record_free(void *at)
{
	struct record *record = at;

	if (record)
		free(record->value);
	free(record);
}

static void pool_free(void *at)
{
	struct pool *pool = at;

	if (!pool)
		return;
	map_free(pool->owners);
	map_free(pool->values);
	free(pool->name);
	free(pool);
}

struct alloc *alloc_new(void)
{
	struct alloc *alloc = calloc(1, sizeof *alloc);

	if (!alloc)
		return NULL;
	alloc->pools = map_new(pool_free);
	if (!alloc->pools) {
		free(alloc);
		return NULL;
	}
	return alloc;
}

static void log_clear(struct alloc *alloc)
{
	for (size_t i = 0; i < alloc->log_count; i++) {
		free(alloc->log[i].owner);
		free(alloc->log[i].before.value);
		free(alloc->log[i].after.value);
	}
	alloc->log_count = 0;
}

void alloc_free(struct alloc *alloc)
{
	if (!alloc)
		return;
	log_clear(alloc);
	free(alloc->log);
	map_free(alloc->pools);
	free(alloc);
}

static struct pool *pool_get(struct alloc *alloc, const char *name)
{
	struct pool *pool = map_get(alloc->pools, name);

	if (pool)
		return pool;
	pool = calloc(1, sizeof *pool);
	if (!pool)
		return NULL;
	pool->name = strdup(name);
	pool->owners = map_new(record_free);
	pool->values = map_new(free);
	if (!pool->name || !pool->owners || !pool->values ||
	    map_set(alloc->pools, name, pool) < 0) {
		pool_free(pool);
		return NULL;
	}
	return pool;
}

// Makes the owner's record read `want`, in both maps.
static int pool_write(struct pool *pool, const char *owner, const struct record *want)
{
	struct record *now = map_get(pool->owners, owner);
	struct record *next = NULL;
	char *holder = NULL;

	if (want->value) {
		next = calloc(1, sizeof *next);
		holder = strdup(owner);
		if (!next || !holder || !(next->value = strdup(want->value)))
			goto failed;
		next->freed = want->freed;
	}
	if (now) {
		const char *holds = map_get(pool->values, now->value);

		if (holds && strcmp(holds, owner) == 0)
			(void)map_drop(pool->values, now->value);
	}
	if (!next) {
		(void)map_drop(pool->owners, owner);
		return 0;
	}
	if (map_set(pool->values, next->value, holder) < 0)
		goto failed;
	if (map_set(pool->owners, owner, next) < 0) {
		record_free(next);
		return -ENOMEM;
	}
	return 0;
failed:
	free(holder);
	record_free(next);
	return -ENOMEM;
}

static int64_t value_number(const char *value)
{
	return value ? strtoll(value, NULL, 10) : 0;
}

int alloc_load(struct alloc *alloc, const char *pool_name, const char *owner, const char *value,
	       int64_t freed_revision)
{
	struct pool *pool = pool_get(alloc, pool_name);
	CLEAN(free_ptr) char *copy = strdup(value);
	struct record record = { copy, freed_revision };

	if (!pool || !copy)
		return -ENOMEM;
	int rc = pool_write(pool, owner, &record);
	if (rc == 0 && value_number(value) > pool->high)
		pool->high = value_number(value);
	return rc;
}

static struct record *record_find(const struct alloc *alloc, const char *pool_name,
				  const char *owner)
{
	struct pool *pool = map_get(alloc->pools, pool_name);

	return pool ? map_get(pool->owners, owner) : NULL;
}

const char *alloc_text(const struct alloc *alloc, const char *pool, const char *owner)
{
	struct record *record = record_find(alloc, pool, owner);

	return record && record->freed == ALLOC_IN_USE ? record->value : NULL;
}

const char *alloc_former(const struct alloc *alloc, const char *pool, const char *owner)
{
	struct record *record = record_find(alloc, pool, owner);

	return record && record->freed != ALLOC_IN_USE ? record->value : NULL;
}

int64_t alloc_number(const struct alloc *alloc, const char *pool, const char *owner)
{
	return value_number(alloc_text(alloc, pool, owner));
}

bool alloc_is_held(const struct alloc *alloc, const char *pool_name, const char *value,
		   bool with_freed)
{
	struct pool *pool = map_get(alloc->pools, pool_name);
	const char *owner = pool ? map_get(pool->values, value) : NULL;

	return owner && (with_freed || alloc_text(alloc, pool_name, owner));
}

static int log_room(struct alloc *alloc)
{
	if (alloc->log_count < alloc->log_cap)
		return 0;
	size_t cap = alloc->log_cap ? alloc->log_cap * 2 : 16;
	struct change *log = reallocarray(alloc->log, cap, sizeof *log);
	if (!log)
		return -ENOMEM;
	alloc->log = log;
	alloc->log_cap = cap;
	return 0;
}

// The one way to change something: `value` NULL removes the row.
static int alloc_change(struct alloc *alloc, struct pool *pool, const char *owner,
			const char *value, int64_t freed)
{
	struct record *now = map_get(pool->owners, owner);
	struct change c = { .pool = pool, .high_before = pool->high, .high_after = pool->high };

	if (log_room(alloc) < 0)
		return -ENOMEM;
	c.owner = strdup(owner);
	c.before.value = now ? strdup(now->value) : NULL;
	c.before.freed = now ? now->freed : 0;
	c.after.value = value ? strdup(value) : NULL;
	c.after.freed = freed;
	if (value_number(value) > c.high_after)
		c.high_after = value_number(value);
	if (!c.owner || (now && !c.before.value) || (value && !c.after.value) ||
	    pool_write(pool, c.owner, &c.after) < 0) {
		free(c.owner);
		free(c.before.value);
		free(c.after.value);
		return -ENOMEM;
	}
	pool->high = c.high_after;
	alloc->log[alloc->log_count++] = c;
	return 0;
}

static bool range_allows(const struct alloc_range *range, int64_t n)
{
	return n >= range->first && n <= range->last &&
	       (!range->is_free || range->is_free(range->arg, n));
}

static bool number_is_known(const struct pool *pool, int64_t n)
{
	char text[24];

	(void)snprintf(text, sizeof text, "%lld", (long long)n);
	return map_get(pool->values, text) != NULL;
}

// A number never given so far, or 0.
static int64_t number_fresh(const struct pool *pool, const struct alloc_range *range)
{
	for (int64_t n = pool->high + 1 > range->first ? pool->high + 1 : range->first;
	     n <= range->last; n++) {
		if (range_allows(range, n))
			return n;
	}
	for (int64_t n = range->first; n <= range->last && n <= pool->high; n++) {
		if (!number_is_known(pool, n) && range_allows(range, n))
			return n;
	}
	return 0;
}

// The owner of the number freed longest ago, or NULL.
static const char *owner_longest_freed(const struct pool *pool, const struct alloc_range *range)
{
	const char *best = NULL, *owner;
	const struct record *oldest = NULL;
	void *at_value;

	for (size_t at = 0; map_next(pool->owners, &at, &owner, &at_value);) {
		const struct record *r = at_value;

		if (r->freed == ALLOC_IN_USE || !range_allows(range, value_number(r->value)))
			continue;
		if (oldest && r->freed >= oldest->freed)
			continue;
		oldest = r;
		best = owner;
	}
	return best;
}

static int64_t number_reused(struct alloc *alloc, struct pool *pool,
			     const struct alloc_range *range)
{
	const char *owner = owner_longest_freed(pool, range);

	if (!owner)
		return -ENOSPC;
	CLEAN(free_ptr) char *former = strdup(owner);
	int64_t n = value_number(((struct record *)map_get(pool->owners, owner))->value);
	if (!former || alloc_change(alloc, pool, former, NULL, 0) < 0)
		return -ENOMEM;
	return n;
}

int alloc_take(struct alloc *alloc, const char *pool_name, const char *owner,
	       const struct alloc_range *range, int64_t *ret_value)
{
	struct pool *pool = pool_get(alloc, pool_name);
	char text[24];

	if (!pool)
		return -ENOMEM;
	struct record *own = map_get(pool->owners, owner);
	int64_t n = own ? value_number(own->value) : 0;
	if (own && own->freed == ALLOC_IN_USE && n >= range->first && n <= range->last) {
		*ret_value = n;
		return 0;
	}
	if (!own || !range_allows(range, n))
		n = number_fresh(pool, range);
	if (n == 0)
		n = number_reused(alloc, pool, range);
	if (n < 0)
		return (int)n;
	(void)snprintf(text, sizeof text, "%lld", (long long)n);
	int rc = alloc_change(alloc, pool, owner, text, ALLOC_IN_USE);
	if (rc == 0)
		*ret_value = n;
	return rc;
}

int alloc_put(struct alloc *alloc, const char *pool_name, const char *owner, const char *value)
{
	struct pool *pool = pool_get(alloc, pool_name);

	if (!pool)
		return -ENOMEM;
	const char *now = alloc_text(alloc, pool_name, owner);
	if (now && strcmp(now, value) == 0)
		return 0;
	const char *holder = map_get(pool->values, value);
	if (holder && strcmp(holder, owner) != 0) {
		CLEAN(free_ptr) char *former = strdup(holder);

		if (!former || alloc_change(alloc, pool, former, NULL, 0) < 0)
			return -ENOMEM;
	}
	return alloc_change(alloc, pool, owner, value, ALLOC_IN_USE);
}

int alloc_release(struct alloc *alloc, const char *pool_name, const char *owner, int64_t revision)
{
	struct pool *pool = map_get(alloc->pools, pool_name);
	const char *value = alloc_text(alloc, pool_name, owner);

	if (!pool || !value)
		return 0;
	return alloc_change(alloc, pool, owner, value, revision);
}

bool alloc_next(const struct alloc *alloc, const char *pool_name, size_t *at,
		const char **ret_owner, const char **ret_value)
{
	struct pool *pool = map_get(alloc->pools, pool_name);
	const char *owner;
	void *value;

	while (pool && map_next(pool->owners, at, &owner, &value)) {
		const struct record *record = value;

		if (record->freed != ALLOC_IN_USE)
			continue;
		*ret_owner = owner;
		if (ret_value)
			*ret_value = record->value;
		return true;
	}
	return false;
}

size_t alloc_log_count(const struct alloc *alloc)
{
	return alloc->log_count;
}

struct alloc_row alloc_log_at(const struct alloc *alloc, size_t index)
{
	const struct change *c = &alloc->log[index];

	return (struct alloc_row){ c->pool->name, c->owner, c->after.value, c->after.freed };
}

// Memory for the very records was there a moment ago; if it is not now, the process cannot go on
// truthfully.
static void change_show(const struct change *c, bool is_after)
{
	c->pool->high = is_after ? c->high_after : c->high_before;
	if (pool_write(c->pool, c->owner, is_after ? &c->after : &c->before) < 0)
		abort();
}

void alloc_rewind(struct alloc *alloc)
{
	for (size_t i = alloc->log_count; i-- > 0;)
		change_show(&alloc->log[i], false);
}

void alloc_replay(struct alloc *alloc)
{
	for (size_t i = 0; i < alloc->log_count; i++)
		change_show(&alloc->log[i], true);
}

void alloc_commit(struct alloc *alloc)
{
	log_clear(alloc);
}

void alloc_undo(struct alloc *alloc)
{
	alloc_rewind(alloc);
	log_clear(alloc);
}
