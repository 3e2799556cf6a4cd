// A record of a zone as an operator writes it: which type, and the whole names it means. Pure.
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

#include "names/name.h"

#define RECORD_ZONE_OWN "weft.internal" // of nodes and sites, made by itself

struct record {
	const char *type;   // "A", "AAAA", "CNAME", "TXT", "PTR"
	const char *field;  // "a", ...: where its data stands
	const char *data;   // as written; borrowed
	bool is_below;      // its first label is `*`: it stands for what is below `owner`
	struct name owner;  // whole
	struct name target; // of a CNAME or PTR, whole
};

// One record of `zone`. -EINVAL with a sentence, and the field that it is about ("" the record).
int record_parse(const json_t *written, const char *zone, struct record *ret,
		 const char **ret_field, struct err *err);
