// Revisions that wait for confirmation, as the verbs ask for them and show them.
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/text.h"

#include "cli/call.h"

// The option --confirm of the verbs that make revisions.
#define CONFIRM_OPTION                                                                             \
	{                                                                                          \
		.name = "confirm", .value = "TIME",                                                \
		.help = "Undo it after this time (\"5m\") unless `weft confirm` comes before"      \
	}

// Shows an ApplyResult as the call asks; for a person with what there is to confirm.
int confirm_show_result(const struct call *call, const json_t *result, bool is_dry,
			struct err *err);

// Appends "revision 41 will be undone in 3:20 unless confirmed" for a Confirmation of the API.
void confirm_sentence(struct text *t, const json_t *confirmation);
