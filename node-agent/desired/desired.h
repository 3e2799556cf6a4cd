// What the controller wants of this node: taken in by deltas, kept on disk, there again after a
// restart.
//
// One owner, the loop thread. Taking in is pure; only load, save and delete touch files.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clean.h"
#include "base/err.h"
#include "base/file.h"
#include "wire/entries.h"
#include "wire/message.h"

struct desired;

enum desired_step {
	DESIRED_MORE,   // a part; the rest of the delta is to come
	DESIRED_NEW,    // the state changed: save and apply it
	DESIRED_SAME,   // already held; at most the revision grew
	DESIRED_RESYNC, // built on another base, or its digest does not fit: answer with the list
			// of hashes
};

// NULL when out of memory.
struct desired *desired_new(void);
void desired_free(struct desired *desired);
CLEAN_FUNC(struct desired, desired_free)

// Without the parts of an unfinished delta; a known state, also of one that was not: a copy is made
// to be gone back to. NULL when out of memory.
struct desired *desired_copy(const struct desired *desired);

// Revision 0 and no entries until something was loaded or taken in.
int64_t desired_revision(const struct desired *desired);
const struct entry_set *desired_entries(const struct desired *desired);

// False until a state was loaded or taken in: then nobody knows whether what stands in the kernel
// is wanted, and nothing may be taken away.
bool desired_is_known(const struct desired *desired);
// The controller has nothing for this node: no entries, and that is known.
void desired_set_empty(struct desired *desired);

// Takes in one part of a delta. Until the last part the state is as before. On failure (-EFBIG for
// an endless delta, -EINVAL for a malformed entry, -ENOMEM) the delta is forgotten and the state is
// as before; with DESIRED_RESYNC `err` tells why.
int desired_take(struct desired *desired, const struct msg_desired *part,
		 enum desired_step *ret_step, struct err *err);

// Forgets the parts of an unfinished delta: for a new session.
void desired_forget_parts(struct desired *desired);

// Reads PATH, or the generation before it, as file_load_kept does.
enum file_source desired_load(struct desired *desired, const char *path, struct err *err);

// Writes PATH so that a crash leaves a whole generation, and keeps the generation before it as
// PATH.old.
int desired_save(const struct desired *desired, const char *path, struct err *err);
