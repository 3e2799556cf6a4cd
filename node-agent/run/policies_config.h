// The policies of this node as weft-dns, weft-proxy and who explains read them (decide/decide.h).
//
// Loop thread.
#pragma once

#include <jansson.h>
#include <stdbool.h>

struct agent;

// A new object of the desired bodies whose keys begin with one of these (NULL-terminated), by key.
json_t *policies_bodies(const struct agent *agent, const char *const *prefixes);

// A new list of the bodies of policies that are desired, each with its name, and in their rules'
// lists the path of the image where there is one.
json_t *policies_config(const struct agent *agent);

// Whether names decide anything at all.
bool policies_have_lists(const json_t *policies);

// A new list of {"mark", "upstreams"}: who is asked for names whose flows have the mark, by the
// gateway that each group has chosen. A mark that is not there: as every name.
json_t *policies_views(const struct agent *agent);

// A new object of the gateway-groups, by the marks (as text) of the flows that leave by them.
json_t *policies_ways(const struct agent *agent);
