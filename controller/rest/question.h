// A REST request that is answered by asking its node.
#pragma once

#include <stdbool.h>

#include "hub/hub.h"

struct request;
struct intent_resource;

struct question {
	int64_t node_id;
	int64_t asked_ms; // monotonic
	unsigned timeout_ms;
};

// The node the path names; NULL after having answered 404.
const struct intent_resource *question_node(struct request *request);

// Asks it; node_id and timeout_ms are set. `answered` gets the request and must take it from there.
// When it cannot be asked, 409 or 503 has been answered.
void question_ask(struct request *request, struct question *question, const char *verb,
		  const json_t *args, hub_answer_fn answered);

// True when the node did not answer in time or went away; then 504 has been answered.
bool question_failed(struct request *request, const struct question *question, const json_t *result,
		     const char *error);
