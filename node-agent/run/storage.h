// The small files of the agent beside identity and desired state, and the directories they are in.
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"
#include "base/file.h"

#include "run/state.h"

// Fills the paths below state_dir and run_dir.
int storage_paths(const struct agent_settings *settings, struct agent_paths *ret_paths,
		  struct err *err);
void storage_paths_done(struct agent_paths *paths);

int storage_make_run_dir(const struct agent_settings *settings, struct err *err);

// The sysctl values from before Weft, or those saved before the last. *ret_former stays NULL when
// there are none; the caller releases it.
enum file_source storage_load_restore(const char *path, json_t **ret_former, struct err *err);
int storage_save_restore(const char *path, const json_t *former, struct err *err);

// Identity, desired state, saved values, saved time: all of it. The run directory empties itself
// with the process.
int storage_delete(const struct agent_settings *settings, struct err *err);

// Of the running kernel; "" when it cannot be read.
void storage_boot_id(char *ret, size_t size);
