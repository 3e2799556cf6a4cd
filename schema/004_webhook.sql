-- How far each webhook has come: the last event it was given, or that was none of its business. What is behind it waits.
CREATE TABLE webhook_progress (
	resource_id INTEGER PRIMARY KEY REFERENCES resource (id) ON DELETE CASCADE,
	event_id INTEGER NOT NULL,
	delivered_ms INTEGER NOT NULL
) STRICT;
