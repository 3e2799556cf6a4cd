// The lists of names that this node's weft-dns looks up in: made into images, kept on disk, each in
// use until a newer one is whole. Short ones are made at once, long ones are fetched and made by
// children of the agent.
//
// Loop thread.
#pragma once

#include <jansson.h>

#include "wire/entries.h"

struct agent;
struct resolver_lists;

// `changed`: another image is there. NULL when out of memory.
struct resolver_lists *resolver_lists_new(struct agent *agent, void (*changed)(void *context),
					  void *context);
void resolver_lists_free(struct resolver_lists *lists);

// The lists that are wanted, by their entries; what is not among them is deleted at the end.
void resolver_lists_begin(struct resolver_lists *lists);
void resolver_lists_want(struct resolver_lists *lists, const char *name, const json_t *body);
void resolver_lists_end(struct resolver_lists *lists);

// Calls `each` with every list that has an image.
void resolver_lists_each(const struct resolver_lists *lists,
			 void (*each)(void *context, const char *name), void *context);

void resolver_lists_observe(const struct resolver_lists *lists, struct entry_set *observed);
