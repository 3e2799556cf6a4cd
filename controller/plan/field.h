// Fields of a spec as the planner takes them, and the parsers of kinds that have a file of their
// own; only for the files of this module. Specs passed the schema.
#pragma once

#include "model/kinds.h"

#include "plan/object.h"

// "node/bob" and "bob" alike; NULL when absent.
const char *field_reference(const json_t *value, enum kind_id to);

int field_int(const json_t *spec, const char *name, int otherwise);
int field_ms(const json_t *spec, const char *name, int otherwise);

// Its "probe", or what is usual.
struct fleet_probe field_probe(const json_t *spec);

// object_egress.c
int gateway_parse(struct fleet_object *o, struct err *err);
int gateway_group_parse(struct fleet_object *o, struct err *err);
int policy_parse(struct fleet_object *o, struct err *err);
