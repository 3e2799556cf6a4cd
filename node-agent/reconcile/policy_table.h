// Table `inet weft_policy` of this node, all its policies and exits together, in the kernel.
#pragma once

#include "reconcile/kind.h"
#include "reconcile/policy_rules.h"

// The field `mask` of a body; where it is not told, the one of controllers that do not tell it.
int policy_mask_parse(const json_t *json, uint32_t *ret, struct err *err);

// Hooks of the kinds that are in it.
int policy_table_compare(struct reconcile *r, const struct entry *e, struct finding *f,
			 struct err *err);
int policy_table_apply(struct reconcile *r, const struct entry *e, const struct finding *f,
		       struct err *err);
int policy_table_sweep(struct reconcile *r, struct err *err);

// What the table has counted under that name; zeros when it is not there.
struct kernel_counter policy_table_counter(struct reconcile *r, const char *name);
