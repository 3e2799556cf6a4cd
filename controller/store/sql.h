// Every SQL statement the controller runs, by name. To add one: a name here, a row in sql.c
// (parameters ?1, ?2, ...).
//
// "-> resource" names the row reader in rows.h that fits a statement's columns.
#pragma once

// clang-format off
enum store_sql {
	// schema and bookkeeping
	SQL_SCHEMA_VERSION,      // -> INTEGER
	SQL_META_GET,            // key -> value
	SQL_META_PUT,            // key, value
	SQL_META_MOVE,           // key, expected, next: changes one row or none
	SQL_OPERATION_INSERT,    // id, at_ms
	SQL_OPERATION_GET,       // id -> at_ms
	SQL_OPERATION_PRUNE,     // before_ms

	// intent
	SQL_RESOURCE_ALL,        // -> resource, ordered by kind, name
	SQL_RESOURCE_GET,        // kind, name -> resource
	SQL_RESOURCE_GET_ID,     // id -> resource
	SQL_RESOURCE_INSERT,     // id, kind, name, spec, set_name, revision, now_ms
	SQL_RESOURCE_UPDATE,     // id, spec, set_name, revision, now_ms
	SQL_RESOURCE_RENAME,     // id, name, revision, now_ms
	SQL_RESOURCE_DELETE,     // id
	SQL_RESOURCE_LIST,       // kind, after name ('' = first), substring ('' = any), tag ('' = any), limit -> resource
	SQL_RESOURCE_LIST_PREFIX,// kind, after name, prefix, limit -> resource
	SQL_RESOURCE_COUNT,      // -> kind, count
	SQL_RESOURCE_OF_SET,     // set_name -> resource
	SQL_CHANGE_INSERT,       // revision, seq, at_ms, actor, kind, name, action, before, after, resource_id, former_name, former_set
	SQL_CHANGE_OF_REVISION,  // revision -> change
	SQL_CHANGE_AFTER,        // revision -> change, oldest first (the bus)
	SQL_HISTORY_PAGE,        // before revision (0 = newest), revisions per page -> change, newest revision first
	SQL_HISTORY_OF,          // kind, name, before revision (0 = newest), limit -> change
	SQL_CONFIRMATION_GET,    // -> revision, actor, at_ms, due_ms (none or one)
	SQL_CONFIRMATION_PUT,    // revision, actor, at_ms, due_ms
	SQL_CONFIRMATION_DELETE, // revision
	SQL_ALLOCATION_ALL,      // -> allocation
	SQL_ALLOCATION_PUT,      // pool, owner, value, size, freed_revision (NULL = in use)
	SQL_ALLOCATION_FREE,     // pool, owner, freed_revision
	SQL_ALLOCATION_DELETE,   // pool, owner
	SQL_ALLOCATION_RENAME,   // pool, owner, new owner
	SQL_TARGET_ALL,          // -> target
	SQL_TARGET_PUT,          // node_id, revision, digest
	SQL_TARGET_DELETE,       // node_id
	SQL_FACT_ALL,            // -> fact
	SQL_FACT_OF_NODE,        // node_id -> fact
	SQL_FACT_PUT,            // node_id, name, value, now_ms
	SQL_FACT_DELETE,         // node_id, name
	SQL_FACT_DELETE_NODE,    // node_id

	// secrets (sealed by pki/vault.h)
	SQL_SECRET_PUT,          // resource_id, sealed BLOB, now_ms
	SQL_SECRET_GET,          // resource_id -> sealed, updated_ms
	SQL_SECRET_SEALED,       // -> resource_id, sealed
	SQL_SECRET_ALL,          // -> resource_id, updated_ms (which secrets have a value)
	SQL_SECRET_DELETE,       // resource_id

	// auth
	SQL_CREDENTIAL_ALL,      // -> credential
	SQL_CREDENTIAL_GET,      // resource_id -> credential
	SQL_CREDENTIAL_PUT,      // resource_id, hash, uses_left (-1 = unlimited), expires_ms (0 = never), now_ms
	SQL_CREDENTIAL_USE,      // resource_id, now_ms: takes one use if one is left; changes one row or none
	SQL_CREDENTIAL_DELETE,   // resource_id
	SQL_SESSION_ALL,         // -> session
	SQL_SESSION_INSERT,      // hash, user_id, role, csrf, now_ms, expires_ms
	SQL_SESSION_TOUCH,       // hash, used_ms
	SQL_SESSION_DELETE,      // hash
	SQL_SESSION_DELETE_USER, // user_id
	SQL_SESSION_PRUNE,       // now_ms, idle since ms: deletes what expired or idles since before that

	// pki and enrolment
	SQL_CERTIFICATE_INSERT,  // serial, node_id, not_after, fingerprint
	SQL_CERTIFICATE_OF_NODE, // node_id -> certificate
	SQL_CERTIFICATE_REVOKED, // -> certificate
	SQL_CERTIFICATE_REVOKE,  // serial, now_ms
	SQL_CERTIFICATE_REVOKE_NODE, // node_id, now_ms
	SQL_CERTIFICATE_PRUNE,   // not_after before (seconds)
	SQL_PENDING_PUT,         // name, key_id, csr, public_key, source, now_ms
	SQL_PENDING_GET,         // name -> pending
	SQL_PENDING_ALL,         // -> pending
	SQL_PENDING_APPROVE,     // name, now_ms: changes one row or none
	SQL_PENDING_DELETE,      // name
	SQL_PENDING_PRUNE,       // before_ms
	SQL_ENROLLED_PUT,        // key_id, csr_key (SHA-256 hex), node_id, now_ms
	SQL_ENROLLED_GET,        // key_id, csr_key -> node_id

	// live
	SQL_EVENT_INSERT,        // id, at_ms, node, severity, kind, entry, text
	SQL_EVENT_LAST_ID,       // -> INTEGER (0 when none)
	SQL_EVENT_PAGE,          // node ('' = any), before id (0 = newest), limit, rank (1 = no info, 2 = only errors),
				 // start of the kind ('' = any), entry ('' = any), from ms, to ms -> event, newest first
	SQL_EVENT_AFTER,         // id, limit -> event, oldest first
	SQL_EVENT_PRUNE,         // before_ms

	// webhooks
	SQL_WEBHOOK_ALL,         // -> resource_id, event_id, delivered_ms
	SQL_WEBHOOK_PUT,         // resource_id, event_id, delivered_ms
	SQL_LEASE_ALL,           // group_id, epoch, holder, longest_us
	SQL_LEASE_PUT,           // group_id, epoch, holder, longest_us

	SQL_COUNT,
};
// clang-format on

struct store_statement {
	int slot; // index of a statement of the table, -1 for one that runs once (a migration's)
	const char *text;
};

// The statement's row of the table.
const struct store_statement *store_statement(enum store_sql sql);
