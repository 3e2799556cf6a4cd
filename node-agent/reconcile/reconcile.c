#include "reconcile/reconcile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reconcile/kind.h"
#include "reconcile/owned.h"

void reconcile_free(struct reconcile *r)
{
	if (!r)
		return;
	kernel_snapshot_done(&r->seen);
	entries_free(r->entries, r->entries_len);
	map_free(r->by_key);
	map_free(r->stood);
	map_free(r->tracks);
	json_decref(r->former);
	guard_done(r);
	policy_done(r);
	explicit_bzero(&r->config.private_key, sizeof r->config.private_key);
	free(r);
}

int reconcile_new(const struct reconcile_config *config, struct reconcile **ret, struct err *err)
{
	CLEAN(reconcile_free_ptr) struct reconcile *r = calloc(1, sizeof *r);

	if (!r)
		return err_set(err, -ENOMEM, "out of memory");
	r->config = *config;
	r->kernel = config->kernel;
	r->by_key = map_new(NULL);
	r->stood = map_new(free);
	r->tracks = map_new(free);
	r->former = config->restore ? json_deep_copy(config->restore) : json_object();
	if (!r->by_key || !r->stood || !r->tracks || !json_is_object(r->former))
		return err_set(err, -ENOMEM, "out of memory");
	*ret = take_ptr(&r);
	return 0;
}

int reconcile_look(struct reconcile *r, struct err *err)
{
	struct kernel_snapshot seen;

	int rc = kernel_dump(r->kernel, &seen, err);
	if (rc < 0)
		return rc;
	kernel_snapshot_done(&r->seen);
	r->seen = seen;
	r->dumps++;
	return 0;
}

static int index_entries(struct reconcile *r, struct err *err)
{
	map_free(r->by_key);
	r->by_key = map_new(NULL);
	if (!r->by_key)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < r->entries_len; i++)
		if (map_set(r->by_key, r->entries[i].key, &r->entries[i]) < 0)
			return err_set(err, -ENOMEM, "out of memory");
	return 0;
}

static int load(struct reconcile *r, const struct entry_set *desired, struct err *err)
{
	struct entry *entries;
	size_t len;

	int rc = entries_load(desired, &entries, &len, err);
	if (rc < 0)
		return rc;
	entries_free(r->entries, r->entries_len);
	r->entries = entries;
	r->entries_len = len;
	return index_entries(r, err);
}

// The first need that does not stand, or NULL.
static const char *missing_need(const struct reconcile *r, const struct entry *e)
{
	for (size_t i = 0; i < e->needs_len; i++) {
		const struct entry *need = reconcile_entry(r, e->needs[i]);

		if (!need || need->outcome != ENTRY_STANDS)
			return e->needs[i];
	}
	return NULL;
}

static void note_drift(const struct reconcile *r, struct entry *e, const struct finding *f)
{
	const char *before = map_get(r->stood, e->key);

	if (!before || strcmp(before, e->text) != 0)
		return;
	free(e->drift);
	e->drift = f->match == ENTRY_MISSING
			   ? text_format("%s was missing and was put back", e->key)
			   : text_format("%s was set right: %s", e->key, f->what);
}

static void entry_run(struct reconcile *r, struct entry *e)
{
	const char *need = missing_need(r, e);
	struct finding f = { .match = ENTRY_SAME };

	if (need) {
		(void)err_set(&e->error, -ENODEV, "blocked by %s", need);
		free(e->blocked_by);
		e->blocked_by = strdup(need);
		e->outcome = ENTRY_FAILED;
		return;
	}
	free(take_ptr(&e->blocked_by));
	e->error = (struct err){ 0 };
	int rc = e->kind->compare(r, e, &f, &e->error);
	if (rc == 0 && f.match != ENTRY_SAME) {
		rc = e->kind->apply(r, e, &f, &e->error);
		if (rc == 0 && !f.is_news)
			note_drift(r, e, &f);
	}
	e->outcome = rc < 0 ? ENTRY_FAILED : ENTRY_STANDS;
}

static unsigned rank_of(const struct entry *e)
{
	return e->kind ? (unsigned)e->kind->rank : 0;
}

