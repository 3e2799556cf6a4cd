// One try of a webhook: finds the next event it wants, and posts it.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/err.h"

#include "webhook/target.h"

struct store;
struct vault;

struct attempt_place {
	struct uv_loop_s *loop;
	struct store *store;
	const struct vault *vault;
	const atomic_bool *is_broken;
};

struct attempt_question {
	struct webhook_target target; // handed over
	int64_t secret_id;            // 0: not signed
	int64_t url_secret_id;        // 0: the target has the address
	int64_t after;                // the last event it was given
	int64_t newest;               // the last there is
};

struct attempt_answer {
	bool is_delivered;
	int64_t event; // the webhook has come so far: delivered, or none of its business
	bool is_failed;
	const struct err *why; // when failed
};

// Called once, on the loop, never before attempt_begin returned.
typedef void attempt_done_fn(void *arg, const struct attempt_answer *answer);

// `place` must outlive the attempt. -ENOMEM, -EBUSY: `done` is not called, and the target is gone.
int attempt_begin(const struct attempt_place *place, struct attempt_question *question,
		  attempt_done_fn *done, void *arg, struct err *err);
