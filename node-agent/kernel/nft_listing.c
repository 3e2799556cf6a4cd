#include "kernel/nft_listing.h"

#include <stddef.h>
#include <string.h>

static uint64_t sum_add(uint64_t sum, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum = (sum ^ (uint8_t)bytes[i]) * 0x100000001b3u;
	return sum;
}

const char *nft_listing_next(const char *text, char *line, unsigned size, uint64_t *ret_sum)
{
	const size_t len = strcspn(text, "\n");
	const size_t take = len < size ? len : size - 1;

	memcpy(line, text, take);
	line[take] = '\0';
	*ret_sum = sum_add(*ret_sum, text, len);
	return text + len + (text[len] == '\n');
}
