// Bringing a node to its target: nothing when it is there, the number alone when only that differs,
// the delta when it is one step behind, else by comparison.

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#include "hub/inside.h"

// Making a difference takes the planning of the node's whole state. When very many are owed, others
// have their turn after so long.
#define SETTLE_MS 10
#define PAUSE_MS  1 // a timer without time would leave them none

// The node has what it should have, by an older number: it was away while something changed and
// changed back.
static void tell_revision(struct session *s, const struct hub_target *target)
{
	struct msg same = { .type = MSG_DESIRED,
			    .desired = { .revision = target->revision,
					 .base = target->digest,
					 .digest = target->digest } };

	queue_message(s, &same);
}

void desired_begin(struct session *s, const struct msg_hello *hello,
		   const struct hub_target *target)
{
	s->desired = hello->base_digest;
	if (!digest_equal(hello->base_digest, target->digest))
		desired_resync(s);
	else if (hello->base_revision != target->revision)
		tell_revision(s, target);
}

void desired_resync(struct session *s)
{
	struct msg resync = { .type = MSG_RESYNC };

	if (s->is_resyncing)
		return;
	s->is_resyncing = true;
	queue_message(s, &resync);
}

void desired_push(struct session *s, int64_t revision, const struct entry_delta *delta)
{
	struct err err = { 0 };

	// The answer to the comparison under way will hold this change too.
	if (s->is_resyncing || digest_equal(s->desired, delta->digest))
		return;
	if (!digest_equal(s->desired, delta->base)) {
		desired_resync(s);
		return;
	}
	int rc = msg_desired_frames(revision, delta, queue_frame, s, &err);
	if (rc == 0)
		s->desired = delta->digest;
	else if (s->state == SESSION_OPEN)
		session_end(s, true, "revision %lld cannot be sent: %s", (long long)revision,
			    err.text);
}

static int add_entry(void *set, const char *key, const char *body, size_t body_len)
{
	int rc = entry_set_put(set, key, body, body_len, NULL);

	return rc < 0 ? rc : 0;
}

static int send_difference(struct session *s, struct err *err)
{
	struct hub *hub = s->hub;
	CLEAN(entry_set_free_ptr) struct entry_set *set = entry_set_new();
	CLEAN(entry_delta_done) struct entry_delta delta = { 0 };
	struct hub_target target = { 0 };

	if (!set)
		return err_set(err, -ENOMEM, "out of memory");
	int rc = hub->ops.target(hub->ctx, s->node_id, &target, err);
	if (rc < 0)
		return rc;
	rc = hub->ops.entries(hub->ctx, s->node_id, add_entry, set, err);
	if (rc < 0)
		return rc;
	if (entry_delta_from_hashes(s->hashes, s->hashes_count, s->hashes_digest, set, &delta) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	s->desired = delta.digest;
	if (digest_equal(delta.base, delta.digest)) {
		tell_revision(s, &target);
		return 0;
	}
	return msg_desired_frames(target.revision, &delta, queue_frame, s, err);
}

static int gather(struct session *s, const struct msg_keys *keys)
{
	if (s->hashes_count + keys->count > HASHES_MAX) {
		session_drop(s, "told of more than %d entries", HASHES_MAX);
		return -E2BIG;
	}
	if (keys->count) {
		size_t size = (s->hashes_count + keys->count) * sizeof(*s->hashes);
		struct entry_hash *grown = realloc(s->hashes, size);

		if (!grown) {
			session_end(s, true, "out of memory");
			return -ENOMEM;
		}
		s->hashes = grown;
		memcpy(s->hashes + s->hashes_count, keys->hashes,
		       keys->count * sizeof(*keys->hashes));
	}
	s->hashes_count += keys->count;
	s->hashes_digest = keys->digest;
	return 0;
}

static void owe(struct session *s)
{
	struct hub *hub = s->hub;

	s->is_owed = true;
	s->owed_next = NULL;
	s->owed_previous = hub->owed_last;
	if (hub->owed_last)
		hub->owed_last->owed_next = s;
	else
		hub->owed = s;
	hub->owed_last = s;
	if (!uv_is_active((uv_handle_t *)&hub->owing))
		(void)uv_timer_start(&hub->owing, desired_settle, 0, 0);
}

static void forget_hashes(struct session *s)
{
	free(s->hashes);
	s->hashes = NULL;
	s->hashes_count = 0;
}

void desired_forget(struct session *s)
{
	struct hub *hub = s->hub;

	if (!s->is_owed)
		return;
	s->is_owed = false;
	if (s->owed_previous)
		s->owed_previous->owed_next = s->owed_next;
	else
		hub->owed = s->owed_next;
	if (s->owed_next)
		s->owed_next->owed_previous = s->owed_previous;
	else
		hub->owed_last = s->owed_previous;
	forget_hashes(s);
}

static void settle(struct session *s)
{
	struct err err = { 0 };

	s->is_resyncing = false;
	if (s->state == SESSION_OPEN && send_difference(s, &err) < 0 && s->state == SESSION_OPEN)
		session_end(s, err.code != -ENOENT, "%s",
			    err.text[0] ? err.text : "the desired state cannot be sent");
	desired_forget(s);
}

void desired_settle(uv_timer_t *owing)
{
	struct hub *hub = owing->data;
	int64_t until_ms = clock_mono_ms() + SETTLE_MS;

	while (hub->owed && clock_mono_ms() < until_ms)
		settle(hub->owed);
	if (hub->owed)
		(void)uv_timer_start(owing, desired_settle, PAUSE_MS, 0);
}

void desired_keys(struct session *s, const struct msg_keys *keys)
{
	desired_forget(s); // it begins to tell anew
	if (gather(s, keys) < 0 || keys->more)
		return;
	if (++s->disagreements <= DISAGREEMENT_MAX) {
		owe(s);
		return;
	}
	forget_hashes(s);
	session_drop(s, "does not come to the desired state after %d comparisons",
		     DISAGREEMENT_MAX);
}

void desired_applied(struct session *s, const struct msg_applied *applied)
{
	if (digest_equal(applied->digest, s->desired))
		s->disagreements = 0;
}
