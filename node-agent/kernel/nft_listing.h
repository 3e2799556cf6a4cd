// Reads what nft lists of a table, line by line.
#pragma once

#include <stdint.h>

#define NFT_LISTING_SUM UINT64_C(0xcbf29ce484222325) // of nothing

// Adds a line of a listing to the sum (FNV-1a: enough to notice that somebody edited a rule).
// Returns what follows the line, and the line, cut to `size` and terminated.
const char *nft_listing_next(const char *text, char *line, unsigned size, uint64_t *ret_sum);
