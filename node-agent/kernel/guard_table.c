#include "kernel/guard_table.h"

#include <errno.h>
#include <stdlib.h>

#include "base/text.h"

#include "kernel/guard_listing.h"
#include "kernel/nft_text.h"

struct guard_table {
	struct nft_text *nft;
};

void guard_table_close(struct guard_table *t)
{
	if (!t)
		return;
	nft_text_close(t->nft);
	free(t);
}

int guard_table_open(struct guard_table **ret, struct err *err)
{
	CLEAN(guard_table_close_ptr) struct guard_table *t = calloc(1, sizeof *t);

	if (!t)
		return err_set(err, -ENOMEM, "out of memory");
	int rc = nft_text_open(&t->nft, err);
	if (rc == 0)
		*ret = take_ptr(&t);
	return rc;
}

// Adds the listing of a table; 0 when it is not there, 1 when it is. (One command that lists both
// finds only the first: nft's cache.)
static int list(struct guard_table *t, const char *command, struct text *out, struct err *err)
{
	struct err why;
	const char *text;

	int rc = nft_text_run(t->nft, command, &text, &why);
	if (rc == -ENOENT)
		return 0;
	if (rc < 0)
		return err_set(err, -EIO, "nftables cannot be read: %s", why.text);
	text_add(out, text);
	return out->failed ? err_set(err, -ENOMEM, "out of memory") : 1;
}

int guard_table_read(struct guard_table *t, struct kernel_guard *ret, struct err *err)
{
	CLEAN(text_free) struct text both = { 0 };

	int rc = list(t, "list table inet weft", &both, err);
	if (rc > 0) {
		// Who has spoken is none of Weft's making, and may be many.
		nft_text_set_terse(t->nft, true);
		rc = list(t, "list table bridge weft", &both, err);
		nft_text_set_terse(t->nft, false);
	}
	if (rc < 0)
		return rc;
	*ret = (struct kernel_guard){ .exists = false };
	if (rc > 0)
		guard_listing_parse(both.data, ret);
	return 0;
}

int guard_table_replace(struct guard_table *t, const char *ruleset, struct err *err)
{
	return nft_text_run(t->nft, ruleset, NULL, err);
}

int guard_table_delete(struct guard_table *t, struct err *err)
{
	// Adding first makes the deletion of an absent table no error.
	return nft_text_run(t->nft,
			    "add table inet weft; delete table inet weft; add table bridge weft; "
			    "delete table bridge weft",
			    NULL, err);
}
