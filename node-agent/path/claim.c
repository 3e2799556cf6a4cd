#include "path/claim.h"

#include "base/octets.h"

enum { AT_KIND = 0, AT_GROUP = 1, AT_EPOCH = 5, KIND_ACTIVE = 1 };

void claim_encode(const struct claim *claim, uint8_t ret[CLAIM_SIZE])
{
	ret[AT_KIND] = KIND_ACTIVE;
	octets_put(ret + AT_GROUP, claim->group, 4);
	octets_put(ret + AT_EPOCH, claim->epoch, 8);
}

bool claim_decode(const uint8_t *data, size_t len, struct claim *ret)
{
	if (len != CLAIM_SIZE || data[AT_KIND] != KIND_ACTIVE)
		return false;
	*ret = (struct claim){ .group = (uint32_t)octets_get(data + AT_GROUP, 4),
			       .epoch = octets_get(data + AT_EPOCH, 8) };
	return true;
}

bool claim_heard(struct claim_belief *belief, uint64_t node, uint64_t epoch, int64_t now_us)
{
	const bool is_other = belief->node != node;

	if (belief->node && is_other && epoch <= belief->epoch &&
	    now_us - belief->heard_us < CLAIM_FORGOTTEN_US)
		return false;
	// A late word of its own is no step back.
	if (is_other || epoch > belief->epoch)
		belief->epoch = epoch;
	belief->node = node;
	belief->heard_us = now_us;
	return is_other;
}
