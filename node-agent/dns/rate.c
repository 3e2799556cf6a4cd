#include "dns/rate.h"

#include <stdlib.h>

#include "base/octets.h"

enum { BUCKETS = 4096, WAYS = 4, MILLI = 1000 };

struct bucket {
	uint64_t key; // of the client, 0: free
	int64_t at_ms;
	uint64_t milli; // thousandths of questions left
};

struct dns_rate {
	uint32_t per_second;
	uint64_t seed;
	struct bucket buckets[BUCKETS];
};

struct dns_rate *dns_rate_new(uint32_t per_second, uint64_t seed)
{
	struct dns_rate *rate = calloc(1, sizeof(*rate));
	if (!rate)
		return NULL;
	rate->per_second = per_second;
	rate->seed = seed;
	return rate;
}

void dns_rate_free(struct dns_rate *rate)
{
	free(rate);
}

// An IPv6 address by its network's half, with the highest bit; an IPv4 address without that.
// Neither is 0.
static uint64_t key_of(const struct address *client)
{
	if (client->family == 6)
		return octets_get(client->bytes, sizeof(uint64_t)) | UINT64_C(1) << 63;
	return octets_get(client->bytes, 4) | UINT64_C(1) << 32;
}

// The client's bucket; else that of these which was not asked by for longest.
static struct bucket *find(struct dns_rate *rate, uint64_t key)
{
	__extension__ unsigned __int128 product =
		(unsigned __int128)(key ^ rate->seed) * UINT64_C(0x9e3779b97f4a7c15);
	uint64_t hash = (uint64_t)(product >> 64) ^ (uint64_t)product;
	struct bucket *row = &rate->buckets[hash % (BUCKETS / WAYS) * WAYS], *oldest = row;
	for (unsigned i = 0; i < WAYS; i++) {
		if (row[i].key == key)
			return &row[i];
		if (row[i].at_ms < oldest->at_ms)
			oldest = &row[i];
	}
	*oldest = (struct bucket){ .key = key, .milli = (uint64_t)rate->per_second * MILLI };
	return oldest;
}

bool dns_rate_take(struct dns_rate *rate, const struct address *client, int64_t now_ms)
{
	uint64_t most = (uint64_t)rate->per_second * MILLI;
	struct bucket *bucket = find(rate, key_of(client));
	int64_t passed = now_ms - bucket->at_ms;
	if (bucket->at_ms != 0 && passed > 0)
		bucket->milli += (passed > MILLI ? MILLI : (uint64_t)passed) * rate->per_second;
	bucket->at_ms = now_ms;
	if (bucket->milli > most)
		bucket->milli = most;
	if (bucket->milli < MILLI)
		return false;
	bucket->milli -= MILLI;
	return true;
}
