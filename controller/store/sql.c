#include "store/sql.h"

#define RESOURCE                                                                                   \
	"SELECT id, kind, name, spec, set_name, revision, created_ms, updated_ms FROM resource "
#define CHANGE                                                                                     \
	"SELECT revision, seq, at_ms, actor, kind, name, action, before, after, resource_id, "     \
	"former_name, former_set FROM change "
#define ALLOCATION  "SELECT pool, owner, value, size, freed_revision FROM allocation "
#define FACT        "SELECT node_id, name, value, updated_ms FROM fact "
#define CREDENTIAL  "SELECT resource_id, hash, uses_left, expires_ms, updated_ms FROM credential "
#define CERTIFICATE "SELECT serial, node_id, not_after, revoked_ms, fingerprint FROM certificate "
#define SESSION     "SELECT hash, user_id, role, csrf, created_ms, used_ms, expires_ms FROM session "
#define EVENT       "SELECT id, at_ms, node, severity, kind, entry, text FROM event "
#define PENDING                                                                                    \
	"SELECT name, key_id, csr, public_key, source, created_ms, approved_ms FROM pending "

#define S(name, sql) [name] = { name, sql }

// One statement a row reads better than wrapped calls.
// clang-format off
static const struct store_statement statements[SQL_COUNT] = {
	S(SQL_SCHEMA_VERSION, "PRAGMA user_version"),
	S(SQL_META_GET, "SELECT value FROM meta WHERE key = ?1"),
	S(SQL_META_PUT, "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value"),
	S(SQL_META_MOVE, "UPDATE meta SET value = ?3 WHERE key = ?1 AND value = ?2"),
	S(SQL_OPERATION_INSERT, "INSERT INTO operation (id, at_ms) VALUES (?1, ?2)"),
	S(SQL_OPERATION_GET, "SELECT at_ms FROM operation WHERE id = ?1"),
	S(SQL_OPERATION_PRUNE, "DELETE FROM operation WHERE at_ms < ?1"),

	S(SQL_RESOURCE_ALL, RESOURCE "ORDER BY kind, name"),
	S(SQL_RESOURCE_GET, RESOURCE "WHERE kind = ?1 AND name = ?2"),
	S(SQL_RESOURCE_GET_ID, RESOURCE "WHERE id = ?1"),
	S(SQL_RESOURCE_INSERT,
	  "INSERT INTO resource (id, kind, name, spec, set_name, revision, created_ms, updated_ms) "
	  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)"),
	S(SQL_RESOURCE_UPDATE, "UPDATE resource SET spec = ?2, set_name = ?3, revision = ?4, updated_ms = ?5 WHERE id = ?1"),
	S(SQL_RESOURCE_RENAME, "UPDATE resource SET name = ?2, revision = ?3, updated_ms = ?4 WHERE id = ?1"),
	S(SQL_RESOURCE_DELETE, "DELETE FROM resource WHERE id = ?1"),
	S(SQL_RESOURCE_LIST,
	  RESOURCE "WHERE kind = ?1 AND name > ?2 AND (?3 = '' OR instr(name, ?3) > 0) AND (?4 = '' OR EXISTS "
	  "(SELECT 1 FROM json_each(spec, '$.tags') WHERE json_each.value = ?4)) ORDER BY name LIMIT ?5"),
	S(SQL_RESOURCE_LIST_PREFIX,
	  RESOURCE "WHERE kind = ?1 AND name > ?2 AND substr(name, 1, length(?3)) = ?3 ORDER BY name LIMIT ?4"),
	S(SQL_RESOURCE_COUNT, "SELECT kind, count(*) FROM resource GROUP BY kind ORDER BY kind"),
	S(SQL_RESOURCE_OF_SET, RESOURCE "WHERE set_name = ?1 ORDER BY kind, name"),
	S(SQL_CHANGE_INSERT,
	  "INSERT INTO change (revision, seq, at_ms, actor, kind, name, action, before, after, resource_id, former_name, "
	  "former_set) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"),
	S(SQL_CHANGE_OF_REVISION, CHANGE "WHERE revision = ?1 ORDER BY seq"),
	S(SQL_CHANGE_AFTER, CHANGE "WHERE revision > ?1 ORDER BY revision, seq"),
	S(SQL_HISTORY_PAGE,
	  CHANGE "WHERE revision IN (SELECT DISTINCT revision FROM change WHERE ?1 = 0 OR revision < ?1 "
	  "ORDER BY revision DESC LIMIT ?2) ORDER BY revision DESC, seq"),
	S(SQL_HISTORY_OF,
	  CHANGE "WHERE kind = ?1 AND name = ?2 AND (?3 = 0 OR revision < ?3) ORDER BY revision DESC, seq DESC LIMIT ?4"),
	S(SQL_CONFIRMATION_GET, "SELECT revision, actor, at_ms, due_ms FROM confirmation"),
	S(SQL_CONFIRMATION_PUT, "INSERT INTO confirmation (revision, actor, at_ms, due_ms) VALUES (?1, ?2, ?3, ?4)"),
	S(SQL_CONFIRMATION_DELETE, "DELETE FROM confirmation WHERE revision = ?1"),
	S(SQL_ALLOCATION_ALL, ALLOCATION "ORDER BY pool, owner"),
	S(SQL_ALLOCATION_PUT,
	  "INSERT INTO allocation (pool, owner, value, size, freed_revision) VALUES (?1, ?2, ?3, ?4, ?5) "
	  "ON CONFLICT (pool, owner) DO UPDATE SET value = excluded.value, size = excluded.size, "
	  "freed_revision = excluded.freed_revision"),
	S(SQL_ALLOCATION_FREE, "UPDATE allocation SET freed_revision = ?3 WHERE pool = ?1 AND owner = ?2"),
	S(SQL_ALLOCATION_DELETE, "DELETE FROM allocation WHERE pool = ?1 AND owner = ?2"),
	S(SQL_ALLOCATION_RENAME, "UPDATE allocation SET owner = ?3 WHERE pool = ?1 AND owner = ?2"),
	S(SQL_TARGET_ALL, "SELECT node_id, revision, digest FROM target ORDER BY node_id"),
	S(SQL_TARGET_PUT,
	  "INSERT INTO target (node_id, revision, digest) VALUES (?1, ?2, ?3) "
	  "ON CONFLICT (node_id) DO UPDATE SET revision = excluded.revision, digest = excluded.digest"),
	S(SQL_TARGET_DELETE, "DELETE FROM target WHERE node_id = ?1"),
	S(SQL_FACT_ALL, FACT "ORDER BY node_id, name"),
	S(SQL_FACT_OF_NODE, FACT "WHERE node_id = ?1 ORDER BY name"),
	S(SQL_FACT_PUT,
	  "INSERT INTO fact (node_id, name, value, updated_ms) VALUES (?1, ?2, ?3, ?4) "
	  "ON CONFLICT (node_id, name) DO UPDATE SET value = excluded.value, updated_ms = excluded.updated_ms"),
	S(SQL_FACT_DELETE, "DELETE FROM fact WHERE node_id = ?1 AND name = ?2"),
	S(SQL_FACT_DELETE_NODE, "DELETE FROM fact WHERE node_id = ?1"),

	S(SQL_SECRET_PUT,
	  "INSERT INTO secret_value (resource_id, sealed, updated_ms) VALUES (?1, ?2, ?3) "
	  "ON CONFLICT (resource_id) DO UPDATE SET sealed = excluded.sealed, updated_ms = excluded.updated_ms"),
	S(SQL_SECRET_GET, "SELECT sealed, updated_ms FROM secret_value WHERE resource_id = ?1"),
	S(SQL_SECRET_SEALED, "SELECT resource_id, sealed FROM secret_value ORDER BY resource_id"),
	S(SQL_SECRET_ALL, "SELECT resource_id, updated_ms FROM secret_value ORDER BY resource_id"),
	S(SQL_SECRET_DELETE, "DELETE FROM secret_value WHERE resource_id = ?1"),

	S(SQL_CREDENTIAL_ALL, CREDENTIAL "ORDER BY resource_id"),
	S(SQL_CREDENTIAL_GET, CREDENTIAL "WHERE resource_id = ?1"),
	S(SQL_CREDENTIAL_PUT,
	  "INSERT INTO credential (resource_id, hash, uses_left, expires_ms, updated_ms) VALUES (?1, ?2, ?3, ?4, ?5) "
	  "ON CONFLICT (resource_id) DO UPDATE SET hash = excluded.hash, uses_left = excluded.uses_left, "
	  "expires_ms = excluded.expires_ms, updated_ms = excluded.updated_ms"),
	S(SQL_CREDENTIAL_USE,
	  "UPDATE credential SET uses_left = uses_left - 1, updated_ms = ?2 WHERE resource_id = ?1 AND uses_left > 0"),
	S(SQL_CREDENTIAL_DELETE, "DELETE FROM credential WHERE resource_id = ?1"),
	S(SQL_SESSION_ALL, SESSION "ORDER BY hash"),
	S(SQL_SESSION_INSERT,
	  "INSERT INTO session (hash, user_id, role, csrf, created_ms, used_ms, expires_ms) "
	  "VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6)"),
	S(SQL_SESSION_TOUCH, "UPDATE session SET used_ms = ?2 WHERE hash = ?1"),
	S(SQL_SESSION_DELETE, "DELETE FROM session WHERE hash = ?1"),
	S(SQL_SESSION_DELETE_USER, "DELETE FROM session WHERE user_id = ?1"),
	S(SQL_SESSION_PRUNE, "DELETE FROM session WHERE expires_ms < ?1 OR used_ms < ?2"),

	S(SQL_CERTIFICATE_INSERT,
	  "INSERT INTO certificate (serial, node_id, not_after, revoked_ms, fingerprint) VALUES (?1, ?2, ?3, 0, ?4)"),
	S(SQL_CERTIFICATE_OF_NODE, CERTIFICATE "WHERE node_id = ?1 ORDER BY not_after DESC"),
	S(SQL_CERTIFICATE_REVOKED, CERTIFICATE "WHERE revoked_ms > 0 ORDER BY serial"),
	S(SQL_CERTIFICATE_REVOKE, "UPDATE certificate SET revoked_ms = ?2 WHERE serial = ?1 AND revoked_ms = 0"),
	S(SQL_CERTIFICATE_REVOKE_NODE, "UPDATE certificate SET revoked_ms = ?2 WHERE node_id = ?1 AND revoked_ms = 0"),
	S(SQL_CERTIFICATE_PRUNE, "DELETE FROM certificate WHERE not_after < ?1"),
	S(SQL_PENDING_PUT,
	  "INSERT INTO pending (name, key_id, csr, public_key, source, created_ms, approved_ms) "
	  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0)"),
	S(SQL_PENDING_GET, PENDING "WHERE name = ?1"),
	S(SQL_PENDING_ALL, PENDING "ORDER BY name"),
	S(SQL_PENDING_APPROVE, "UPDATE pending SET approved_ms = ?2 WHERE name = ?1 AND approved_ms = 0"),
	S(SQL_PENDING_DELETE, "DELETE FROM pending WHERE name = ?1"),
	S(SQL_PENDING_PRUNE, "DELETE FROM pending WHERE created_ms < ?1"),
	S(SQL_ENROLLED_PUT,
	  "INSERT INTO enrolled (key_id, csr_key, node_id, at_ms) VALUES (?1, ?2, ?3, ?4) "
	  "ON CONFLICT (key_id, csr_key) DO UPDATE SET node_id = excluded.node_id, at_ms = excluded.at_ms"),
	S(SQL_ENROLLED_GET, "SELECT node_id FROM enrolled WHERE key_id = ?1 AND csr_key = ?2"),

	S(SQL_EVENT_INSERT,
	  "INSERT INTO event (id, at_ms, node, severity, kind, entry, text) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"),
	S(SQL_EVENT_LAST_ID, "SELECT coalesce(max(id), 0) FROM event"),
	S(SQL_EVENT_PAGE,
	  EVENT "WHERE (?1 = '' OR node = ?1) AND (?2 = 0 OR id < ?2) AND (?4 = 0 OR severity = 'error' OR "
	  "(?4 = 1 AND severity <> 'info')) AND (?5 = '' OR substr(kind, 1, length(?5)) = ?5) AND (?6 = '' OR entry = ?6) "
	  "AND at_ms >= ?7 AND at_ms <= ?8 ORDER BY id DESC LIMIT ?3"),
	S(SQL_EVENT_AFTER, EVENT "WHERE id > ?1 ORDER BY id LIMIT ?2"),
	S(SQL_EVENT_PRUNE, "DELETE FROM event WHERE at_ms < ?1"),

	S(SQL_WEBHOOK_ALL, "SELECT resource_id, event_id, delivered_ms FROM webhook_progress ORDER BY resource_id"),
	S(SQL_WEBHOOK_PUT,
	  "INSERT INTO webhook_progress (resource_id, event_id, delivered_ms) VALUES (?1, ?2, ?3) "
	  "ON CONFLICT (resource_id) DO UPDATE SET event_id = excluded.event_id, delivered_ms = excluded.delivered_ms"),

	S(SQL_LEASE_ALL, "SELECT group_id, epoch, holder, longest_us FROM lease ORDER BY group_id"),
	S(SQL_LEASE_PUT,
	  "INSERT INTO lease (group_id, epoch, holder, longest_us) VALUES (?1, ?2, ?3, ?4) "
	  "ON CONFLICT (group_id) DO UPDATE SET epoch = excluded.epoch, holder = excluded.holder, "
	  "longest_us = excluded.longest_us"),
};
// clang-format on

const struct store_statement *store_statement(enum store_sql sql)
{
	return &statements[sql];
}
