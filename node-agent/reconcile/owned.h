// Whose a device is: made by Weft for this entry, for another, unfinished, or somebody else's.
#pragma once

#include "reconcile/kind.h"

bool link_is_owned(const struct kernel_link *link);

// Owned, and the entry in its alias is still desired.
bool link_is_wanted(const struct reconcile *r, const struct kernel_link *link);

// Looks for the device of a link entry. *ret is NULL when there is none, and `f` says so; an alias
// of another entry is a difference, a device that was never finished has to be remade. -EEXIST: it
// is somebody else's.
int owned_find(const struct reconcile *r, const struct entry *e, const char *device,
	       const struct kernel_link **ret, struct finding *f, struct err *err);

// Fills `alias` with that of the entry.
void owned_alias(const struct entry *e, char alias[KERNEL_ALIAS_SIZE]);

// Deletes the devices whose alias names an entry of `kind` that is not desired, or is desired under
// another device. `device_of` tells the device of a parsed body.
int owned_sweep(struct reconcile *r, const struct entry_kind *kind,
		const char *(*device_of)(const void *body),
		int (*drop)(struct kernel *k, const char *device, struct err *err),
		struct err *err);
