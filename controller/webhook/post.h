// One POST of a webhook: blocks, for a worker thread.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "base/err.h"

#include "webhook/message.h"

struct webhook_post {
	const char *url;
	const struct webhook_message *message;
	const char *signature;        // NULL: not signed
	int64_t timestamp_s;          // of the signature
	const atomic_bool *is_broken; // set from another thread: give up
};

// Once, before the first worker.
int webhook_post_init(struct err *err);

// 0 when the address answered 2xx within 10 s; a redirection is not followed. Else a negative errno
// with the reason, which names neither path nor query of the address: they may hold a secret.
int webhook_post(const struct webhook_post *post, struct err *err);
