#include "dns/memo.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "dns/hash.h"

enum { NOTES = 4096, WIRE_MAX = 79 }; // longer names are looked for each time

struct note {
	uint8_t len; // 0: none
	uint8_t wire[WIRE_MAX];
	struct decide_set lists;
};

struct dns_memo {
	uint64_t seed;
	struct note notes[NOTES];
};

struct dns_memo *dns_memo_new(void)
{
	struct dns_memo *memo = calloc(1, sizeof(*memo));
	if (memo && getrandom(&memo->seed, sizeof(memo->seed), 0) < 0) {
		free(memo);
		return NULL;
	}
	return memo;
}

void dns_memo_free(struct dns_memo *memo)
{
	free(memo);
}

void dns_memo_lists(struct dns_memo *memo, const struct decide *decide, const struct name *name,
		    struct decide_set *ret)
{
	struct note *note =
		&memo->notes[dns_hash(name->len, name->wire, name->len, memo->seed) % NOTES];
	if (note->len == name->len && memcmp(note->wire, name->wire, name->len) == 0) {
		*ret = note->lists;
		return;
	}
	decide_lists_of(decide, name, ret);
	if (name->len > WIRE_MAX)
		return;
	note->len = name->len;
	memcpy(note->wire, name->wire, name->len);
	note->lists = *ret;
}
