// The pure part of the desired state: the struct, and taking in deltas.
#pragma once

#include "desired/desired.h"

enum { DESIRED_BYTES_MAX = 64 * 1024 * 1024 };

struct desired {
	int64_t revision;
	bool is_known;
	struct entry_set *entries;
	struct entry_delta parts; // of the delta that is coming in
	size_t parts_bytes;
	bool parts_open;
	int64_t parts_revision;
};

// Replaces everything held. Takes over `entries`.
void desired_set(struct desired *desired, int64_t revision, struct entry_set *entries);
