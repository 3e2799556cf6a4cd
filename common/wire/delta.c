// Deltas: what turns one entry set into another.

#include <errno.h>
#include <string.h>

#include "wire/entries.h"
#include "wire/limits.h"

void entry_delta_done(struct entry_delta *delta)
{
	for (size_t i = 0; i < delta->count; i++)
		free((void *)(uintptr_t)delta->changes[i].key);
	free(delta->changes);
	*delta = (struct entry_delta){ 0 };
}

static int make_room(struct entry_delta *delta)
{
	if (delta->count < delta->cap)
		return 0;
	size_t cap = delta->cap ? delta->cap * 2 : 8;
	struct entry_change *changes = realloc(delta->changes, cap * sizeof(*changes));
	if (!changes)
		return -ENOMEM;
	delta->changes = changes;
	delta->cap = cap;
	return 0;
}

int entry_delta_add(struct entry_delta *delta, const char *key, const char *body, size_t body_len)
{
	size_t key_size = strlen(key) + 1;

	if (make_room(delta) < 0)
		return -ENOMEM;
	// One allocation holds both; it is freed by its key.
	char *text = malloc(key_size + (body ? body_len + 1 : 0));
	if (!text)
		return -ENOMEM;
	memcpy(text, key, key_size);
	if (body) {
		memcpy(text + key_size, body, body_len);
		text[key_size + body_len] = '\0';
	}
	delta->changes[delta->count++] = (struct entry_change){
		.key = text,
		.body = body ? text + key_size : NULL,
		.body_len = body ? body_len : 0,
	};
	return 0;
}

static int add_drops(const struct entry_set *from, const struct entry_set *to,
		     struct entry_delta *delta)
{
	struct entry_change e;

	for (size_t at = 0; entry_set_next(from, &at, &e);) {
		if (!entry_set_get(to, e.key, NULL) && entry_delta_add(delta, e.key, NULL, 0) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int add_sets(const struct entry_set *from, const struct entry_set *to,
		    struct entry_delta *delta)
{
	struct entry_change e;

	for (size_t at = 0; entry_set_next(to, &at, &e);) {
		size_t len = 0;
		const char *old = entry_set_get(from, e.key, &len);

		if (old && len == e.body_len && memcmp(old, e.body, len) == 0)
			continue;
		if (entry_delta_add(delta, e.key, e.body, e.body_len) < 0)
			return -ENOMEM;
	}
	return 0;
}

int entry_delta_between(const struct entry_set *from, const struct entry_set *to,
			struct entry_delta *ret_delta)
{
	struct entry_delta delta = { .base = entry_set_digest(from),
				     .digest = entry_set_digest(to) };

	if (add_drops(from, to, &delta) < 0 || add_sets(from, to, &delta) < 0) {
		entry_delta_done(&delta);
		return -ENOMEM;
	}
	*ret_delta = delta;
	return 0;
}

static int compare_hashes(const void *a, const void *b)
{
	const struct entry_hash *x = a;
	const struct entry_hash *y = b;

	return digest_compare(x->key, y->key);
}

// Adds what the other end lacks, and marks in `known` what it rightly has under some key.
static int add_unlike(const struct entry_hash *have, size_t count, const struct entry_set *to,
		      bool *known, struct entry_delta *delta)
{
	struct entry_change e;

	for (size_t at = 0; entry_set_next(to, &at, &e);) {
		struct entry_hash hash = entry_set_hash_at(to, at - 1);
		const struct entry_hash *found =
			count ? bsearch(&hash, have, count, sizeof(*have), compare_hashes) : NULL;

		if (found)
			known[found - have] = true;
		if (found && digest_equal(found->body, hash.body))
			continue;
		if (entry_delta_add(delta, e.key, e.body, e.body_len) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int add_unknown(const struct entry_hash *have, size_t count, const bool *known,
		       struct entry_delta *delta)
{
	char key[1 + DIGEST_TEXT_SIZE] = "#";

	for (size_t i = 0; i < count; i++) {
		digest_format(have[i].key, key + 1);
		if (!known[i] && entry_delta_add(delta, key, NULL, 0) < 0)
			return -ENOMEM;
	}
	return 0;
}

// A liar may tell one key twice. Returns how many are left.
static size_t sort_unique(struct entry_hash *have, size_t count)
{
	size_t kept = 0;

	if (count)
		qsort(have, count, sizeof(*have), compare_hashes);
	for (size_t i = 0; i < count; i++) {
		if (kept == 0 || compare_hashes(&have[kept - 1], &have[i]) != 0)
			have[kept++] = have[i];
	}
	return kept;
}

int entry_delta_from_hashes(struct entry_hash *have, size_t count, struct digest base,
			    const struct entry_set *to, struct entry_delta *ret_delta)
{
	struct entry_delta delta = { .base = base, .digest = entry_set_digest(to) };
	CLEAN(free_ptr) bool *known = calloc(count + 1, sizeof(bool));

	if (!known)
		return -ENOMEM;
	count = sort_unique(have, count);
	if (add_unlike(have, count, to, known, &delta) < 0 ||
	    add_unknown(have, count, known, &delta) < 0) {
		entry_delta_done(&delta);
		return -ENOMEM;
	}
	*ret_delta = delta;
	return 0;
}
