#include "wire/entries.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/text.h"
#include "wire/json.h"
#include "wire/limits.h"

// Shared between a set and its copies; never changed but for the note.
struct entry {
	struct digest term;
	struct digest key_hash;
	uint32_t uses;
	uint32_t body_len;
	uint16_t key_len;
	unsigned char note;
	char text[]; // key, NUL, body, NUL
};

struct entry_set {
	struct entry **list; // by key
	size_t count;
	size_t cap;
	size_t bytes;
	struct digest digest;
};

static const char *body_of(const struct entry *e)
{
	return e->text + e->key_len + 1;
}

static bool is_key_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c && strchr("./:_@-", c));
}

int entry_key_check(const char *key, struct err *err)
{
	size_t good = 0;

	while (is_key_character(key[good]))
		good++;
	// What is shown is only what was found to be harmless in a log.
	if (key[good])
		return err_set(err, -EINVAL,
			       "the key that begins \"%.*s\" has a character outside a-z 0-9 . / : "
			       "_ @ - at position %zu",
			       (int)(good < 60 ? good : 60), key, good);
	if (good == 0)
		return err_set(err, -EINVAL, "a key is empty");
	if (good > WIRE_KEY_MAX)
		return err_set(err, -EINVAL, "the key \"%.60s...\" is longer than %d characters",
			       key, WIRE_KEY_MAX);
	return 0;
}

bool entry_is_secret(const char *key)
{
	return text_starts(key, "probe-key/", NULL) || text_starts(key, "path-key/", NULL) ||
	       text_starts(key, "ha-key/", NULL);
}

int entry_body_check(const char *body, size_t len, struct err *err)
{
	json_t *json = NULL;
	int rc;

	if (len > WIRE_BODY_MAX)
		return err_set(err, -E2BIG, "a body of %zu bytes is larger than %d", len,
			       WIRE_BODY_MAX);
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)body[i] < 0x20)
			return err_set(err, -EBADMSG, "a body has a control character at byte %zu",
				       i);
	}
	rc = wire_json_parse(body, len, &json, err);
	json_decref(json);
	return rc < 0 ? err_prefix(err, "a body") : 0;
}

static struct entry *entry_make(const char *key, const char *body, size_t body_len)
{
	size_t key_len = strlen(key);
	struct entry *e = malloc(sizeof(*e) + key_len + body_len + 2);

	if (!e)
		return NULL;
	e->uses = 1;
	e->key_len = (uint16_t)key_len; // WIRE_KEY_MAX at most
	e->note = 0;
	e->body_len = (uint32_t)body_len;
	memcpy(e->text, key, key_len + 1);
	if (body_len)
		memcpy(e->text + key_len + 1, body, body_len);
	e->text[key_len + 1 + body_len] = '\0';
	e->term = digest_of_entry(key, body, body_len);
	e->key_hash = digest_of_bytes(key, key_len);
	return e;
}

static void entry_drop(struct entry *e)
{
	if (--e->uses == 0)
		free(e);
}

struct entry_set *entry_set_new(void)
{
	return calloc(1, sizeof(struct entry_set));
}

void entry_set_free(struct entry_set *set)
{
	if (!set)
		return;
	entry_set_clear(set);
	free(set);
}

void entry_set_clear(struct entry_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		entry_drop(set->list[i]);
	free(set->list);
	*set = (struct entry_set){ 0 };
}

