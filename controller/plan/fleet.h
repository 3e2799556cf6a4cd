// The fleet as the planner sees it: parsed specs, facts and allocations, looked up by id and by
// name. Pure.
//
// Objects are immutable once in the fleet: a change puts another one in its place, and the inverse
// change puts the old one back. References between objects are by name, as the operator wrote them.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clean.h"
#include "base/err.h"
#include "base/map.h"
#include "model/host_numbers.h"

#include "plan/alloc.h"

enum fleet_kind {
	FLEET_NODE,
	FLEET_SITE,
	FLEET_SLA,
	FLEET_NETWORK,
	FLEET_LINK,
	FLEET_SEGMENT,
	FLEET_HA_GROUP,
	FLEET_DOMAIN_LIST,
	FLEET_BLOCKLIST,
	FLEET_DNS_ZONE,
	FLEET_DNS_FORWARD,
	FLEET_RESOLVER,
	FLEET_GATEWAY,
	FLEET_GATEWAY_GROUP,
	FLEET_POLICY,
	FLEET_KIND_COUNT,
};

struct fleet_object;

struct fleet;

struct fleet_settings {
	int vxlan_port;
	int wireguard_port;
	uint8_t ula[6];              // the controller's own /48 of fd00::/8
	int probe_port;              // where the ends of a link answer each other's probes
	int ha_port;                 // where the voters of HA groups talk to each other
	uint8_t probe_secret[32];    // the keys of links and HA groups are derived from it
	struct host_numbers numbers; // plan/numbers.h counts from them
};

// NULL: out of memory, or the numbers are no good.
struct fleet *fleet_new(const struct fleet_settings *settings);
void fleet_free(struct fleet *fleet);

// "nodes" to FLEET_NODE; FLEET_KIND_COUNT for kinds that do not touch the network.
enum fleet_kind fleet_kind_parse(const char *plural);
const char *fleet_kind_name(enum fleet_kind kind);

// What an object is made of; names, spec and facts are borrowed (JSON is referenced).
struct fleet_source {
	enum fleet_kind kind;
	int64_t id;
	const char *name;
	const json_t *spec;  // passed the schema
	const json_t *facts; // of nodes, HA groups and domain lists, may be NULL
};
int fleet_object_new(const struct fleet_source *source, struct fleet_object **ret_object,
		     struct err *err);
struct fleet_object *fleet_object_ref(struct fleet_object *object);
void fleet_object_unref(struct fleet_object *object);

// One object in the place of another; either may be NULL (appears, disappears), not both.
struct fleet_edit {
	struct fleet_object *before;
	struct fleet_object *after;
};

// Puts every `after` in the place of its `before`, or the other way round. -ENOMEM leaves the fleet
// as it was.
int fleet_apply(struct fleet *fleet, const struct fleet_edit *edits, size_t count);
int fleet_revert(struct fleet *fleet, const struct fleet_edit *edits, size_t count);

struct fleet_object *fleet_find(const struct fleet *fleet, enum fleet_kind kind, const char *name);
struct fleet_object *fleet_find_id(const struct fleet *fleet, enum fleet_kind kind, int64_t id);

const json_t *fleet_object_spec(const struct fleet_object *object); // borrowed

// Whether others reach the node without help: it has a written address, or its session comes from
// an address of its own.
bool fleet_node_is_public(const struct fleet_object *node);

// Whether "ip:port" is at an address that the node itself speaks from: its session's, or one of its
// interfaces'.
bool fleet_node_is_at(const struct fleet_object *node, const char *endpoint);

// Whether two nodes have a link in a network that is to be built.
bool fleet_is_linked(const struct fleet *fleet, const char *network, const char *a, const char *b);

// The allocations that the fleet's addresses and numbers come from.
struct alloc *fleet_alloc(const struct fleet *fleet);
