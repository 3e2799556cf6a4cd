// Bytes as either end might get them: decode, encode again, decode that; what was accepted must be
// accepted again.

#include <stdint.h>
#include <stdlib.h>

#include "wire/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_direction(enum msg_direction from, const char *text, size_t len)
{
	CLEAN(text_free) struct text out = { 0 };
	struct msg first;
	struct msg second;
	struct err err;

	if (msg_decode(from, text, len, &first, &err) < 0)
		return;
	// Escapes may make the second text longer than a frame; nothing else may fail.
	int rc = msg_encode(&first, &out, &err);
	if (rc == 0) {
		if (msg_decode(from, out.data, out.len, &second, &err) < 0 ||
		    second.type != first.type)
			abort();
		msg_done(&second);
	}
	msg_done(&first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct entry_set *set = entry_set_new();

	try_direction(MSG_UP, text, size);
	try_direction(MSG_DOWN, text, size);
	if (set && entry_body_check(text, size, NULL) == 0)
		(void)entry_set_put(set, "a", text, size, NULL);
	entry_set_free(set);
	return 0;
}
