// What needs several frames: how far a part goes, and its encoding.

#include <errno.h>
#include <string.h>

#include "wire/json.h"
#include "wire/message.h"

#define ENVELOPE   512 // type, digests, flags
#define FRAME_ROOM (WIRE_FRAME_MAX - ENVELOPE)
#define HASH_SIZE  72 // ["32 digits","32 digits"],
#define HASHES_MAX (FRAME_ROOM / HASH_SIZE)

static int send_frame(const struct msg *msg, msg_frame_fn emit, void *ctx, struct err *err)
{
	CLEAN(text_free) struct text out = { 0 };
	int rc = msg_encode(msg, &out, err);

	return rc < 0 ? rc : emit(ctx, out.data, out.len);
}

static size_t change_size(const struct entry_change *c)
{
	size_t size = wire_json_size(c->key, strlen(c->key)) + 2;

	return c->body ? size + wire_json_size(c->body, c->body_len) : size;
}

// How many of the changes fit one frame; at least one, since the largest fits.
static size_t fitting(const struct entry_change *changes, size_t count)
{
	size_t size = 0;
	size_t n = 0;

	while (n < count && n < WIRE_ENTRIES_MAX) {
		size += change_size(&changes[n]);
		if (size > FRAME_ROOM)
			break;
		n++;
	}
	return n ? n : 1;
}

int msg_desired_frames(int64_t revision, const struct entry_delta *delta, msg_frame_fn emit,
		       void *ctx, struct err *err)
{
	size_t at = 0;
	int rc;

	do {
		size_t n = delta->count > at ? fitting(delta->changes + at, delta->count - at) : 0;
		struct msg msg = { .type = MSG_DESIRED,
				   .desired = { .revision = revision,
						.base = delta->base,
						.digest = delta->digest,
						.changes = n ? delta->changes + at : NULL,
						.count = n,
						.more = at + n < delta->count } };

		rc = send_frame(&msg, emit, ctx, err);
		at += n;
	} while (rc >= 0 && at < delta->count);
	return rc < 0 ? rc : 0;
}

int msg_observe_frames(bool reset, const struct entry_delta *delta, msg_frame_fn emit, void *ctx,
		       struct err *err)
{
	size_t at = 0;
	int rc;

	do {
		size_t n = delta->count > at ? fitting(delta->changes + at, delta->count - at) : 0;
		struct msg msg = { .type = MSG_OBSERVE,
				   .observe = { .reset = reset && at == 0,
						.digest = delta->digest,
						.changes = n ? delta->changes + at : NULL,
						.count = n,
						.more = at + n < delta->count } };

		rc = send_frame(&msg, emit, ctx, err);
		at += n;
	} while (rc >= 0 && at < delta->count);
	return rc < 0 ? rc : 0;
}

int msg_observe_all_frames(const struct entry_set *set, msg_frame_fn emit, void *ctx,
			   struct err *err)
{
	size_t count = entry_set_count(set);
	CLEAN(free_ptr) struct entry_change *all = calloc(count + 1, sizeof(*all));
	size_t n = 0;

	if (!all)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t at = 0; n < count && entry_set_next(set, &at, &all[n]);)
		n++;
	struct entry_delta delta = { .digest = entry_set_digest(set), .changes = all, .count = n };
	return msg_observe_frames(true, &delta, emit, ctx, err);
}

int msg_keys_frames(const struct entry_set *set, msg_frame_fn emit, void *ctx, struct err *err)
{
	CLEAN(free_ptr) struct entry_hash *part = calloc(HASHES_MAX, sizeof(*part));
	size_t count = entry_set_count(set);
	size_t at = 0;
	int rc;

	if (!part)
		return err_set(err, -ENOMEM, "out of memory");
	do {
		size_t n = 0;

		while (n < HASHES_MAX && at < count)
			part[n++] = entry_set_hash_at(set, at++);
		struct msg msg = { .type = MSG_KEYS,
				   .keys = { .hashes = part,
					     .count = n,
					     .digest = entry_set_digest(set),
					     .more = at < count } };
		rc = send_frame(&msg, emit, ctx, err);
	} while (rc >= 0 && at < count);
	return rc < 0 ? rc : 0;
}

// Sends what was gathered and begins anew.
static int flush_samples(int64_t at_ms, json_t *part, msg_frame_fn emit, void *ctx, struct err *err)
{
	struct msg msg = { .type = MSG_SAMPLES, .samples = { .at_ms = at_ms, .values = part } };
	int rc = send_frame(&msg, emit, ctx, err);

	(void)json_object_clear(part);
	return rc;
}

static size_t dump_size(const json_t *json)
{
	return json_dumpb(json, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);
}

static void free_json(json_t **json)
{
	json_decref(*json);
}

int msg_samples_frames(int64_t at_ms, const json_t *values, msg_frame_fn emit, void *ctx,
		       struct err *err)
{
	CLEAN(free_json) json_t *part = json_object();
	size_t size = 0;
	const char *key;
	json_t *value;
	int rc;

	json_object_foreach((json_t *)(uintptr_t)values, key, value)
	{
		size_t more = wire_json_size(key, strlen(key)) + dump_size(value) + 2;

		if (json_object_size(part) &&
		    (size + more > FRAME_ROOM || json_object_size(part) == WIRE_ENTRIES_MAX)) {
			rc = flush_samples(at_ms, part, emit, ctx, err);
			if (rc < 0)
				return rc;
			size = 0;
		}
		size += more;
		if (json_object_set(part, key, value) < 0)
			return err_set(err, -ENOMEM, "out of memory");
	}
	rc = flush_samples(at_ms, part, emit, ctx, err);
	return rc < 0 ? rc : 0;
}
