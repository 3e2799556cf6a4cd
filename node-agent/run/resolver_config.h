// From the entries of a resolver to the file that weft-dns reads. Pure.
#pragma once

#include <jansson.h>

// What is gathered from entries as reconcile_each_resolver() tells them: a new object with the file
// in "file", and "dns", the resolver's name, null where this node has none.
json_t *resolver_config_begin(void);

// Where things are.
struct resolver_places {
	const char *control; // path of the control socket
	const char *lists;   // directory of the images: LIST.image
};

// One entry. Of a block, lists that `images` (an object by list) does not have are left out.
void resolver_config_add(json_t *gathered, const struct resolver_places *places, const char *kind,
			 const char *name, const json_t *body);
void resolver_config_image(json_t *gathered, const char *list); // there is an image of it
