// What a voter must remember over a restart: one small file for each group.
#pragma once

#include "lease/grantor.h"

// The path below the state directory; the caller frees. NULL: out of memory.
char *record_path(const char *state_dir, uint32_t group);

// False: there is none. One that is damaged becomes one under which nothing is promised for the
// longest span that there is.
bool record_load(const char *path, struct lease_record *ret, struct err *err);

// Deletes those of all groups, and their directory.
int record_delete_all(const char *state_dir, struct err *err);

// Durable when it returns 0. Blocks for as long as the disk does.
int record_save(const char *path, const struct lease_record *record, struct err *err);
