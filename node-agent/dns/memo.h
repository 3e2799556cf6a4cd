// In which lists the names are that were asked for lately: of the same lists as long as it lives,
// so that a name that is asked for again is not looked for in each of them. Pure but for its seed.
#pragma once

#include "base/clean.h"

#include "decide/decide.h"

struct dns_memo;

// NULL when out of memory.
struct dns_memo *dns_memo_new(void);
void dns_memo_free(struct dns_memo *memo);

// As decide_lists_of().
void dns_memo_lists(struct dns_memo *memo, const struct decide *decide, const struct name *name,
		    struct decide_set *ret);