// The index of the first key that is not below `key`.
static size_t lower_bound(const struct entry_set *set, const char *key)
{
	size_t low = 0;
	size_t high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(set->list[middle]->text, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_at(const struct entry_set *set, size_t at, const char *key)
{
	return at < set->count && strcmp(set->list[at]->text, key) == 0;
}

static int make_room(struct entry_set *set)
{
	if (set->count < set->cap)
		return 0;
	size_t cap = set->cap < 8 ? 8 : set->cap + set->cap / 2;
	struct entry **list = realloc(set->list, cap * sizeof(struct entry *));
	if (!list)
		return -ENOMEM;
	set->list = list;
	set->cap = cap;
	return 0;
}

static void account(struct entry_set *set, const struct entry *gone, const struct entry *come)
{
	if (gone) {
		digest_sub(&set->digest, gone->term);
		set->bytes -= gone->key_len + gone->body_len;
	}
	if (come) {
		digest_add(&set->digest, come->term);
		set->bytes += come->key_len + come->body_len;
	}
}

int entry_set_put(struct entry_set *set, const char *key, const char *body, size_t body_len,
		  struct err *err)
{
	int rc = entry_key_check(key, err);

	if (rc < 0)
		return rc;
	if (body_len > WIRE_BODY_MAX)
		return err_set(err, -E2BIG, "%s: a body of %zu bytes is larger than %d", key,
			       body_len, WIRE_BODY_MAX);
	size_t at = lower_bound(set, key);
	bool is_there = is_at(set, at, key);
	if (is_there && set->list[at]->body_len == body_len &&
	    memcmp(body_of(set->list[at]), body, body_len) == 0)
		return 0;
	struct entry *e = entry_make(key, body, body_len);
	if (!e || (!is_there && make_room(set) < 0)) {
		free(e);
		return err_set(err, -ENOMEM, "%s: out of memory", key);
	}
	if (is_there) {
		account(set, set->list[at], e);
		entry_drop(set->list[at]);
	} else {
		account(set, NULL, e);
		memmove(set->list + at + 1, set->list + at,
			(set->count++ - at) * sizeof(struct entry *));
	}
	set->list[at] = e;
	return 1;
}

static size_t find_hash(const struct entry_set *set, struct digest hash)
{
	size_t at = 0;

	while (at < set->count && !digest_equal(set->list[at]->key_hash, hash))
		at++;
	return at;
}

bool entry_set_drop(struct entry_set *set, const char *key)
{
	struct digest hash;
	size_t at;

	if (key[0] == '#') {
		at = digest_parse(key + 1, &hash) == 0 ? find_hash(set, hash) : set->count;
		if (at == set->count)
			return false;
	} else {
		at = lower_bound(set, key);
		if (!is_at(set, at, key))
			return false;
	}
	account(set, set->list[at], NULL);
	entry_drop(set->list[at]);
	memmove(set->list + at, set->list + at + 1, (--set->count - at) * sizeof(struct entry *));
	return true;
}

const char *entry_set_get(const struct entry_set *set, const char *key, size_t *ret_len)
{
	size_t at = lower_bound(set, key);

	if (!is_at(set, at, key))
		return NULL;
	if (ret_len)
		*ret_len = set->list[at]->body_len;
	return body_of(set->list[at]);
}

unsigned char *entry_set_note(const struct entry_set *set, const char *key)
{
	size_t at = lower_bound(set, key);

	return is_at(set, at, key) ? &set->list[at]->note : NULL;
}

size_t entry_set_count(const struct entry_set *set)
{
	return set->count;
}

size_t entry_set_bytes(const struct entry_set *set)
{
	return set->bytes;
}

struct digest entry_set_digest(const struct entry_set *set)
{
	return set->digest;
}

struct entry_set *entry_set_copy(const struct entry_set *set)
{
	struct entry_set *copy = entry_set_new();

	if (!copy || set->count == 0)
		return copy;
	copy->list = malloc(set->count * sizeof(struct entry *));
	if (!copy->list) {
		free(copy);
		return NULL;
	}
	memcpy(copy->list, set->list, set->count * sizeof(struct entry *));
	for (size_t i = 0; i < set->count; i++)
		copy->list[i]->uses++;
	copy->count = copy->cap = set->count;
	copy->bytes = set->bytes;
	copy->digest = set->digest;
	return copy;
}

bool entry_set_next(const struct entry_set *set, size_t *at, struct entry_change *ret_entry)
{
	if (*at >= set->count)
		return false;
	const struct entry *e = set->list[(*at)++];
	*ret_entry = (struct entry_change){ e->text, body_of(e), e->body_len };
	return true;
}

bool entry_set_next_under(const struct entry_set *set, const char *prefix, size_t *at,
			  struct entry_change *ret_entry)
{
	if (*at == 0)
		*at = lower_bound(set, prefix);
	return entry_set_next(set, at, ret_entry) && text_starts(ret_entry->key, prefix, NULL);
}

struct entry_hash entry_set_hash_at(const struct entry_set *set, size_t at)
{
	const struct entry *e = set->list[at];

	return (struct entry_hash){ e->key_hash, digest_of_bytes(body_of(e), e->body_len) };
}

int entry_set_change(struct entry_set *set, const struct entry_change *changes, size_t count,
		     struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		const struct entry_change *c = &changes[i];

		if (!c->body) {
			(void)entry_set_drop(set, c->key);
			continue;
		}
		int rc = entry_set_put(set, c->key, c->body, c->body_len, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int entry_set_apply(struct entry_set *set, const struct entry_delta *delta, struct err *err)
{
	if (!digest_equal(set->digest, delta->base))
		return err_set(err, -ESTALE, "the change builds on another state than this one");
	CLEAN(entry_set_free_ptr) struct entry_set *next = entry_set_copy(set);
	if (!next)
		return err_set(err, -ENOMEM, "out of memory");
	int rc = entry_set_change(next, delta->changes, delta->count, err);
	if (rc < 0)
		return rc;
	if (!digest_equal(next->digest, delta->digest))
		return err_set(err, -EBADMSG, "the change leads to another state than it says");
	struct entry_set old = *set;
	*set = *next;
	*next = old;
	return 0;
}
