// One request to the edits it asks for.
#include <errno.h>
#include <string.h>

#include "intent/parts.h"

static int no_memory(struct outcome *outcome)
{
	return outcome_set(outcome, INTENT_UNAVAILABLE, "out of memory");
}

json_t *spec_stored(const struct intent *intent, enum kind_id kind, const json_t *spec)
{
	const json_t *schema = schema_get(intent->settings.schema, kinds[kind].schema);
	json_t *stored = json_deep_copy(spec);
	const char *name;
	json_t *property;

	json_object_foreach(json_object_get(schema, "properties"), name, property)
	{
		if (json_is_true(json_object_get(property, "writeOnly")))
			(void)json_object_del(stored, name);
	}
	return stored;
}

static int check_expected(const struct job *job, const struct resource *now,
			  struct outcome *outcome)
{
	int64_t expected = job->request.expected_revision;

	if (expected == INTENT_ANY_REVISION || expected == (now ? now->pub.revision : 0))
		return 0;
	if (!now)
		return outcome_set(outcome, INTENT_PRECONDITION, "there is no %s %s", job->kind,
				   job->name);
	if (expected == INTENT_NO_RESOURCE)
		return outcome_set(outcome, INTENT_PRECONDITION, "%s %s is already there",
				   job->kind, job->name);
	return outcome_set(outcome, INTENT_PRECONDITION,
			   "%s %s is at revision %lld now, not %lld; read it again", job->kind,
			   job->name, (long long)now->pub.revision, (long long)expected);
}

// The spec after the request, as written (with what is only written). New reference.
static int wanted_spec(const struct job *job, const struct resource *now, json_t **ret_spec,
		       struct outcome *outcome)
{
	if (!json_is_object(job->body)) {
		problem_add(&outcome->problems, "", "must be an object");
		return outcome_set(outcome, INTENT_INVALID, "the body must be an object");
	}
	*ret_spec = job->request.verb == INTENT_PUT ? json_incref(job->body)
						    : json_merge_patch(now->spec, job->body);
	return *ret_spec ? 0 : no_memory(outcome);
}

static int edit_write(struct intent *intent, const struct job *job, enum kind_id kind,
		      struct resource *now, struct edits *edits, struct outcome *outcome)
{
	json_auto_t *spec = NULL;

	int rc = wanted_spec(job, now, &spec, outcome);
	if (rc < 0)
		return rc;
	check_spec(intent, kind, job->name, spec, &outcome->problems);
	if (problem_list_any(&outcome->problems)) {
		struct err err;

		(void)problem_list_err(&outcome->problems, &err);
		return outcome_set(outcome, INTENT_INVALID, "%s", err.text);
	}
	json_auto_t *stored = spec_stored(intent, kind, spec);
	struct resource_parts parts = {
		.kind = kind,
		.id = now ? now->pub.id : ++edits->last_id,
		.name = job->name,
		.spec = stored,
		.set = now ? now->set : NULL,
		.facts = now ? now->facts : NULL,
	};
	struct resource *after = stored ? resource_new(now, &parts) : NULL;
	return after && edits_add(edits, now, after) == 0 ? 0 : no_memory(outcome);
}

// ---- rename ----

// What refers to the renamed one follows; a link's own name is made of those names.
static int follow_one(struct resource *user, enum kind_id to, const char *old_name,
		      const char *new_name, struct edits *edits)
{
	json_auto_t *spec = json_deep_copy(user->spec);

	if (!spec)
		return -ENOMEM;
	int count = kind_rename_references(&kinds[user->kind], spec, to, old_name, new_name);
	if (count <= 0)
		return count;
	const char *network = json_string_value(json_object_get(spec, "network"));
	const json_t *ends = json_object_get(spec, "ends");
	const char *a = json_string_value(json_array_get(ends, 0));
	const char *b = json_string_value(json_array_get(ends, 1));
	bool is_link = kinds[user->kind].is_link_name && network && a && b;
	CLEAN(free_ptr)
	char *name = is_link ? kind_link_name(kind_reference_name(KIND_NETWORKS, network, NULL),
					      kind_reference_name(KIND_NODES, a, NULL),
					      kind_reference_name(KIND_NODES, b, NULL))
			     : strdup(user->name);
	struct resource_parts parts = {
		.kind = user->kind,
		.id = user->pub.id,
		.name = name,
		.spec = spec,
		.set = user->set,
		.facts = user->facts,
	};
	struct resource *after = name ? resource_new(user, &parts) : NULL;
	return after ? edits_add(edits, user, after) : -ENOMEM;
}

