// What handlers tell of a revision that waits for confirmation.
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "intent/intent.h"

struct request;

// A Confirmation as the API has it; NULL when nothing waits. New reference.
json_t *confirmation_json(const struct intent *intent);

// The time a body asks for with "confirm", 0 when it does not.
int64_t confirm_time_ms(const json_t *body);

// An ApplyResult. New reference.
json_t *confirm_result(const struct request *request, const struct intent_answer *answer);
