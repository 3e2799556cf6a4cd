-- Weft's database. The subset of SQL that also runs on dqlite: STRICT tables, ids made by the program, one statement
-- per call. Times ending in _ms are milliseconds since 1970.

-- Single values: controller_id, revision (of the intent), last_id (of resources), auth_revision.
CREATE TABLE meta (
	key TEXT PRIMARY KEY,
	value TEXT NOT NULL
) STRICT;

INSERT INTO meta (key, value) VALUES ('revision', '0'), ('last_id', '0'), ('auth_revision', '0');

-- Write transactions that were committed, so that one with an unknown outcome can be looked up.
CREATE TABLE operation (
	id TEXT PRIMARY KEY,
	at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX operation_at ON operation (at_ms);

-- What operators wrote. The id never changes, the name may.
CREATE TABLE resource (
	id INTEGER PRIMARY KEY,
	kind TEXT NOT NULL,
	name TEXT NOT NULL,
	spec TEXT NOT NULL,
	set_name TEXT,
	revision INTEGER NOT NULL,
	created_ms INTEGER NOT NULL,
	updated_ms INTEGER NOT NULL,
	UNIQUE (kind, name)
) STRICT;
CREATE INDEX resource_set ON resource (set_name);

-- Audit log, history for rollback, and the bus between controllers. Secrets never stand here.
CREATE TABLE change (
	revision INTEGER NOT NULL,
	seq INTEGER NOT NULL,
	at_ms INTEGER NOT NULL,
	actor TEXT NOT NULL,
	kind TEXT NOT NULL,
	name TEXT NOT NULL,
	action TEXT NOT NULL,
	before TEXT,
	after TEXT,
	PRIMARY KEY (revision, seq)
) STRICT;
CREATE INDEX change_of ON change (kind, name, revision);

-- Addresses, VNIs, ports, node indexes that were given out. A freed one keeps its row until it may be given again.
CREATE TABLE allocation (
	pool TEXT NOT NULL,
	owner TEXT NOT NULL,
	value TEXT NOT NULL,
	size INTEGER NOT NULL,
	freed_revision INTEGER,
	PRIMARY KEY (pool, owner)
) STRICT;

-- Last revision that changed a node's desired entries, and their digest.
CREATE TABLE target (
	node_id INTEGER PRIMARY KEY REFERENCES resource (id) ON DELETE CASCADE,
	revision INTEGER NOT NULL,
	digest TEXT NOT NULL
) STRICT;

-- What nodes reported that plans depend on: public keys, endpoints.
CREATE TABLE fact (
	node_id INTEGER NOT NULL REFERENCES resource (id) ON DELETE CASCADE,
	name TEXT NOT NULL,
	value TEXT NOT NULL,
	updated_ms INTEGER NOT NULL,
	PRIMARY KEY (node_id, name)
) STRICT;

-- Hashes of passwords (users), tokens (tokens) and secrets (enrolment-keys). uses_left -1: unlimited; expires_ms 0: never.
CREATE TABLE credential (
	resource_id INTEGER PRIMARY KEY REFERENCES resource (id) ON DELETE CASCADE,
	hash TEXT NOT NULL,
	uses_left INTEGER NOT NULL,
	expires_ms INTEGER NOT NULL,
	updated_ms INTEGER NOT NULL
) STRICT;

-- Values of secrets, sealed under a key outside the database.
CREATE TABLE secret_value (
	resource_id INTEGER PRIMARY KEY REFERENCES resource (id) ON DELETE CASCADE,
	sealed BLOB NOT NULL,
	updated_ms INTEGER NOT NULL
) STRICT;

-- Certificates given to nodes. Outlives its node: a revocation stays in force.
CREATE TABLE certificate (
	serial TEXT PRIMARY KEY,
	node_id INTEGER NOT NULL,
	not_after INTEGER NOT NULL,
	revoked_ms INTEGER NOT NULL,
	fingerprint TEXT NOT NULL
) STRICT;
CREATE INDEX certificate_node ON certificate (node_id);

-- Signed-in browsers. Only the cookie's hash is kept.
CREATE TABLE session (
	hash TEXT PRIMARY KEY,
	user_id INTEGER NOT NULL REFERENCES resource (id) ON DELETE CASCADE,
	role TEXT NOT NULL,
	csrf TEXT NOT NULL,
	created_ms INTEGER NOT NULL,
	used_ms INTEGER NOT NULL,
	expires_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX session_user ON session (user_id);

-- What happened, kept for a number of days.
CREATE TABLE event (
	id INTEGER PRIMARY KEY,
	at_ms INTEGER NOT NULL,
	node TEXT,
	severity TEXT NOT NULL,
	kind TEXT NOT NULL,
	entry TEXT,
	text TEXT NOT NULL
) STRICT;
CREATE INDEX event_at ON event (at_ms);
CREATE INDEX event_node ON event (node, id);

-- Hosts that wait for an operator's approval to join.
CREATE TABLE pending (
	name TEXT PRIMARY KEY,
	key_id INTEGER NOT NULL REFERENCES resource (id) ON DELETE CASCADE,
	csr TEXT NOT NULL,
	public_key TEXT NOT NULL,
	source TEXT NOT NULL,
	created_ms INTEGER NOT NULL,
	approved_ms INTEGER NOT NULL
) STRICT;
