// Labels of the metrics: which node, link or wire a figure belongs to. Pure.
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "base/map.h"

#define LABELS_SIZE 1024

// name="value" pairs in a fixed buffer; what does not fit is left out whole.
struct labels {
	char text[LABELS_SIZE];
	size_t used;
};

void labels_add(struct labels *labels, const char *name, const char *value, size_t len);

// A node as others name it.
struct subject {
	const char *name;
	const char *site;        // NULL: none
	const struct map *sites; // node -> its site, of those that have one
};

struct labels labels_of_node(const struct subject *node);

// The node's, and one of its own.
struct labels labels_with(const struct subject *node, const char *label, const char *value);

// The parts of a key as labels: "peer/home/bob" of rho -> node="rho",network="home",peer="bob", and
// the sites of both; an external link's: link="upstairs".
struct labels labels_of(const struct subject *node, const char *key);

// node -> its site, for subjects; the strings are those of `nodes`, an array of {name, site}. NULL:
// out of memory.
struct map *labels_sites(const json_t *nodes);
