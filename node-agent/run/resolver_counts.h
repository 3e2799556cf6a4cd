// What weft-dns says of itself, as it is told further: each upstream once, and counts by entry.
// Pure.
//
// weft-dns asks an upstream by each way that a policy has, and keeps the ways apart.
#pragma once

#include <jansson.h>

// A new list of {"name", "state", "rtt_us"} (null: not known; in steps, as a new figure each second
// is no news). One that answers by some ways only has "away": the names in `ways` (by mark, as
// text) of the others.
json_t *resolver_counts_upstreams(const json_t *status, const json_t *ways);

// Adds what the resolver `name` counts: dns/NAME, dns-upstream/KIND/ADDRESS@PORT,
// dns-block/BLOCKLIST/LIST and names/LIST.
void resolver_counts_add(json_t *values, const char *name, const json_t *status);
