// What is remembered of a list over a restart, in a file beside the contents.
#pragma once

#include "base/err.h"

#include "lists/fetch.h"

struct list_record {
	char *source; // the URL or file that the content came from
	struct content content;
	struct fetch_tags tags;
	int64_t fetched_ms;
	int64_t checked_ms;
};

// DIR/ID.json. A record that is not there or no good is as none: `ret` is then empty.
void list_record_load(const char *dir, int64_t id, struct list_record *ret);
int list_record_save(const char *dir, int64_t id, const struct list_record *record,
		     struct err *err);
void list_record_delete(const char *dir, int64_t id);
void list_record_done(struct list_record *record);
