// An event stream gives the same events wherever the network cuts it.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int note(const char *type, const char *id, const char *data, void *user)
{
	struct text *seen = user;

	text_addf(seen, "[%s|%s|%s]", type, id, data);
	return 0;
}

// The first byte tells how large the pieces are, 0: all at once.
static int feed(const uint8_t *data, size_t size, size_t piece, struct text *seen)
{
	struct sse sse = { .event = note, .user = seen };
	int r = 0;

	for (size_t at = 0; at < size && r == 0; at += piece) {
		const size_t len = size - at < piece ? size - at : piece;
		// A copy of its own, so that a read past the piece is seen.
		char *copy = malloc(len);

		if (!copy)
			abort();
		memcpy(copy, data + at, len);
		r = sse_feed(&sse, copy, len);
		free(copy);
	}
	sse_done(&sse);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEAN(text_free) struct text whole = { 0 };
	CLEAN(text_free) struct text cut = { 0 };

	if (size < 2)
		return 0;
	const int r = feed(data + 1, size - 1, size - 1, &whole);
	const int again = feed(data + 1, size - 1, (size_t)data[0] % 16 + 1, &cut);
	if (r != again || whole.len != cut.len ||
	    (whole.len && memcmp(whole.data, cut.data, whole.len) != 0))
		abort();
	return 0;
}
