// Tokens belong to users: whoever is signed in may write tokens of his own that are no more than he
// is; an admin may write everybody's.
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "rest/request.h"

// May the asker make the token `name` what `spec` says (NULL: delete or rename it)? A spec that is
// not a patch gets its "owner" when it names none. 0, -EPERM with a sentence, -ENOMEM.
int ownership_check(const struct request *request, const char *name, json_t *spec, bool is_patch,
		    struct err *err);
