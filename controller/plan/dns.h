// Who runs a resolver, and what it knows; only for the files of this module. Pure.
#pragma once

#include "model/problem.h"

#include "plan/fleet_parts.h"

enum { DNS_PORT = 53 };

// Whether `resolver` runs on a node.
bool dns_runs_on(const struct fleet_object *resolver, const struct fleet_object *node);

// The resolver of a node, NULL: none. Of several, which are refused, the first.
const struct fleet_object *dns_resolver(const struct fleet *fleet, const struct fleet_object *node);

// Whether a blocklist holds where `resolver` runs.
bool dns_holds(const struct fleet_object *resolver, const struct fleet_object *blocklist);

// Whether a domain list is needed where `resolver` runs on `node`: by a blocklist, or by a policy
// of the node's clients.
bool dns_needs_list(const struct fleet *fleet, const struct fleet_object *resolver,
		    const struct fleet_object *node, const struct fleet_object *list);

// The site that an HA group's addresses belong to: the one that is written, or that of all its
// members. NULL: none.
const char *dns_group_site(const struct fleet *fleet, const struct fleet_object *group);
bool dns_is_member(const struct fleet_object *group, const struct fleet_object *node);

// The same texts, each once and in an order that no edit changes: a walk over the fleet has none.
// Takes the list; NULL: no memory.
json_t *dns_sorted(json_t *list);

// Adds a node's addresses, as texts: on its segments, or without one on its networks.
void dns_node_addresses(const struct fleet *fleet, const struct fleet_object *node, json_t *list);

// ---- generate_dns.c ----

// What a resolver's entry says on a node; for `effective`, too.
json_t *dns_listen(const struct fleet *fleet, const struct fleet_object *resolver,
		   const struct fleet_object *node);
json_t *dns_clients(const struct fleet *fleet, const struct fleet_object *resolver,
		    const struct fleet_object *node);
json_t *dns_intercept(const struct fleet *fleet, const struct fleet_object *resolver,
		      const struct fleet_object *node);

// Adds what is wrong with a resolver or zone in the fleet as it is.
typedef void dns_refuse_fn(void *arg, const struct fleet_object *object, const char *field,
			   const char *text);
void dns_check(const struct fleet *fleet, const struct fleet_object *edited, dns_refuse_fn *told,
	       void *arg);