// Entries ascending by rank. Where a rank changed something, the next one sees it.
static int apply_all(struct reconcile *r, struct err *err)
{
	uint64_t writes = r->kernel->writes;

	for (size_t i = 0; i < r->entries_len; i++) {
		struct entry *e = &r->entries[i];

		if (i > 0 && rank_of(e) != rank_of(&r->entries[i - 1]) &&
		    r->kernel->writes != writes) {
			int rc = reconcile_look(r, err);

			if (rc < 0)
				return rc;
			writes = r->kernel->writes;
		}
		if (!e->body)
			e->outcome = ENTRY_FAILED; // its error says why
		else if (e->outcome != ENTRY_STANDS)
			entry_run(r, e);
	}
	return r->kernel->writes != writes ? reconcile_look(r, err) : 0;
}

// With an entry that could not be read, nobody knows which of the objects of its kind is its.
static bool is_unreadable(const struct reconcile *r, const struct entry_kind *kind)
{
	for (size_t i = 0; i < r->entries_len; i++)
		if (r->entries[i].kind == kind && !r->entries[i].body)
			return true;
	return false;
}

// Deletes the devices of Weft's that `is_meant` picks. Goes on after a failure and returns the
// first.
static int delete_links(struct reconcile *r, bool (*is_meant)(const struct kernel_link *link),
			struct err *err)
{
	int first = 0;

	for (size_t i = 0; i < r->seen.links_len; i++) {
		if (!is_meant(&r->seen.links[i]))
			continue;
		int rc = kernel_link_delete(r->kernel, r->seen.links[i].name, first ? NULL : err);
		if (rc < 0 && !first)
			first = rc;
	}
	return first;
}

// Descending. What cannot be dropped is tried again at the next run; the first failure is told.
static int sweep_all(struct reconcile *r, struct err *err)
{
	int first = 0;

	for (size_t i = entry_kinds_len; i-- > 0;) {
		const struct entry_kind *kind = entry_kinds[i];
		const uint64_t writes = r->kernel->writes;
		int rc = is_unreadable(r, kind) ? 0 : kind->sweep(r, first ? NULL : err);

		first = first ? first : rc;
		if (r->kernel->writes == writes)
			continue;
		rc = reconcile_look(r, first ? NULL : err);
		if (rc < 0)
			return first ? first : rc;
	}
	// Whatever an entry wanted of these, it has made anew by now.
	const uint64_t writes = r->kernel->writes;
	int rc = delete_links(r, link_is_unfinished, first ? NULL : err);
	first = first ? first : rc;
	rc = r->kernel->writes != writes ? reconcile_look(r, first ? NULL : err) : 0;
	return first ? first : rc;
}

static bool has_failed(const struct reconcile *r)
{
	for (size_t i = 0; i < r->entries_len; i++)
		if (r->entries[i].outcome == ENTRY_FAILED && r->entries[i].body)
			return true;
	return false;
}

// Apply, drop, and where a drop may have made room (a port, a prefix), apply what failed once more.
static int settle(struct reconcile *r, struct err *err, struct err *sweep_err)
{
	int rc = apply_all(r, err);
	if (rc < 0)
		return rc;
	const uint64_t writes = r->kernel->writes;
	(void)sweep_all(r, sweep_err);
	if (r->kernel->writes != writes && has_failed(r)) {
		guard_run_begin(r);
		policy_run_begin(r);
		rc = apply_all(r, err);
	}
	return rc;
}

static void remember_standing(struct reconcile *r)
{
	const char *key;

	for (size_t at = 0; map_next(r->stood, &at, &key, NULL);)
		if (!reconcile_entry(r, key))
			(void)map_drop(r->stood, key);
	for (size_t i = 0; i < r->entries_len; i++) {
		const struct entry *e = &r->entries[i];
		const char *before = map_get(r->stood, e->key);

		if (e->outcome != ENTRY_STANDS || (before && strcmp(before, e->text) == 0))
			continue;
		char *text = strdup(e->text);
		if (text && map_set(r->stood, e->key, text) < 0)
			free(text);
	}
}

