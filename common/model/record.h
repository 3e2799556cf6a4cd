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

// Under which name it stands: "www.lan.example", "*.apps.lan.example".
enum { RECORD_OWNER_SIZE = NAME_TEXT_SIZE + 2 };
void record_owner_text(const struct record *record, char ret[RECORD_OWNER_SIZE]);

// What stands under a name already, and whether a record may stand beside it: a CNAME stands alone
// (RFC 1034 §3.6.2).
enum { RECORD_HAS_CNAME = 1, RECORD_HAS_OTHER = 2 };
unsigned record_has(const struct record *record);
bool record_may_stand(const struct record *record, unsigned beside);

// One record of `zone`. -EINVAL with a sentence, and the field that it is about ("" the record).
int record_parse(const json_t *written, const char *zone, struct record *ret,
		 const char **ret_field, struct err *err);
