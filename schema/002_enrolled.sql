-- Which host has become which node by which key: a host whose answer was lost asks again with the same CSR key and
-- takes no second use.
CREATE TABLE enrolled (
	key_id INTEGER NOT NULL REFERENCES resource (id) ON DELETE CASCADE,
	csr_key TEXT NOT NULL,
	node_id INTEGER NOT NULL REFERENCES resource (id) ON DELETE CASCADE,
	at_ms INTEGER NOT NULL,
	PRIMARY KEY (key_id, csr_key)
) STRICT;
CREATE INDEX enrolled_node ON enrolled (node_id);