static int add_error(struct reconcile_result *result, const char *entry, const char *text,
		     const char *blocked_by)
{
	struct reconcile_error *e = &result->errors[result->errors_len++];

	e->entry = strdup(entry);
	e->text = strdup(text);
	e->blocked_by = blocked_by ? strdup(blocked_by) : NULL;
	return e->entry && e->text && (e->blocked_by || !blocked_by) ? 0 : -ENOMEM;
}

static int add_drift(struct reconcile_result *result, const struct entry *e)
{
	struct reconcile_drift *d = &result->drifts[result->drifts_len++];

	d->entry = strdup(e->key);
	d->text = strdup(e->drift);
	return d->entry && d->text ? 0 : -ENOMEM;
}

static int report(const struct reconcile *r, const struct err *own_err,
		  struct reconcile_result *ret, struct err *err)
{
	struct reconcile_result result = { 0 };
	int rc = 0;

	result.errors = calloc(r->entries_len + 1, sizeof *result.errors);
	result.drifts = calloc(r->entries_len + 1, sizeof *result.drifts);
	if (!result.errors || !result.drifts)
		rc = -ENOMEM;
	for (size_t i = 0; rc == 0 && i < r->entries_len; i++) {
		const struct entry *e = &r->entries[i];

		if (e->outcome == ENTRY_FAILED)
			rc = add_error(&result, e->key, e->error.text, e->blocked_by);
		else if (e->drift)
			rc = add_drift(&result, e);
	}
	if (rc == 0 && own_err->code)
		rc = add_error(&result, "node/self", own_err->text, NULL);
	if (rc < 0) {
		reconcile_result_done(&result);
		return err_set(err, rc, "out of memory");
	}
	*ret = result;
	return 0;
}

struct kernel_link seen_by_tree(const struct reconcile *r, const struct kernel_link *link)
{
	struct kernel_link seen = *link;

	if (r->config.tree)
		r->config.tree(r->config.context, &seen);
	return seen;
}

int reconcile_run(struct reconcile *r, const struct entry_set *desired,
		  const struct reconcile_now *now, struct reconcile_result *ret, struct err *err)
{
	const uint64_t writes = r->kernel->writes, moves = r->moves;

	r->hellos = 0;
	r->again_ms = 0;
	struct err sweep_err = { 0 }, control_err = { 0 };

	r->now = *now;
	guard_run_begin(r);
	policy_run_begin(r);
	int rc = load(r, desired, err);
	if (rc == 0)
		rc = reconcile_look(r, err);
	// First of all, so that nothing that follows can come between.
	if (rc == 0)
		(void)control_run(r, &control_err);
	if (rc == 0)
		rc = settle(r, err, &sweep_err);
	if (rc < 0)
		return rc;
	rc = report(r, sweep_err.code ? &sweep_err : &control_err, ret, err);
	if (rc < 0)
		return rc;
	remember_standing(r);
	ret->again_ms = r->again_ms;
	ret->endpoint_moves = (unsigned)(r->moves - moves);
	ret->writes = (unsigned)(r->kernel->writes - writes) - ret->endpoint_moves;
	return 0;
}

void reconcile_result_done(struct reconcile_result *result)
{
	for (size_t i = 0; i < result->errors_len; i++) {
		free(result->errors[i].entry);
		free(result->errors[i].text);
		free(result->errors[i].blocked_by);
	}
	for (size_t i = 0; i < result->drifts_len; i++) {
		free(result->drifts[i].entry);
		free(result->drifts[i].text);
	}
	free(result->errors);
	free(result->drifts);
	*result = (struct reconcile_result){ 0 };
}

int reconcile_remove_all(struct reconcile *r, struct err *err)
{
	CLEAN(entry_set_free_ptr) struct entry_set *nothing = entry_set_new();

	if (!nothing)
		return err_set(err, -ENOMEM, "out of memory");
	guard_run_begin(r);
	policy_run_begin(r);
	int rc = load(r, nothing, err);
	if (rc == 0)
		rc = reconcile_look(r, err);
	if (rc < 0)
		return rc;
	rc = sweep_all(r, err);
	int control = control_remove(r, rc < 0 ? NULL : err);
	rc = rc < 0 ? rc : control;
	int rest =
		delete_links(r, link_is_owned, rc < 0 ? NULL : err); // of a later version's kinds
	remember_standing(r);
	return rc < 0 ? rc : rest;
}
