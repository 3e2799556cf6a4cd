#include "dns/cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clean.h"
#include "base/octets.h"

#include "dns/hash.h"

enum {
	BYTES_A_SLOT = 256, // of the cache for each slot of its table: about what an answer takes
	SLOTS_MIN = 64,
	STALE_TTL_S = 1,
	RENEWAL_TENTH = 10,
	TTLS_MAX = 512, // records of an answer that is kept
};

struct entry {
	struct entry *next;          // in its slot
	struct entry *newer, *older; // by when they were asked for
	uint64_t hash, note;
	int64_t put_s, end_s;
	uint32_t view, ttl_s;
	uint16_t type, class;
	bool wants_dnssec, is_renewing, has_alias;
	uint16_t len, n_ttls;
	uint8_t name_len;
	// Behind it: uint16_t ttl_at[n_ttls], the name's wire, the message.
	uint16_t ttl_at[];
};

struct dns_cache {
	struct dns_cache_config config;
	struct dns_cache_counts counts;
	uint64_t seed;
	struct entry *newest, *oldest;
	size_t n_slots; // a power of two
	struct entry *slots[];
};

struct dns_cache *dns_cache_new(const struct dns_cache_config *config)
{
	size_t n_slots = SLOTS_MIN;
	while (n_slots < config->bytes / BYTES_A_SLOT)
		n_slots *= 2;
	struct dns_cache *cache = calloc(1, sizeof(*cache) + n_slots * sizeof(cache->slots[0]));
	if (!cache)
		return NULL;
	cache->config = *config;
	cache->n_slots = n_slots;
	cache->counts.bytes = sizeof(*cache) + n_slots * sizeof(cache->slots[0]);
	if (getrandom(&cache->seed, sizeof(cache->seed), 0) < 0) {
		free(cache);
		return NULL;
	}
	return cache;
}

void dns_cache_free(struct dns_cache *cache)
{
	if (cache)
		(void)dns_cache_forget(cache, NULL, true);
	free(cache);
}

// Clients choose the names: the seed keeps them from choosing the slots.
static uint64_t hash_key(const struct dns_cache *cache, const struct dns_key *key)
{
	uint64_t hash = cache->seed ^
			((uint64_t)key->view << 32 | (uint32_t)key->type << 16 | key->class) ^
			((uint64_t)key->wants_dnssec << 63);
	return dns_hash(hash, key->name->wire, key->name->len, cache->seed);
}

static uint8_t *name_of(struct entry *entry)
{
	return (uint8_t *)(entry->ttl_at + entry->n_ttls);
}

static size_t size_of(const struct entry *entry)
{
	return sizeof(*entry) + entry->n_ttls * sizeof(uint16_t) + entry->name_len + entry->len;
}

static struct entry **slot_of(struct dns_cache *cache, uint64_t hash)
{
	return &cache->slots[hash & (cache->n_slots - 1)];
}

static bool is_for(struct entry *entry, uint64_t hash, const struct dns_key *key)
{
	return entry->hash == hash && entry->type == key->type && entry->class == key->class &&
	       entry->view == key->view && entry->wants_dnssec == key->wants_dnssec &&
	       entry->name_len == key->name->len &&
	       memcmp(name_of(entry), key->name->wire, entry->name_len) == 0;
}

static struct entry *find(struct dns_cache *cache, const struct dns_key *key)
{
	uint64_t hash = hash_key(cache, key);
	struct entry *entry = *slot_of(cache, hash);
	while (entry && !is_for(entry, hash, key))
		entry = entry->next;
	return entry;
}

static void unlink_age(struct dns_cache *cache, struct entry *entry)
{
	*(entry->newer ? &entry->newer->older : &cache->newest) = entry->older;
	*(entry->older ? &entry->older->newer : &cache->oldest) = entry->newer;
}

static void make_newest(struct dns_cache *cache, struct entry *entry)
{
	entry->newer = NULL;
	entry->older = cache->newest;
	*(cache->newest ? &cache->newest->newer : &cache->oldest) = entry;
	cache->newest = entry;
}

static void drop(struct dns_cache *cache, struct entry *entry)
{
	struct entry **at = slot_of(cache, entry->hash);
	while (*at != entry)
		at = &(*at)->next;
	*at = entry->next;
	unlink_age(cache, entry);
	cache->counts.entries--;
	cache->counts.bytes -= size_of(entry);
	free(entry);
}

// Where the TTLs stand; returns how many, below 0 for a broken message.
static int find_ttls(const uint8_t *message, size_t len, uint16_t ret[TTLS_MAX],
		     bool *ret_has_alias)
{
	struct dns_reader reader;
	struct dns_record record;
	int more, count = 0;
	if (dns_reader_init(&reader, message, len) < 0)
		return -EBADMSG;
	while ((more = dns_reader_next(&reader, &record)) > 0) {
		if (count == TTLS_MAX)
			return -EFBIG;
		ret[count++] = (uint16_t)record.ttl_at;
		*ret_has_alias |= record.type == DNS_CNAME;
	}
	return more < 0 ? more : count;
}

