// What a fleet file asks of the lab: one host per node, its address on the lab's Internet, the LAN
// behind it. Pure.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "model/net.h"

enum { LAB_NODES_MAX = 200, LAB_LANS_MAX = 8 };

struct lab_node {
	char name[NAME_MAX_LEN + 1];
	unsigned index;              // 1.. in the order of names
	bool is_nat;                 // behind a NAT of its own
	char host[HOST_MAX_LEN + 1]; // the name others reach it by, "" when it has none
	struct address address; // on the lab's Internet; what the file says where it is an address
	struct address address6;
	struct prefix lan[LAB_LANS_MAX]; // behind it; only the first node of a site has them
	size_t n_lan;
};

struct lab_sites {
	struct lab_node *nodes;
	size_t n_nodes;
};

// `resources` is {kind: {name: spec}} as the API takes it; `nat` names the nodes behind a NAT
// (NULL-terminated).
int lab_sites_plan(const json_t *resources, const char *const *nat, struct lab_sites *ret_sites,
		   struct err *err);
void lab_sites_done(struct lab_sites *sites);

const struct lab_node *lab_sites_find(const struct lab_sites *sites, const char *name);

// The two nodes of "rho-bob", "home.bob.rho" or "bob.rho". -ENOENT when no two nodes fit.
int lab_sites_link(const struct lab_sites *sites, const char *link, const struct lab_node **ret_a,
		   const struct lab_node **ret_b, struct err *err);

// Where node or extra box `index` lives after `moves` moves: 198.18.index.2 and 2001:db8:index::2,
// the 2 growing.
struct address lab_address(unsigned index, unsigned moves);
struct address lab_address6(unsigned index, unsigned moves);
