// The controller's state as one file, back again, and a check of it. Everything blocks: for
// commands.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "model/host_numbers.h"

struct schema;

// Writes database, authority, keys and the settings file (may be absent) of a controller, running
// or not, into the new file `file` (mode 0600; "-": standard output). What is there already is not
// replaced.
int backup_write(const char *state_dir, const char *settings_file, const char *file,
		 struct err *err);

struct backup_info {
	char version[32]; // of the program that wrote it
	char created[32];
};

// Unpacks `file` into the existing directory `dir` and compares every member with the backup's own
// list. -EBADMSG with a sentence when anything is missing, foreign or damaged.
int backup_unpack(const char *file, const char *dir, struct backup_info *ret_info, struct err *err);

// Puts a backup in place of the state in `state_dir`, which nobody may use meanwhile. A state that
// is there is refused (-EEXIST), or with `replace` moved into a new directory below, whose path
// goes to *ret_aside (caller frees; NULL when there was none). Files get the directory's owner.
int backup_restore(const char *file, const char *state_dir, bool replace, char **ret_aside,
		   struct backup_info *ret_info, struct err *err);

struct check_options {
	const char *state_dir;
	const struct schema *schema; // of api/openapi.yaml
	int vxlan_port;
	int wireguard_port;
	int probe_port;
	int ha_port;
	struct host_numbers numbers;
	int64_t now; // seconds since 1970
	// Called for each thing that was looked at: NULL when it is sound, else what is wrong and
	// the cure.
	void (*told)(void *arg, const char *what, const char *fault);
	void *arg;
};

// Looks at the state of a controller, running or not, without changing it. The number of faults,
// or a negative errno when it could not look.
int backup_check(const struct check_options *options, struct err *err);
