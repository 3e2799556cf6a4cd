// The controller as a voter of HA groups: it promises the lease of a group to one node at a time.
//
// The grantor decides, the store remembers epochs before a promise is given, and what was promised
// before a start is respected by promising nothing for a while after it. A group's list of voters
// goes on from one generation to the next once all of them have it.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"

#include "lease/grantor.h"
#include "plan/plan.h"
#include "program.h"

// The longest promise that may still be in force when nobody renews it any more, and some more.
#define SETTLE_MS (LEASE_LONGEST_US / 1000 + 5000)

// One group that the controller has heard of.
struct ballot {
	struct lease_grantor grantor;
	int64_t group;
	int64_t settled_from_ms; // all voters have the generation since then, 0: not all
	int64_t settling;        // that generation
};

struct votes {
	struct map *ballots; // group id -> struct ballot
	int64_t started_us;
};

struct id_text {
	char text[24];
};

static struct id_text id_text(int64_t id)
{
	struct id_text key;
	(void)snprintf(key.text, sizeof key.text, "%lld", (long long)id);
	return key;
}

static int64_t now_us(void)
{
	return clock_mono_ms() * 1000;
}

static struct ballot *ballot_add(struct votes *votes, int64_t group,
				 const struct lease_record *record, int64_t lease_us)
{
	struct ballot *b = calloc(1, sizeof *b);
	if (!b || map_set(votes->ballots, id_text(group).text, b) < 0) {
		free(b);
		return NULL;
	}
	b->group = group;
	lease_grantor_init(&b->grantor, record, lease_us, votes->started_us);
	return b;
}

// ---- the store ----

static int see_record(const struct store_row *row, void *arg, struct err *err)
{
	struct votes *votes = arg;
	const struct lease_record record = { .epoch = (uint64_t)store_row_int(row, 1),
					     .holder = (uint32_t)store_row_int(row, 2),
					     .longest_us = store_row_int(row, 3) };
	if (!ballot_add(votes, store_row_int(row, 0), &record, record.longest_us))
		return err_set(err, -ENOMEM, "out of memory");
	return 0;
}

static int read_records(struct store_tx *tx, void *arg, struct err *err)
{
	int r = store_query(tx, SQL_LEASE_ALL, STORE_NO_PARAMS, see_record, arg, err);
	return r < 0 ? r : 0;
}

// A record on its way to the store. By number, as group and program may go meanwhile.
struct saving {
	struct program *program;
	int64_t group;
	struct lease_record record;
};

static int write_record(struct store_tx *tx, void *arg, struct err *err)
{
	const struct saving *s = arg;
	int r = store_exec(tx, SQL_LEASE_PUT,
			   STORE_PARAMS(store_int(s->group), store_int((int64_t)s->record.epoch),
					store_int(s->record.holder),
					store_int(s->record.longest_us)),
			   err);
	return r < 0 ? r : 0;
}

static void answer(struct program *program, int64_t node_id, const struct lease_message *message)
{
	char text[LEASE_TEXT_SIZE];
	lease_message_format(message, text);
	if (program->hub && !program->is_stopping)
		hub_vote(program->hub, node_id, text);
}

static void written(void *arg, enum store_result result, const struct err *err)
{
	struct saving *s = arg;
	struct program *program = s->program;
	struct ballot *b =
		program->votes ? map_get(program->votes->ballots, id_text(s->group).text) : NULL;
	struct lease_message message;
	uint32_t to;
	if (result != STORE_OK)
		log_warn("ha: an epoch is not stored, so nothing is promised: %s", err->text);
	if (b && lease_grantor_saved(&b->grantor, now_us(), result == STORE_OK, &to, &message))
		answer(program, to, &message);
	free(s);
}

static void save(struct program *program, struct ballot *b)
{
	struct lease_message message;
	uint32_t to;
	struct saving *s = calloc(1, sizeof *s);
	if (s)
		*s = (struct saving){ program, b->group, b->grantor.saving };
	if (s && store_transact(program->store, NULL, write_record, written, s) == 0)
		return;
	free(s);
	(void)lease_grantor_saved(&b->grantor, now_us(), false, &to, &message);
}

// ---- messages ----

