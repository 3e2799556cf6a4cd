// Table `inet weft_policy`: what nft lists of it, and transactions on it.
#pragma once

#include "kernel/nft_text.h"
#include "kernel/values.h"

// The contract of kernel_policy_read() (kernel.h).
int policy_table_read(struct nft_text *nft, struct kernel_policy *ret, struct err *err);

// Pure: reads a listing. 0 or -ENOMEM; kernel_policy_done() frees.
int policy_listing_parse(const char *text, struct kernel_policy *ret);
