// What the handlers that change resources share: preconditions, and the intent's refusals as HTTP
// answers.
#pragma once

#include <stdint.h>

#include "intent/intent.h"
#include "rest/request.h"

// Reads If-Match and If-None-Match for the request's {kind} and {name}. 0, or a negative errno
// after having answered 412 or 400.
int resource_expected(struct request *request, int64_t *ret_expected);

// May the asker write this resource, which may belong to another? See ownership.h. 0 or -EPERM
// after having answered 403.
int resource_owned(struct request *request, json_t *spec, bool is_patch);

// Answers for every status but INTENT_OK; true when it did.
bool resource_refused(struct request *request, const struct intent_answer *answer);

// Hands a change to the intent; answers 503 when its queue is full. 0 or a negative errno after
// having answered.
int resource_submit(struct request *request, const struct intent_request *change,
		    intent_done_fn *done, void *arg);

// Answers with a resource and its ETag. Takes over `resource`.
void resource_answer(struct request *request, unsigned status, json_t *resource);
