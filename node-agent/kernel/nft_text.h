// Runs nft's own language through libnftables, and gives back what it prints.
#pragma once

#include <stdbool.h>

#include "base/clean.h"
#include "base/err.h"

struct nft_text;

int nft_text_open(struct nft_text **ret, struct err *err);
void nft_text_close(struct nft_text *nft);
CLEAN_FUNC(struct nft_text, nft_text_close)

// Whether listings leave out what is in named sets.
void nft_text_set_terse(struct nft_text *nft, bool is_terse);

// `ret_output` (may be NULL): what was printed, valid until the next run. -ENOENT when something
// named is not there, -EINVAL with nft's first sentence for any other refusal.
int nft_text_run(struct nft_text *nft, const char *commands, const char **ret_output,
		 struct err *err);