// Whether that node may ask for that group's lease, and of this controller.
static bool is_entitled(const struct plan_ha *ha, int64_t node_id,
			const struct lease_message *message)
{
	const uint32_t apart = message->generation - (uint32_t)ha->generation;
	bool is_member = false;
	for (size_t i = 0; i < ha->n_members; i++)
		is_member = is_member || ha->members[i] == node_id;
	return is_member && ha->has_controller && apart + 1 <= 2;
}

void program_lease(void *ctx, int64_t node_id, const char *text)
{
	struct program *program = ctx;
	struct lease_message message, reply;
	struct plan_ha ha;
	struct err err = { 0 };
	if (lease_message_parse(text, &message, &err) < 0) {
		log_debug("node %lld: %s", (long long)node_id, err.text);
		return;
	}
	if (!intent_ha_group(program->intent, message.group, &ha) ||
	    !is_entitled(&ha, node_id, &message))
		return;
	struct ballot *b = map_get(program->votes->ballots, id_text(message.group).text);
	if (!b)
		b = ballot_add(program->votes, message.group, NULL, ha.lease_ms * 1000);
	if (!b)
		return;
	b->grantor.lease_us = ha.lease_ms * 1000;
	if (message.type == LEASE_RELEASE) {
		(void)lease_grantor_release(&b->grantor, now_us(), (uint32_t)node_id, &message);
		return;
	}
	if (message.type == LEASE_ANSWER)
		return;
	switch (lease_grantor_ask(&b->grantor, now_us(), (uint32_t)node_id, &message, &reply)) {
	case LEASE_STEP_ANSWER:
		answer(program, node_id, &reply);
		break;
	case LEASE_STEP_SAVE:
		save(program, b);
		break;
	case LEASE_STEP_NONE:
		break;
	}
}

// ---- from one generation to the next ----

static bool is_at_target(const struct program *program, int64_t node_id)
{
	json_auto_t *node = live_node_json(program->live, node_id, clock_wall_ms());
	const json_t *target = json_object_get(node, "target");
	return json_is_true(json_object_get(node, "connected")) && json_is_integer(target) &&
	       json_equal(target, json_object_get(node, "applied"));
}

static void settle(struct program *program, int64_t group, const struct plan_ha *ha)
{
	struct ballot *b = map_get(program->votes->ballots, id_text(group).text);
	bool have_all = true;
	if (!b)
		b = ballot_add(program->votes, group, NULL, ha->lease_ms * 1000);
	if (!b || ha->settled == ha->generation)
		return;
	for (size_t i = 0; i < ha->n_voters && have_all; i++)
		have_all = is_at_target(program, ha->voters[i]);
	if (!have_all || b->settling != ha->generation)
		b->settled_from_ms = 0;
	b->settling = ha->generation;
	if (have_all && !b->settled_from_ms)
		b->settled_from_ms = clock_mono_ms();
	// A voter that the generation left out is heard by nobody who has it. What it was promised
	// before has to run out.
	if (!have_all || clock_mono_ms() - b->settled_from_ms < SETTLE_MS)
		return;
	json_auto_t *fact = json_pack("{s:I}", "settled", (json_int_t)ha->generation);
	struct err err = { 0 };
	if (fact && intent_set_facts(program->intent, group, fact, &err) < 0)
		log_warn("ha: %s", err.text);
}

static bool settle_one(void *arg, const struct intent_resource *resource)
{
	struct program *program = arg;
	struct plan_ha ha;
	if (intent_ha_group(program->intent, resource->id, &ha))
		settle(program, resource->id, &ha);
	return true;
}

void program_votes_tick(struct program *program)
{
	intent_list(program->intent, "ha-groups", NULL, settle_one, program);
}

// ---- beginning and end ----

int program_open_votes(struct program *program, struct err *err)
{
	program->votes = calloc(1, sizeof *program->votes);
	if (program->votes)
		program->votes->ballots = map_new(free);
	if (!program->votes || !program->votes->ballots)
		return err_set(err, -ENOMEM, "out of memory");
	program->votes->started_us = now_us();
	enum store_result result =
		store_read_sync(program->store, read_records, program->votes, err);
	return result == STORE_OK ? 0 : -EIO;
}

void program_close_votes(struct program *program)
{
	if (program->votes)
		map_free(program->votes->ballots);
	free(take_ptr(&program->votes));
}
