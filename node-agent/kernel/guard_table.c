#include "kernel/guard_table.h"

#include <errno.h>
#include <nftables/libnftables.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#include "kernel/guard_listing.h"

struct guard_table {
	struct nft_ctx *nft;
};

void guard_table_close(struct guard_table *t)
{
	if (!t)
		return;
	if (t->nft)
		nft_ctx_free(t->nft);
	free(t);
}

int guard_table_open(struct guard_table **ret, struct err *err)
{
	CLEAN(guard_table_close_ptr) struct guard_table *t = calloc(1, sizeof *t);

	if (!t)
		return err_set(err, -ENOMEM, "out of memory");
	t->nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!t->nft || nft_ctx_buffer_output(t->nft) || nft_ctx_buffer_error(t->nft))
		return err_set(err, -ENOMEM, "nftables cannot be opened");
	*ret = take_ptr(&t);
	return 0;
}

// nft's message is several lines with a marked source line; the first says what is wrong.
static int refused(struct guard_table *t, struct err *err)
{
	const char *text = nft_ctx_get_error_buffer(t->nft);
	const char *error = text ? strstr(text, "Error: ") : NULL;

	error = error ? error + strlen("Error: ") : "nftables refused the rules";
	return err_set(err, -EINVAL, "nftables: %.*s", (int)strcspn(error, "\n"), error);
}

static int run(struct guard_table *t, const char *commands, struct err *err)
{
	if (nft_run_cmd_from_buffer(t->nft, commands) != 0)
		return refused(t, err);
	// Errors of an earlier command must not be read as those of a later one.
	(void)nft_ctx_get_error_buffer(t->nft);
	return 0;
}

// Adds the listing of a table; 0 when it is not there, 1 when it is. (One command that lists both
// finds only the first: nft's cache.)
static int list(struct guard_table *t, const char *command, struct text *out, struct err *err)
{
	if (nft_run_cmd_from_buffer(t->nft, command) == 0) {
		text_add(out, nft_ctx_get_output_buffer(t->nft));
		return out->failed ? err_set(err, -ENOMEM, "out of memory") : 1;
	}
	const char *text = nft_ctx_get_error_buffer(t->nft);
	if (text && strstr(text, strerror(ENOENT)))
		return 0;
	return err_set(err, -EIO, "nftables cannot be read: %.*s",
		       text ? (int)strcspn(text, "\n") : 0, text ? text : "");
}

int guard_table_read(struct guard_table *t, struct kernel_guard *ret, struct err *err)
{
	CLEAN(text_free) struct text both = { 0 };

	int rc = list(t, "list table inet weft", &both, err);
	if (rc > 0)
		rc = list(t, "list table bridge weft", &both, err);
	if (rc < 0)
		return rc;
	*ret = (struct kernel_guard){ .exists = false };
	if (rc > 0)
		guard_listing_parse(both.data, ret);
	return 0;
}

int guard_table_replace(struct guard_table *t, const char *ruleset, struct err *err)
{
	return run(t, ruleset, err);
}

int guard_table_delete(struct guard_table *t, struct err *err)
{
	// Adding first makes the deletion of an absent table no error.
	return run(t,
		   "add table inet weft; delete table inet weft; add table bridge weft; "
		   "delete table bridge weft",
		   err);
}
