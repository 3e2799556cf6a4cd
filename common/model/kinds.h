// The one table of resource kinds: names, schema, role to write, and which fields refer to which
// kind.
//
// Reference checking, "still referenced by" and rename are generic over this table.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "model/problem.h"

enum kind_role {
	KIND_ROLE_VIEWER,
	KIND_ROLE_OPERATOR,
	KIND_ROLE_ADMIN,
};

enum kind_id {
	KIND_NODES,
	KIND_SITES,
	KIND_SLAS,
	KIND_NETWORKS,
	KIND_LINKS,
	KIND_SEGMENTS,
	KIND_HA_GROUPS,
	KIND_DOMAIN_LISTS,
	KIND_BLOCKLISTS,
	KIND_DNS_ZONES,
	KIND_DNS_FORWARDS,
	KIND_RESOLVERS,
	KIND_GATEWAYS,
	KIND_GATEWAY_GROUPS,
	KIND_POLICIES,
	KIND_SECRETS,
	KIND_WEBHOOKS,
	KIND_ENROLMENT_KEYS,
	KIND_USERS,
	KIND_TOKENS,
	KIND_COUNT,
};

// How a reference stands in the text.
enum kind_form {
	KIND_FORM_NAME, // "bob" or "node/bob"
	KIND_FORM_LONG, // "node/bob" only: beside it other things may stand in the same place
	KIND_FORM_HEAD, // "rho/fibre": the name, and what of it is meant
};

struct kind_reference {
	const char *path; // "site", "mesh[]", "links[][]"
	enum kind_id to;
	enum kind_form form;
};

#define KIND_REFERENCES_MAX 6
#define KIND_LISTS_MAX      256 // domain lists that the policies of one node speak of
#define KIND_NAME_MAX       191 // of a link: three names and two dots

struct kind {
	const char *name;     // plural: "enrolment-keys"
	const char *singular; // "enrolment-key"
	const char *word;     // what references may say for it as well; NULL: nothing
	const char *schema;   // component of api/openapi.yaml: "EnrolmentKeySpec"
	enum kind_role write; // least role that may write it; everybody signed in may read
	bool is_link_name;    // named "<network>.<a>.<b>", an external one by a plain name
	struct kind_reference references[KIND_REFERENCES_MAX]; // ends with path NULL
};

// In the order of enum kind_id, which is also an order in which everything referenced comes before
// what refers to it, except sites, which come after nodes.
extern const struct kind kinds[KIND_COUNT];

// By plural name, or by singular (kind_by_singular); NULL when there is none.
const struct kind *kind_by_name(const char *name);
const struct kind *kind_by_singular(const char *name);
enum kind_id kind_id_of(const struct kind *k);

// Names of all kinds, NULL at the end; for text_nearest.
extern const char *const kind_names[KIND_COUNT + 1];

// Is `name` well formed for this kind?
int kind_name_check(const struct kind *k, const char *name, struct err *err);

// What schemas cannot say: a link's name agrees with its spec, spanning tree timers fit each other,
// a hub is not its own spoke, prefixes of one pool do not overlap. For a spec that passed
// schema_check. Adds problems under `prefix`.
void kind_check_spec(const struct kind *k, const char *name, const json_t *spec, const char *prefix,
		     struct problem_list *problems);

// Whether a rule of a policy fits whatever its clients send.
bool kind_rule_fits_all(const json_t *rule);

// Whether a rule of a policy is for the names of a domain list, and not for everything.
bool kind_rule_has_list(const json_t *rule);

// "<network>.<a>.<b>" with the ends sorted. Caller frees; NULL when out of memory.
char *kind_link_name(const char *network, const char *a, const char *b);

// The plain name in a reference to kind `to`: "bob" or "node/bob" -> "bob" (points into `text`).
// NULL when it names another kind; `err` then says so.
const char *kind_reference_name(enum kind_id to, const char *text, struct err *err);

// One reference in a spec. `path` is concrete: "links[0][1]"; `name` is the plain name, NULL where
// the text names a wrong kind (then `text` has what was written). Returning non-zero ends the walk
// and is handed back.
struct kind_reference_at {
	const char *path;
	const char *text;
	const char *name;
	enum kind_id to;
};
typedef int (*kind_reference_fn)(const struct kind_reference_at *at, void *data);

// Calls `fn` for every reference in `spec`, in the order of the table. Values that are no strings
// are skipped.
int kind_walk_references(const struct kind *k, const json_t *spec, kind_reference_fn fn,
			 void *data);

// Replaces every reference to `to`/`old_name` in `spec` by `new_name`. Returns how many, or
// -ENOMEM.
int kind_rename_references(const struct kind *k, json_t *spec, enum kind_id to,
			   const char *old_name, const char *new_name);
