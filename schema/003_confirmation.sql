-- What a change was about beside its spec, so that it can be taken back: the resource's id, which outlives its names, and
-- the name and the set it had before. NULL in rows of versions that did not write them.
ALTER TABLE change ADD COLUMN resource_id INTEGER;
ALTER TABLE change ADD COLUMN former_name TEXT;
ALTER TABLE change ADD COLUMN former_set TEXT;

-- The revision that will be undone at due_ms unless somebody confirms it; at most one row.
CREATE TABLE confirmation (
	revision INTEGER PRIMARY KEY,
	actor TEXT NOT NULL,
	at_ms INTEGER NOT NULL,
	due_ms INTEGER NOT NULL
) STRICT;
