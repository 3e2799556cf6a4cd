// A set of resources applied as one: what it asks for, and what it no longer holds.
#include <errno.h>
#include <string.h>

#include "model/net.h"

#include "intent/parts.h"

#define SET_DEFAULT "default"

static const char *set_of(const struct job *job)
{
	const char *set = json_string_value(json_object_get(job->body, "set"));

	return set ? set : SET_DEFAULT;
}

bool job_is_dry(const struct job *job)
{
	bool may_say = job->request.verb == INTENT_APPLY || job->request.verb == INTENT_ROLLBACK;

	return job->request.dry_run ||
	       (may_say && json_is_true(json_object_get(job->body, "dry_run")));
}

static int apply_one(struct intent *intent, const struct job *job, enum kind_id kind,
		     const char *name, const json_t *spec, struct edits *edits)
{
	struct resource *now = resource_find(intent, kind, name);
	json_auto_t *stored = spec_stored(intent, kind, spec);
	struct resource_parts parts = {
		.kind = kind,
		.id = now ? now->pub.id : ++edits->last_id,
		.name = name,
		.spec = stored,
		.set = set_of(job),
		.facts = now ? now->facts : NULL,
	};
	struct resource *after = stored ? resource_new(now, &parts) : NULL;

	return after ? edits_add(edits, now, after) : -ENOMEM;
}

// Checks what is written, with what may only be written; edits hold what is stored.
static int apply_kind(struct intent *intent, const struct job *job, const char *plural,
		      const json_t *resources, struct edits *edits, struct problem_list *problems)
{
	const struct kind *kind = kind_by_name(plural);
	const char *nearest = kind ? NULL : text_nearest(plural, kind_names), *name;
	json_t *spec;
	int rc = 0;

	if (!kind && nearest)
		problem_add(problems, plural, "there is no such kind, did you mean %s?", nearest);
	else if (!kind)
		problem_add(problems, plural, "there is no such kind");
	else if (!json_is_object(resources))
		problem_add(problems, plural, "must be an object of specs by name");
	if (!kind || !json_is_object(resources))
		return 0;
	json_object_foreach((json_t *)resources, name, spec)
	{
		check_spec(intent, kind_id_of(kind), name, spec, problems);
		if (rc == 0 && json_is_object(spec))
			rc = apply_one(intent, job, kind_id_of(kind), name, spec, edits);
	}
	return rc;
}

static bool is_held(const json_t *resources, const struct resource *r)
{
	return json_object_get(json_object_get(resources, kinds[r->kind].name), r->name) != NULL;
}

static int prune(struct intent *intent, const struct job *job, const json_t *resources,
		 struct edits *edits)
{
	void *value;
	int rc = 0;

	for (size_t at = 0; rc == 0 && map_next(intent->by_id, &at, NULL, &value);) {
		struct resource *r = value;

		if (r->set && strcmp(r->set, set_of(job)) == 0 && !is_held(resources, r))
			rc = edits_add(edits, r, NULL);
	}
	return rc;
}

int request_apply(struct intent *intent, const struct job *job, struct edits *edits,
		  struct outcome *outcome)
{
	const json_t *resources = json_object_get(job->body, "resources");
	const char *plural;
	json_t *of_kind;
	struct err err;
	int rc = 0;

	if (!json_is_object(resources)) {
		problem_add(&outcome->problems, "resources", "must be an object of kinds");
		return outcome_set(outcome, INTENT_INVALID,
				   "resources: must be an object of kinds");
	}
	if (name_check(set_of(job), &err) < 0) {
		problem_add(&outcome->problems, "set", "%s", err.text);
		return outcome_set(outcome, INTENT_INVALID, "set: %s", err.text);
	}
	json_object_foreach((json_t *)resources, plural, of_kind)
	{
		if (rc == 0)
			rc = apply_kind(intent, job, plural, of_kind, edits, &outcome->problems);
	}
	if (rc == 0 && json_is_true(json_object_get(job->body, "prune")))
		rc = prune(intent, job, resources, edits);
	if (rc < 0)
		return outcome_set(outcome, INTENT_UNAVAILABLE, "out of memory");
	if (!problem_list_any(&outcome->problems))
		return 0;
	(void)problem_list_err(&outcome->problems, &err);
	return outcome_set(outcome, INTENT_INVALID, "%s", err.text);
}
