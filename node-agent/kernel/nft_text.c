#include "kernel/nft_text.h"

#include <errno.h>
#include <nftables/libnftables.h>
#include <stdlib.h>
#include <string.h>

struct nft_text {
	struct nft_ctx *ctx;
};

void nft_text_close(struct nft_text *nft)
{
	if (!nft)
		return;
	if (nft->ctx)
		nft_ctx_free(nft->ctx);
	free(nft);
}

int nft_text_open(struct nft_text **ret, struct err *err)
{
	CLEAN(nft_text_close_ptr) struct nft_text *nft = calloc(1, sizeof *nft);

	if (!nft)
		return err_set(err, -ENOMEM, "out of memory");
	nft->ctx = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!nft->ctx || nft_ctx_buffer_output(nft->ctx) || nft_ctx_buffer_error(nft->ctx))
		return err_set(err, -ENOMEM, "nftables cannot be opened");
	*ret = take_ptr(&nft);
	return 0;
}

// nft's message is several lines with a marked source line; the first says what is wrong.
static int refused(struct nft_text *nft, struct err *err)
{
	const char *text = nft_ctx_get_error_buffer(nft->ctx);
	const char *error = text ? strstr(text, "Error: ") : NULL;
	const int code = text && strstr(text, strerror(ENOENT)) ? -ENOENT : -EINVAL;

	error = error ? error + strlen("Error: ") : "nftables refused the rules";
	return err_set(err, code, "nftables: %.*s", (int)strcspn(error, "\n"), error);
}

void nft_text_set_terse(struct nft_text *nft, bool is_terse)
{
	nft_ctx_output_set_flags(nft->ctx, is_terse ? NFT_CTX_OUTPUT_TERSE : 0);
}

int nft_text_run(struct nft_text *nft, const char *commands, const char **ret_output,
		 struct err *err)
{
	if (nft_run_cmd_from_buffer(nft->ctx, commands) != 0)
		return refused(nft, err);
	// Errors of an earlier command must not be read as those of a later one.
	(void)nft_ctx_get_error_buffer(nft->ctx);
	const char *output = nft_ctx_get_output_buffer(nft->ctx);
	if (ret_output)
		*ret_output = output ? output : "";
	return 0;
}