int dns_cache_put(struct dns_cache *cache, const struct dns_key *key, const uint8_t *message,
		  size_t len, uint32_t ttl_s, int64_t now_s)
{
	uint16_t ttls[TTLS_MAX];
	struct entry *former = find(cache, key);
	if (former)
		drop(cache, former);
	if (len > UINT16_MAX || len > cache->config.bytes / 4)
		return -EFBIG;
	bool has_alias = false;
	int count = find_ttls(message, len, ttls, &has_alias);
	if (count < 0)
		return count;
	struct entry *entry =
		malloc(sizeof(*entry) + (size_t)count * sizeof(ttls[0]) + key->name->len + len);
	if (!entry)
		return -ENOMEM;
	*entry = (struct entry){ .hash = hash_key(cache, key),
				 .put_s = now_s,
				 .end_s = now_s + ttl_s,
				 .view = key->view,
				 .ttl_s = ttl_s,
				 .type = key->type,
				 .class = key->class,
				 .wants_dnssec = key->wants_dnssec,
				 .has_alias = has_alias,
				 .len = (uint16_t)len,
				 .n_ttls = (uint16_t)count,
				 .name_len = key->name->len };
	memcpy(entry->ttl_at, ttls, (size_t)count * sizeof(ttls[0]));
	memcpy(name_of(entry), key->name->wire, entry->name_len);
	memcpy(name_of(entry) + entry->name_len, message, len);
	while (cache->oldest && cache->counts.bytes + size_of(entry) > cache->config.bytes) {
		drop(cache, cache->oldest);
		cache->counts.evicted++;
	}
	struct entry **slot = slot_of(cache, entry->hash);
	entry->next = *slot;
	*slot = entry;
	make_newest(cache, entry);
	cache->counts.entries++;
	cache->counts.bytes += size_of(entry);
	return 0;
}

static void copy_aged(struct entry *entry, int64_t now_s, uint8_t *ret)
{
	bool is_stale = now_s >= entry->end_s;
	uint64_t age = (uint64_t)(now_s - entry->put_s);
	memcpy(ret, name_of(entry) + entry->name_len, entry->len);
	for (unsigned i = 0; i < entry->n_ttls; i++) {
		uint8_t *at = ret + entry->ttl_at[i];
		uint64_t ttl = octets_get(at, 4);
		octets_put(at, is_stale ? STALE_TTL_S : ttl > age ? ttl - age : 0, 4);
	}
}

enum dns_found dns_cache_get(struct dns_cache *cache, const struct dns_key *key, int64_t now_s,
			     uint8_t *ret, size_t cap, struct dns_hit *ret_hit)
{
	struct entry *entry = find(cache, key);
	*ret_hit = (struct dns_hit){ 0 };
	if (entry && now_s >= entry->end_s + cache->config.stale_s) {
		drop(cache, entry);
		entry = NULL;
	}
	if (!entry) {
		cache->counts.misses++;
		return DNS_MISS;
	}
	bool is_stale = now_s >= entry->end_s;
	unlink_age(cache, entry);
	make_newest(cache, entry);
	ret_hit->len = entry->len;
	ret_hit->has_alias = entry->has_alias;
	ret_hit->note = &entry->note;
	if (!is_stale && !entry->is_renewing &&
	    entry->end_s - now_s <= entry->ttl_s / RENEWAL_TENTH)
		ret_hit->wants_renewal = entry->is_renewing = true;
	if (entry->len <= cap)
		copy_aged(entry, now_s, ret);
	*(is_stale ? &cache->counts.stale : &cache->counts.hits) += 1;
	return is_stale ? DNS_STALE : DNS_FRESH;
}

size_t dns_cache_peek(struct dns_cache *cache, const struct dns_key *key, int64_t now_s,
		      uint8_t *ret, size_t cap)
{
	struct entry *entry = find(cache, key);
	if (!entry || now_s >= entry->end_s || entry->len > cap)
		return 0;
	copy_aged(entry, now_s, ret);
	return entry->len;
}

static bool is_about(struct entry *entry, const struct name *name, bool below)
{
	size_t len = entry->name_len;
	const uint8_t *wire = name_of(entry);
	if (!name)
		return true;
	// From label to label, so that a dot inside one is no border.
	while (below && len > name->len) {
		len -= 1u + *wire;
		wire += 1u + *wire;
	}
	return len == name->len && memcmp(wire, name->wire, len) == 0;
}

void dns_cache_each(struct dns_cache *cache, const struct name *name, bool below, int64_t now_s,
		    dns_kept_fn *fn, void *context)
{
	bool goes_on = true;
	for (struct entry *entry = cache->newest; entry && goes_on; entry = entry->older) {
		struct name asked;
		if (now_s >= entry->end_s || !is_about(entry, name, below) ||
		    name_read(name_of(entry), entry->name_len, &asked) < 0)
			continue;
		const struct dns_kept kept = { .key = { .name = &asked,
							.type = entry->type,
							.class = entry->class,
							.view = entry->view,
							.wants_dnssec = entry->wants_dnssec },
					       .left_s = entry->end_s - now_s,
					       .message = name_of(entry) + entry->name_len,
					       .len = entry->len };
		goes_on = fn(context, &kept);
	}
}

size_t dns_cache_forget(struct dns_cache *cache, const struct name *name, bool below)
{
	size_t count = 0;
	for (struct entry *entry = cache->newest, *older; entry; entry = older) {
		older = entry->older;
		if (!is_about(entry, name, below))
			continue;
		drop(cache, entry);
		count++;
	}
	return count;
}

size_t dns_cache_forget_type(struct dns_cache *cache, uint16_t type)
{
	size_t count = 0;
	for (struct entry *entry = cache->newest, *older; entry; entry = older) {
		older = entry->older;
		if (entry->type != type)
			continue;
		drop(cache, entry);
		count++;
	}
	return count;
}

struct dns_cache_counts dns_cache_counts(const struct dns_cache *cache)
{
	return cache->counts;
}
