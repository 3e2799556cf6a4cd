// Whose a device is: made by Weft for this entry, for another, unfinished, or somebody else's.
#pragma once

#include "reconcile/kind.h"

bool link_is_owned(const struct kernel_link *link);

// Made by Weft but never finished: the agent was killed between making and naming it.
bool link_is_unfinished(const struct kernel_link *link);

// Owned, and the entry in its alias is still desired.
bool link_is_wanted(const struct reconcile *r, const struct kernel_link *link);

// Looks for the device of a link entry. *ret is NULL when there is none, and `f` says so; an alias
// of another entry is a difference, a device that was never finished has to be remade. -EEXIST: it
// is somebody else's.
int owned_find(const struct reconcile *r, const struct entry *e, const char *device,
	       const struct kernel_link **ret, struct finding *f, struct err *err);

// Fills `alias` with that of the entry.
void owned_alias(const struct entry *e, char alias[KERNEL_ALIAS_SIZE]);

// What differs between the kinds whose entry is a device.
struct owned_device {
	const struct entry_kind *kind;
	const char *(*name)(const void *body);
	int (*create)(struct reconcile *r, const struct entry *e, struct err *err);
	int (*configure)(struct reconcile *r, const struct entry *e, struct err *err);
	int (*destroy)(struct kernel *k, const char *device, struct err *err);
};

// Creates or remakes the device if `f` says so, and configures it; a new one that cannot be
// configured is destroyed again.
int owned_apply(struct reconcile *r, const struct entry *e, const struct finding *f,
		const struct owned_device *device, struct err *err);

// Destroys the devices whose alias names an entry of the kind that is not desired, or is desired
// under another device.
int owned_sweep(struct reconcile *r, const struct owned_device *device, struct err *err);
