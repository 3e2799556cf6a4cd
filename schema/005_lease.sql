-- What the controller promised as a voter of an HA group: kept over a restart, so that no epoch is promised twice.
CREATE TABLE lease (
	group_id INTEGER PRIMARY KEY REFERENCES resource (id) ON DELETE CASCADE,
	epoch INTEGER NOT NULL,
	holder INTEGER NOT NULL,
	longest_us INTEGER NOT NULL
) STRICT;
