// Regular expressions over domain names, as configurations of vpndns have them, turned into rules
// for names or into patterns, where they say no more than these can. Pure.
#pragma once

#include <jansson.h>

#include "base/err.h"

// `ret_rules` gets rules as in a domain list ("site.example", "=www.example"), `ret_patterns`
// patterns of a DNS forward ("*.int.*"): new references. -EINVAL with a sentence when it is
// neither.
int vpndns_regex(const char *regex, json_t **ret_rules, json_t **ret_patterns, struct err *err);
