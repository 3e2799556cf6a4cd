#include "desired/state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct desired *desired_new(void)
{
	CLEAN(desired_free_ptr) struct desired *desired = calloc(1, sizeof *desired);
	if (!desired)
		return NULL;
	desired->entries = entry_set_new();
	return desired->entries ? take_ptr(&desired) : NULL;
}

struct desired *desired_copy(const struct desired *desired)
{
	CLEAN(desired_free_ptr) struct desired *copy = calloc(1, sizeof *copy);
	if (!copy)
		return NULL;
	copy->revision = desired->revision;
	copy->is_known = true;
	copy->entries = entry_set_copy(desired->entries);
	return copy->entries ? take_ptr(&copy) : NULL;
}

void desired_free(struct desired *desired)
{
	if (!desired)
		return;
	entry_delta_done(&desired->parts);
	entry_set_free(desired->entries);
	free(desired);
}

int64_t desired_revision(const struct desired *desired)
{
	return desired->revision;
}

const struct entry_set *desired_entries(const struct desired *desired)
{
	return desired->entries;
}

bool desired_is_known(const struct desired *desired)
{
	return desired->is_known;
}

void desired_set_empty(struct desired *desired)
{
	entry_set_clear(desired->entries);
	desired->is_known = true;
}

void desired_set(struct desired *desired, int64_t revision, struct entry_set *entries)
{
	entry_set_free(desired->entries);
	desired->entries = entries;
	desired->revision = revision;
	desired->is_known = true;
}

void desired_forget_parts(struct desired *desired)
{
	entry_delta_done(&desired->parts);
	desired->parts = (struct entry_delta){ 0 };
	desired->parts_open = false;
	desired->parts_bytes = 0;
}

// Puts the part behind those that came before. A part of another delta begins anew.
static int collect(struct desired *desired, const struct msg_desired *part, struct err *err)
{
	if (desired->parts_open && (desired->parts_revision != part->revision ||
				    !digest_equal(desired->parts.base, part->base) ||
				    !digest_equal(desired->parts.digest, part->digest)))
		desired_forget_parts(desired);
	desired->parts_open = true;
	desired->parts_revision = part->revision;
	desired->parts.base = part->base;
	desired->parts.digest = part->digest;
	for (size_t i = 0; i < part->count; i++) {
		const struct entry_change *change = &part->changes[i];
		desired->parts_bytes += strlen(change->key) + change->body_len;
		if (desired->parts_bytes > DESIRED_BYTES_MAX)
			return err_set(err, -EFBIG, "revision %" PRId64 " is larger than %d bytes",
				       part->revision, DESIRED_BYTES_MAX);
		if (entry_delta_add(&desired->parts, change->key, change->body, change->body_len) <
		    0)
			return err_set(err, -ENOMEM, "out of memory");
	}
	return 0;
}

static int finish(struct desired *desired, enum desired_step *ret_step, struct err *err)
{
	struct digest have = entry_set_digest(desired->entries);
	if (digest_equal(have, desired->parts.digest)) {
		// Not known before: what stands in the kernel is now to be compared.
		*ret_step = desired->is_known ? DESIRED_SAME : DESIRED_NEW;
		desired->revision = desired->parts_revision;
		desired->is_known = true;
		return 0;
	}
	int r = entry_set_apply(desired->entries, &desired->parts, err);
	if (r == -ESTALE || r == -EBADMSG) {
		*ret_step = DESIRED_RESYNC;
		return 0;
	}
	if (r < 0)
		return r;
	desired->revision = desired->parts_revision;
	desired->is_known = true;
	*ret_step = DESIRED_NEW;
	return 0;
}

int desired_take(struct desired *desired, const struct msg_desired *part,
		 enum desired_step *ret_step, struct err *err)
{
	int r = collect(desired, part, err);
	if (r == 0 && part->more) {
		*ret_step = DESIRED_MORE;
		return 0;
	}
	if (r == 0)
		r = finish(desired, ret_step, err);
	desired_forget_parts(desired);
	return r;
}