static int follow_all(struct intent *intent, const struct resource *renamed, const char *new_name,
		      struct edits *edits)
{
	void *value;
	int rc = 0;

	for (size_t at = 0; rc >= 0 && map_next(intent->by_id, &at, NULL, &value);)
		rc = follow_one(value, renamed->kind, renamed->name, new_name, edits);
	return rc;
}

static int edit_rename(struct intent *intent, const struct job *job, enum kind_id kind,
		       struct resource *now, struct edits *edits, struct outcome *outcome)
{
	const char *name = json_string_value(json_object_get(job->body, "name"));
	struct err err;

	if (kinds[kind].is_link_name)
		return outcome_set(outcome, INTENT_INVALID,
				   "%s: a link's name follows from its network and ends",
				   job->name);
	if (!name || kind_name_check(&kinds[kind], name, &err) < 0) {
		problem_add(&outcome->problems, "name", "%s", name ? err.text : "is missing");
		return outcome_set(outcome, INTENT_INVALID, "name: %s",
				   name ? err.text : "is missing");
	}
	struct resource *holder = resource_find(intent, kind, name);
	if (holder && holder != now)
		return outcome_set(outcome, INTENT_CONFLICT, "%s %s is already there", job->kind,
				   name);
	struct resource_parts parts = {
		.kind = kind,
		.id = now->pub.id,
		.name = name,
		.spec = now->spec,
		.set = now->set,
		.facts = now->facts,
	};
	struct resource *after = resource_new(now, &parts);
	if (!after || edits_add(edits, now, after) < 0)
		return no_memory(outcome);
	if (holder)
		return 0;
	return follow_all(intent, now, name, edits) < 0 ? no_memory(outcome) : 0;
}

int request_edits(struct intent *intent, const struct job *job, struct edits *edits,
		  struct outcome *outcome)
{
	const struct kind *kind = job->kind ? kind_by_name(job->kind) : NULL;
	enum intent_verb verb = job->request.verb;

	if (verb == INTENT_APPLY)
		return request_apply(intent, job, edits, outcome);
	if (verb == INTENT_ROLLBACK && job->read_revision != intent->revision)
		return outcome_set(outcome, INTENT_CONFLICT,
				   "others change the network at this moment: try again");
	if (verb == INTENT_ROLLBACK)
		return restore_edits(intent, job->restore, edits, outcome);
	if (verb == INTENT_CONFIRM || verb == INTENT_UNDO)
		return pending_edits(intent, job, edits, outcome);
	if (!kind || !job->name)
		return outcome_set(outcome, INTENT_NOT_FOUND, "there is no kind %s",
				   job->kind ? job->kind : "");
	enum kind_id id = kind_id_of(kind);
	struct resource *now = resource_find(intent, id, job->name);
	int rc = check_expected(job, now, outcome);
	if (rc < 0)
		return rc;
	if (!now && verb != INTENT_PUT)
		return outcome_set(outcome, INTENT_NOT_FOUND, "there is no %s %s", kind->singular,
				   job->name);
	if (verb == INTENT_DELETE)
		return edits_add(edits, now, NULL) < 0 ? no_memory(outcome) : 0;
	if (verb == INTENT_RENAME)
		return edit_rename(intent, job, id, now, edits, outcome);
	return edit_write(intent, job, id, now, edits, outcome);
}
