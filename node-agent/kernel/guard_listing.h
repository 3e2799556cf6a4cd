// Reads nft's listing of table `inet weft`. Pure.
#pragma once

#include "kernel/values.h"

// `text` is what `nft list table inet weft` prints. Fills comment, counters and rules_sum; `exists`
// becomes true.
void guard_listing_parse(const char *text, struct kernel_guard *ret);
